"""The rules: what each one finds, and the valid programs that it leaves alone."""

import ast
import sys
import textwrap
from collections.abc import Callable, Iterator

import pytest

from circuit.compiler import Source
from circuit.compiler.lowering import lower
from circuit.compiler.parser import find_spawns
from circuit.compiler.rules import Program, captures_of, check
from circuit.compiler.splice import apply

Told = Callable[[str], list[tuple[str, str]]]


def program(text: str) -> Program:
    source = Source.from_text(textwrap.dedent(text), "a.cpy")
    spawns = find_spawns(source).spawns
    edits = lower(source, spawns, "_circuit")
    lowered = apply(source.text, edits)
    return Program(source, spawns, lowered, edits, ast.parse(lowered), "_circuit")


# What each of these does is fine, or cannot be known.
INNOCENT = {
    "a generator in a thunk is made there": "spawn [sum(x for x in xs)] on w",
    "what a star unpacks is unpacked here": "spawn f(*(x for x in xs), **dict(y for y in ys)) on w",
    "a yield in an argument": "def g(): spawn f((yield)) on w",
    "a function of the thunk may yield": "spawn [lambda: (yield)] on w",
    "a generator of the thunk may await": "async def f(): spawn [(await z for z in x)] on w",
    "an assignment in a function of the thunk": "spawn [lambda: (y := 1)] on w",
    "an attribute may be computed": "spawn config.path on w",
    "a lambda that is called": "spawn (lambda: 1)() on w",
    "a lambda as an argument": "spawn map(lambda x: x, xs) on w",
    "a lambda of the module": "twice = lambda x: 2 * x\nspawn f(twice) on w",
    "text that is read travels": "f = open('a')\nspawn g(f, open('b', 'r+')) on w",
    "a mode that is not known": "f = open('a', mode)\nspawn g(f, open('b', *modes), open(**how)) on w",
    "a module travels by name": "import threading\nspawn f(threading, threading.Lock) on w",
    "a name that is bound twice": "from threading import Lock\nl = None\nl = Lock()\nspawn f(l) on w",
    "a name that is bound in a branch": (
        "from threading import Lock\nl = Lock()\nif c:\n    for l in ls: pass\nspawn f(l) on w"
    ),
    "a name that is deleted": "from threading import Lock\nl = Lock()\ndel l\nspawn f(l) on w",
    "a name that a function may bind": (
        "from threading import Lock\nl = Lock()\n"
        "def reset():\n    global k, \\\n        l\n    l = None\nspawn f(l) on w"
    ),
    "a name that an inner function may bind": (
        "from threading import Lock\ndef main():\n    l = Lock()\n"
        "    def reset():\n        nonlocal l\n        l = None\n    spawn f(l) on w"
    ),
    "a name that an assignment expression binds": (
        "from threading import Lock\nl = Lock()\nif (l\n  # a comment\n  := None): pass\nspawn f(l) on w"
    ),
    "an assignment expression in a comprehension": (
        "from threading import Lock\nl = Lock()\n[(l := x) for x in xs]\nspawn f(l) on w"
    ),
    "a parameter of the same name": "from threading import Lock\nl = Lock()\ndef f(l): spawn g(l) on w",
    "a name of a comprehension": "from threading import Lock\nl = Lock()\n[spawn f(l) on w for l in ls]",
    "a name of a pattern": (
        "from threading import Lock\nl = Lock()\ndef f(x):\n    match x:\n        case [l, *_]:\n"
        "            spawn g(l) on w"
    ),
    "another Lock": "from .mine import Lock\nl = Lock()\nspawn f(l) on w",
    "a Lock that may be another": (
        "from threading import Lock\nfrom mine import *\nl = Lock()\nspawn f(l) on w"
    ),
    "an open of one's own": "def open(*a): ...\nspawn f(open('a', 'wb')) on w",
    "a class of one's own": "class Lock: ...\nspawn f(Lock()) on w",
    "a class does not lend its names": (
        "from threading import Lock\nclass A:\n    l = Lock()\n    def f(self): spawn g(l) on w"
    ),
    "a private name in a class": (
        "from threading import Lock\n__l = Lock()\nclass A:\n    def f(self): spawn g(__l) on w"
    ),
    "a generator function is spawned": "def g():\n    yield 1\ns = spawn g() on w",
    "a decorated generator function": "@contextmanager\ndef g():\n    yield\nspawn f(g()) on w",
    "what a lock's with gives": ("from threading import Lock\nwith Lock() as held:\n    spawn f(held) on w"),
    "a lock that the thunk makes": "from threading import Lock\nspawn [Lock().locked()] on w",
    "a lock of a function in the thunk": "from threading import Lock\nl = Lock()\nspawn [lambda l: l] on w",
    "a reference": "import circuit, threading\nl = circuit.ref(threading.Lock())\nspawn f(l) on w",
    "a change of the thunk's own list": "spawn [(lambda x: x.append(1))([])] on w",
    "what pop gives is asked for": "xs = [1]\nh = spawn xs.pop() on w",
    "a list that may be something else": "xs = []\nxs = circuit.ref(xs)\nspawn xs.append(1) on w",
    "a method that changes nothing": "xs = []\nspawn xs.count(1) on w",
    "an object of another kind": "xs = Results()\nspawn xs.append(1) on w",
    "locals of a function in the thunk": "spawn [lambda: locals()] on w",
    "vars and dir of something": "def f(x): spawn [vars(x), dir(x), super(A, x).m] on w",
    "locals in an argument": "def f(x): spawn g(**locals()) on w",
    "a method of super": "class A(B):\n    def f(self, w): spawn super().f(w) on w",
    "super in a function of the thunk": "spawn [lambda self: super()] on w",
    "a name of one's own": "def locals(): ...\nspawn locals() on w\nspawn [locals()] on w",
    "a builtin that may be another": "from mine import *\nspawn [locals(), eval('x')] on w",
    "eval that needs no name": "spawn eval('sum(x for x in range(2 ** 9))') on w",
    "exec that brings its names": "spawn exec('import os; p = os.getpid(); print(p)') on w",
    "eval with names": (
        "spawn eval('x', {'x': 1}) on w\nspawn [eval('x', names)] on w\nspawn eval(*code) on w"
    ),
    "a Future that is read": "def f():\n    h = spawn g() on w\n    return h",
    "a Future that a closure reads": "def f():\n    h = spawn g() on w\n    return lambda: h",
    "a Future that an inner function declares": (
        "def f():\n    h = spawn g() on w\n    def k():\n        nonlocal h\n        h = 1\n    return k"
    ),
    "a Future that locals reads": "def f():\n    h = spawn g() on w\n    return locals()",
    "a Future that is global": "def f():\n    global h\n    h = spawn g() on w",
    "a Future of the module or a class": "h = spawn f() on w\nclass A:\n    h = spawn f() on w",
    "a Future that is meant to be unused": "def f():\n    _ = _h = spawn g() on w\n    _k = spawn g() on w",
    "a Future that is deleted": "def f():\n    h = spawn g() on w\n    del h",
    "a Future that is added to": "def f():\n    h = spawn g() on w\n    h += 1",
    "a class's name in one meaning": (
        "class A:\n    a = 1\n    b = spawn [a, lambda a: a, [a for a in a]] on w"
    ),
    "a function's name in a class": "def f(a):\n    class A:\n        b = spawn [a, lambda: a] on w",
    "the first iterable sees the class": "class A:\n    a = []\n    b = spawn [x for x in a] on w",
}


