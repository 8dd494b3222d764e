"""Evaluation: what runs here, in which order, and how often. The runtime is a recording one."""

import asyncio
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, strategies as st

import circuit
from circuit.compiler import Source, compile_source


@dataclass
class Thing:
    """What an expression of a test is worth: it can be used for anything, and tells of nothing."""

    name: str
    journal: list[str] = field(repr=False)

    def __call__(self, *args: object, **kwargs: object) -> "Thing":
        self.journal.append(f"{self.name}()")
        return Thing(f"{self.name}()", self.journal)

    def __iter__(self) -> Iterator[int]:
        return iter((1, 2))

    def keys(self) -> list[str]:
        return [f"key_of_{self.name}"]

    def __getitem__(self, key: object) -> "Thing":
        return self

    def __setitem__(self, key: object, value: object) -> None:
        self.journal.append(f"{self.name}[] =")

    def __add__(self, other: "Thing") -> "Thing":
        return self


@dataclass
class Spawned:
    """A spawn that was started, and has not run."""

    journal: list[str]
    function: Any
    args: tuple[object, ...]
    kwargs: dict[str, object]
    place: object = None

    def on(self, place: object) -> "Spawned":
        self.journal.append("on")
        self.place = place
        return self

    def run(self) -> object:
        return self.function(*self.args, **self.kwargs)

    def __await__(self) -> Generator[None, None, "Spawned"]:
        self.journal.append("await")
        yield from ()
        return self

    def __repr__(self) -> str:
        return "a Future"


