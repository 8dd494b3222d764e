"""What a load has at hand: the workers, the journal, and a judge of outcomes."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Sequence
from random import Random
from typing import Any, Protocol

import circuit
from tests.chaos.blame import Blame
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

    def judge(self, token: str, spawned: float, future: circuit.Future[Any], expected: object) -> bool:
        """Wait for a call's outcome, and hold it against what it should be; tell whether it has its value."""
        try:
            value = future.result(timeout=BOUND_SECONDS)
        except circuit.WorkerLost as lost:
            self.lost(token, spawned, lost)
            return False
        except concurrent.futures.TimeoutError:
            self.find(f"{token} has no outcome after {BOUND_SECONDS:g} s: {future!r}")
            return False
        except BaseException as error:  # noqa: BLE001 (any other error is a finding)
            self.find(f"{token} raised {error!r}")
            return False
        if value != expected:
            self.find(f"{token} returned {value!r:.200}, not {expected!r:.200}")
        self.find(self.ledger.close(token, Fate.RETURNED))
        return True

    def lost(self, token: str, spawned: float, error: circuit.WorkerLost) -> None:
        """Judge the loss of a call."""
        if not self.blame.explains(error, spawned):
            self.find(f"no fault explains what became of {token}: {error}")
        self.find(self.ledger.lost(token, error))

    def excuse(self, tokens: Sequence[str], error: BaseException) -> None:
        """Judge an error of several calls of which some were made by workers: any of them may have run."""
        if not self.blame.explains(error, None):
            self.find(f"no fault explains what became of {', '.join(tokens)}: {error!r}: {error}")
        for token in tokens:
            self.find(self.ledger.close(token, Fate.UNKNOWN))

    def returned(self, tokens: Sequence[str]) -> None:
        """Note that calls returned."""
        for token in tokens:
            self.find(self.ledger.close(token, Fate.RETURNED))


class Load(Protocol):
    """One kind of work: run it, wait for it, and judge what comes back."""

    @property
    def name(self) -> str:
        """What its calls are called in the ledger."""

    def run(self, field: Field, dice: Random) -> None:
        """Do a small piece of it."""
