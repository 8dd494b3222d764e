"""Coconut, in an environment of its own: how fast it compiles Python files, and which it rejects.

Both are given the same short files, since Coconut takes seconds for a hundred lines. Circuit's get
a spawn each, for a file without one would not be read at all.
"""

from __future__ import annotations

import json
import subprocess
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from benchmarks.programs import SHORT
from circuit.compiler import Source, compile_source

_PROGRAM = """
import contextlib, io, json, sys, time
from coconut.api import parse, setup
setup(target="sys")
taken = {}
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        text = file.read()
    began = time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        try:
            parse(text, "file")
        except Exception:
            continue
    taken[path] = time.perf_counter() - began
json.dump(taken, sys.stdout)
"""


@dataclass(frozen=True, slots=True)
class Speeds:
    """Lines a second on the files that Coconut takes; how many there were, and which it rejects."""

    circuit: float
    coconut: float
    files: int
    rejected: tuple[str, ...]


def compare(python: Path) -> Speeds:
    """Compile the same files with both; `python` is an interpreter that has Coconut."""
    texts = {str(path): path.read_text(encoding="utf-8") for path in SHORT if path.exists()}
    command = [str(python), "-c", _PROGRAM, *texts]
    coconut: dict[str, float] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    ours = {path: _compile_seconds(path, text) for path, text in texts.items()}
    lines = sum(len(texts[path].splitlines()) for path in coconut)
    return Speeds(
        circuit=lines / sum(ours[path] for path in coconut),
        coconut=lines / sum(coconut.values()),
        files=len(texts),
        rejected=tuple(Path(path).name for path in texts if path not in coconut),
    )


def _compile_seconds(path: str, text: str) -> float:
    source = Source.from_text(f"{text}\nspawn work() on w\n", path)
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compilation = compile_source(source)
    taken = time.perf_counter() - began
    if compilation.errors:
        raise RuntimeError(f"{path} does not compile: {compilation.errors[0].message}")
    return taken
