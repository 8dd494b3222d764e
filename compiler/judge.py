"""The judge: what an interpreter's own parser says of Python files, as the round trip needs to know.

    python judge.py EVERY [PATH...]

Prints as JSON the interpreter's version, and for each file "" if `ast.parse` accepts
it, else the parser's message. The files are every EVERYth `.py` of the paths (folders
recursively), or of the interpreter's own standard library and its test suite.

Rules: this file is run by its path, by any CPython from 3.11 on, with nothing
installed: it imports the standard library alone, and nobody imports it.
"""

from __future__ import annotations

import ast
import json
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path


def judge(path: Path) -> str:
    """Return the parser's message about a file, empty if it has none."""
    if path.suffix == ".cpy":
        return ""  # not for this judge: that one must parse
    try:
        ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return str(error) or type(error).__name__
    return ""


def files(path: Path) -> Iterator[Path]:
    """Yield a file, or all that are in a folder, but for what was installed into it."""
    if not path.is_dir():
        yield path
        return
    for file in sorted(path.rglob("*.*py")):
        if file.suffix in (".py", ".cpy") and "site-packages" not in file.relative_to(path).parts:
            yield file


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    roots = [Path(argument) for argument in sys.argv[2:]] or [Path(sysconfig.get_path("stdlib"))]
    chosen = [file for root in roots for file in files(root)][:: int(sys.argv[1])]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    json.dump((version, {str(file): judge(file) for file in chosen}), sys.stdout)
