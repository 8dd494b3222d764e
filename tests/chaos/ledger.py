"""The ledger: what became of each call, as its spawner saw it, to be held against the journal."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from enum import Enum, auto

import circuit


class Fate(Enum):
    """How a call ended."""

    RETURNED = auto()
    RAISED = auto()
    NEVER_BEGAN = auto()
    BEGAN = auto()
    UNKNOWN = auto()
    CANCELLED = auto()


RUNS = {
    Fate.RETURNED: {1},
    Fate.RAISED: {1},
    Fate.NEVER_BEGAN: {0},
    Fate.BEGAN: {1},
    Fate.UNKNOWN: {0, 1},
    Fate.CANCELLED: {0, 1},
}
"""How often a call that ended so may have run."""

FATES = {"no": Fate.NEVER_BEGAN, "yes": Fate.BEGAN, "unknown": Fate.UNKNOWN}
"""By what WorkerLost says of a call."""


class Ledger:
    """Every call of the storm since the last settlement."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._fates: dict[str, Fate | None] = {}
        self.counts: Counter[str] = Counter()
        """How many calls of each load ended in which way, ever."""

    def open(self, load: str) -> str:
        """Enter a call that is about to be made, and return its token."""
        with self._lock:
            token = f"{load}-{next(self._numbers)}"
            self._fates[token] = None
        return token

    def close(self, token: str, fate: Fate) -> str | None:
        """Enter how a call ended; tell what is wrong with that, if anything is."""
        with self._lock:
            known = self._fates[token]
            self._fates[token] = fate
            self.counts[f"{token.partition('-')[0]} {fate.name.lower()}"] += 1
        return f"{token} ended twice: {known.name} and {fate.name}" if known else None

    def lost(self, token: str, error: circuit.WorkerLost) -> str | None:
        """Enter a call as lost with its worker; tell what is wrong with that, if anything is."""
        return self.close(token, FATES[error.ran])

    def completed(self, load: str) -> int:
        """Return how many calls of a load ended as they were meant to."""
        return sum(self.counts[f"{load} {fate.name.lower()}"] for fate in (Fate.RETURNED, Fate.RAISED))

    def settle(self, runs: Counter[str]) -> Iterator[str]:
        """Hold all calls against the journal, tell what is wrong, and begin anew."""
        with self._lock:
            fates, self._fates = self._fates, {}
        for token, fate in fates.items():
            if fate is None:
                yield f"{token} never ended"
            elif runs[token] not in RUNS[fate]:
                yield f"{token} ended as {fate.name}, and ran {runs[token]} times"
        for token in runs.keys() - fates.keys():
            yield f"{token} ran, and nobody had called it, or long after it had ended"
