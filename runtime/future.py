"""Futures: the spawner's handle on a call, for threads and for coroutines alike.

A future ends once: with a value, an error, or cancelled by its spawner. What arrived is kept as
bytes until somebody asks: rebuilding a value may import modules, and that is the asker's time,
not the transport's. An error that nobody ever asks for is reported when the future goes.
"""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from circuit.runtime.actions import Lose
from circuit.runtime.errors import ClusterError
from circuit.runtime.mailbox import Mailbox, wake_from_thread
from circuit.runtime.messages import NodeId, Raise, Return
from circuit.runtime.pickling import loads
from circuit.runtime.record import Record

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
Outcome: TypeAlias = Return | Raise | Lose
CancelledError = concurrent.futures.CancelledError


class _State(Enum):
    PENDING = auto()
    ARRIVED = auto()  # an outcome, not yet rebuilt
    VALUE = auto()
    ERROR = auto()
    CANCELLED = auto()


class Future(Generic[T]):
    """The outcome of a spawned call, now or later.

    Made by `spawn`, never by hand. Methods may be called from any thread. Awaiting it in a
    coroutine gives the result; if the waiting task is cancelled, so is the call.
    """

    __slots__ = (
        "__weakref__",
        "_asked",
        "_cancel",
        "_content",
        "_lock",
        "_record",
        "_report",
        "_state",
        "_then",
    )

    def __init__(
        self,
        record: Record | None,
        cancel: Callable[[], None],
        report: Callable[[Record, Raise | Lose], None] | None = None,
    ) -> None:
        self._record = record
        self._cancel = cancel
        self._report = report
        self._lock = threading.Lock()
        self._state = _State.PENDING
        self._content: Any = None
        self._then: list[Callable[[], object]] = []
        self._asked = False

    # What users call.

    def result(self, timeout: float | None = None) -> T:
        """Wait for the outcome and return it, or raise what the call raised.

        Args:
            timeout: in seconds; None waits as long as it takes.

        Raises:
            TimeoutError: the call has not ended; it goes on.
            concurrent.futures.CancelledError: `cancel` was called.
            WorkerLost: the process that had the call is gone.
        """
        error = self.exception(timeout)
        if error is not None:
            raise error
        return self._content  # type: ignore[no-any-return]

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the outcome and return what the call raised, None if it returned.

        Raises:
            TimeoutError: the call has not ended; it goes on.
            concurrent.futures.CancelledError: `cancel` was called.
        """
        self._wait(timeout)
        with self._lock:
            self._asked = True
            if self._state is _State.ARRIVED:
                self._rebuild()
            if self._state is _State.CANCELLED:
                raise CancelledError(f"{self._describe()} was cancelled")
            return self._content if self._state is _State.ERROR else None

    def done(self) -> bool:
        """Tell whether the call has ended, in whatever way."""
        return self._state is not _State.PENDING

    def cancelled(self) -> bool:
        """Tell whether `cancel` ended it."""
        return self._state is _State.CANCELLED

    def cancel(self) -> bool:
        """End the future now and stop the call where it runs; False if it had ended already.

        There a coroutine gets `asyncio.CancelledError`; a plain function gets
        `circuit.Cancelled` at its next bytecode, so one blocked in C ends when that returns.
        """
        if not self._end(_State.CANCELLED, None):
            return False
        self._cancel()
        return True

    @property
    def place(self) -> NodeId:
        """Where the call runs: a future is a place to spawn on."""
        if self._record is None:
            raise ClusterError("a future of several calls is no place to spawn on")
        return self._record.peer

    def add_done_callback(self, callback: Callable[[Future[T]], object]) -> None:
        """Call `callback(self)` when the call has ended, at once if it has.

        It runs on a thread of the runtime: it must not block.
        """
        if not self._call_when_done(lambda: callback(self)):
            callback(self)

    def __await__(self) -> Generator[Any, None, T]:
        import asyncio  # costs 0.1 s, which a program without coroutines does not pay

        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[None] = loop.create_future()
        if self._call_when_done(wake_from_thread(loop, arrived)):
            try:
                yield from arrived
            except asyncio.CancelledError:
                self.cancel()
                raise
        if self.cancelled():
            raise asyncio.CancelledError(f"{self._describe()} was cancelled")
        return self.result()

    def __repr__(self) -> str:
        if self._state is _State.PENDING and self._record:
            state = f"pending for {time.monotonic() - self._record.since:.2f} s"
        else:
            state = {_State.CANCELLED: "cancelled", _State.PENDING: "pending"}.get(self._state, "done")
        return f"<Future {self._describe()}, {state}>"

    def __reduce__(self) -> Any:
        raise TypeError("a Future does not travel in this version; ask for its result() first")

    def __del__(self) -> None:
        if self._state is _State.PENDING:
            return
        self.report_if_unasked()

    # What the runtime calls.

    def deliver(self, outcome: Outcome) -> None:
        """End the future with what arrived for it."""
        self._end(_State.ARRIVED, outcome)

    def settle(self, value: T) -> None:
        """End the future with a value made here."""
        self._end(_State.VALUE, value)

    def fail(self, error: BaseException) -> None:
        """End the future with an error made here."""
        self._end(_State.ERROR, error)

    def report_if_unasked(self) -> None:
        """Hand an error that nobody asked for to the one who tells the user; only once."""
        if not self._asked and isinstance(self._content, (Raise, Lose)) and self._record and self._report:
            self._asked = True
            self._report(self._record, self._content)

    def _end(self, state: _State, content: Any) -> bool:
        with self._lock:
            if self._state is not _State.PENDING:
                return False
            self._state, self._content = state, content
            then, self._then = self._then, []
        for step in then:
            step()
        return True

    def _rebuild(self) -> None:
        outcome: Outcome = self._content
        if isinstance(outcome, Return):
            try:
                self._content, self._state = loads(outcome.value), _State.VALUE
            except BaseException as error:  # noqa: BLE001 (it is the outcome: whoever asks, sees it)
                self._content, self._state = error, _State.ERROR
        else:
            assert self._record is not None
            self._content, self._state = self._record.error(outcome), _State.ERROR

    def _call_when_done(self, step: Callable[[], object]) -> bool:
        with self._lock:
            if self._state is not _State.PENDING:
                return False
            self._then.append(step)
            return True

    def _wait(self, timeout: float | None) -> None:
        if self._state is not _State.PENDING:
            return
        gate = threading.Lock()
        gate.acquire()
        if not self._call_when_done(gate.release):
            return
        if not gate.acquire(timeout=-1 if timeout is None else max(timeout, 0)):
            with self._lock:
                if gate.release in self._then:
                    self._then.remove(gate.release)
            if self._state is _State.PENDING:
                raise TimeoutError(f"{self._describe()} has not ended after {timeout} s")

    def _describe(self) -> str:
        return str(self._record) if self._record else "of several"


def gather(*futures: Future[T]) -> Future[list[T]]:
    """Return one future of all their results, in order.

    It fails as soon as one of them does, with the same error; the others go on, and are
    cancelled only with it.
    """

    def cancel() -> None:
        for future in futures:
            future.cancel()

    whole: Future[list[T]] = Future(None, cancel)
    lock = threading.Lock()
    left = len(futures)

    def one_more(future: Future[T]) -> None:
        nonlocal left
        with lock:
            left -= 1
            last = left == 0
        failed = _failure(future)
        if failed is not None:
            whole.fail(failed)
        elif last:
            whole.settle([future.result() for future in futures])

    if not futures:
        whole.settle([])
    for future in futures:
        future.add_done_callback(one_more)
    return whole


def _failure(future: Future[Any]) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError as error:
        return error


class as_completed(Iterator[Future[T]], AsyncIterator[Future[T]]):  # noqa: N801 (it is called like a function, as in concurrent.futures)
    """Iterate over futures as they end, with `for` or `async for`.

    Args:
        futures: those to wait for.
        timeout: in seconds from now for all of them; then TimeoutError, and they go on.
    """

    def __init__(self, futures: Iterable[Future[T]], *, timeout: float | None = None) -> None:
        self._ended: Mailbox[Future[T]] = Mailbox()
        waited = list(futures)
        self._left = len(waited)
        self._until = None if timeout is None else time.monotonic() + timeout
        for future in waited:
            future.add_done_callback(self._ended.put)

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
