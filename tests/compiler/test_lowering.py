"""Lowering: every form has its golden text, and what Python makes of the result is what was meant."""

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from circuit.compiler import Source, compile_bytes, compile_source
from circuit.compiler.lowering import lower
from circuit.compiler.parser import find_spawns
from circuit.compiler.splice import apply

GOLDEN = Path(__file__).parent / "golden" / "lowering"
PROGRAMS = sorted(GOLDEN.glob("*.cpy"))
LINE_END = re.compile(rb"\r\n|\r|\n")


def lowered(text: str) -> str:
    compilation = compile_source(Source.from_text(text, "a.cpy"))
    assert compilation.errors == ()
    return compilation.text


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_golden(program: Path, assert_golden: Callable[[Path, bytes], None]) -> None:
    compilation = compile_bytes(program.read_bytes(), program.name)
    assert compilation.errors == ()
    assert_golden(program.with_suffix(".lowered"), compilation.data)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_no_line_moves(program: Path) -> None:
    data = program.read_bytes()
    assert LINE_END.findall(compile_bytes(data, program.name).data) == LINE_END.findall(data)


# Parts of a spawn, in forms that a printer could lose bytes of, or that mean something else after a comma.
CALLEES = (
    "f",
    "(\n f)",
    "(f).g",
    "m.f",
    "fs[0]",
    "(f or g)",
    "(lambda x: x)",
    "f(1)",
    "(f)",
    "'{}'.format",
    "(await f)",
)
POSITIONAL = ("x", "(x)", "*xs", "f'{x  !s}'", "0xF_F", "[*a, *b]", "not x", "x if y else z", "(yield)")
NAMED = ("k=1", "j = (1, 2)", "** kw", "**{'a': 1}")
OPERANDS = (
    "a + b",
    "(a +\n  b)",
    "((\n a  # )\n))",
    "(lambda: a)",
    "(a)(b)[c]",
    "()",
    "-a",
    "not a",
    "[f(x) for x in xs]",
    "(a, b)",
    "f'{x!r:>{n}}'",
    "a if b else c",
    "{**d}",
)
PLACES = (
    "w",
    "( w )",
    "(  # (\n  w\n)",
    "(ws)[(i)]",
    "(a, b)",
    "(x for x in y)",
    "(yield)",
    "ws[i]",
    "w.near",
    "circuit.worker('gpu')",
    "(a or b)",
    "'w1'",
)

blanks = st.sampled_from(("", " ", "\t", "\n  ", "  # a ( comment,\n", " \\\n"))
breaks = st.sampled_from((" ", "\t", "\n  ", "  # a ( comment,\n", " \\\n"))


def some(parts: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(parts), max_size=2, unique=True)


@st.composite
def spawned_calls(draw: st.DrawFn) -> tuple[str, str]:
    """Draw the spawn of a call, for brackets where lines may break anywhere, and what it means."""
    callee, place = draw(st.sampled_from(CALLEES)), draw(st.sampled_from(PLACES))
    arguments = draw(some(POSITIONAL)) + sorted(draw(some(NAMED)), key=lambda one: one.startswith("**"))
    listed = ",".join(draw(blanks) + one + draw(blanks) for one in arguments)
    last = draw(st.sampled_from(("", ","))) if arguments else ""
    call = f"{callee}{draw(blanks)}({listed}{last}{draw(blanks)})"
    if draw(st.booleans()):
        call = f"({draw(blanks)}{call}{draw(blanks)})"
    spawn = f"spawn{draw(breaks)}{call}{draw(breaks)}on{draw(breaks)}{place}"
    return spawn, f"_circuit.call({', '.join([callee, *arguments])}).on({place})"


@st.composite
def spawned_thunks(draw: st.DrawFn) -> tuple[str, str]:
    """Draw the spawn of what is no call, and what it means."""
    operand, place = draw(st.sampled_from(OPERANDS)), draw(st.sampled_from(PLACES))
    spawn = f"spawn{draw(breaks)}{operand}{draw(breaks)}on{draw(breaks)}{place}"
    return spawn, f"_circuit.call(lambda: {operand}).on({place})"


SPAWNS = spawned_calls() | spawned_thunks()
PROGRAM = "import m\nasync def main():\n    keep([{}\n])\n"


def assert_means(expression: str, meaning: str) -> None:
    expected = ast.parse("import circuit as _circuit; " + PROGRAM.format(meaning))
    assert ast.dump(ast.parse(lowered(PROGRAM.format(expression)))) == ast.dump(expected)


@given(SPAWNS, st.sampled_from(("", "await ", "x, ", "x if y else ")))
def test_a_spawn_is_the_runtime_call(drawn: tuple[str, str], before: str) -> None:
    spawn, meaning = drawn
    assert_means(before + spawn, before + meaning)


@given(SPAWNS, SPAWNS, SPAWNS)
def test_spawns_nest(first: tuple[str, str], second: tuple[str, str], third: tuple[str, str]) -> None:
    (a, a_means), (b, b_means), (c, c_means) = first, second, third
    assert_means(
        f"spawn g({a}, k=[{b}]) on ({c})", f"_circuit.call(g, {a_means}, k=[{b_means}]).on({c_means})"
    )


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("spawn a + b on w", ("a",), "_circuit.call(lambda a: a + b, a).on(w)"),
        ("spawn (_ + é) on w", ("_", "é"), "_circuit.call(lambda _, é: _ + é, _, é).on(w)"),
        ("(spawn\n[a  # b\n]  # c\non w)", ("a",), "(_circuit.call(lambda a:\n[a  # b\n], a)  # c\n.on(w))"),
    ],
)
def test_what_is_captured_is_passed(text: str, names: tuple[str, ...], expected: str) -> None:
    source = Source.from_text(text, "a.cpy")
    (spawn,) = find_spawns(source).spawns
    assert apply(text, lower(source, [spawn], captures={spawn.span: names})) == expected


def test_only_the_spawn_that_captures_is_passed_something() -> None:
    text = "spawn a + (spawn a - 1 on v).b on w"
    source = Source.from_text(text, "a.cpy")
    (spawn,) = find_spawns(source).spawns
    assert apply(text, lower(source, [spawn], captures={spawn.inner[0].span: ["a"]})) == (
        "_circuit.call(lambda: a + (_circuit.call(lambda a: a - 1, a).on(v)).b).on(w)"
    )


# Outside of brackets a line goes on only behind a backslash.
JOINED = st.sampled_from((" ", "\t", " \\\n", " \\\r\n  ", "\\\n  \\\n"))


@given(st.tuples(*[JOINED] * 6), st.booleans(), st.booleans())
def test_joined_lines_stay_joined(blanks: tuple[str, ...], call: bool, grouped: bool) -> None:
    a, b, c, d, e, f = blanks
    operand = f"f{b}({c}x{d})" if call else f"f{b}+{c}x"
    operand = f"({a}{operand}{d})" if grouped else operand
    result = lowered(f"h = spawn{a}{operand}{e}on{f}w; z\n")
    expected = ast.parse(
        f"import circuit as _circuit; h = _circuit.call({'f, x' if call else 'lambda: f + x'}).on(w); z"
    )
    assert ast.dump(ast.parse(result)) == ast.dump(expected)
