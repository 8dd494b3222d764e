"""Interchange: what an editor reads of a diagnostic, as JSON."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from circuit.compiler import Source, compile_source
from circuit.compiler.diagnostics import Diagnostic, Label
from circuit.compiler.interchange import to_json
from circuit.compiler.source import Span

GOLDEN = Path(__file__).parent / "golden" / "interchange"

PROGRAM = """\
lock = "é漢"; import threading; guard = threading.Lock()
def main(w):
\th = spawn work("𝄞", (x for x in guard)) on w
\tspawn work(guard) on w
"""


def test_golden(assert_golden: Callable[[Path, bytes], None]) -> None:
    source = Source.from_text(PROGRAM, "a.cpy")
    told = [to_json(one, source) for one in compile_source(source).diagnostics]
    assert_golden(
        GOLDEN / "diagnostics.json", json.dumps(told, indent=2, ensure_ascii=False).encode() + b"\n"
    )


def test_offsets_lines_and_columns_agree() -> None:
    source = Source.from_text(PROGRAM, "a.cpy")
    lines = PROGRAM.splitlines(keepends=True)
    for told in (to_json(one, source) for one in compile_source(source).diagnostics):
        places: list[Any] = [told["span"]]
        for others in (told["labels"], told["fix"]):
            assert isinstance(others, list)
            places += others
        for point in (place[end] for place in places for end in ("start", "end")):
            assert sum(map(len, lines[: point["line"] - 1])) + point["column"] - 1 == point["offset"]


def test_everything_of_a_diagnostic_is_there() -> None:
    source = Source.from_text("ab\n", "a.cpy")
    diagnostic = Diagnostic(
        "S000", "no", "a.cpy", Label(Span(0, 1), "here"), notes=("why",), help=None, severity="warning"
    )
    place = {"start": {"offset": 0, "line": 1, "column": 1}, "end": {"offset": 1, "line": 1, "column": 2}}
    assert to_json(diagnostic, source) == {
        "code": "S000",
        "severity": "warning",
        "message": "no",
        "path": "a.cpy",
        "span": {**place, "label": "here"},
        "labels": [],
        "notes": ["why"],
        "help": None,
        "fix": [],
        "rendered": "warning[S000]: no\n  ┌─ a.cpy:1:1\n1 │ ab\n  │ ^ here\n  = note: why\n",
    }
