"""Spawns: where each `spawn OPERAND on PLACE` stands, and what it is made of.

This is what the front end hands to the back end: spans into the source, and
nothing of how they were found. An operand that is a call, perhaps inside
redundant parentheses, also carries the call's parts, because a call is
evaluated here and sent; any other operand is sent as a thunk.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from circuit.compiler.source import Span
from circuit.compiler.splice import Edit


class ArgumentKind(Enum):
    """How an argument is passed."""

    POSITIONAL = "x"
    KEYWORD = "k=x"
    STAR = "*x"
    DOUBLE_STAR = "**x"
    GENERATOR = "x for x in xs"


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call; `value` leaves out a leading `k=`, `*` or `**`."""

    kind: ArgumentKind
    span: Span
    value: Span


@dataclass(frozen=True, slots=True)
class CallParts:
    """The call that is spawned: its callee, its parentheses, its arguments."""

    callee: Span
    open: Span
    close: Span
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Spawn:
    """One spawn.

    Attributes:
        span: From the word `spawn` to the end of the place.
        operand: What is spawned, redundant parentheses included.
        on: The word `on`.
        place: The primary after `on`.
        call: The operand's parts if it is a call; None if it becomes a thunk.
        inner: The outermost spawns inside operand and place, in source order.
    """

    span: Span
    operand: Span
    on: Span
    place: Span
    call: CallParts | None
    inner: tuple[Spawn, ...] = ()


class ParseError(Exception):
    """The text is not Circuit; carries what a diagnostic needs, and renders nothing.

    Attributes:
        code: The diagnostic's code: S000 for an error of plain Python, in
            CPython's words where it has some, S001 and on for the construct.
        message: The problem, in one line.
        span: What the error points at.
        label: What to say at that place, or an empty string.
        help: How to fix it, if that is known.
        fix: What `help` says as edits, if it can only mean that.
    """

    def __init__(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        help: str | None = None,
        fix: tuple[Edit, ...] = (),
    ) -> None:
        super().__init__(code, message, span, label, help, fix)
        self.code = code
        self.message = message
        self.span = span
        self.label = label
        self.help = help
        self.fix = fix

    def __str__(self) -> str:
        return f"[{self.code}] {self.message}"
