"""A queue that threads and coroutines can both wait on, each in its own way."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from circuit.runtime.gate import Gate

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")


class Mailbox(Generic[T]):
    """First in, first out, unbounded: whoever fills it keeps the bound."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: deque[T] = deque()
        self._waiting: deque[Callable[[], None]] = deque()

    def put(self, item: T) -> None:
        """Add an item and wake one that waits."""
        with self._lock:
            self._items.append(item)
        self._wake_one()

    def get(self, timeout: float | None = None) -> T:
        """Take the next item, blocking the thread until there is one.

        Raises:
            TimeoutError: there was none within `timeout` seconds.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            gate = Gate()
            with self._lock:
                if self._items:
                    return self._items.popleft()
                self._waiting.append(gate.open)
            try:
                if not gate.wait(None if until is None else until - time.monotonic()):
                    raise TimeoutError(f"nothing came within {timeout} s")
            except BaseException:
                self._leave(gate.open)
                raise

    async def get_async(self) -> T:
        """Take the next item, suspending the coroutine until there is one."""
        import asyncio  # costs 0.1 s, which a program without coroutines does not pay

        loop = asyncio.get_running_loop()
        while True:
            came: asyncio.Future[None] = loop.create_future()
            wake = wake_from_thread(loop, came)
            with self._lock:
                if self._items:
                    return self._items.popleft()
                self._waiting.append(wake)
            try:
                await came
            except BaseException:
                self._leave(wake)
                raise

    def _leave(self, waker: Callable[[], None]) -> None:
        """Stop waiting; if the wake-up had come already, pass it on."""
        with self._lock:
            if waker in self._waiting:
                self._waiting.remove(waker)
                return
        self._wake_one()

    def _wake_one(self) -> None:
        with self._lock:
            waker = self._waiting.popleft() if self._items and self._waiting else None
        if waker:
            waker()


def wake_from_thread(loop: asyncio.AbstractEventLoop, waiter: asyncio.Future[None]) -> Callable[[], None]:
    """Return what any thread may call to end an asyncio future that its loop waits on."""

    def end() -> None:
        if not waiter.done():
            waiter.set_result(None)

    def wake() -> None:
        try:
            loop.call_soon_threadsafe(end)
        except RuntimeError:  # the loop was closed, and nothing waits on it any more
            return

    return wake
