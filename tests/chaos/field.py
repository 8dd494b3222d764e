"""What a load has at hand: the workers, the journal, and a judge of outcomes."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Protocol

import circuit
from tests.chaos.blame import NEWS_SECONDS, Blame
from tests.chaos.journal import Journal
from tests.chaos.ledger import Fate, Ledger
from tests.chaos.watchdog import BOUND_SECONDS, Watchdog

FAULT_ERRORS = (circuit.WorkerLost, circuit.StaleReference)
"""What a call may raise because a worker was lost."""


class Field:
    """Where the loads are run.

    Args:
        workers: their names.
        journal: where what they run is written down.
        watchdog: watches over all waits.
    """

    def __init__(self, workers: Sequence[str], journal: Journal, watchdog: Watchdog) -> None:
        self.workers = tuple(workers)
        self.everywhere = (*workers, "driver")
        self.journal = journal
        self.ledger = Ledger()
        self.blame = Blame()
        self.watchdog = watchdog
        self._lock = threading.Lock()
        self._findings: list[str] = []

    @property
    def findings(self) -> list[str]:
        """All that was not as promised."""
        with self._lock:
            return list(self._findings)

    def find(self, what: str | None) -> None:
        """Note that something is not as promised."""
        if what:
            with self._lock:
                self._findings.append(what)

    def open(self, load: str, calls: int) -> list[str]:
        """Enter so many calls that are about to be made, and return their tokens."""
        return [self.ledger.open(load) for _ in range(calls)]

    def judge(self, token: str, spawned: float, future: circuit.Future[Any], expected: object) -> None:
        """Wait for the outcome of a call that was made here, and hold it against what it should be."""
        try:
            value = future.result(timeout=BOUND_SECONDS)
        except circuit.WorkerLost as lost:
            self.lost(token, spawned, lost)
        except concurrent.futures.TimeoutError:
            self.find(f"{token} has no outcome after {BOUND_SECONDS:g} s: {future!r}")
        except BaseException as error:  # noqa: BLE001 (any other error is a finding)
            self.find(f"{token} raised {error!r}")
        else:
            if value != expected:
                self.find(f"{token} returned {value!r:.200}, not {expected!r:.200}")
            self.find(self.ledger.close(token, Fate.RETURNED))

    def lost(self, token: str, spawned: float, error: circuit.WorkerLost) -> None:
        """Judge the loss of a call that was made here, which tells whether it ran."""
        if not self.blame.explains(error, spawned):
            self.find(f"no fault explains what became of {token}: {error}")
        self.find(self.ledger.lost(token, error))

    @contextlib.contextmanager
    def joint(self, tokens: Sequence[str], fate: Fate = Fate.RETURNED) -> Iterator[None]:
        """Watch over calls that belong together; they end as `fate` says, unless a worker is lost.

        Workers make some of them, so that any of them may have run then.
        """
        began = time.monotonic()
        try:
            with self.watchdog.over(tokens[0]):
                yield
        except FAULT_ERRORS as error:
            fate = Fate.UNKNOWN
            if not self.blame.explains(error, began - NEWS_SECONDS):
                self.find(f"no fault explains what became of {', '.join(tokens)}: {error!r}: {error}")
        for token in tokens:
            self.find(self.ledger.close(token, fate))


class Load(Protocol):
    """One kind of work: run it, wait for it, and judge what comes back."""

    @property
    def name(self) -> str:
        """What its calls are called in the ledger."""

    def run(self, field: Field, dice: Random) -> None:
        """Do a small piece of it."""
