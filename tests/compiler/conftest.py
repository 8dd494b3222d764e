"""What the compiler's tests share: golden files, and what is told of a program.

A golden file is what the compiler is known to write, reviewed as text. When a change is
meant, `CIRCUIT_ACCEPT=1 make test` writes them anew, and the diff is what to review.
"""

import os
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from circuit.compiler import Source, compile_source


@pytest.fixture
def assert_golden() -> Callable[[Path, bytes], None]:
    """Give a function that compares bytes with a golden file."""

    def compare(golden: Path, actual: bytes) -> None:
        if os.environ.get("CIRCUIT_ACCEPT"):
            golden.write_bytes(actual)
        assert golden.is_file(), f"{golden.name} is missing; CIRCUIT_ACCEPT=1 writes it"
        assert actual.decode(errors="replace") == golden.read_bytes().decode(errors="replace")
        assert actual == golden.read_bytes()

    return compare


@pytest.fixture
def told() -> Callable[[str], list[tuple[str, str]]]:
    """Give a function that returns the code of each diagnostic of a program, and the text that it marks."""

    def diagnose(text: str) -> list[tuple[str, str]]:
        text = textwrap.dedent(text)
        found = compile_source(Source.from_text(text, "a.cpy")).diagnostics
        return [(one.code, text[one.primary.span.start : one.primary.span.end]) for one in found]

    return diagnose
