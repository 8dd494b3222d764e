"""Diagnostics: what the compiler has to say about a program, as data.

A diagnostic names one problem. Its message states it, the primary label says
where it is, further labels and notes say why it is one, and only `help`
proposes what to do. A stage of the compiler returns diagnostics; it prints
nothing and raises nothing for a user's mistake. `rendering` makes the text.

Rules: a code means one thing for good: a number is never used again, and
`TITLES` says what each one stands for. S0 to S4 are faults of the syntax of
`spawn`, S000 is a fault of Python's own syntax in CPython's words, and from
S005 on the syntax is right and the meaning is not. Of those, S010, S011 and S013 to
S015 are warnings, and S017 is one where it may go well. S019 is about f-strings, and
S020 about the Python that is to run the program.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from circuit.compiler.source import Span
from circuit.compiler.spawns import ParseError
from circuit.compiler.splice import Edit

Severity = Literal["error", "warning"]

TITLES = {
    "S000": "the program is not valid Python",
    "S001": "a spawn has no `on`",
    "S002": "the place of a spawn needs parentheses",
    "S003": "a spawn is not well formed",
    "S004": "the file cannot be read as text",
    "S005": "a generator expression cannot be sent to a worker",
    "S006": "a `yield` cannot be moved to a worker",
    "S007": "an `await` cannot be moved to a worker",
    "S008": "an assignment expression cannot be moved to a worker",
    "S009": "a starred expression cannot be spawned",
    "S010": "a name is spawned, and not called",
    "S011": "a lambda is spawned, and not called",
    "S012": "something cannot be sent to a worker",
    "S013": "only a copy is changed",
    "S014": "a loop waits for each of its spawns",
    "S015": "a Future is never used",
    "S016": "`super()` cannot be moved to a worker",
    "S017": "what reads the names around it cannot be moved to a worker",
    "S018": "a name means two things in one thunk",
    "S019": "the text of a spawn cannot be shown in its f-string",
    "S020": "a newer Python is needed than the target",
}


@dataclass(frozen=True, slots=True)
class Label:
    """A part of the source, and what to say about it; the text may be empty."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem of one source file.

    `fix` is what `help` proposes as edits on the source, if a program may make
    them unseen.
    """

    code: str
    message: str
    path: str
    primary: Label
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None
    fix: tuple[Edit, ...] = ()
    severity: Severity = "error"

    @classmethod
    def from_parse_error(cls, error: ParseError, path: str) -> "Diagnostic":
        """Take over what the parser found."""
        primary = Label(error.span, error.label)
        return cls(error.code, error.message, path, primary, help=error.help, fix=error.fix)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort diagnostics as a reader meets them: by place, then by code."""
    return tuple(sorted(diagnostics, key=lambda one: (one.path, one.primary.span.start, one.code)))
