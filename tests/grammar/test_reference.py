"""The language reference's table of nasty cases, held against the compiler."""

import ast
import re
from pathlib import Path

import pytest

import circuit.grammar
from circuit.compiler.parser import find_spawns, parse_module
from circuit.compiler.source import Source
from circuit.compiler.spawns import ParseError, Spawn
from circuit.compiler.targets import RUNNING, oldest_for
from circuit.compiler.tokens import tokenize

REFERENCE = Path(circuit.grammar.__file__).with_name("README.md")
ROW = re.compile(r"^\| `(.+?)` \| (?:`(.+)`|(the same)|error (S\d+)) \|$", re.MULTILINE)
ROWS = [
    (text.replace("⏎", "\n"), reading.replace("⏎", "\n") or (text.replace("⏎", "\n") if same else ""), code)
    for text, reading, same, code in ROW.findall(REFERENCE.read_text(encoding="utf-8"))
]


def reading(source: Source, spawns: tuple[Spawn, ...]) -> str:
    """Write the text with each spawn's operand and place in brackets."""
    marks: list[tuple[int, str]] = []

    def mark(spawn: Spawn) -> None:
        for span in (spawn.operand, spawn.place):
            marks.append((span.start, "⟨"))
            marks.append((span.end, "⟩"))
        for inner in spawn.inner:
            mark(inner)

    for spawn in spawns:
        mark(spawn)
    text = source.text
    for offset, bracket in sorted(marks, key=lambda mark: (mark[0], mark[1] == "⟨"), reverse=True):
        text = text[:offset] + bracket + text[offset:]
    return text


def test_the_table_is_read_whole() -> None:
    table = REFERENCE.read_text(encoding="utf-8").partition("|---|---|\n")[2].partition("\n\n")[0]
    assert len(ROWS) == len(table.splitlines()) > 80


@pytest.mark.parametrize(("text", "expected", "code"), ROWS, ids=[row[0] for row in ROWS])
def test_each_case_is_read_as_the_table_says(text: str, expected: str, code: str) -> None:
    source = Source.from_text(text, "case.cpy")
    spawns, errors, _ = find_spawns(source)
    if code:
        assert [error.code for error in errors] == [code]
        return
    assert errors == ()
    assert reading(source, spawns) == expected


@pytest.mark.parametrize("text", [row[0] for row in ROWS if not row[2]])
def test_the_full_grammar_agrees(text: str) -> None:
    source = Source.from_text(text, "case.cpy")
    words = sum(leaf.kind == "spawn" for leaf in parse_module(source).leaves())

    def count(spawns: tuple[Spawn, ...]) -> int:
        return sum(1 + count(spawn.inner) for spawn in spawns)

    assert words == count(find_spawns(source)[0])


@pytest.mark.parametrize("text", [row[0] for row in ROWS if row[0] == row[1]])
def test_what_stays_the_same_is_python(text: str) -> None:
    source = Source.from_text(text, "case.cpy")
    if (oldest := oldest_for(source, tokenize(source))) > RUNNING:
        pytest.skip(f"it came with Python {oldest}")
    ast.parse(text)


@pytest.mark.parametrize("text", [row[0] for row in ROWS if row[0] != row[1]])
def test_what_changes_was_no_python(text: str) -> None:
    with pytest.raises(SyntaxError):
        ast.parse(text)


@pytest.mark.parametrize("text", [row[0] for row in ROWS if row[2] in ("S001", "S003")])
def test_the_full_grammar_rejects_what_is_not_a_spawn(text: str) -> None:
    with pytest.raises(ParseError):
        parse_module(Source.from_text(text, "case.cpy"))