@pytest.mark.parametrize("text", INNOCENT.values(), ids=INNOCENT.keys())
def test_what_may_be_meant_is_left_alone(text: str, told: Told) -> None:
    assert told(text) == []


def test_what_a_thunk_takes_along_twice_is_told_once(told: Told) -> None:
    text = """
        from threading import Lock
        lock = Lock()
        spawn [lock, lock] on w
        spawn [spawn f(lock) on w] on w
    """
    assert told(text) == [("S012", "lock"), ("S012", "lock")]


def test_a_name_found_through_its_scopes_is_certain(told: Told) -> None:
    text = """
        import threading as t

        def main(w):
            lock: t.Lock
            lock = t.Lock()

            class Inner:
                def work(self):
                    return [spawn f(lock, x) on w for x in lock.xs]

            return Inner
    """
    assert told(text) == [("S012", "lock")]


def test_what_python_refuses_hides_what_is_not_sure_without_it(told: Told) -> None:
    text = "def f(w):\n    xs = []\n    h = spawn xs.append(1) on w\n    spawn g on w\n    xs = h +\n"
    assert [code for code, _ in told(text)] == ["S010", "S000"]


@pytest.mark.parametrize(
    ("comment", "is_silent"),
    [
        ("# circuit: ignore", True),
        ("# circuit: ignore[S010]", True),
        ("# circuit: ignore[S014, S010]", True),
        ("#circuit:ignore[S010]  as it is a probe", True),
        ("# noqa: E501 # circuit: ignore[S010]", True),
        ("# circuit: ignore[S014]", False),
        ("# circuit: ignored", False),
        ("# ignore", False),
    ],
)
def test_a_comment_silences_a_warning_of_its_line(comment: str, is_silent: bool, told: Told) -> None:
    assert told(f"spawn f on w  {comment}\n") == ([] if is_silent else [("S010", "f")])
    assert told(f"spawn f on w\n{comment}\n") == [("S010", "f")]


