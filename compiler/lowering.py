"""Lowering: each spawn becomes a call of the runtime, as edits on the source.

    spawn f(x, k=1) on w    ->    _circuit.call(f, x, k=1).on(w)
    spawn a + b on w        ->    _circuit.call(lambda: a + b).on(w)

Callee, arguments and place keep their order, so they are evaluated here, left
to right, once each. Parentheses around a whole call say nothing and go; so
`spawn (f(x)) on w` is the call. Any other operand becomes a thunk.

Theory: libcst writes the runtime call around *holes*. A hole is a part of the
source that must stay: an operand, or a line break with the blanks and the
comment around it. What libcst writes between two holes replaces what stands
between those two parts in the source, and that is an edit. No operand ever
passes through a printer, so none can lose a byte, and as each break is a hole,
no edit can move a line. A spawn inside an operand adds edits of its own.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

import libcst as cst

from circuit.compiler.source import Source, Span
from circuit.compiler.spawns import ArgumentKind, CallParts, Spawn
from circuit.compiler.splice import Edit

# A line break, or several, with the blanks, comments and continuations around them.
BREAK = re.compile(r"(?:[ \t\f]*(?:#[^\r\n]*|\\)?(?:\r\n|\r|\n))+[ \t\f]*")
LAST_COMMA = re.compile(r"(?>(?:[ \t\f\r\n\\]|#[^\r\n]*+)*),")

# What stands for a hole in what libcst writes: a name for an operand, a continuation for a break.
OPERAND_HOLE = "_"
BREAK_HOLE = "\\\n"
HOLE = re.compile(r"\b_\b|\\\n")


def lower(source: Source, spawns: Iterable[Spawn], runtime: str = "_circuit") -> tuple[Edit, ...]:
    """Return the edits that turn spawns, and those inside of them, into runtime calls.

    `runtime` is the Python expression that the module `circuit` is reached by.
    """
    return tuple(edit for spawn in spawns for edit in _lower_spawn(source, spawn, runtime))


def _lower_spawn(source: Source, spawn: Spawn, runtime: str) -> Iterator[Edit]:
    holes = _Holes(source)
    lowered = _call(spawn, spawn.call, holes, runtime) if spawn.call else _thunk(spawn, holes, runtime)
    written = HOLE.split(cst.Module([]).code_for_node(lowered))
    starts = [spawn.span.start, *(hole.end for hole in holes.spans)]
    ends = [*(hole.start for hole in holes.spans), spawn.span.end]
    for start, end, replacement in zip(starts, ends, written, strict=True):
        if source.text[start:end] != replacement:
            yield Edit(Span(start, end), replacement)
    yield from lower(source, spawn.inner, runtime)


class _Holes:
    """The holes of one spawn, met in the order of the source."""

    def __init__(self, source: Source) -> None:
        self._text = source.text
        self.spans: list[Span] = []

    def operand(self, span: Span) -> cst.Name:
        """Leave a hole for an operand."""
        self.spans.append(span)
        return cst.Name(OPERAND_HOLE)

    def breaks(self, start: int, end: int, otherwise: str = "") -> cst.SimpleWhitespace:
        """Leave a hole for each line break between two operands, or write `otherwise` if there is none."""
        found = [Span(*match.span()) for match in BREAK.finditer(self._text, start, end)]
        self.spans += found
        return cst.SimpleWhitespace(BREAK_HOLE * len(found) or otherwise)

    def listed(self, call: CallParts) -> Span:
        """Return what stands between the parentheses of a call, with a last comma only if a break follows."""
        start, end = call.arguments[0].span.start, call.arguments[-1].span.end
        comma = LAST_COMMA.match(self._text, end, call.close.start)
        if comma and BREAK.search(self._text, comma.end(), call.close.start):
            end = comma.end()
        return Span(start, end)


def _call(spawn: Spawn, call: CallParts, holes: _Holes, runtime: str) -> cst.Call:
    before = holes.breaks(spawn.span.start, call.callee.start)
    args = [cst.Arg(holes.operand(call.callee))]
    rest = call.callee.end
    if call.arguments:
        listed = holes.listed(call)
        between = holes.breaks(rest, listed.start, otherwise=" ")
        args[0] = args[0].with_changes(comma=cst.Comma(whitespace_after=between))
        operand = holes.operand(listed)
        if [argument.kind for argument in call.arguments] == [ArgumentKind.GENERATOR]:
            # It is an error, but a well-formed one: alone in a call a generator needs no parentheses of its own.
            operand = operand.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        args.append(cst.Arg(operand))
        rest = listed.end
    args[-1] = args[-1].with_changes(whitespace_after_arg=holes.breaks(rest, spawn.operand.end))
    return _placed(_runtime_call(runtime, before, args), spawn, holes)


def _thunk(spawn: Spawn, holes: _Holes, runtime: str) -> cst.Call:
    colon = cst.Colon(whitespace_after=holes.breaks(spawn.span.start, spawn.operand.start, otherwise=" "))
    thunk = cst.Lambda(cst.Parameters(), holes.operand(spawn.operand), colon=colon)
    return _placed(_runtime_call(runtime, cst.SimpleWhitespace(""), [cst.Arg(thunk)]), spawn, holes)


def _runtime_call(runtime: str, before: cst.SimpleWhitespace, args: Sequence[cst.Arg]) -> cst.Call:
    function = cst.Attribute(_expression(runtime), cst.Name("call"))
    return cst.Call(function, args, whitespace_before_args=before)


def _placed(call: cst.Call, spawn: Spawn, holes: _Holes) -> cst.Call:
    dot = cst.Dot(whitespace_before=holes.breaks(spawn.operand.end, spawn.on.start))
    before = holes.breaks(spawn.on.end, spawn.place.start)
    place = cst.Arg(holes.operand(spawn.place))
    return cst.Call(cst.Attribute(call, cst.Name("on"), dot=dot), [place], whitespace_before_args=before)


@cache
def _expression(text: str) -> cst.BaseExpression:
    return cst.parse_expression(text)
