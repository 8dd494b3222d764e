"""Interchange: diagnostics as JSON, for editors and other tools.

One diagnostic is one object:

    code       "S005"; its meaning is that of `circuitc --explain S005`
    severity   "error" or "warning"
    message    the problem, in one line
    path       the file, as it was named to the compiler
    span       what the problem is, as a place (below), and the text beside it in `label`
    labels     other parts of the source that say why: a list of the same
    notes      further lines that say why: a list of texts
    help       what to do about it, or null
    fix        what `help` says as edits of the source, a list; empty if only a human can tell
    rendered   the text that the compiler prints

A place has `start` and `end`, half open; each has `offset`, in code points from the start of
the text, without a byte order mark; `line`, from 1; and `column`, in code points from 1. An
edit is a place and `replacement`. The edits of one fix do not overlap; all of them are made,
or none. Offsets are those of the text before any edit.

Rules: names are only ever added. A reader passes over those that it does not know.
"""

from circuit.compiler.diagnostics import Diagnostic, Label
from circuit.compiler.rendering import render
from circuit.compiler.source import Source, Span

JSON = str | int | None | list["JSON"] | dict[str, "JSON"]


def to_json(diagnostic: Diagnostic, source: Source) -> dict[str, JSON]:
    """Return a diagnostic of a source as what `json.dumps` takes."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "path": diagnostic.path,
        "span": _label(diagnostic.primary, source),
        "labels": [_label(label, source) for label in diagnostic.labels],
        "notes": [*diagnostic.notes],
        "help": diagnostic.help,
        "fix": [_place(edit.span, source) | {"replacement": edit.replacement} for edit in diagnostic.fix],
        "rendered": render(diagnostic, source),
    }


def _label(label: Label, source: Source) -> dict[str, JSON]:
    return _place(label.span, source) | {"label": label.text}


def _place(span: Span, source: Source) -> dict[str, JSON]:
    return {"start": _point(span.start, source), "end": _point(span.end, source)}


def _point(offset: int, source: Source) -> JSON:
    line, column = source.position(offset)
    return {"offset": offset, "line": line, "column": column + 1}
