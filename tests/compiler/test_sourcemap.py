"""Source maps, decoded: each segment is where the compiler itself says that the place comes from."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from circuit.compiler import Compilation, Source, compile_bytes, compile_source
from circuit.compiler.sourcemap import source_map
from circuit.compiler.splice import OffsetMap

GOLDEN = Path(__file__).parent / "golden"
PROGRAMS = sorted((GOLDEN / "lowering").glob("*.cpy"))
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
BASE_64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


class Segment(NamedTuple):
    """One decoded segment; lines and columns count from 0, columns in UTF-16 code units."""

    line: int
    column: int
    source: int
    source_line: int
    source_column: int


def numbers(segment: str) -> Iterator[int]:
    value = shift = 0
    for digit in segment:
        bits = BASE_64.index(digit)
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            yield -(value >> 1) if value & 1 else value >> 1
            value = shift = 0


def segments(mappings: str) -> Iterator[Segment]:
    place = [0, 0, 0, 0]
    for line, part in enumerate(mappings.split(";")):
        place[0] = 0
        for segment in part.split(","):
            place = [before + step for before, step in zip(place, numbers(segment), strict=True)]
            yield Segment(line, *place)


def offset(text: str, line: int, units: int) -> int:
    """Return the offset in code points of a line and a column of UTF-16 code units."""
    lines = [*LINE.findall(text), ""]
    before = lines[line].encode("utf-16-le")[: 2 * units].decode("utf-16-le")
    return sum(map(len, lines[:line])) + len(before)


def assert_maps(compilation: Compilation) -> None:
    origins = OffsetMap(compilation.edits)
    decoded = json.loads(source_map(compilation, "a.py", "a.cpy"))
    found = list(segments(decoded["mappings"]))
    for segment in found:
        here = offset(compilation.text, segment.line, segment.column)
        there = offset(compilation.source.text, segment.source_line, segment.source_column)
        assert (segment.source, there) == (0, origins.origin(here))
    # Where no segment is, columns run alongside: so each place that an edit begins or ends at has one.
    places = [offset(compilation.text, segment.line, segment.column) for segment in found]
    ends = {place for place in origins.boundaries() if place < len(compilation.text)}
    assert places == sorted(set(places))
    assert ends <= set(places)
    assert {segment.line for segment in found if segment.column == 0} >= set(
        range(len(LINE.findall(compilation.text)))
    )


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_each_segment_is_where_its_place_comes_from(program: Path) -> None:
    assert_maps(compile_bytes(program.read_bytes(), program.name))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("x = 1\r\ny = 2\rz = 3", id="no spawn"),
        pytest.param("é = '𝄞'; spawn f('𝄞', é) on w; '𝄞'; spawn g(é) on w\r\n# 𝄞\r", id="surrogate pairs"),
    ],
)
def test_columns_are_utf_16(text: str) -> None:
    assert_maps(compile_source(Source.from_text(text, "a.cpy")))


def test_golden(assert_golden: Callable[[Path, bytes], None]) -> None:
    program = GOLDEN / "lowering" / "expression.cpy"
    written = source_map(
        compile_bytes(program.read_bytes(), program.name), "expression.py", "../expression.cpy"
    )
    assert_golden(GOLDEN / "expression.py.map", written.encode())


def test_the_map_of_a_known_text() -> None:
    compilation = compile_source(Source.from_text("x\nspawn f() on w\n", "a.cpy"))
    assert compilation.text == "import circuit as _circuit; x\n_circuit.call(f).on(w)\n"
    mapped = segments(json.loads(source_map(compilation, "a.py", "a.cpy"))["mappings"])
    places = {(at.line, at.column): (at.source_line, at.source_column) for at in mapped}
    assert places == {
        (0, 0): (0, 0),
        (0, 28): (0, 0),  # x
        (1, 0): (1, 0),  # _circuit.call(
        (1, 14): (1, 6),  # f
        (1, 15): (1, 7),  # ).on(
        (1, 20): (1, 13),  # w
        (1, 21): (1, 14),  # )
        (1, 22): (1, 14),
        (2, 0): (2, 0),
    }
