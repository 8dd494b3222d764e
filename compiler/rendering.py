"""Rendering: the text of a diagnostic, in the shape that rustc made familiar.

    error[S005]: a generator expression cannot be sent to a worker
       ┌─ report.cpy:12:19
    12 │ total = spawn sum(x*x for x in xs) on w
       │                   ^^^^^^^^^^^^^^^^ evaluated here, and a generator does not travel
       = help: send a list: `sum([x*x for x in xs])`

Carets mark the primary label, dashes the others. A label of several lines marks
its first and its last one. The column in the head counts code points from 1,
as editors do; the marks are placed by what a terminal shows, where a tab is
four columns, a wide character two and a combining one none.

Rules: the text is made once, as styled pieces; plain text is those pieces
joined, and a terminal's colours are a choice of whoever prints them.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from circuit.compiler.diagnostics import Diagnostic, Label
from circuit.compiler.source import Source

Style = Literal["plain", "error", "warning", "title", "gutter", "secondary"]
Piece = tuple[Style, str]

TAB = " " * 4


def render(diagnostic: Diagnostic, source: Source) -> str:
    """Return the plain text of a diagnostic, ending in a line break."""
    return "".join(text for _, text in styled(diagnostic, source))


def styled(diagnostic: Diagnostic, source: Source) -> Iterator[Piece]:
    """Yield the text of a diagnostic in pieces, each with the style it is shown in."""
    line, column = source.position(diagnostic.primary.span.start)
    marks = sorted(_marks(diagnostic, source), key=lambda mark: (mark.line, not mark.primary, mark.start))
    margin = " " * len(str(max(mark.line for mark in marks)))

    yield diagnostic.severity, f"{diagnostic.severity}[{diagnostic.code}]"
    yield "title", f": {diagnostic.message}\n"
    yield "gutter", f"{margin} ┌─ "
    yield "plain", f"{diagnostic.path}:{line}:{column + 1}\n"
    shown = 0
    for mark in marks:
        if shown and mark.line > shown + 1:
            yield "gutter", f"{margin} ·\n"
        if mark.line != shown:
            yield "gutter", f"{mark.line:>{len(margin)}} │"
            yield "plain", f" {_visible(source.line_text(mark.line))}".rstrip() + "\n"
            shown = mark.line
        yield "gutter", f"{margin} │ "
        yield (diagnostic.severity if mark.primary else "secondary"), _underline(mark, source) + "\n"
    for word, text in [("note", note) for note in diagnostic.notes] + [("help", diagnostic.help or "")]:
        if text:
            yield "gutter", f"{margin} = "
            yield "title", f"{word}: "
            yield "plain", text.replace("\n", f"\n{margin}   ") + "\n"


@dataclass(frozen=True, slots=True)
class _Mark:
    """The part of a label that lies on one line, in code points; `text` stands beside it."""

    line: int
    start: int
    end: int
    text: str
    primary: bool


def _marks(diagnostic: Diagnostic, source: Source) -> Iterator[_Mark]:
    for label in (diagnostic.primary, *diagnostic.labels):
        yield from _marks_of(label, label is diagnostic.primary, source)


def _marks_of(label: Label, primary: bool, source: Source) -> Iterator[_Mark]:
    line, start = source.position(label.span.start)
    last, end = source.position(label.span.end)
    if line == last:
        yield _Mark(line, start, end, label.text, primary)
        return
    text = source.line_text(last)
    indent = len(text) - len(text.lstrip())
    # A label that ends with a line break has no part on the line after it.
    ends_before = end <= indent
    yield _Mark(line, start, len(source.line_text(line)), label.text if ends_before else "", primary)
    if not ends_before:
        yield _Mark(last, indent, end, label.text, primary)


def _underline(mark: _Mark, source: Source) -> str:
    text = source.line_text(mark.line)
    indent = _width(text[: mark.start])
    width = max(_width(text[mark.start : mark.end]), 1)
    return f"{' ' * indent}{('^' if mark.primary else '-') * width} {mark.text}".rstrip()


def _visible(text: str) -> str:
    """Return a line as it is shown: tabs of a fixed width, other control characters as blanks."""
    text = text.replace("\t", TAB)
    return "".join(" " if unicodedata.category(char) == "Cc" else char for char in text)


def _width(text: str) -> int:
    """Return how many terminal columns a text takes."""
    return sum(_columns(char) for char in _visible(text))


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
