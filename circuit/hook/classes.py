"""The source of a class in a `.cpy` file, for `inspect` before Python 3.13.

There inspect parses the whole file as Python to find the class, and a `spawn` is a
SyntaxError to it. Only then we look for it ourselves: in the lowered program, whose lines
are those of the file. Everything else that inspect shows needs no help.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from typing import Any

from circuit.hook.loader import SUFFIX


def adapt(inspect: Any) -> None:
    """Have `inspect.findsource` find the classes of `.cpy` files."""
    find = inspect.findsource
    if hasattr(find, "__wrapped__"):
        return

    def findsource(object: object) -> tuple[list[str], int]:
        try:
            found: tuple[list[str], int] = find(object)
        except SyntaxError:
            if isinstance(object, type) and inspect.getfile(object).endswith(SUFFIX):
                return _find_class(object, inspect.getfile(object))
            raise
        return found

    findsource.__wrapped__ = find  # type: ignore[attr-defined]
    inspect.findsource = findsource


def _find_class(cls: type, path: str) -> tuple[list[str], int]:
    # Not loaded above: it loads the compiler.
    from circuit.hook.program import program_text

    lines = linecache.getlines(path)
    tree = ast.parse(program_text("".join(lines), path))
    firsts = [_first_line(node) for name, node in _definitions(tree, "") if name == cls.__qualname__]
    if not firsts:
        raise OSError("could not find class definition")
    # Of several definitions the last one is what the name stands for.
    return lines, firsts[-1] - 1


def _definitions(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.ClassDef]]:
    """Yield the classes in a tree with their qualified names, in the order of the text."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.ClassDef(name):
                yield prefix + name, child
                yield from _definitions(child, f"{prefix}{name}.")
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name):
                yield from _definitions(child, f"{prefix}{name}.<locals>.")
            case _:
                yield from _definitions(child, prefix)


def _first_line(node: ast.ClassDef) -> int:
    return node.decorator_list[0].lineno if node.decorator_list else node.lineno
