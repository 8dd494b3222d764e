"""Any text gives output or diagnostics, never a traceback.

Hypothesis tries words put together at random, and real programs with a few places changed.
`make fuzz` runs the same judgement under libFuzzer (atheris), which follows the branches that
a text takes through the compiler; its arguments are libFuzzer's, as in

    python tests/compiler/test_fuzz.py -max_total_time=600 CORPUS
"""

import random
import re
import sys
import warnings
from pathlib import Path

if __name__ == "__main__":
    import atheris

    with atheris.instrument_imports(include=["circuit"]):
        import circuit.compiler  # noqa: F401

from hypothesis import example, given, strategies as st

from circuit.compiler import Source, compile_bytes, render
from circuit.compiler.parser import parse_module
from circuit.compiler.roundtrip import rebuild
from circuit.compiler.source import SourceError
from circuit.compiler.spawns import ParseError
from circuit.compiler.trees import Tree

BREAK = re.compile(rb"\r\n|\r|\n")
CHECKOUT = Path(__file__).parents[2]
SEEDS = sorted([*CHECKOUT.glob("tests/**/*.cpy"), *CHECKOUT.glob("examples/*.cpy")])

WORDS = [*"()[]{}:,;#'=*.1é@", "spawn", "on", "f", "(x)", "w", ":=", "->", "f'", "match", "lambda", "await"]
WORDS += ["yield", "if", "for", "in", "def", "class", "import", "return", "async", "with", "super()", "_"]
WORDS += [
    "spawn f(x) on w",
    ".result()",
    "except",
    "try:",
    "f'{spawn x on w=}'",
    "t'",
    "rf'''",
    "case",
    "type",
]
WORDS += [" ", "\n", "\n    ", "\t", "\r", "\x0c", "\0", "\\\n", '"""', "from __future__ import annotations"]


def judge(data: bytes) -> None:
    """Compile, and hold what comes out against what is promised of any bytes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compilation = compile_bytes(data, "a.cpy")
        source = compilation.source
        for one in compilation.diagnostics:
            for label in (one.primary, *one.labels):
                assert 0 <= label.span.start <= label.span.end <= len(source.text)
            assert render(one, source).startswith(f"{one.severity}[{one.code}]: ")
        tree = parsed(source)
        if compilation.errors:
            return
        written = compilation.data
        if not compilation.edits:
            assert written == data
            return
        assert tree is not None and rebuild(source, tree) == source.text
        assert [found[0] for found in BREAK.finditer(written)] == [found[0] for found in BREAK.finditer(data)]
        compile(written, "a.py", "exec", dont_inherit=True)
        compilation.code()
        again = compile_bytes(written, "a.py")
        assert (again.data, again.errors) == (written, ())


def parsed(source: Source) -> Tree | None:
    try:
        return parse_module(source)
    except (ParseError, SourceError):
        return None


programs = st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)


@given(programs)
@example("spawn f(x) on w \0")
@example("f'{spawn f(x) on w!r:>{n}}'")
@example('x = f"é {spawn f(é) on w}" f"""{a}\n{spawn g(\n f"{spawn h(k) on w}") on w}"""; spawn j(x) on w')
@example("def f ( : spawn f(x) on w")
def test_any_text(text: str) -> None:
    judge(text.encode())


@given(st.binary(max_size=60))
@example(b"# coding: undefined\nspawn f() on w")
@example(b"# coding: idna\nspawn f\xff() on w")
@example(b"# coding: unicode_escape\nspawn f('\\x41') on w")
@example(b"# coding: utf-7\nspawn f('+AGE-') on w")
def test_any_bytes(data: bytes) -> None:
    judge(data)


@st.composite
def changed_programs(draw: st.DrawFn) -> bytes:
    data = draw(st.sampled_from(SEEDS)).read_bytes()
    lines = data.splitlines(keepends=True)
    if len(lines) > 40:
        start = draw(st.integers(0, len(lines) - 40))
        data = b"".join(lines[start : start + 40])
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(start + draw(st.sampled_from((0, 0, 1, 2, 10))), len(data))
        data = data[:start] + draw(st.sampled_from(WORDS)).encode() + data[end:]
    return data


@given(changed_programs())
def test_any_change_of_a_program(data: bytes) -> None:
    judge(data)


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Put a word somewhere, or change bytes as libFuzzer does."""
    dice = random.Random(seed)
    if dice.random() < 0.5:
        return bytes(atheris.Mutate(data, max_size))
    start = dice.randint(0, len(data))
    end = start + dice.choice((0, 0, 1, 2, 10))
    return (data[:start] + f" {dice.choice(WORDS)} ".encode() + data[end:])[:max_size]


if __name__ == "__main__":
    atheris.Setup(sys.argv, judge, custom_mutator=mutate)
    atheris.Fuzz()
