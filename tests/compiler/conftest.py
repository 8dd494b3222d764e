"""What the compiler's tests share: golden files.

A golden file is what the compiler is known to write, reviewed as text. When a change is
meant, `CIRCUIT_ACCEPT=1 make test` writes them anew, and the diff is what to review.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest


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
