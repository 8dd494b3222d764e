"""The comparisons: how long Circuit's compiler takes for something, and a peer for the like of it.

Each is taken in turn, Circuit and peer, so that both have the same machine; what counts is the ratio.
"""

from __future__ import annotations

import ast
import gc
import os
import subprocess
import sys
import time
import tokenize
import tracemalloc
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any

from lark import Lark
from lark.exceptions import LarkError
from lark.indenter import PythonIndenter

import circuit.importer
from benchmarks.programs import REAL, SMALL, long_program, real_programs
from circuit.compiler import Source, compile_bytes, compile_source
from circuit.compiler.parser import parse_module

LINES = 10_000
TIMES = 20


@dataclass(frozen=True, slots=True)
class Comparison:
    """What Circuit is compared with, and the bound of the ratio: Circuit's figure over the peer's.

    `take` returns one figure of each, in seconds or, if that is the unit, in MiB.
    """

    title: str
    peer: str
    bound: float
    take: Callable[[], tuple[float, float]]
    unit: str = "ms"


def comparisons(folder: Path) -> list[Comparison]:
    """Prepare all comparisons; `folder` is for the files that some of them need."""
    return [
        _no_spawn(),
        _some_spawns(),
        _full_parse(),
        _cold_start(folder),
        _cached_import(folder),
        Comparison(f"{LINES:,} lines, {LINES // 100} spawns", "half as many", 2.2, _time_by_length),
        Comparison("memory for the same", "half as many", 2.2, _memory_by_length, "MiB"),
    ]


def seconds(action: Callable[[], object]) -> float:
    """Return how long an action takes, which begins without the garbage of the one before."""
    gc.collect()
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _no_spawn() -> Comparison:
    paths = [path for path in REAL if "spawn" not in path.read_text(encoding="utf-8")] * TIMES

    def compiled() -> None:
        for path in paths:
            compile_bytes(path.read_bytes(), str(path))

    def read() -> None:
        for path in paths:
            with tokenize.open(path) as file:
                file.read()

    return Comparison(
        "compile files without a spawn", "reading them", 1.1, lambda: (seconds(compiled), seconds(read))
    )


def _some_spawns() -> Comparison:
    programs = real_programs()
    sources = [Source.from_text(program.circuit, "real.cpy") for program in programs]
    if any(compile_source(source).errors for source in sources):
        raise RuntimeError("a real file with spawns does not compile")

    def compiled() -> None:
        for source in sources:
            # A new one each time: a source keeps what was found out about it.
            compile_source(Source.from_text(source.text, source.path))

    def parsed() -> None:
        for program in programs:
            ast.parse(program.plain)

    title = "compile files with a spawn in each 100 lines"
    return Comparison(title, "`ast.parse`", 3.0, lambda: (seconds(compiled), seconds(parsed)))


def _full_parse() -> Comparison:
    options: dict[str, Any] = {"parser": "lalr", "start": "file_input", "maybe_placeholders": False}
    lark = Lark.open_from_package("lark", "python.lark", ["grammars"], postlex=PythonIndenter(), **options)
    texts = []
    for path in REAL:
        text = path.read_text(encoding="utf-8")
        try:
            lark.parse(text)
        except LarkError:
            continue
        texts.append(text)

    def ours() -> None:
        for text in texts:
            parse_module(Source.from_text(text, "real.py"))

    def theirs() -> None:
        for text in texts:
            lark.parse(text)

    title = f"parse {len(texts)} files in full"
    return Comparison(title, "Lark and its own python.lark", 0.25, lambda: (seconds(ours), seconds(theirs)))


def _cold_start(folder: Path) -> Comparison:
    small = folder / "small.cpy"
    small.write_text(SMALL, encoding="utf-8")
    commands = [
        [str(Path(sys.executable).with_name("circuitc")), str(small)],
        [sys.executable, "-c", "import libcst"],
    ]

    caching = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}

    def run(command: list[str]) -> float:
        return seconds(lambda: subprocess.run(command, stdout=subprocess.DEVNULL, env=caching, check=True))

    return Comparison(
        "`circuitc small.cpy`", "`import libcst`", 1.5, lambda: (run(commands[0]), run(commands[1]))
    )


def _cached_import(folder: Path) -> Comparison:
    program = real_programs()[0]
    (folder / "spawning.cpy").write_text(program.circuit, encoding="utf-8")
    compiled = compile_source(Source.from_text(program.circuit, "spawning.cpy")).text
    (folder / "plain.py").write_text(compiled, encoding="utf-8")
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = False
    circuit.importer.install()
    invalidate_caches()
    with warnings.catch_warnings():
        # What a real file does with a list, say, may well be no sensible thing to spawn.
        warnings.simplefilter("ignore")
        for name in ("spawning", "plain"):
            import_module(name)

    def imported(name: str) -> float:
        def load() -> None:
            for _ in range(TIMES):
                sys.modules.pop(name, None)
                import_module(name)

        return seconds(load)

    title = "import a cached `.cpy` module"
    return Comparison(title, "its compiled `.py`", 1.2, lambda: (imported("spawning"), imported("plain")))


def _time_by_length() -> tuple[float, float]:
    ours, half = (Source.from_text(long_program(lines), "long.cpy") for lines in (LINES, LINES // 2))
    return seconds(lambda: compile_source(ours)), seconds(lambda: compile_source(half))


def _memory_by_length() -> tuple[float, float]:
    def peak(lines: int) -> float:
        text = long_program(lines)
        tracemalloc.start()
        compile_source(Source.from_text(text, "long.cpy"))
        bytes_held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return bytes_held / 2**20

    return peak(LINES), peak(LINES // 2)