class Evaluation:
    """Names whose values are recorded as they are read: `e.x` is worth a thing called x."""

    def __init__(self) -> None:
        self.journal: list[str] = []

    def __getattr__(self, name: str) -> Thing:
        self.journal.append(name)
        return Thing(name, self.journal)

    def call(self, function: Any, *args: object, **kwargs: object) -> Spawned:
        self.journal.append("call")
        return Spawned(self.journal, function, args, kwargs)

    @contextmanager
    def recording(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(circuit, "call", self.call)
            yield


def evaluate(text: str) -> tuple[dict[str, Any], list[str]]:
    """Run a program with `e` in it; return its names, and what it evaluated."""
    compilation = compile_source(Source.from_text(text, "a.cpy"))
    assert compilation.errors == ()
    evaluation = Evaluation()
    names: dict[str, Any] = {"e": evaluation}
    with evaluation.recording():
        exec(compilation.code(), names)
    return names, evaluation.journal


# A program, and what it evaluates.
PROGRAMS = {
    "a call": ("spawn e.f(e.a, e.b) on e.w", "f a b call w on"),
    "no arguments": ("spawn e.f() on e.w", "f call w on"),
    "a callee that is a call": ("spawn e.f(e.a)(e.b) on e.w", "f a f() b call w on"),
    "a callee in parentheses": ("spawn ((e.f if e.c else e.g)(e.a)) on (e.w)", "c f a call w on"),
    "a place that is a call": ("spawn e.f(e.a) on e.ws[e.i](e.b)", "f a call ws i b ws() on"),
    "a thunk": ("spawn e.a + e.b on e.w", "call w on"),
    "a conditional thunk": ("spawn e.a if e.c else e.b on e.w", "call w on"),
    "nested in an argument": (
        "spawn e.f(e.a, spawn e.g(e.b) on e.v, e.c) on e.w",
        "f a g b call v on c call w on",
    ),
    "nested in a place": ("spawn e.f(e.a) on (spawn e.g(e.b) on e.v)", "f a call g b call v on on"),
    "nested in a thunk": ("spawn spawn e.f() on e.v on e.w", "call w on"),
    "a branch": ("spawn e.f() on e.w if e.c else spawn e.g() on e.v", "c f call w on"),
    "a condition": ("e.a if spawn e.f() on e.w else e.b", "f call w on a"),
    "among others": ("e.a, spawn e.f(e.b) on e.w, e.c", "a f b call w on c"),
    "not reached": ("0 and (spawn e.f() on e.w)", ""),
    "assigned": ("e.t[e.i] = spawn e.f(e.a) on e.w", "f a call w on t i t[] ="),
    "as a key and a value": ("{spawn e.f() on e.w: spawn e.g() on e.v} if 0 else e.a", "a"),
    "a comprehension": (
        "[spawn e.f(x) on e.w for x in e.a if e.c]",
        "a c f call w on c f call w on",
    ),
    "a comprehension's source": ("[e.x for x in (spawn e.f() on e.w).args]", "f call w on"),
    "an f-string": ('f"{e.a}{spawn e.f(e.b) on e.w}{e.c}"', "a f b call w on c"),
    "an f-string that shows it": ('f"{e.a}{spawn e.f(e.b) on e.w=}{e.c}"', "a f b call w on c"),
    "a format": ('f"{1:{spawn e.f() on e.w!r:.0}}"', "f call w on"),
    "a default": (
        "def g(x=spawn e.f(e.a) on e.w, *, y=e.b): return x\nassert g() is g()",
        "f a call w on b",
    ),
    "a decorator": (
        "@e.d\n@(lambda g: lambda h: h)(spawn e.f() on e.w)\ndef g(x=e.a): pass",
        "d f call w on a d()",
    ),
    "a statement": ("spawn e.f() on e.w; spawn e.g() on e.w\n", "f call w on g call w on"),
    "a loop": ("for x in e.a: spawn e.f(x) on e.w", "a f call w on f call w on"),
    "a with": (
        "import contextlib\nwith contextlib.nullcontext(spawn e.f() on e.w) as h: e.a",
        "f call w on a",
    ),
    "a match": ("match spawn e.f() on e.w:\n    case h if e.c: pass", "f call w on c"),
    "an import for each": ("for x in e.a:\n  spawn e.f(x) on e.w", "a f call w on f call w on"),
}


@pytest.mark.parametrize(("program", "journal"), PROGRAMS.values(), ids=PROGRAMS.keys())
def test_everything_is_evaluated_in_its_order_and_once(program: str, journal: str) -> None:
    assert " ".join(evaluate(program)[1]) == journal


def test_awaiting_comes_after_the_spawn() -> None:
    program = "async def main():\n    return e.a, await spawn e.f(e.b) on e.w, e.c"
    names, journal = evaluate(program)
    with names["e"].recording():
        asyncio.run(names["main"]())
    assert journal == ["a", "f", "b", "call", "w", "on", "await", "c"]


ARGUMENTS = ("e.a", "*e.b", "k=e.c", "**e.d", "e.g(e.h)", "j=e.i", "*[e.l]", "**{'m': e.n}")


@given(st.permutations(ARGUMENTS), st.integers(0, len(ARGUMENTS)))
def test_arguments_are_evaluated_as_in_the_call_itself(arguments: list[str], count: int) -> None:
    listed = ", ".join(arguments[:count])
    try:
        compile(f"f({listed})", "a.py", "eval")
    except SyntaxError:  # a positional argument after `k=` or `**`
        return
    _, expected = evaluate(f"e.f({listed})")
    names, journal = evaluate(f"h = spawn e.f({listed}) on e.w")
    assert [*journal, "f()"] == [*expected[:-1], "call", "w", "on", "f()"]
    names["h"].run()
    assert journal[-1] == "f()"


def test_a_call_is_sent_with_what_was_evaluated() -> None:
    names, _ = evaluate("x = 1\nh = spawn dict([('a', x)], b=x, **{'c': x}) on e.w\nx = 2")
    spawned = names["h"]
    assert (spawned.function, spawned.args, spawned.kwargs) == (dict, ([("a", 1)],), {"b": 1, "c": 1})
    assert (spawned.place.name, spawned.run()) == ("w", {"a": 1, "b": 1, "c": 1})


def test_a_thunk_is_evaluated_when_it_runs_and_each_time() -> None:
    names, journal = evaluate("h = spawn [e.a, spawn e.f(e.b) on e.v] on e.w")
    assert journal == ["call", "w", "on"]
    with names["e"].recording():
        names["h"].run()
    assert journal[3:] == ["a", "f", "b", "call", "v", "on"]


def test_a_class_finds_its_own_names() -> None:
    names, _ = evaluate(
        "class Base:\n"
        "    def double(self, x): return 2 * x\n"
        "class C(Base):\n"
        "    size = 3\n"
        "    called = spawn int(size) on e.w\n"
        "    def __init__(self): self.__secret = 4\n"
        "    def double(self, x): return spawn super().double(self.__secret) on e.w\n"
        "    def secret(self): return spawn self.__secret + 1 on e.w\n"
    )
    instance = names["C"]()
    with names["e"].recording():
        spawned = [names["C"].called, instance.double(1), instance.secret()]
    assert [one.run() for one in spawned] == [3, 8, 5]


def test_what_an_f_string_shows_is_the_text_and_then_the_value() -> None:
    names, _ = evaluate('s = f"{spawn e.f(e.a) on e.w=}, {spawn e.g() on e.v = !s:>10}"')
    assert names["s"] == "spawn e.f(e.a) on e.w=a Future, spawn e.g() on e.v =   a Future"
