"""Positions: the lines and columns of CPython, carried back to the source.

CPython's parser gives a line and a column in UTF-8 bytes; spans and edits count code
points from the start of the text. A tree of the lowered text, relocated, compiles to
code whose tracebacks, carets, coverage and debugger lines are those of the `.cpy` file.

Before Python 3.12 what stands in an f-string was parsed apart, and its place is a guess.
For the strings that hold spawns it is made exact, by parsing each field once more where
its place is known.

Rules: cost follows the edits. Of a tree only the statements around them are walked.
"""

import ast
import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import accumulate
from typing import TypeAlias

from circuit.compiler.fstrings import Field, fields_of
from circuit.compiler.source import Source
from circuit.compiler.splice import Edit, OffsetMap
from circuit.compiler.tokens import tokenize

_LINE_END = re.compile(r"\r\n|\r|\n")

_POSITIONED = (ast.stmt, ast.expr, ast.keyword, ast.arg, ast.alias, ast.excepthandler, ast.pattern)
_Positioned: TypeAlias = (
    ast.stmt | ast.expr | ast.keyword | ast.arg | ast.alias | ast.excepthandler | ast.pattern
)


class LineTable:
    """The lines of a text, and the offset that a line and column stand for."""

    __slots__ = ("_starts", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        if "\r" in text:
            self._starts = [0, *(end.end() for end in _LINE_END.finditer(text))]
        else:  # the same, but faster
            lengths = (len(line) + 1 for line in text.split("\n")[:-1])
            self._starts = list(accumulate(lengths, initial=0))

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a line (from 1) and column (from 0) in code points."""
        start, end = self._range(line)
        return min(start + column, end)

    def offset_of_bytes(self, line: int, column: int) -> int:
        """Return the offset of a line (from 1) and column (from 0) in bytes of UTF-8."""
        start, end = self._range(line)
        text = self._text[start:end]
        if not text.isascii():
            column = len(text.encode()[:column].decode(errors="ignore"))
        return min(start + column, end)

    def position_in_bytes(self, offset: int) -> tuple[int, int]:
        """Return the line (from 1) and the column (from 0, in bytes of UTF-8) of an offset."""
        line = bisect_right(self._starts, offset)
        return line, len(self._text[self._starts[line - 1] : offset].encode())

    def ranges(self) -> Iterator[tuple[int, int]]:
        """Yield the offsets at which each line starts and ends, its line end included."""
        return zip(self._starts, [*self._starts[1:], len(self._text)], strict=True)

    def plain_lines(self) -> Iterator[str]:
        """Yield the lines, each ended by a line feed alone."""
        return (self._text[start:end].rstrip("\r\n") + "\n" for start, end in self.ranges())

    def _range(self, line: int) -> tuple[int, int]:
        """Return where a line, or the last one if there are fewer, starts and ends with its line end."""
        index = min(line, len(self._starts)) - 1
        end = self._starts[index + 1] if index + 1 < len(self._starts) else len(self._text)
        return self._starts[index], end


def relocate(tree: ast.Module, lowered: str, source: Source, edits: Sequence[Edit]) -> None:
    """Move the columns of a tree of the lowered text to those of its source, in place."""
    if sys.version_info < (3, 12):
        place_fields(tree, lowered, source, edits)
    origins = OffsetMap(edits)
    table = LineTable(lowered)
    edited = sorted({source.position(edit.span.start)[0] for edit in edits})
    lines = frozenset(edited)

    @cache
    def moved(line: int, column: int) -> int:
        place = origins.origin(table.offset_of_bytes(line, column))
        _, code_points = source.position(place)
        return len(source.text[place - code_points : place].encode())

    for node in _nodes_on(tree, edited):
        if node.lineno in lines:
            node.col_offset = moved(node.lineno, node.col_offset)
        if node.end_lineno in lines:
            node.end_col_offset = moved(node.end_lineno or 0, node.end_col_offset or 0)


def place_fields(
    tree: ast.Module, lowered: str, source: Source, changed: Iterable[Edit] | Iterable[Field]
) -> None:
    """Give what stands in f-strings its exact place, in those on the lines of the source that are changed.

    The tree is that of the lowered text as CPython 3.11 places it; 3.12 needs no help.
    """
    table = LineTable(lowered)
    lines = sorted({source.position(one.span.start)[0] for one in changed})
    nested: set[ast.AST] = set()
    for node in _nodes_on(tree, lines):
        if isinstance(node, ast.JoinedStr) and node not in nested:
            nested.update(ast.walk(node))
            _place_fields_of(node, lowered, table)


def _place_fields_of(string: ast.JoinedStr, text: str, table: LineTable) -> None:
    start = table.offset_of_bytes(string.lineno, string.col_offset)
    end = table.offset_of_bytes(string.end_lineno or 0, string.end_col_offset or 0)
    # In parentheses, since strings side by side are one, and may stand on several lines.
    alone = Source.from_text(f"({text[start:end]})", "")
    outermost = (field for field in fields_of(alone.text, tokenize(alone)) if len(field.string.quotes) == 1)
    for field, value in zip(outermost, _replaced(string), strict=True):
        first = start - 1 + field.expression.start
        _place(value, text[first : start - 1 + field.expression.end], *table.position_in_bytes(first))
        nested: set[ast.AST] = set()
        for node in ast.walk(value):
            if isinstance(node, ast.JoinedStr) and node not in nested:
                nested.update(ast.walk(node))
                _place_fields_of(node, text, table)


def _replaced(string: ast.JoinedStr) -> Iterator[ast.expr]:
    """Yield the expressions of a string's fields, those in formats too, in the order of the source."""
    for part in string.values:
        if isinstance(part, ast.FormattedValue):
            yield part.value
            if isinstance(part.format_spec, ast.JoinedStr):
                yield from _replaced(part.format_spec)


def _place(value: ast.expr, text: str, line: int, column: int) -> None:
    """Place an expression whose text starts at a line (from 1) and a column (from 0, in bytes)."""
    alone = ast.parse(f"({text})", mode="eval").body
    if isinstance(alone, ast.Tuple) and (alone.lineno, alone.col_offset) == (1, 0):
        alone.col_offset += 1  # it took the parentheses for its own
        alone.end_col_offset = (alone.end_col_offset or 1) - 1
    for node, exact in zip(ast.walk(value), ast.walk(alone), strict=True):
        if isinstance(node, _POSITIONED) and isinstance(exact, _POSITIONED):
            end_line, end_column = exact.end_lineno or 1, exact.end_col_offset or 0
            node.lineno = line + exact.lineno - 1
            node.end_lineno = line + end_line - 1
            node.col_offset = exact.col_offset + (column - 1 if exact.lineno == 1 else 0)
            node.end_col_offset = end_column + (column - 1 if end_line == 1 else 0)


def _nodes_on(tree: ast.AST, lines: Sequence[int]) -> Iterator[_Positioned]:
    """Yield the nodes that have a part on one of some lines, which are in order.

    A whole tree takes as long to walk as to parse, so only what is around those lines is walked.
    """
    waiting = [tree]
    while waiting:
        for child in ast.iter_child_nodes(waiting.pop()):
            if isinstance(child, _POSITIONED):
                place = bisect_left(lines, _first_line(child))
                if place == len(lines) or lines[place] > (child.end_lineno or child.lineno):
                    continue
                yield child
            waiting.append(child)


def _first_line(node: _Positioned) -> int:
    """Return the line that a node begins on; CPython does not count its decorators."""
    match node:
        case (
            ast.FunctionDef(decorator_list=[first, *_])
            | ast.AsyncFunctionDef(decorator_list=[first, *_])
            | ast.ClassDef(decorator_list=[first, *_])
        ):
            return first.lineno
    return node.lineno
