"""Runtime calls: how the call that a spawn becomes is written, around what stays of the source.

What stays is a *hole*: an operand, or a line break with the blanks and the comment
around it. libcst writes the call with a mark for each hole, and what it wrote between
the marks is what the compiler writes. Most spawns of a program have the same shape,
so a shape is written once.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

import libcst as cst

# What libcst writes for a hole: `...` for an operand, a continuation for a break.
_OPERAND = cst.Ellipsis()
_BREAK = "\\\n"
_HOLE = re.compile(r"\.\.\.|\\\n")


class Sent(Enum):
    """What is sent, and so which operands come before the place."""

    THUNK = auto()  # the operand
    CALLEE = auto()  # of a call without arguments
    CALL = auto()  # the callee, and all that is listed in parentheses
    GENERATOR = auto()  # likewise, but that is one generator without parentheses of its own


@dataclass(frozen=True, slots=True)
class RuntimeCall:
    """The shape of a runtime call: everything but what is in its holes.

    Attributes:
        runtime: The expression that the runtime is reached by.
        sent: What is sent.
        captured: The names that are passed to a thunk.
        before: How many lines end before the first operand, as for all that follow:
        between: before the arguments,
        after: after the last operand,
        outside: between the call and `.on`,
        placed: before the place,
        closed: and after it.
    """

    runtime: str
    sent: Sent
    captured: tuple[str, ...]
    before: int
    between: int
    after: int
    outside: int
    placed: int
    closed: int


@lru_cache(maxsize=1024)
def written(call: RuntimeCall) -> tuple[str, ...]:
    """Return what is written before, between and after the holes of a runtime call."""
    args = _thunk(call) if call.sent is Sent.THUNK else _call(call)
    args[-1] = args[-1].with_changes(whitespace_after_arg=_breaks(call.after))
    # A thunk has its line breaks behind `lambda:`.
    before = 0 if call.sent is Sent.THUNK else call.before
    function = cst.Attribute(cst.parse_expression(call.runtime), cst.Name("call"))
    sent = cst.Call(function, args, whitespace_before_args=_breaks(before))
    method = cst.Attribute(sent, cst.Name("on"), dot=cst.Dot(whitespace_before=_breaks(call.outside)))
    place = cst.Arg(_OPERAND, whitespace_after_arg=_breaks(call.closed))
    placed = cst.Call(method, [place], whitespace_before_args=_breaks(call.placed))
    return tuple(_HOLE.split(cst.Module([]).code_for_node(placed)))


def _thunk(call: RuntimeCall) -> list[cst.Arg]:
    names = [cst.Name(name) for name in call.captured]
    parameters = cst.Parameters([cst.Param(name) for name in names])
    colon = cst.Colon(whitespace_after=_breaks(call.before, otherwise=" "))
    return [cst.Arg(cst.Lambda(parameters, _OPERAND, colon=colon)), *map(cst.Arg, names)]


def _call(call: RuntimeCall) -> list[cst.Arg]:
    if call.sent is Sent.CALLEE:
        return [cst.Arg(_OPERAND)]
    comma = cst.Comma(whitespace_after=_breaks(call.between, otherwise=" "))
    listed = _OPERAND
    if call.sent is Sent.GENERATOR:
        listed = listed.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return [cst.Arg(_OPERAND, comma=comma), cst.Arg(listed)]


def _breaks(count: int, otherwise: str = "") -> cst.SimpleWhitespace:
    return cst.SimpleWhitespace(_BREAK * count or otherwise)
