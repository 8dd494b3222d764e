"""The round trip: whether the trees of real files give back the files.

    python -m circuit.compiler.roundtrip [--every N] PATH...

Parses every `.py` and `.cpy` file of the paths (folders recursively) with the
full grammar and writes each tree back: its tokens, and the gaps between them.
Reports the files that do not come back to the byte and those that do not parse
though CPython accepts them (a `.cpy` file must parse), and exits 1 if there
are any. A file that CPython rejects too, such as the bad files of its own test
suite, is not counted; one that only the full grammar accepts is counted apart,
since CPython has the last word on what is compiled anyway.

This is a command: it may read files.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from circuit.compiler.parser import parse_module
from circuit.compiler.source import Source, SourceError
from circuit.compiler.spawns import ParseError
from circuit.compiler.trees import Tree

_GAP = re.compile(r"(?:[ \t\f\r\n]|\\(?:\r\n?|\n)|#[^\r\n]*)*")


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


def check(path: Path) -> tuple[str, str]:
    """Return what became of a file, in one word, and why if that is "failed"."""
    data = path.read_bytes()
    valid = path.suffix == ".cpy" or _accepted_by_cpython(data)
    try:
        source = Source.decode(data, str(path))
        text = rebuild(source, parse_module(source))
    except SourceError as error:
        return ("failed", str(error)) if valid else ("rejected", "")
    except ParseError as error:
        line, column = source.position(error.span.start)
        return ("failed", f"{path}:{line}:{column + 1}: {error.message}") if valid else ("rejected", "")
    if source.encode(text) != data:
        return "failed", f"{path}: comes back changed"
    return ("passed" if valid else "accepted"), ""


def _accepted_by_cpython(data: bytes) -> bool:
    try:
        ast.parse(data)
    except (SyntaxError, ValueError):
        return False
    return True


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*.*py") if file.suffix in (".py", ".cpy"))
        else:
            yield path


def main() -> int:
    """Check that the trees of real files give back the files."""
    parser = argparse.ArgumentParser(prog="python -m circuit.compiler.roundtrip", description=main.__doc__)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take only every Nth file")
    options = parser.parse_args()
    warnings.simplefilter("ignore", SyntaxWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    counts: Counter[str] = Counter()
    for path in list(_files(options.paths))[:: options.every]:
        outcome, reason = check(path)
        counts[outcome] += 1
        if reason:
            print(reason, file=sys.stderr)
    print(
        f"{counts['passed']} files came back to the byte, {counts['failed']} failed;"
        f" {counts['rejected']} are not valid Python, {counts['accepted']} only CPython rejects"
    )
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
