"""Lowering: each spawn becomes a call of the runtime, as edits on the source.

    spawn f(x, k=1) on w    ->    _circuit.call(f, x, k=1).on(w)
    spawn a + b on w        ->    _circuit.call(lambda: a + b).on(w)

Callee, arguments and place keep their order, so they are evaluated here, left
to right, once each. Parentheses that say nothing in their new place go; so
`spawn (f(x)) on w` is the call. Any other operand becomes a thunk. Names that
Python would not find from inside of a thunk, those of a class body, are passed
to it: `_circuit.call(lambda a: a + b, a).on(w)`.

Theory: the runtime call is written around *holes*. A hole is a part of the source
that must stay: an operand, or a line break with the blanks and the comment around
it. What is written between two holes replaces what stands between those two parts
in the source, and that is an edit. No operand ever passes through a printer, so
none can lose a byte, and as each break is a hole, no edit can move a line. A spawn
inside an operand adds edits of its own.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from types import MappingProxyType

from circuit.compiler.fstrings import Field
from circuit.compiler.runtimecalls import RuntimeCall, Sent, written
from circuit.compiler.source import Source, Span
from circuit.compiler.spawns import ArgumentKind, CallParts, Spawn
from circuit.compiler.splice import Edit
from circuit.compiler.tokens import tokenize

# The names that are passed to a thunk, by the span of its spawn.
Captures = Mapping[Span, Sequence[str]]
NOTHING_CAPTURED: Captures = MappingProxyType({})

# A line break with the blanks, and the comment or continuation, around it.
_BREAK = re.compile(r"[ \t\f]*(#[^\r\n]*|\\)?(\r\n|\r|\n)[ \t\f]*")
_LAST_COMMA = re.compile(r"(?>(?:[ \t\f\r\n\\]|#[^\r\n]*+)*),")

# What says that the parentheses around it are needed, or are a help to the reader.
_NEEDS_PARENTHESES = frozenset((",", ":=", "for", "yield", "*", "lambda"))


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
            call = self._runtime_call(spawn, holes)
            starts = [spawn.span.start, *(hole.end for hole in holes.spans)]
            ends = [*(hole.start for hole in holes.spans), spawn.span.end]
            for start, end, replacement in zip(starts, ends, written(call), strict=True):
                if self.source.text[start:end] != replacement:
                    yield Edit(Span(start, end), replacement)
            yield from self.edits(spawn.inner)

    def _runtime_call(self, spawn: Spawn, holes: "_Holes") -> RuntimeCall:
        """Return the shape of a spawn's runtime call, and leave the holes in it, in their order."""
        operand = _bare(self.source, spawn.call.callee if spawn.call else spawn.operand)
        before = holes.breaks(spawn.span.start, operand.start)
        holes.operand(operand)
        between = 0
        if spawn.call and spawn.call.arguments:
            listed = holes.listed(spawn.call)
            between = holes.breaks(operand.end, listed.start)
            holes.operand(listed)
            operand = listed
        after = holes.breaks(operand.end, spawn.operand.end)
        outside = holes.breaks(spawn.operand.end, spawn.on.start, continued=True)
        place = _bare(self.source, spawn.place)
        placed = holes.breaks(spawn.on.end, place.start)
        holes.operand(place)
        closed = holes.breaks(place.end, spawn.place.end)
        return RuntimeCall(
            runtime=self.runtime or self._imported(spawn),
            sent=_sent(spawn.call),
            captured=tuple(self.captures.get(spawn.span, ())),
            before=before,
            between=between,
            after=after,
            outside=outside,
            placed=placed,
            closed=closed,
        )

    def _imported(self, spawn: Spawn) -> str:
        """Return an expression that imports the runtime, and may stand where the spawn does."""
        start = spawn.span.start
        around = [field for field in self.fields if field.span.start < start < field.span.end]
        taken = "".join(around[-1].string.quotes) if around else ""
        for quote in "\"'":
            if quote not in taken:
                return f"__import__({quote}circuit{quote})"
        return "__import__(*dict(circuit=0))"  # Python 3.11 takes no quote of an f-string in its fields


class _Holes:
    """The holes of one spawn, met in the order of the source."""

    def __init__(self, source: Source) -> None:
        self._text = source.text
        self.spans: list[Span] = []

    def operand(self, span: Span) -> None:
        """Leave a hole for an operand."""
        self.spans.append(span)

    def breaks(self, start: int, end: int, *, continued: bool = False) -> int:
        """Leave a hole for each line break between two operands, and count them.

        In the parentheses of a call a line goes on by itself; elsewhere it has to be `continued`.
        """
        found = list(_BREAK.finditer(self._text, start, end))
        for match, after in zip_longest(found, found[1:]):
            first = match.start() if _stays(match[1], continued) else match.start(2)
            # The blanks after it are the next line's, unless nothing is left of that.
            emptied = after is not None and not _stays(after[1], continued)
            self.spans.append(Span(first, match.end(2) if emptied else match.end()))
        return len(found)

    def listed(self, call: CallParts) -> Span:
        """Return what stands between the parentheses of a call, with a last comma only if a break follows."""
        start, end = call.arguments[0].span.start, call.arguments[-1].span.end
        comma = _LAST_COMMA.match(self._text, end, call.close.start)
        if comma and _BREAK.search(self._text, comma.end(), call.close.start):
            end = comma.end()
        return Span(start, end)


def _stays(before_break: str | None, continued: bool) -> bool:
    return bool(before_break) and (continued or before_break != "\\")


def _sent(call: CallParts | None) -> Sent:
    if call is None:
        return Sent.THUNK
    match call.arguments:
        case []:
            return Sent.CALLEE
        case [argument] if argument.kind is ArgumentKind.GENERATOR:
            # It is an error, but a well-formed one: what is wrong with it is told all the same.
            return Sent.GENERATOR
    return Sent.CALL


def _bare(source: Source, part: Span) -> Span:
    """Return a part without the parentheses around it, if those of a call can do their work."""
    text = source.text[part.start : part.end]
    if not text.startswith("("):
        return part
    tokens = tokenize(Source.from_text(text, source.path))
    closing: dict[int, int] = {}
    needed: set[int] = set()
    around: list[int] = []
    for index, kind in enumerate(tokens.kinds):
        if around and kind in _NEEDS_PARENTHESES:
            needed.add(around[-1])
        elif kind in ("(", "[", "{"):
            around.append(index)
        elif kind in (")", "]", "}"):
            closing[around.pop()] = index
    first, last = 0, len(tokens) - 2  # behind it is NEWLINE
    # Two side by side are an empty tuple.
    while tokens.kinds[first] == "(" and closing[first] == last > first + 1 and first not in needed:
        first, last = first + 1, last - 1
    return Span(part.start + tokens.starts[first], part.start + tokens.ends[last])