def test_a_comment_silences_no_error(told: Told) -> None:
    assert told("spawn f(x for x in y) on w  # circuit: ignore[S005]\n") == [("S005", "x for x in y")]


def test_the_thunk_of_a_class_is_passed_the_names_of_the_class() -> None:
    text = """
        size = 0
        class Table:
            size: int = 3
            __rows, (cells, *rest) = 1, ([2, 3])
            import math
            def area(self): ...
            one = spawn size + outside + len(cells) * __rows on w
            two = spawn [area, [cells for cells in cells], spawn rest + size on math.w] on w
            three = spawn max(size, 1) on w
            def method(self):
                return spawn size + 1 on w
            four = [spawn size + 1 on w for _ in range(3)]
            five = [spawn x on w for x in range(3) if spawn size + x on w]
    """
    found = program(text)
    assert {found.written(span): names for span, names in captures_of(found).items()} == {
        "spawn size + outside + len(cells) * __rows on w": ("size", "cells", "__rows"),
        "spawn [area, [cells for cells in cells], spawn rest + size on math.w] on w": (
            *("area", "cells", "rest", "size", "math"),
        ),
    }
    implicit = program("class A:\n    spawn [__qualname__, __name__] on w")
    assert [*captures_of(implicit).values()] == [("__qualname__",)]
    assert captures_of(program("class A:\n    global a\n    a = 1\n    spawn a + 1 on w")) == {}


@pytest.mark.skipif(sys.version_info < (3, 13), reason="no lambda was allowed there before Python 3.13")
def test_a_thunk_in_the_bounds_and_annotations_of_a_class_is_passed_its_names() -> None:
    text = """
        class Table:
            size = 3
            def area[T: spawn size + 1 on w](self, x: spawn size + 2 on w) -> spawn [T, size] on w: ...
            class Row[T: spawn size + 3 on w](spawn size + 4 on w): ...
            type Column[T] = spawn [T, size] on w
    """
    assert [*captures_of(program(text)).values()] == [("size",)] * 6


def test_each_spawn_is_found_in_the_tree_with_what_is_around_it() -> None:
    found = program("""
        @decorated(spawn a() on w)
        def f(x=spawn b() on w) -> None:
            with open(spawn c(spawn d() on w) on w) as y, y:
                return f"{spawn e() on w!r:>{spawn g() on w}}"
        try:
            pass
        except (spawn h() on w):
            match x:
                case 1 if spawn i() on w: pass
        class C(k=spawn j() on w): k = lambda l=spawn l() on w: spawn m + 1 on w
    """)
    sites = {found.written(site.spawn.operand): site for site in found.sites}
    assert [*sites] == [
        *("a()", "b()", "c(spawn d() on w)", "d()", "e()", "g()", "h()", "i()", "j()", "l()", "m + 1"),
    ]
    assert {name: site.scope.kind.name for name, site in sites.items()} == {
        **dict.fromkeys(("a()", "b()", "h()", "i()", "j()"), "MODULE"),
        **dict.fromkeys(("c(spawn d() on w)", "d()", "e()", "g()", "m + 1"), "FUNCTION"),
        "l()": "CLASS",
    }
    assert all(found.span(site.node) == site.spawn.span for site in found.sites)
    assert isinstance(sites["d()"].statement, ast.With)


class _Forbidden(list[ast.stmt]):
    """A block that must not be looked into."""

    def __iter__(self) -> Iterator[ast.stmt]:
        raise AssertionError("a block without a spawn was entered")


def test_functions_without_a_spawn_are_not_entered() -> None:
    found = program("""
        import threading
        def one(): pass
        class Two:
            def three(self): pass
            def four(self, w):
                lock = threading.Lock()
                return spawn f(lock) on w
        def five(): pass
    """)
    for node in ast.walk(found.tree):
        if isinstance(node, ast.FunctionDef) and node.name != "four":
            node.body = _Forbidden(node.body)
    assert [one.code for one in check(found)] == ["S012"]
