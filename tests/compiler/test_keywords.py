"""Soft keywords: what is marked, and above all what is not."""

import ast
import random
import sysconfig
import warnings
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from circuit.compiler.keywords import mark_spawns
from circuit.compiler.parser import find_spawns
from circuit.compiler.source import Source
from circuit.compiler.spawns import ParseError
from circuit.compiler.tokens import Tokens, tokenize

LIBRARY = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[::8]
SOFT = {"match", "case", "type", "_"}


def marked(text: str) -> tuple[str, list[str]]:
    """Return the text with each spawn and on that was marked in capitals, and the codes of the errors."""
    tokens = tokenize(Source.from_text(text, "a.cpy"))
    errors = mark_spawns(tokens, text)
    return capitals(text, tokens, {"spawn", "on"}), [error.code for error in errors]


def capitals(text: str, tokens: Tokens, kinds: set[str]) -> str:
    letters = list(text)
    for kind, start, end in zip(tokens.kinds, tokens.starts, tokens.ends, strict=True):
        if kind in kinds:
            letters[start:end] = text[start:end].upper()
    return "".join(letters)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("spawn spawn spawn f() on a on b on c", "SPAWN SPAWN SPAWN f() ON a ON b ON c"),
        ("spawn (spawn (spawn)) on (on)", "SPAWN (spawn (spawn)) ON (on)"),
        ("spawn (a), spawn (b) on w", "spawn (a), SPAWN (b) ON w"),
        ("spawn (a); spawn (b) on w; spawn(c)", "spawn (a); SPAWN (b) ON w; spawn(c)"),
        ("x = spawn (a) == spawn (b) on w", "x = SPAWN (a) == spawn (b) ON w"),
        ("spawn f(a) on w if spawn (b) else c", "SPAWN f(a) ON w if spawn (b) else c"),
        ("spawn [spawn (a) for on in on] on w", "SPAWN [spawn (a) for on in on] ON w"),
        ("lambda on: on, spawn (x) on w", "lambda on: on, SPAWN (x) ON w"),
        ("spawn lambda: (spawn) on w", "SPAWN lambda: (spawn) ON w"),
        ("x[spawn (on):on]", "x[spawn (on):on]"),
        ("f(spawn=spawn, on=on)(spawn) on w", "f(spawn=spawn, on=on)(spawn) on w"),
        ("def f(): spawn f() on w\nspawn(x)\n", "def f(): SPAWN f() ON w\nspawn(x)\n"),
        ("spawn (\n  f  # on w\n)(x)\non = 1", "spawn (\n  f  # on w\n)(x)\non = 1"),
        ("if x:\n  spawn f() on w\nspawn g() on w\n", "if x:\n  SPAWN f() ON w\nSPAWN g() ON w\n"),
        ("spawn None on w", "SPAWN None ON w"),
        ("spawn ... on w", "SPAWN ... ON w"),
        ("spawn {**a} on w", "SPAWN {**a} ON w"),
        ("spawn ~x on w", "SPAWN ~x ON w"),
        ("spawn f'{on}' on w", "SPAWN f'{on}' ON w"),
    ],
)
def test_spawn_and_on_are_marked_in_pairs(text: str, expected: str) -> None:
    assert marked(text) == (expected, [])


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("spawn f(x) + 1; y", "S001", "spawn f(x) + 1"),
        ("f(spawn g(x), y)", "S001", "spawn g(x)"),
        ("spawn spawn f() on w", "S001", "spawn spawn f() on w"),
        ("spawn f() on a on b", "S003", "on"),
        ("x = spawn on w", "S003", "spawn on"),
    ],
)
def test_a_word_without_its_partner_is_an_error(text: str, code: str, place: str) -> None:
    (error,) = mark_spawns(tokenize(Source.from_text(text, "a.cpy")), text)
    assert (error.code, text[error.span.start : error.span.end]) == (code, place)


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.name)
def test_python_stays_python_when_its_names_are_spawn_and_on(path: Path) -> None:
    source = Source.decode(path.read_bytes(), str(path))
    tokens = tokenize(source)
    for seed in range(3):
        dice = random.Random(seed)
        parts: list[str] = []
        done = 0
        for kind, start, end in zip(tokens.kinds, tokens.starts, tokens.ends, strict=True):
            word = source.text[start:end]
            if kind == "NAME" and word not in SOFT and dice.random() < 0.7:
                word = dice.choice(["spawn", "on"])
            parts += source.text[done:start], word
            done = end
        text = "".join(parts)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                ast.parse(text)
            except SyntaxError:  # such as `from __future__ import spawn`
                continue
        assert find_spawns(Source.from_text(text, f"{path}, seed {seed}"))[:2] == ((), ())


WORDS = ["spawn", "on", "x", "(x)", "[x]", "{x}", "1", "'s'", "f'{spawn}'", "(", ")", "[", "]"]
WORDS += [".", ",", ":", "=", "-", "*", "@", ";", "\n", "if", "else", "for", "in", "not", "lambda", "await"]
WORDS += ["match", "case", "type"]


@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))
def test_what_python_accepts_has_no_spawn(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except SyntaxError:
            return
    assert find_spawns(Source.from_text(text, "a.cpy"))[:2] == ((), ())


@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))
def test_any_words_give_spawns_or_errors(text: str) -> None:
    try:
        tokenize(Source.from_text(text, "a.cpy"))
    except ParseError:
        return
    spawns, errors, _ = find_spawns(Source.from_text(text, "a.cpy"))
    for spawn in spawns:
        assert text[spawn.span.start : spawn.span.end].startswith("spawn")
        assert text[spawn.on.start : spawn.on.end] == "on"
    for error in errors:
        assert 0 <= error.span.start < error.span.end <= len(text)
