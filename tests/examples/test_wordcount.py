"""examples/wordcount.cpy, small and verified: run from the source and from what circuitc makes of it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "examples" / "wordcount.cpy"
BIN = Path(sys.executable).parent


@pytest.fixture
def corpus(tmp_path):
    """A folder of sources: the runtime's own, several times over."""
    for copy in range(8):
        folder = tmp_path / "corpus" / f"copy{copy}"
        folder.mkdir(parents=True)
        for file in (ROOT / "runtime").glob("*.py"):
            (folder / file.name).write_text(file.read_text())
    return tmp_path / "corpus"


def count(command, corpus):
    """Run the count and return what it printed."""
    ran = subprocess.run(
        [*command, "--verify", "--workers", "2", corpus], capture_output=True, text=True, timeout=100
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    return ran.stdout


def test_source_and_compiled_program_give_the_same_counts(corpus, tmp_path):
    compiled = tmp_path / "w.py"
    subprocess.run([BIN / "circuitc", PROGRAM, "-o", compiled], check=True)
    run = count([BIN / "circuit", "run", PROGRAM], corpus)
    python = count([sys.executable, compiled], corpus)
    for printed in (run, python):
        assert "verified: every count is the same" in printed
        ratios = r"the workers are [\d.]+ times as fast, [\d.]+ times with their start"
        assert re.search(rf"one process: [\d.]+ s; {ratios}", printed)
    table = re.compile(r"[│┃].*|.* words, .* different, in .* files")
    assert table.findall(run) == table.findall(python)
    assert len(table.findall(run)) == 1 + 20 + 1


def test_the_program_is_short():
    assert len(PROGRAM.read_text().splitlines()) <= 200
