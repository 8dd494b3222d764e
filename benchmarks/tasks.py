"""What the contenders are given to do: as little as possible, so that the way there is what is measured."""

from collections.abc import Iterator


def nothing() -> None:
    """Do nothing."""


def size(data: bytes) -> int:
    """Return how much arrived."""
    return len(data)


def same(number: int) -> int:
    """Return the argument."""
    return number


def numbers(count: int) -> Iterator[int]:
    """Count."""
    yield from range(count)
