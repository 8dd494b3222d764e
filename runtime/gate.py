"""A gate that one thread waits at until another opens it.

The main thread looks up now and then: a signal that arrives just before a blocking system call
does not interrupt it, and Ctrl-C would then be lost until the wait is over.
"""

from __future__ import annotations

import contextlib
import threading
import time

from circuit.runtime.threads import waiting_at

LOOK_UP_SECONDS = 0.25


class Gate:
    """Closed when made; any thread may open it.

    A spawned call that waits here is woken by its cancel, too, and gives its place to another call.
    """

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def open(self) -> None:
        """Let the one that waits go on."""
        with contextlib.suppress(RuntimeError):  # open already
            self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the gate is open, at most `timeout` s; tell whether it is."""
        if threading.current_thread() is not threading.main_thread():
            with waiting_at(self.open):
                return self._lock.acquire(timeout=-1 if timeout is None else max(timeout, 0))
        until = None if timeout is None else time.monotonic() + timeout
        while not self._lock.acquire(timeout=_slice(until)):
            if until is not None and time.monotonic() >= until:
                return False
        return True


def _slice(until: float | None) -> float:
    if until is None:
        return LOOK_UP_SECONDS
    return min(LOOK_UP_SECONDS, max(until - time.monotonic(), 0))
