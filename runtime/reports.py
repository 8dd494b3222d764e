"""What the user is told of errors that nobody asked for.

A thread of its own tells them, one after another: to rebuild an error is to run its class's code, and a
standard error stream that nobody reads blocks whoever writes to it. Only so many wait to be told;
the others are counted, and their number is told.
"""

from __future__ import annotations

import sys
import threading
import traceback
from queue import SimpleQueue

from circuit.runtime.actions import Lose
from circuit.runtime.messages import Raise, Stale
from circuit.runtime.record import Record
from circuit.runtime.threads import print_as_uncaught

WAITING = 100


class Reports:
    """The errors that one node tells its user of."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a finalizer may report within a report
        self._waiting: SimpleQueue[tuple[Record, Raise | Stale | Lose] | None] = SimpleQueue()
        self._untold = 0
        self._thread = threading.Thread(target=self._tell_all, name="circuit-reports", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def tell(self, record: Record, outcome: Raise | Stale | Lose) -> None:
        """Tell of the error of a call; returns at once, and may be called by a finalizer."""
        with self._lock:
            if self._waiting.qsize() < WAITING:
                self._waiting.put((record, outcome))
            else:
                self._untold += 1

    def close(self, timeout: float) -> None:
        """Tell what waits to be told, for at most `timeout` seconds."""
        self._waiting.put(None)
        self._thread.join(timeout)

    def _tell_all(self) -> None:
        while report := self._waiting.get():
            try:
                _tell(*report)
                self._tell_how_many()
            except Exception:  # noqa: BLE001 (one that fails, as on a closed stderr, stops no other)
                print_as_uncaught()
            del report  # what it holds must not live until the next one

    def _tell_how_many(self) -> None:
        with self._lock:
            untold = 0 if self._waiting.qsize() > 1 else self._untold
            self._untold -= untold
        if untold:
            _write(f"circuit: nobody asked for the outcomes of {untold:,} more calls, which failed, too\n")


def _tell(record: Record, outcome: Raise | Stale | Lose) -> None:
    error = "".join(traceback.format_exception(record.error(outcome)))
    _write(f"circuit: nobody asked for the outcome of {record}:\n{error}")


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
