"""docs/semantics.md promises nothing that no test holds."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from circuit.testing.promises import Promise

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs" / "semantics.md").read_text(encoding="utf-8")
HEADS = ("| promise | held by |", "| event | what the caller sees | held by |")


def tables(page):
    """Yield the tables of a page: the head of each, and its rows."""
    for found in re.finditer(r"^(\|.*)\n\|[-|]+\n((?:\|.*\n)*)", page, re.MULTILINE):
        yield found[1], found[2].splitlines()


def promises(page):
    """Return the rows that promise something."""
    return [row for head, rows in tables(page) if head in HEADS for row in rows]


def holders(row):
    """Return the names of the tests, and of the simulator's properties, that a row is held by."""
    return re.findall(r"`([^`]+)`", row.rstrip().removesuffix("|").rpartition("|")[2])


@cache
def functions_of(path):
    """Return the names of the functions of a file."""
    tree = ast.parse((CHECKOUT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def exists(holder):
    path, _, name = holder.partition("::")
    if not name:
        return holder in Promise.__members__
    return (CHECKOUT / path).is_file() and name.startswith("test_") and name in functions_of(path)


@pytest.mark.parametrize("row", promises(PAGE), ids=lambda row: row.split("|")[1].strip())
def test_a_promise_is_held_by_a_test(row):
    assert holders(row) and [holder for holder in holders(row) if not exists(holder)] == []


def test_a_line_that_no_test_holds_is_found():
    page = "| promise | held by |\n|---|---|\n| `this` | |\n| that | `tests/none.py::test_it` |\n"
    this, that = promises(page)
    assert holders(this) == [] and [exists(holder) for holder in holders(that)] == [False]
    here = "tests/docs/test_semantics.py"
    assert exists(f"{here}::test_a_promise_is_held_by_a_test") and exists("ONCE")
    assert not any(map(exists, (f"{here}::test_nothing", f"{here}::exists", f"{here}::", "TWICE")))


def test_every_section_promises_something():
    sections = PAGE.split("\n## ")[1:]
    assert [section.splitlines()[0] for section in sections if not promises(section)] == [
        "What is not promised"
    ]


def test_all_that_the_simulator_checks_is_said():
    assert [name for name in Promise.__members__ if f"`{name}`" not in PAGE] == []
