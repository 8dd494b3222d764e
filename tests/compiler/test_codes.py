"""Codes: each has an explanation, and what that shows as wrong is wrong for just this reason."""

import re

import pytest

from circuit.compiler import Source, compile_bytes, explanation
from circuit.compiler.diagnostics import TITLES
from circuit.compiler.parser import find_spawns
from circuit.compiler.targets import Target, check_target

EXAMPLE = re.compile(r"```circuit\n(.*?)```", re.DOTALL)
OLDEST = Target.parse("3.11")


def codes_of(text: str) -> set[str]:
    """Return the codes that a program gets, compiled for the oldest target."""
    source = Source.from_text(text, "a.cpy")
    tokens = find_spawns(source).tokens
    too_new = {error.code for error in check_target(source, tokens, OLDEST)} if tokens else set()
    return too_new or {one.code for one in compile_bytes(text.encode(), "a.cpy").diagnostics}


@pytest.mark.parametrize("code", TITLES)
def test_an_explanation_shows_the_code_wrong_and_right(code: str) -> None:
    text = explanation(code)
    assert text.startswith(f"# {code}: {TITLES[code]}\n")
    wrong, right = EXAMPLE.findall(text)
    assert (codes_of(wrong), codes_of(right)) == ({code}, set())


def test_a_warning_says_how_it_is_silenced() -> None:
    silenced = {code for code in TITLES if f"# circuit: ignore[{code}]" in explanation(code)}
    assert silenced == {"S010", "S011", "S013", "S014", "S015", "S017"}


def test_no_explanation_of_what_is_no_code() -> None:
    with pytest.raises(KeyError):
        explanation("S999")
