"""Virtual time: what is due, in order. Nobody waits for anything; what is due next is now.

Of two things due at the same time the one that was asked for first comes first, so a run depends on
nothing but its seed. What happens for ever, such as heartbeats, is quiet: a network is at rest when
nothing else is due.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Any, TypeAlias

Act: TypeAlias = Callable[..., None]


class Clock:
    """The time of one network, in seconds from its beginning."""

    def __init__(self) -> None:
        self.now = 0.0
        self._loud = 0
        self._due: list[tuple[float, int, bool, Act, tuple[Any, ...]]] = []
        self._ties = itertools.count()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is due but what happens for ever."""
        return not self._loud

    def at(self, time: float, act: Act, *args: Any, quiet: bool = False) -> None:
        """Have `act(*args)` happen then."""
        self._loud += not quiet
        heapq.heappush(self._due, (time, next(self._ties), quiet, act, args))

    def after(self, seconds: float, act: Act, *args: Any, quiet: bool = False) -> None:
        """Have `act(*args)` happen that much later."""
        self.at(self.now + seconds, act, *args, quiet=quiet)

    def advance(self) -> bool:
        """Let the next thing happen; tell whether there was one."""
        if not self._due:
            return False
        self.now, _, quiet, act, args = heapq.heappop(self._due)
        self._loud -= not quiet
        act(*args)
        return True
