"""Several futures at once: `gather`, `wait` and `as_completed`."""

from __future__ import annotations

import concurrent.futures
import functools
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from circuit.runtime import current
from circuit.runtime.actions import Lose
from circuit.runtime.future import Future, Job
from circuit.runtime.handles import Handle
from circuit.runtime.mailbox import Mailbox
from circuit.runtime.messages import Raise, Stale
from circuit.runtime.record import Record

T = TypeVar("T")


class _Several:
    """The home of a future of several others."""

    def __init__(self, futures: Sequence[Future[Any]]) -> None:
        self._futures = futures

    def cancel(self, number: int) -> None:
        """Give all of them up."""
        for future in self._futures:
            future.cancel()

    def report(self, record: Record, outcome: Raise | Stale | Lose) -> None:
        """Do nothing: each of them reports its own."""

    def cancel_given(self, promise: Handle) -> None:
        """Do nothing: each of them has been cancelled."""

    def fetch(self, where: Handle, record: Record) -> Future[Any]:
        """Ask as one of them would."""
        return self._futures[0]._home.fetch(where, record)

    def promise(self, future: Future[Any]) -> Handle:
        """Promise as one of them would."""
        return (self._futures[0]._home if self._futures else current.node()).promise(future)

    def start(self, job: Job) -> None:
        """Run a callback where theirs would run."""
        self._futures[0]._home.start(job)


def gather(*futures: Future[T]) -> Future[list[T]]:
    """Return one future of all their results, in order.

    It fails as soon as one of them does, with the same error; the others go on, and are
    cancelled only with it.
    """
    whole: Future[list[T]] = Future(_Several(futures))
    lock = threading.Lock()
    left = len(futures)

    def one_more(future: Future[T]) -> None:
        nonlocal left
        with lock:
            left -= 1
            last = left == 0
        if future.failed:
            whole.fail_as(future)
        elif last:
            whole.settle(lambda: [future.result() for future in futures])

    if not futures:
        whole.settle(list)
    for future in futures:
        future.when_here(one_more)
    return whole


class Waited(NamedTuple):
    """What `wait` returns: two sets of futures."""

    done: set[Future[Any]]
    not_done: set[Future[Any]]


FIRST_COMPLETED = concurrent.futures.FIRST_COMPLETED
FIRST_EXCEPTION = concurrent.futures.FIRST_EXCEPTION
ALL_COMPLETED = concurrent.futures.ALL_COMPLETED


def wait(
    futures: Iterable[Future[Any]], timeout: float | None = None, return_when: str = ALL_COMPLETED
) -> Waited:
    """Wait for futures to end, as `concurrent.futures.wait` does; those that have not go on.

    Args:
        futures: those to wait for.
        timeout: in seconds for all of them; what has ended by then is in `done`.
        return_when: FIRST_COMPLETED, FIRST_EXCEPTION or ALL_COMPLETED, of this module or that one.
    """
    if return_when not in (FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED):
        raise ValueError(
            f"return_when is FIRST_COMPLETED, FIRST_EXCEPTION or ALL_COMPLETED, not {return_when!r}"
        )
    waited = set(futures)
    done: set[Future[Any]] = set()
    ended = as_completed(waited, timeout=timeout)
    try:
        for future in ended:
            done.add(future)
            if return_when == FIRST_COMPLETED or (return_when == FIRST_EXCEPTION and future.failed):
                break
    except TimeoutError:
        pass
    finally:
        ended.close()
    done |= {future for future in waited if future.done()}
    return Waited(done, waited - done)


class as_completed(Iterator[Future[T]], AsyncIterator[Future[T]]):  # noqa: N801 (it is called like a function, as in concurrent.futures)
    """Iterate over futures as they end, with `for` or `async for`.

    Args:
        futures: those to wait for.
        timeout: in seconds from now for all of them; then TimeoutError, and they go on.
    """

    def __init__(self, futures: Iterable[Future[T]], *, timeout: float | None = None) -> None:
        self._ended: Mailbox[Future[T]] = Mailbox()
        self._steps = [(future, functools.partial(self._ended.put, future)) for future in futures]
        self._left = len(self._steps)
        self._until = None if timeout is None else time.monotonic() + timeout
        for future, step in self._steps:
            future.add_step(step)

    def close(self) -> None:
        """Wait no more: the futures that have not ended forget it."""
        for future, step in self._steps:
            future.remove_step(step)

    def __iter__(self) -> Iterator[Future[T]]:
        return self

    def __next__(self) -> Future[T]:
        if not self._left:
            raise StopIteration
        future = self._ended.get(self._seconds_left())
        self._left -= 1
        return future

    def __aiter__(self) -> AsyncIterator[Future[T]]:
        return self

    async def __anext__(self) -> Future[T]:
        import asyncio  # costs 0.1 s, which a program without coroutines does not pay

        if not self._left:
            raise StopAsyncIteration
        async with asyncio.timeout(self._seconds_left()):
            future = await self._ended.get_async()
        self._left -= 1
        return future

    def _seconds_left(self) -> float | None:
        return None if self._until is None else self._until - time.monotonic()
