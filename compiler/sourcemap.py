"""Source maps: where each part of a compiled file comes from, for tools that read one.

The format is version 3, ECMA-426. As line N of the output is line N of the
source, a line needs a segment at its start and one where an edit starts or ends;
between them columns run alongside. Nothing is renamed, so `names` is empty.

A segment is four numbers in base 64 VLQ: the output's column, the source's number,
line and column, each less the one before. Columns count UTF-16 code units.

Rules: this file does no I/O. Whoever writes the map knows the files' names.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from circuit.compiler.compilation import Compilation
from circuit.compiler.positions import LineTable
from circuit.compiler.splice import OffsetMap

_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def source_map(compilation: Compilation, file: str, source_name: str) -> str:
    """Return the source map of a compiled file as JSON, ending in a line break.

    `file` is the output's name, and `source_name` the way from the map to the source.
    """
    described = {
        "version": 3,
        "file": file,
        "sources": [source_name],
        "names": [],
        "mappings": ";".join(",".join(line) for line in _lines(compilation)),
    }
    return json.dumps(described, ensure_ascii=False) + "\n"


def _lines(compilation: Compilation) -> Iterator[list[str]]:
    """Yield the segments of each line of the output."""
    text, source = compilation.text, compilation.source
    origins = OffsetMap(compilation.edits)
    boundaries = origins.boundaries()
    line = column = 0  # of the source, at the segment before
    for start, end in LineTable(text).ranges():
        segments = []
        written = 0
        for offset in _within(boundaries, start, end):
            origin = origins.origin(offset)
            number, code_points = source.position(origin)
            place = _units(text[start:offset]), number - 1, _units(source.text[origin - code_points : origin])
            steps = place[0] - written, 0, place[1] - line, place[2] - column
            segments.append("".join(_vlq(step) for step in steps))
            written, line, column = place
        yield segments


def _within(boundaries: Sequence[int], start: int, end: int) -> Sequence[int]:
    """Return where segments of a line start: where the line does, and edits."""
    first, last = bisect_right(boundaries, start), bisect_left(boundaries, end)
    return [start, *boundaries[first:last]]


def _units(text: str) -> int:
    """Return the length of a text in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _vlq(number: int) -> str:
    """Write a number in base 64, five bits a digit, the lowest first; the first of them is the sign."""
    rest = -number << 1 | 1 if number < 0 else number << 1
    digits = []
    while True:
        rest, five = rest >> 5, rest & 31
        digits.append(_DIGITS[five | 32 if rest else five])
        if not rest:
            return "".join(digits)
