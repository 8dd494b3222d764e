"""Which errors the faults explain: those about the lives of workers that were lost at the time."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import circuit

NEWS_SECONDS = 5.0
"""How long after a worker's new life was started others may still take the old one for it."""


@dataclass(slots=True)
class Loss:
    """A life of a worker that was lost."""

    worker: str
    pid: int
    replaced: float | None = None  # when its next life had been started


class Blame:
    """The losses so far."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._losses: list[Loss] = []

    @property
    def count(self) -> int:
        """How many lives were lost."""
        with self._lock:
            return len(self._losses)

    @property
    def pids(self) -> list[int]:
        """The processes that were lost."""
        with self._lock:
            return [loss.pid for loss in self._losses]

    def lost(self, worker: str, pid: int) -> None:
        """Note that a worker is about to be lost."""
        with self._lock:
            self._losses.append(Loss(worker, pid))

    def replaced(self, worker: str) -> None:
        """Note that a worker has a new life: the driver spawns on that one from now on."""
        with self._lock:
            for loss in self._losses:
                if loss.worker == worker and loss.replaced is None:
                    loss.replaced = time.monotonic()

    def explains(self, error: BaseException, since: float) -> bool:
        """Tell whether a worker that had no new life yet at `since`, or was lost later, explains an error."""
        with self._lock:
            losses = [loss for loss in self._losses if loss.replaced is None or since <= loss.replaced]
        if isinstance(error, circuit.StaleReference):
            return any(repr(loss.worker) in error.reason for loss in losses)
        return isinstance(error, circuit.WorkerLost) and any(
            loss.worker == error.worker and error.pid in (loss.pid, 0) for loss in losses
        )
