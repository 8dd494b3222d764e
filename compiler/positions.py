"""Positions: the lines and columns of CPython, carried back to the source.

CPython's parser gives a line and a column in UTF-8 bytes; spans and edits count code
points from the start of the text. A tree of the lowered text, relocated, compiles to
code whose tracebacks, carets, coverage and debugger lines are those of the `.cpy` file.
"""

import ast
import re
from collections.abc import Iterator, Sequence

from circuit.compiler.source import Source
from circuit.compiler.splice import Edit, OffsetMap

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?")


class LineTable:
    """The lines of a text, and the offset that a line and column stand for."""

    __slots__ = ("_lines", "_starts")

    def __init__(self, text: str) -> None:
        found = list(_LINE.finditer(text))
        self._starts = [line.start() for line in found]
        self._lines = [line[0] for line in found]

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a line (from 1) and column (from 0) in code points."""
        index = min(line, len(self._starts)) - 1
        return self._starts[index] + min(column, len(self._lines[index]))

    def offset_of_bytes(self, line: int, column: int) -> int:
        """Return the offset of a line (from 1) and column (from 0) in bytes of UTF-8."""
        text = self._lines[min(line, len(self._lines)) - 1]
        if not text.isascii():
            column = len(text.encode()[:column].decode(errors="ignore"))
        return self.offset(line, column)

    def plain_lines(self) -> Iterator[str]:
        """Yield the lines, each ended by a line feed alone."""
        return (line.rstrip("\r\n") + "\n" for line in self._lines)


def relocate(tree: ast.Module, lowered: str, source: Source, edits: Sequence[Edit]) -> None:
    """Move the columns of a tree of the lowered text to those of its source, in place."""
    origins = OffsetMap(edits)
    table = LineTable(lowered)
    edited = {source.position(edit.span.start)[0] for edit in edits}

    def moved(line: int, column: int) -> int:
        start = origins.origin(table.offset(line, 0))
        place = origins.origin(table.offset_of_bytes(line, column))
        return len(source.text[start:place].encode())

    for node in ast.walk(tree):
        for line_name, column_name in (("lineno", "col_offset"), ("end_lineno", "end_col_offset")):
            line = getattr(node, line_name, None)
            if line in edited:
                setattr(node, column_name, moved(line, getattr(node, column_name)))
