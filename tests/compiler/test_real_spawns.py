"""Expressions of real programs, turned into spawns: each is found, with its exact spans, and no other."""

import ast
import random
import sysconfig
import warnings
from itertools import accumulate
from pathlib import Path

import pytest

from circuit.compiler.parser import find_spawns, parse_module
from circuit.compiler.source import Source

# Generated at build time, some distributions add a file with nothing in it to spawn.
LIBRARY = sorted(
    path for path in Path(sysconfig.get_path("stdlib")).glob("*.py") if "sysconfigdata" not in path.name
)[::8]
# What may not stand bare where a spawn's operand stands.
LOOSER = (ast.Yield, ast.YieldFrom, ast.NamedExpr, ast.Starred, ast.Tuple, ast.GeneratorExp, ast.Slice)


def places(text: str) -> list[tuple[ast.expr, int, int]]:
    """Return the expressions that may become spawns where they stand, outermost first, with their offsets."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    lines = text.splitlines(keepends=True)
    starts = [0, *accumulate(len(line) for line in lines)]

    def offset(line: int, column: int) -> int:
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    found = []
    waiting: list[ast.AST] = [tree]
    for node in waiting:
        if not isinstance(node, ast.JoinedStr):  # CPython 3.11 does not place what is inside of it
            waiting += ast.iter_child_nodes(node)
        values: list[ast.expr | None] = []
        if isinstance(node, ast.Assign | ast.Return | ast.Expr | ast.keyword | ast.AugAssign):
            values = [node.value]
        elif isinstance(node, ast.Call) and not any(isinstance(arg, ast.GeneratorExp) for arg in node.args):
            values = [*node.args]
        elif isinstance(node, ast.List):
            values = [*node.elts]
        elif isinstance(node, ast.Lambda):
            values = [node.body]
        for value in values:
            if isinstance(value, ast.expr) and not isinstance(value, LOOSER):
                end = offset(value.end_lineno or 0, value.end_col_offset or 0)
                found.append((value, offset(value.lineno, value.col_offset), end))
    return found


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.name)
def test_an_expression_made_a_spawn_is_found(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if "\x0c" in text:
        pytest.skip("str.splitlines cuts at form feeds, and CPython's lines do not")
    dice = random.Random(path.name)
    chosen: list[tuple[ast.expr, int, int]] = []
    for place in places(text):
        apart = all(place[2] < start or end < place[1] for _, start, end in chosen)
        if apart and dice.random() < 0.2:
            chosen.append(place)
    chosen.sort(key=lambda place: place[1])
    parts: list[str] = []
    expected = []
    done = length = 0
    for node, start, end in chosen:
        parts += text[done:start], "spawn ", text[start:end], " on w"
        length += start - done
        operand = (length + len("spawn "), length + len("spawn ") + end - start)
        expected.append((length, *operand, isinstance(node, ast.Call)))
        length = operand[1] + len(" on w")
        done = end
    source = Source.from_text("".join(parts) + text[done:], str(path))
    spawns, errors, _ = find_spawns(source)
    assert errors == ()
    assert expected or len(text) < 5000
    assert [
        (spawn.span.start, spawn.operand.start, spawn.operand.end, spawn.call is not None) for spawn in spawns
    ] == expected
    assert sum(1 for _ in parse_module(source).find("spawn")) == len(expected)
