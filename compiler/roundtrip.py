"""The round trip: whether the trees of real files give back the files.

    python -m circuit.compiler.roundtrip [--python PYTHON]... [--every N] [PATH...]

Parses files with the full grammar and writes each tree back: its tokens, and
the gaps between them. The files are the `.py` and `.cpy` files of the paths,
and the standard library of each PYTHON with its test suite. That interpreter's
own parser says which of its files are Python (judge.py). One that is must come
back to the byte. One that is not, such as a bad file of the test suite, must be
rejected, by the grammar or for a construct that is too new. What only CPython
rejects, since no context-free grammar does (what may be assigned to, say), must
fail to compile with a spawn in it, and is listed with the parser's reason.

This is a command: it may read files.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from circuit.compiler.compilation import compile_bytes
from circuit.compiler.parser import parse_module
from circuit.compiler.source import Source, SourceError, Span
from circuit.compiler.spawns import ParseError
from circuit.compiler.targets import Target, constructs
from circuit.compiler.trees import Tree

JUDGE = Path(__file__).with_name("judge.py")
_GAP = re.compile(r"(?:[ \t\f\r\n]|\\(?:\r\n?|\n)|#[^\r\n]*)*")
_SPAWN = b"\nspawn f() on w\n"


def rebuild(source: Source, tree: Tree) -> str:
    """Write a tree back, with the blanks and comments between its tokens."""
    text = source.text
    parts: list[str] = []
    done = 0
    for leaf in tree.leaves():
        parts += _gap(text, done, leaf.start), text[leaf.start : leaf.end]
        done = leaf.end
    return "".join(parts) + _gap(text, done, len(text))


def _gap(text: str, start: int, end: int) -> str:
    """Return what a gap may hold of this range. It holds no token, so one that the tree lost is missed."""
    found = _GAP.match(text, start, end)
    return found[0] if found else ""


def check(verdict: tuple[str, str], target: Target) -> tuple[str, str]:
    """Return what became of a file, in one word, and what is to be said of it.

    The verdict is the file, and what is wrong with it, if it is, for the parser of the target.
    """
    path, fault = verdict
    data = Path(path).read_bytes()
    try:
        source = Source.decode(data, path)
        tree = parse_module(source)
    except SourceError as error:
        return ("rejected", "") if fault else ("failed", str(error))
    except ParseError as error:
        return ("rejected", "") if fault else ("failed", _remark(source, error.span, error.message))
    if source.encode(rebuild(source, tree)) != data:
        return "failed", f"{path}: comes back changed"
    too_new = [construct for construct in constructs(source.text, tree) if construct.since > target]
    if fault:
        if too_new:
            return "rejected", ""
        if compile_bytes(data + _SPAWN, path).errors:
            return "accepted", f"{path}: only CPython {target} rejects it: {fault}"
        return "failed", f"{path}: compiles, though CPython {target} rejects it: {fault}"
    # A .cpy file may be newer than the interpreter that checks it.
    if too_new and path.endswith(".py"):
        return "failed", _remark(source, too_new[0].span, f"{too_new[0].what} is not that new")
    return "passed", ""


def _remark(source: Source, span: Span, message: str) -> str:
    line, column = source.position(span.start)
    return f"{source.path}:{line}:{column + 1}: {message}"


def judged(group: tuple[str, list[Path]], every: int) -> tuple[Target, dict[str, str]]:
    """Return an interpreter's version, and its verdicts on some files, or on those of its own library."""
    python, paths = group
    command = [python, "-I", str(JUDGE), str(every), *map(str, paths)]
    version, verdicts = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return Target.parse(version), verdicts


def main() -> int:
    """Check that the trees of real files give back the files."""
    parser = argparse.ArgumentParser(prog="python -m circuit.compiler.roundtrip", description=main.__doc__)
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH")
    parser.add_argument(
        "--python", action="append", default=[], help="an interpreter; its library is checked"
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take only every Nth file")
    options = parser.parse_args()
    groups: list[tuple[str, list[Path]]] = [(python, []) for python in options.python]
    if options.paths:
        groups.insert(0, (sys.executable, options.paths))
    failed = 0
    with ProcessPoolExecutor(initializer=warnings.simplefilter, initargs=("ignore",)) as pool:
        for target, verdicts in pool.map(partial(judged, every=options.every), groups):
            counts: Counter[str] = Counter()
            for outcome, remark in pool.map(partial(check, target=target), verdicts.items(), chunksize=8):
                counts[outcome] += 1
                if remark:
                    print(remark, file=sys.stderr)
            failed += counts["failed"]
            print(
                f"Python {target}: {counts['passed']} files came back to the byte, {counts['failed']} failed;"
                f" {counts['rejected']} are not Python, {counts['accepted']} only for CPython"
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
