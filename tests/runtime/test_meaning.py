"""The meaning of a spawn, on real workers: values are those of the spawn, names those of Python."""

import asyncio
import sys
import textwrap

import pytest

import circuit
from circuit.compiler import Source, compile_source
from circuit.importer import install, uninstall


@pytest.fixture(scope="module")
def cluster():
    with circuit.cluster(workers=2) as started:
        yield started


@pytest.fixture
def run(cluster):
    """Give a function that runs a program, with the workers `w` and `v`, and returns its names."""

    def run(text):
        compilation = compile_source(Source.from_text(textwrap.dedent(text), "program.cpy"))
        assert compilation.errors == ()
        names = {"__name__": "__main__", "w": cluster.workers[0], "v": cluster.workers[1]}
        exec(compilation.code(), names)
        return names

    return run


# Programs that leave in `found` what they are about, and what that is.
PROGRAMS = {
    "a call": ("found = (spawn divmod(7, 2) on w).result()", (3, 1)),
    "a thunk": ("a = 7; found = (spawn a * 2 + 1 on w).result()", 15),
    "a conditional": ("a = 7; found = (spawn 'odd' if a % 2 else 'even' on w).result()", "odd"),
    "a lambda": ("a = 7; f = (spawn lambda x: x + a on w).result(); found = f(1)", 8),
    "a display": ("a = [1]; found = (spawn [*a, {2: a}] on w).result()", [1, {2: [1]}]),
    "an f-string": ("a = 7; found = (spawn f'{a:>{a}}' on w).result()", "      7"),
    "a comprehension's variable": (
        "found = [h.result() for h in [spawn x * 10 on w for x in range(4)]]",
        [0, 10, 20, 30],
    ),
    "a loop's variable": (
        """
        hs = []
        total = 0
        for x in range(4):
            total += x
            hs.append(spawn (x, total) on w)
        found = [h.result() for h in hs]
        """,
        [(0, 0), (1, 1), (2, 3), (3, 6)],
    ),
    "a name that is bound again": ("x = 1\nh = spawn x + 1 on w\nx = 100\nfound = h.result()", 2),
    "a name that is deleted": ("x = 1\nh = spawn x + 1 on w\ndel x\nfound = h.result()", 2),
    "a list that changes": (
        """
        xs = [1]
        h, k = spawn [*xs, 0] on w, spawn len(xs) on w
        xs.append(2)
        found = h.result(), k.result()
        """,
        ([1, 0], 1),
    ),
    "a closure": (
        """
        def outer(n):
            def inner():
                nonlocal n
                h = spawn n + 1 on w
                n += 100
                return h
            first, second = inner(), inner()
            n = 0
            return first.result(), second.result(), n
        found = outer(1)
        """,
        (2, 102, 0),
    ),
    "a global": (
        """
        size = 1
        def f():
            return spawn size + 1 on w
        h = f()
        size = 100
        k = f()
        found = h.result(), k.result()
        """,
        (2, 101),
    ),
    "a global of a function that is called": (
        "size = 1\ndef f(): return size\nh = spawn f() on w\nsize = 2\nfound = h.result()",
        1,
    ),
    "an exception that is gone": (
        """
        try:
            1 / 0
        except ZeroDivisionError as e:
            h = spawn f"{e}!" on w
        found = h.result(), "e" in globals()
        """,
        ("division by zero!", False),
    ),
    "a captured pattern": (
        """
        match {"a": 1, "b": [2, 3]}:
            case {"a": x, "b": [*rest]}:
                found = (spawn [x, *rest] on w).result()
        """,
        [1, 2, 3],
    ),
    "a parameter": (
        "def f(x, *xs, k): return (spawn (x, xs, k) on w).result()\nfound = f(1, 2, k=3)",
        (1, (2,), 3),
    ),
    "a mangled name": (
        """
        class Account:
            __rate = 2
            def __init__(self): self.__sum = 20
            def interest(self): return (spawn self.__sum * Account.__rate on w).result()
            def __secret(self): return self.__sum
            def told(self): return (spawn self.__secret() on w).result()
        found = Account().interest(), Account().told()
        """,
        (40, 20),
    ),
    "super": (
        """
        class Base:
            def name(self, x): return f"base {x}"
        class Derived(Base):
            def name(self, x): return (spawn super().name(x) on w).result() + "!"
        found = Derived().name(1)
        """,
        "base 1!",
    ),
    "a class body": (
        """
        n = 1000
        class C:
            n = 1
            m = 2
            added = (spawn n + m on w).result()
            shown = (spawn f"{n} of {m}" on w).result()
            n = 100
            called = (spawn max(n, m) on w).result()
        found = C.added, C.shown, C.called
        """,
        (3, "1 of 2", 100),
    ),
    "a mangled name in a class body": (
        "class C:\n    __n = 3\n    found = (spawn __n + 1 on w).result()\nfound = C.found",
        4,
    ),
    "a class body in a function": (
        """
        def f(outer):
            class C:
                inner = 2
                found = (spawn outer + inner on w).result()
            return C.found
        found = f(1)
        """,
        3,
    ),
    "a thunk that spawns": (
        "x = 1\nh = spawn (spawn x + 1 on v).result() * 10 on w\nx = 100\nfound = h.result()",
        20,
    ),
    "a future that travels": ("found = (spawn sum([1, 2]) on (spawn 1 + 1 on v)).result()", 3),
    "places": ("found = [(spawn 1 + 1 on place).result() for place in (w, 'w1', [w, v][1])]", [2, 2, 2]),
    "a change on the worker": (
        """
        xs = []
        count = 0
        def f():
            global count
            count += 1
            xs.append(count)
            return count, xs
        found = (spawn f() on w).result(), count, xs
        """,
        ((1, [1]), 0, []),
    ),
}


@pytest.mark.parametrize(("text", "found"), PROGRAMS.values(), ids=PROGRAMS.keys())
def test_a_program_finds(run, text, found):
    assert run(text)["found"] == found


def test_a_spawn_is_awaited(run):
    names = run("""
        async def main(x):
            h = spawn x + 1 on w
            x = 100
            return await h + await spawn x + 1 on v
    """)
    assert asyncio.run(names["main"](1)) == 103


def test_an_f_string_spawns_and_shows_what_was_written(run):
    found = run('x = 20\nfound = f"{(spawn x + 1 on w).result()=:>4} {(spawn x + 2 on w).result()}"')["found"]
    assert found == "(spawn x + 1 on w).result()=  21 22"


def test_what_raises_there_is_raised_here_at_the_spawn(run):
    names = run("def main(x):\n    h = spawn 1 / x on w\n    return h.result()")
    with pytest.raises(ZeroDivisionError) as caught:
        names["main"](0)
    assert any("program.cpy:2" in note for note in caught.value.__notes__)


def test_modules_find_their_own_names(cluster, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "meaning_of_a_module.cpy").write_text(
        "size = 1\n"
        "def double(x): return x * 2\n"
        "def spawn_some(w):\n"
        "    global size\n"
        "    h = spawn double(size) + size on w\n"
        "    size = 100\n"
        "    return h, spawn double(size) on w\n"
    )
    install()
    try:
        import meaning_of_a_module

        h, k = meaning_of_a_module.spawn_some(cluster.workers[0])
        assert (h.result(), k.result()) == (3, 200)
    finally:
        uninstall()
        sys.modules.pop("meaning_of_a_module", None)
