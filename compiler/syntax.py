"""Syntax: what CPython has to say against a program, in its words, at the place in the source.

The lowered text is Python, so CPython's own parser and compiler judge it. One run tells of
several errors: a statement that was refused is blanked, and CPython reads the rest again.
What stands for it has the same first word, so an `else` keeps its `if`, a `return` its
`def`, and a block its header; no error comes of the blanking.

Rules: blanks are edits like any other. They keep every line where it is, and the way back
from an error, or from a tree of the rest, is that of all edits.
"""

import ast
import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import CodeType

from circuit.compiler.diagnostics import Diagnostic, Label
from circuit.compiler.fstrings import Field
from circuit.compiler.keywords import WORD
from circuit.compiler.positions import LineTable, place_fields, relocate
from circuit.compiler.source import Source, Span
from circuit.compiler.splice import Edit, OffsetMap, apply
from circuit.compiler.tokens import Tokens

TOO_DEEP = "the program is nested too deeply"

# After so many errors a reader starts to mend; the rest may well come of these.
ENOUGH = 20

# Since Python 3.12 the fields of an f-string are parsed with the rest.
_PLACES_FIELDS = sys.version_info >= (3, 12)

_LAYOUT = ("NEWLINE", "INDENT", "DEDENT")
_OPENING, _CLOSING = ("(", "[", "{"), (")", "]", "}")

# The parts of the lines of a text.
_PART = re.compile(r"[^\r\n]+")
_BLANKS = re.compile(r"[ \t\f]+")

# What stands for the first line of a compound statement, by its first word.
_HEADERS = {
    "if": "if _:",
    "elif": "elif _:",
    "else": "else:",
    "for": "while _:",
    "while": "while _:",
    "with": "with _:",
    "try": "try:",
    "except": "except _:",
    "finally": "finally:",
    "def": "def _():",
    "async": "async def _():",
    "class": "class _:",
    "match": "match _:",
    "case": "case _ if _:",
    "@": "@_",
}


