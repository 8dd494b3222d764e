"""Scopes are held against CPython's own symbol tables, over real programs and made ones."""

import ast
import symtable
import sys
import sysconfig
import warnings
from collections import Counter
from pathlib import Path

import pytest

from circuit.compiler.rules.scopes import Kind, Scope, walk

LIBRARY = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[::12]

PROGRAM = """
import a.b, c as d
from e import f as g, h
x: int
y: int = 1
def outer(p, /, q=y, *r, s: p = 1, **t) -> q:
    global x, made
    x = made = p
    k = [u for u in p if (w := u)]
    class Inner(p, metaclass=q):
        v = p
        def method(self): return v, __class__, k
        n = [v for v in v for _ in v]
        nonlocal k
        k = 2
    def again():
        nonlocal k
        del k
        return lambda m, o=w: (m, o, w, r, outer)
    try: pass
    except p as failed: pass
    with p as (one, [two, *three]), q: pass
    for i.j, z[k], l in p: pass
    match p:
        case {"k": captured, **rest} | [captured, *rest] | str(captured) as rest: pass
    async def later(): return [e async for e in p]
    return {a: b for a, b in p}, {c for c in d}, (f for f in g), (yield)
"""
GENERIC = """
class Box[T: int](Base[T]):
    item: T
    def put[U](self, item: U = item) -> T:
        def inner(): return T, U, item
type Pair[A] = tuple[A, Box]
"""


def assert_as_in_cpython(text: str, least: int) -> None:
    """Compare the owner of every name of every function and class with the symbol table's word."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree, table = ast.parse(text), symtable.symtable(text, "a.py", "exec")
    scopes: dict[tuple[str, int], list[Scope]] = {}
    inlined: dict[Scope | None, set[str]] = {}
    inside = frozenset(node.target.id for node in ast.walk(tree) if isinstance(node, ast.NamedExpr))
    # Every scope of the program, found by its parts.
    for scope in {scope for _, scope in walk(tree, Scope(Kind.MODULE, tree, None, inside))}:
        if scope.kind in (Kind.FUNCTION, Kind.CLASS):
            node = scope.node
            key = getattr(node, "name", "lambda"), getattr(node, "lineno", 0)
            scopes.setdefault(key, []).append(scope)
        elif scope.kind is Kind.COMPREHENSION and sys.version_info >= (3, 12):
            # PEP 709: the table of the block around has its names as well.
            around = scope.outer
            while around and around.kind is Kind.COMPREHENSION:
                around = around.outer
            inlined.setdefault(around, set()).update(scope.bound)
    compared: Counter[str] = Counter()
    waiting = [table]
    while waiting:
        one = waiting.pop()
        waiting += one.get_children()
        found = scopes.get((one.get_name(), one.get_lineno()), [])
        if len(found) != 1 or str(one.get_type()).rpartition(".")[2].lower() not in ("function", "class"):
            continue
        for symbol in one.get_symbols():
            name = symbol.get_name()
            if name in inlined.get(found[0], ()) or name.startswith(("_", ".")):
                continue
            if not (symbol.is_referenced() or symbol.is_assigned()):
                continue
            owner = found[0].owner(name)
            if symbol.is_free():
                kind = "free"
                assert owner is not None, name
                assert owner is not found[0], name
                assert owner.kind is not Kind.MODULE, name
            elif symbol.is_local():
                kind = "local"
                assert owner is found[0], name
            else:
                kind = "global"
                assert owner is None or owner.kind is Kind.MODULE, name
            compared[kind] += 1
    assert compared.total() >= least


def test_the_owner_of_each_name_is_cpythons() -> None:
    assert_as_in_cpython(PROGRAM, least=30)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type parameters came with Python 3.12")
def test_the_owner_of_each_type_parameter_is_cpythons() -> None:
    assert_as_in_cpython(GENERIC, least=5)


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.name)
def test_the_owner_of_each_name_of_a_real_program_is_cpythons(path: Path) -> None:
    assert_as_in_cpython(path.read_text(encoding="utf-8"), least=0)
