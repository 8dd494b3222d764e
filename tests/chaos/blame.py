"""Which errors the faults explain: those about the lives of workers that were lost."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import circuit


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

    def lost(self, worker: str, pid: int) -> None:
        """Note that a worker is about to be lost."""
        with self._lock:
            self._losses.append(Loss(worker, pid))

    def replaced(self, worker: str) -> None:
        """Note that a worker has a new life: who spawns on it from now on means that one."""
        with self._lock:
            for loss in self._losses:
                if loss.worker == worker and loss.replaced is None:
                    loss.replaced = time.monotonic()

    def explains(self, error: BaseException, spawned: float | None) -> bool:
        """Tell whether a loss explains the error of a call spawned then; None: spawned by a worker."""
        with self._lock:
            return any(_explains(loss, error, spawned) for loss in self._losses)


def _explains(loss: Loss, error: BaseException, spawned: float | None) -> bool:
    if isinstance(error, circuit.StaleReference):
        return repr(loss.worker) in error.reason
    return (
        isinstance(error, circuit.WorkerLost)
        and loss.worker == error.worker
        and error.pid in (loss.pid, 0)
        and (spawned is None or loss.replaced is None or spawned <= loss.replaced)
    )
