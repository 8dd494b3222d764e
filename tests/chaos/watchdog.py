"""The watchdog: no wait is without a bound. One that is, ends the storm and tells what hung."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator

BOUND_SECONDS = 40.0
LOOK_SECONDS = 1.0


class Watchdog:
    """Watches over all waits of this process.

    Args:
        bark: called once, with what hung and for how long.
    """

    def __init__(self, bark: Callable[[str], None]) -> None:
        self._bark = bark
        self._numbers = itertools.count()
        self._waits: dict[int, tuple[str, float]] = {}
        self._over = threading.Event()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    @contextlib.contextmanager
    def over(self, what: str) -> Iterator[None]:
        """Watch over the block: it may take BOUND_SECONDS."""
        number = next(self._numbers)
        self._waits[number] = (what, time.monotonic())
        try:
            yield
        finally:
            del self._waits[number]

    def close(self) -> None:
        """Watch no longer."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            for what, since in list(self._waits.values()):
                if (seconds := time.monotonic() - since) > BOUND_SECONDS:
                    self._bark(f"{what} has been waiting for {seconds:.0f} s")
                    return
