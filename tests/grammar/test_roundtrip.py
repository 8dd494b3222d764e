"""Real files and fixtures through the full grammar and back, and the grammar's own state."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from circuit.compiler import automaton
from circuit.compiler.automaton import GRAMMAR, TABLES, load_automaton
from circuit.compiler.parser import parse_module
from circuit.compiler.roundtrip import check, rebuild
from circuit.compiler.source import Source
from circuit.compiler.tables import build_automaton, encode_automaton
from circuit.compiler.targets import RUNNING

FIXTURES = sorted(Path(__file__).with_name("fixtures").glob("*.cpy"))
LIBRARY = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[::8]


def test_there_are_fixtures_and_a_library() -> None:
    assert len(FIXTURES) > 10
    assert len(LIBRARY) > 10


@pytest.mark.parametrize("path", [*FIXTURES, *LIBRARY], ids=lambda path: path.name)
def test_a_file_comes_back_to_the_byte(path: Path) -> None:
    assert check((str(path), ""), RUNNING) == ("passed", "")


def test_a_token_that_the_tree_loses_is_missed() -> None:
    source = Source.from_text("x = [1, 2]  # c\n", "lost.cpy")
    tree = parse_module(source)
    next(tree.find("list")).children.pop(1)
    assert rebuild(source, tree) != source.text


def test_the_command_reports_a_file_that_does_not_parse(tmp_path: Path) -> None:
    bad = tmp_path / "bad.cpy"
    bad.write_text("x = 1\ny = = 2\n")
    (tmp_path / "invalid.py").write_text("y = = 2\n")
    (tmp_path / "valid.py").write_text("y = 2\n")
    done = round_trip(tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"{bad}:2:5: invalid syntax\n"
    assert done.stdout.endswith(
        ": 1 files came back to the byte, 1 failed; 1 are not Python, 0 only for CPython\n"
    )


def test_what_only_cpython_rejects_is_listed_and_does_not_compile(tmp_path: Path) -> None:
    assigns = tmp_path / "assigns.py"
    assigns.write_text("f() = 2\n")
    done = round_trip(tmp_path)
    assert done.returncode == 0
    assert f"{assigns}: only CPython {RUNNING} rejects it: cannot assign to function call" in done.stderr
    assert done.stdout.endswith(
        ": 0 files came back to the byte, 0 failed; 0 are not Python, 1 only for CPython\n"
    )


def test_an_interpreter_judges_its_own_library() -> None:
    done = round_trip("--python", sys.executable, "--every", "200")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Python {RUNNING}: ")


def round_trip(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "circuit.compiler.roundtrip", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_shipped_tables_are_fresh() -> None:
    assert TABLES.read_text(encoding="utf-8") == encode_automaton(build_automaton())


def test_loaded_tables_are_the_built_automaton() -> None:
    assert load_automaton() == build_automaton()


def test_tables_of_another_grammar_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = json.loads(TABLES.read_bytes()) | {"grammar": "another", "states": []}
    (tmp_path / "circuit.tables").write_text(json.dumps(stale))
    monkeypatch.setattr(automaton, "TABLES", tmp_path / "circuit.tables")
    assert load_automaton.__wrapped__() == load_automaton()


def test_python_alone_has_no_conflict_either() -> None:
    # The build is strict: a conflict would raise.
    python = build_automaton(GRAMMAR / "python.lark", ("module",))
    assert "spawn" not in {kind for row in python.actions for kind in row}
