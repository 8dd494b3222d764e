"""The search for the word: it finds what Python finds, in long texts too."""

import pytest
from hypothesis import given, strategies as st

from circuit.compiler.search import holds

LONG = 20_000


@given(st.binary(max_size=9), st.sampled_from([b"spawn", b"spaw", b"\0", b"\xff"]), st.integers(0, LONG))
def test_it_finds_what_python_finds(around: bytes, word: bytes, place: int) -> None:
    data = b"." * place + around + word + around + b"sp awn" * ((LONG - place) // 6)
    assert holds(data, b"spawn") == (b"spawn" in data)
    assert holds(data[:200], b"spawn") == (b"spawn" in data[:200])


@pytest.mark.parametrize("place", [0, LONG // 2, LONG])
def test_it_looks_behind_a_null_byte(place: int) -> None:
    data = b"." * place + b"\0" + b"." * (LONG - place) + b"spawn"
    assert holds(data, b"spawn")
    assert not holds(data[:-1], b"spawn")
