"""Lowering: each spawn becomes a call of the runtime, as edits on the source.

    spawn f(x, k=1) on w    ->    _circuit.call(f, x, k=1).on(w)
    spawn a + b on w        ->    _circuit.call(lambda: a + b).on(w)

Callee, arguments and place keep their order, so they are evaluated here, left
to right, once each. Parentheses that say nothing in their new place go, unless
they hold a line break; `spawn (f(x)) on w` is the call. Any other operand becomes
a thunk. Names that Python would not find from inside of a thunk, those of a class
body, are passed to it: `_circuit.call(lambda a: a + b, a).on(w)`.

Theory: libcst writes the runtime call around *holes*. A hole is a part of the
source that must stay: an operand, or a line break with the blanks and the
comment around it. What libcst writes between two holes replaces what stands
between those two parts in the source, and that is an edit. No operand ever
passes through a printer, so none can lose a byte, and as each break is a hole,
no edit can move a line. A spawn inside an operand adds edits of its own.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from types import MappingProxyType

import libcst as cst

from circuit.compiler.fstrings import Field
from circuit.compiler.source import Source, Span
from circuit.compiler.spawns import ArgumentKind, CallParts, Spawn
from circuit.compiler.splice import Edit
from circuit.compiler.tokens import tokenize

# The names that are passed to a thunk, by the span of its spawn.
Captures = Mapping[Span, Sequence[str]]
NOTHING_CAPTURED: Captures = MappingProxyType({})

# A line break with the blanks, and the comment or continuation, around it.
BREAK = re.compile(r"[ \t\f]*(#[^\r\n]*|\\)?(\r\n|\r|\n)[ \t\f]*")
LAST_COMMA = re.compile(r"(?>(?:[ \t\f\r\n\\]|#[^\r\n]*+)*),")

# What stands for a hole in what libcst writes: `...` for an operand, a continuation for a break.
OPERAND_HOLE = cst.Ellipsis()
BREAK_HOLE = "\\\n"
HOLE = re.compile(r"\.\.\.|\\\n")

NO_SPACE = cst.SimpleWhitespace("")

# What says that the parentheses around it are needed, or are a help to the reader.
NEEDS_PARENTHESES = frozenset((",", ":=", "for", "yield", "*", "lambda"))


def lower(
    source: Source,
    spawns: Iterable[Spawn],
    runtime: str | None = "_circuit",
    captures: Captures = NOTHING_CAPTURED,
    fields: Sequence[Field] = (),
) -> tuple[Edit, ...]:
    """Return the edits that turn spawns, and those inside of them, into runtime calls.

    `runtime` is the name that the module has imported the runtime as; None if it could
    not, and each spawn has to. `fields` are those of f-strings that the spawns stand in.
    """
    return tuple(_Lowering(source, runtime, captures, fields).edits(spawns))


@dataclass(frozen=True, slots=True)
class _Lowering:
    """What the lowering of every spawn of a source depends on."""

    source: Source
    runtime: str | None
    captures: Captures
    fields: Sequence[Field]

    def edits(self, spawns: Iterable[Spawn]) -> Iterator[Edit]:
        for spawn in spawns:
            holes = _Holes(self.source)
            sent = self._called(spawn, spawn.call, holes) if spawn.call else self._thunk(spawn, holes)
            written = HOLE.split(cst.Module([]).code_for_node(self._placed(sent, spawn, holes)))
            starts = [spawn.span.start, *(hole.end for hole in holes.spans)]
            ends = [*(hole.start for hole in holes.spans), spawn.span.end]
            for start, end, replacement in zip(starts, ends, written, strict=True):
                if self.source.text[start:end] != replacement:
                    yield Edit(Span(start, end), replacement)
            yield from self.edits(spawn.inner)

    def _called(self, spawn: Spawn, call: CallParts, holes: "_Holes") -> cst.Call:
        callee = _bare(self.source, call.callee)
        before = holes.breaks(spawn.span.start, callee.start)
        args = [cst.Arg(holes.operand(callee))]
        rest = callee.end
        if call.arguments:
            listed = holes.listed(call)
            between = holes.breaks(rest, listed.start, otherwise=" ")
            args[0] = args[0].with_changes(comma=cst.Comma(whitespace_after=between))
            operand = holes.operand(listed)
            if [argument.kind for argument in call.arguments] == [ArgumentKind.GENERATOR]:
                # It is an error, but a well-formed one: a generator needs no parentheses alone in a call.
                operand = operand.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
            args.append(cst.Arg(operand))
            rest = listed.end
        args[-1] = args[-1].with_changes(whitespace_after_arg=holes.breaks(rest, spawn.operand.end))
        return self._runtime_call(spawn, args, before)

    def _thunk(self, spawn: Spawn, holes: "_Holes") -> cst.Call:
        operand = _bare(self.source, spawn.operand)
        captured = [cst.Name(name) for name in self.captures.get(spawn.span, ())]
        thunk = cst.Lambda(
            cst.Parameters([cst.Param(name) for name in captured]),
            colon=cst.Colon(whitespace_after=holes.breaks(spawn.span.start, operand.start, otherwise=" ")),
            body=holes.operand(operand),
        )
        return self._runtime_call(spawn, [cst.Arg(value) for value in (thunk, *captured)])

    def _runtime_call(
        self, spawn: Spawn, args: Sequence[cst.Arg], before: cst.SimpleWhitespace = NO_SPACE
    ) -> cst.Call:
        function = cst.Attribute(_expression(self.runtime or self._imported(spawn)), cst.Name("call"))
        return cst.Call(function, args, whitespace_before_args=before)

    def _imported(self, spawn: Spawn) -> str:
        """Return an expression that imports the runtime, and may stand where the spawn does."""
        start = spawn.span.start
        around = [field for field in self.fields if field.span.start < start < field.span.end]
        taken = "".join(around[-1].string.quotes) if around else ""
        for quote in "\"'":
            if quote not in taken:
                return f"__import__({quote}circuit{quote})"
        return "__import__(*dict(circuit=0))"  # Python 3.11 takes no quote of an f-string in its fields

    def _placed(self, call: cst.Call, spawn: Spawn, holes: "_Holes") -> cst.Call:
        place = _bare(self.source, spawn.place)
        dot = cst.Dot(whitespace_before=holes.breaks(spawn.operand.end, spawn.on.start, continued=True))
        before = holes.breaks(spawn.on.end, place.start)
        function = cst.Attribute(call, cst.Name("on"), dot=dot)
        return cst.Call(function, [cst.Arg(holes.operand(place))], whitespace_before_args=before)


class _Holes:
    """The holes of one spawn, met in the order of the source."""

    def __init__(self, source: Source) -> None:
        self._text = source.text
        self.spans: list[Span] = []

    def operand(self, span: Span) -> cst.Ellipsis:
        """Leave a hole for an operand."""
        self.spans.append(span)
        return OPERAND_HOLE

    def breaks(
        self, start: int, end: int, otherwise: str = "", *, continued: bool = False
    ) -> cst.SimpleWhitespace:
        """Leave a hole for each line break between two operands, or write `otherwise` if there is none.

        In the parentheses of a call a line goes on by itself; elsewhere it has to be `continued`.
        """
        found = list(BREAK.finditer(self._text, start, end))
        for match, after in zip_longest(found, found[1:]):
            first = match.start() if _stays(match[1], continued) else match.start(2)
            # The blanks after it are the next line's, unless nothing is left of that.
            emptied = after is not None and not _stays(after[1], continued)
            self.spans.append(Span(first, match.end(2) if emptied else match.end()))
        return cst.SimpleWhitespace(BREAK_HOLE * len(found) or otherwise)

    def listed(self, call: CallParts) -> Span:
        """Return what stands between the parentheses of a call, with a last comma only if a break follows."""
        start, end = call.arguments[0].span.start, call.arguments[-1].span.end
        comma = LAST_COMMA.match(self._text, end, call.close.start)
        if comma and BREAK.search(self._text, comma.end(), call.close.start):
            end = comma.end()
        return Span(start, end)


def _stays(before_break: str | None, continued: bool) -> bool:
    return bool(before_break) and (continued or before_break != "\\")


def _bare(source: Source, part: Span) -> Span:
    """Return a part without the parentheses around it, if they say nothing and hold no line break."""
    text = source.text[part.start : part.end]
    if not text.startswith("(") or BREAK.search(text):
        return part
    tokens = tokenize(Source.from_text(text, source.path))
    depth = 0
    for index, kind in enumerate(tokens.kinds[:-1], start=1):  # the last one is NEWLINE
        if depth == 1 and kind in NEEDS_PARENTHESES:
            return part
        depth += (kind in ("(", "[", "{")) - (kind in (")", "]", "}"))
        if depth == 0 and index < len(tokens) - 1:
            return part
    if len(tokens) == 3:  # an empty tuple
        return part
    return _bare(source, Span(part.start + tokens.starts[1], part.start + tokens.ends[-3]))


@cache
def _expression(text: str) -> cst.BaseExpression:
    return cst.parse_expression(text)