@dataclass(frozen=True, slots=True)
class Lowered:
    """A source with the edits that make Python of it.

    Attributes:
        source: The source.
        tokens: Its tokens.
        edits: The edits.
        fields: The fields of f-strings that hold a spawn.
    """

    source: Source
    tokens: Tokens
    edits: tuple[Edit, ...] = ()
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Blanks:
    """The logical lines that are taken for empty, because something in them is wrong; in their order."""

    source: Source
    tokens: Tokens
    lines: tuple[Span, ...] = ()

    def cover(self, offset: int) -> bool:
        """Tell whether a place is in a line taken for empty."""
        before = bisect_right(self.lines, offset, key=lambda line: line.start) - 1
        return before >= 0 and offset <= self.lines[before].end

    def adding(self, offset: int) -> "Blanks":
        """Return these, and the logical line around a place unless there is none."""
        kinds, starts = self.tokens.kinds, self.tokens.starts
        first = max(bisect_right(starts, offset) - 1, 0)
        # Where a text ends without a line end, its blocks end where its last line does.
        while kinds[first] == "DEDENT" and starts[first - 1] == starts[first]:
            first -= 1
        if kinds[first] == "DEDENT" or self.cover(offset):
            return self
        while first and kinds[first - 1] not in _LAYOUT:
            first -= 1
        while kinds[first] in ("INDENT", "DEDENT"):
            first += 1
        line = Span(starts[first], starts[kinds.index("NEWLINE", first)])
        place = bisect_right(self.lines, line.start, key=lambda one: one.start)
        if self.lines[place - 1 : place] == (line,):
            return self
        return replace(self, lines=(*self.lines[:place], line, *self.lines[place:]))

    def among(self, edits: Iterable[Edit]) -> tuple[Edit, ...]:
        """Return the edits outside of these lines, and those that blank them."""
        kept = [edit for edit in edits if not self.cover(edit.span.start)]
        return (*kept, *(blank for line in self.lines for blank in self._blank(line)))

    def _blank(self, line: Span) -> Iterator[Edit]:
        written = self._stand_in(bisect_right(self.tokens.starts, line.start) - 1)
        for part in _PART.finditer(self.source.text, line.start, line.end):
            yield Edit(Span(*part.span()), written)
            written = ""

    def _stand_in(self, first: int) -> str:
        """Return what has the place of a line in its block, and means nothing."""
        kinds = self.tokens.kinds
        if kinds[first] == "async" and kinds[first + 1] != "def":
            first += 1
        word = self.source.text[self.tokens.starts[first] : self.tokens.ends[first]]
        after = kinds.index("NEWLINE", first) + 1
        if kinds[after : after + 1] == ["INDENT"]:
            return _HEADERS.get(word, "if _:")
        if kinds[first] == "NAME" or word not in _HEADERS:
            return "pass"
        return _HEADERS[word] + (" pass" if word != "@" else "")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A program as far as CPython takes it.

    Attributes:
        lowered: The program.
        tree: The lowered text's syntax tree; None if CPython found no way to go on after an error.
        text: The text that was parsed.
        edits: What makes that text of the source: the lowering, and blanks.
        blanks: What was taken for empty.
        faults: What CPython refused.
    """

    lowered: Lowered
    tree: ast.Module | None
    text: str
    edits: tuple[Edit, ...]
    blanks: Blanks
    faults: tuple[Diagnostic, ...] = ()


def parse(lowered: Lowered, blanks: Blanks) -> Parsed:
    """Parse a program, but for what is blank; after an error, what is left of it."""
    source = lowered.source
    faults: list[Diagnostic] = []
    while True:
        made = blanks.among(lowered.edits)
        text = apply(source.text, made)
        tree = None
        try:
            tree = ast.parse(text, source.path)
            if not _PLACES_FIELDS:
                place_fields(tree, text, source, lowered.fields)
        except SyntaxError as error:
            fault = _fault(error, source, text, made, in_bytes=False)
            # CPython reads on, so an error before the last one comes of what stands for that one's line.
            if not faults or fault.primary.span.start > faults[-1].primary.span.start:
                faults.append(fault)
                more = blanks.adding(fault.primary.span.start)
                if more != blanks and not isinstance(error, IndentationError) and len(faults) < ENOUGH:
                    blanks = more
                    continue
        except (ValueError, OverflowError) as error:
            faults.append(_whole(blanks, str(error)))
        except (RecursionError, MemoryError):
            faults.append(_whole(blanks, TOO_DEEP))
        return Parsed(lowered, tree, text, made, blanks, tuple(faults))


def located(lowered: Lowered) -> ast.Module:
    """Return the syntax tree of a program without errors, with positions in the source."""
    parsed = parse(lowered, Blanks(lowered.source, lowered.tokens))
    assert parsed.tree is not None
    relocate(parsed.tree, parsed.text, lowered.source, parsed.edits)
    return parsed.tree


def refusal(source: Source, edits: Sequence[Edit]) -> Diagnostic | None:
    """Return the first error that CPython finds in a source lowered by `edits`, if there is one."""
    text = apply(source.text, edits)
    try:
        ast.parse(text, source.path)
    except SyntaxError as error:
        return _fault(error, source, text, edits, in_bytes=False)
    except (ValueError, OverflowError, RecursionError, MemoryError):
        pass  # said better by whoever asks
    return None


def reworded(faults: Iterable[Diagnostic], lowered: Lowered, blanks: Blanks) -> Iterator[Diagnostic]:
    """Yield what the parser found; what is wrong with Python's syntax in CPython's words, if it has any."""
    asked = 0
    for fault in faults:
        asked += fault.code == "S000"
        yield _reworded(fault, lowered, blanks) if fault.code == "S000" and asked < ENOUGH else fault


def generate(parsed: Parsed) -> tuple[CodeType | None, tuple[Diagnostic, ...]]:
    """Compile a tree to code with positions in the source, or say what CPython has against it.

    The tree is moved to the source's positions for good. CPython takes text that is nested too
    deeply to be compiled from a tree; its code then has the lines of the source, and not the columns.
    """
    source = parsed.lowered.source
    faults: list[Diagnostic] = []
    while parsed.tree is not None:
        relocate(parsed.tree, parsed.text, source, parsed.edits)
        try:
            code = compile(parsed.tree, source.path, "exec", dont_inherit=True)
            return (None if faults else code), tuple(faults)
        except SyntaxError as error:
            fault = _fault(error, source, source.text, (), in_bytes=True)
            blanks = parsed.blanks.adding(fault.primary.span.start)
            faults.append(fault)
            if blanks == parsed.blanks or len(faults) == ENOUGH:
                break
            parsed = parse(parsed.lowered, blanks)
        except (ValueError, OverflowError) as error:
            faults.append(_whole(parsed.blanks, str(error)))
            break
        except (RecursionError, MemoryError):
            try:
                code = compile(parsed.text, source.path, "exec", dont_inherit=True)
                return (None if faults else code), tuple(faults)
            except (SyntaxError, RecursionError, MemoryError):
                faults.append(_whole(parsed.blanks, TOO_DEEP))
            break
    return None, tuple(faults)


def _fault(
    error: SyntaxError, source: Source, text: str, edits: Iterable[Edit], *, in_bytes: bool
) -> Diagnostic:
    """Take over an error in a text that `edits` made of the source."""
    table, origins = LineTable(text), OffsetMap(edits)
    # CPython's parser counts columns in code points, the stages after it in bytes.
    offset = table.offset_of_bytes if in_bytes else table.offset
    line, column = error.lineno or 1, max(error.offset or 1, 1) - 1
    start = origins.origin(offset(line, column))
    end = origins.origin(offset(error.end_lineno or line, max(error.end_offset or 0, 1) - 1))
    span = Span(start, max(start, end))
    # The call is ours; what was written is a spawn.
    message = error.msg.replace("function call", "spawn") if WORD.match(source.text, start) else error.msg
    help = "`spawn` begins a spawn: `spawn f(x) on w`" if source.text[start:end] == "on" else None
    return Diagnostic("S000", message, source.path, Label(span), help=help)


def _reworded(fault: Diagnostic, lowered: Lowered, blanks: Blanks) -> Diagnostic:
    """Return what CPython says of a line with a spawn that cannot be parsed.

    To CPython the spawns there are `OPERAND or PLACE`: that is wrong where they are.
    """
    source, tokens = lowered.source, lowered.tokens
    line = next((line for line in blanks.lines if line.start <= fault.primary.span.start <= line.end), None)
    if line is None:
        return fault
    words = []
    for index in range(bisect_left(tokens.starts, line.start), bisect_left(tokens.starts, line.end)):
        word = tokens.span(index)
        if tokens.kinds[index] == "on":
            words.append(Edit(word, "or"))
        elif tokens.kinds[index] == "spawn":
            behind = _BLANKS.match(source.text, word.end)
            words.append(Edit(Span(word.start, behind.end() if behind else word.end), ""))
    rest = [edit for edit in lowered.edits if not line.start <= edit.span.start <= line.end]
    others = replace(blanks, lines=tuple(one for one in blanks.lines if one != line))
    said = refusal(source, [*others.among(rest), *words])
    if said is None or (said.message.startswith("f-string") and not _PLACES_FIELDS):
        return fault
    return said if line.start <= said.primary.span.start <= fault.primary.span.end else fault


def _whole(blanks: Blanks, message: str) -> Diagnostic:
    """Point an error that CPython gives no place for at where the program is nested most deeply."""
    depth = deepest = where = 0
    for kind, start in zip(blanks.tokens.kinds, blanks.tokens.starts, strict=True):
        depth += (kind in _OPENING) - (kind in _CLOSING)
        if depth > deepest:
            deepest, where = depth, start
    return Diagnostic("S000", message, blanks.source.path, Label(Span(where, where + bool(deepest))))
