"""Futures: the spawner's handle on a call, for threads and for coroutines alike.

A future ends once: with a value, an error, or cancelled by its spawner. What arrived is kept as
bytes until somebody asks: rebuilding a value may import modules, and that is the asker's time,
not the transport's. A large value stays where it was computed until somebody asks. An error that
nobody ever asks for is reported when the future goes.

A future that is given to another worker is a future there: it takes the outcome from where it is.
"""

from __future__ import annotations

import concurrent.futures
import functools
import threading
import time
from collections.abc import Callable, Generator
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeAlias, TypeVar

from circuit.runtime import current
from circuit.runtime.actions import Lose
from circuit.runtime.errors import ClusterError
from circuit.runtime.gate import Gate
from circuit.runtime.handles import Handle, handle_at, place_of
from circuit.runtime.mailbox import wake_from_thread
from circuit.runtime.messages import End, Kept, NodeId, Raise, Return, Stale
from circuit.runtime.pickling import loads
from circuit.runtime.record import Record

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
Job: TypeAlias = Callable[[], object]
Outcome: TypeAlias = Return | Kept | Raise | Stale | End | Lose
CancelledError = concurrent.futures.CancelledError


class _State(Enum):
    PENDING = auto()
    ARRIVED = auto()  # an outcome, not yet rebuilt
    VALUE = auto()
    ERROR = auto()
    CANCELLED = auto()


ENDED: Final = object()
"""The value of a call that ended without one: what it asked for will never come."""

CANCELLED: Final = Raise(0, None, "", "", "", 0)
"""What a future that was cancelled is to other nodes: an error without a type."""


class Home(Protocol):
    """What a future needs from the node that made the call."""

    def cancel(self, number: int) -> None:
        """Give the call up."""

    def report(self, record: Record, outcome: Raise | Stale | Lose) -> None:
        """Tell the user of an error that nobody asked for."""

    def cancel_given(self, promise: Handle) -> None:
        """Give a call up that another node made, and whose future it gave to this one."""

    def fetch(self, where: Handle, record: Record) -> Future[Any]:
        """Ask for an outcome that stayed where it was computed, or that another node waits for."""

    def promise(self, future: Future[Any]) -> Handle:
        """Let other nodes ask for the outcome of a future."""

    def start(self, job: Job) -> None:
        """Run a user's callback on a thread where it may block."""


class Future(Generic[T]):
    """The outcome of a spawned call, now or later.

    Made by `spawn`, never by hand. Methods may be called from any thread. Awaiting it in a
    coroutine gives the result; if the waiting task is cancelled, so is the call.
    """

    __slots__ = (
        "__weakref__",
        "_asked",
        "_content",
        "_fetch",
        "_given",
        "_home",
        "_kept",
        "_lock",
        "_number",
        "_promise",
        "_record",
        "_state",
        "_then",
    )

    def __init__(self, home: Home, number: int = 0, record: Record | None = None) -> None:
        self._home = home
        self._number = number
        self._record = record
        self._lock = threading.Lock()
        self._state = _State.PENDING
        self._content: Any = None
        self._then: list[Job] = []
        self._asked = False
        self._fetch: Future[Any] | None = None  # of a value that stayed where it was computed
        self._kept: Kept | Raise | None = None  # the outcome as it arrived, for others
        self._given: Handle | None = None  # what another node promised, until it has told
        self._promise: Handle | None = None  # for those to whom this was given

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
        if error is None:
            return self._content  # type: ignore[no-any-return]
        try:
            raise error
        finally:
            del error, self  # or the error's traceback would hold the error, and what is in it

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the outcome and return what the call raised, None if it returned.

        Raises:
            TimeoutError: the call has not ended; it goes on.
            concurrent.futures.CancelledError: `cancel` was called.
        """
        until = None if timeout is None else time.monotonic() + timeout
        self._wait(timeout)
        while fetch := self._begin_fetch():
            fetch._wait(None if until is None else until - time.monotonic())
            self._take(fetch)
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
        It ends for all who have this future, on whatever node.
        """
        promise = self._given
        if not self.leave():
            return False
        if promise:
            self._home.cancel_given(promise)
        return True

    @property
    def place(self) -> NodeId:
        """Where the call runs: a future is a place to spawn on."""
        if self._record is None:
            raise ClusterError("a future of several calls is no place to spawn on")
        return self._record.peer

    def add_done_callback(self, callback: Callable[[Future[T]], object]) -> None:
        """Call `callback(self)` when the call has ended, at once if it has.

        It may run on another thread. What it raises is printed there, as for any thread.
        """
        if not self._call_when_done(lambda: self._home.start(lambda: callback(self))):
            callback(self)

    def __await__(self) -> Generator[Any, None, T]:
        yield from self._until_done()
        while fetch := self._begin_fetch():
            yield from fetch._until_done()
            self._take(fetch)
        if self.cancelled():
            # Costs 0.1 s, which a program without coroutines does not pay; here it is loaded.
            import asyncio

            raise asyncio.CancelledError(f"{self._describe()} was cancelled")
        try:
            return self.result()
        finally:
            del self  # as in `result`

    def __repr__(self) -> str:
        if self._state is _State.PENDING and self._record:
            state = f"pending for {time.monotonic() - self._record.since:.2f} s"
        else:
            state = {_State.CANCELLED: "cancelled", _State.PENDING: "pending"}.get(self._state, "done")
        return f"<Future {self._describe()}, {state}>"

    def __reduce__(self) -> Any:
        if self._promise is None:  # two threads may each make one, and either will do
            self._promise = self._home.promise(self)
        self._asked = True  # by those to whom it is given
        place = place_of(self._promise, "Future")
        record = self._record
        if record is None:
            return _received, (place, "gather", "several places", None, 0.0, "")
        since = time.monotonic() - record.since
        return _received, (place, record.function, str(record.site), record.peer, since, record.reference)

    def __copy__(self) -> Future[T]:
        return self

    def __deepcopy__(self, memo: object) -> Future[T]:
        return self

    def __del__(self) -> None:
        if self._state is _State.PENDING:
            return
        self.report_if_unasked()

    # What the runtime calls.

    def deliver(self, outcome: Outcome) -> bool:
        """End the future with what arrived for it, unless it has ended."""
        if isinstance(outcome, Raise) and not outcome.type_name:
            return self._end(_State.CANCELLED, None)
        return self._end(_State.ARRIVED, outcome)

    def given(self, promise: Handle) -> None:
        """Note that another node made the call, and has promised to tell how it ends."""
        self._given = promise

    def disregard(self) -> None:
        """Note that nobody will ask: an error is not reported."""
        self._asked = True

    def leave(self) -> bool:
        """As `cancel`, but a call that another node made goes on without this one."""
        if not self._end(_State.CANCELLED, None):
            return False
        self._home.cancel(self._number)
        return True

    def revoke(self) -> None:
        """End the future as cancelled: what made the call was."""
        self._end(_State.CANCELLED, None)

    def settle(self, make: Callable[[], T]) -> None:
        """End the future with what `make` returns or raises, on the thread of the first that asks."""
        self._end(_State.ARRIVED, make)

    def fail_as(self, other: Future[Any]) -> None:
        """End the future as another one did that failed."""
        self._end(_State.ARRIVED, other)

    def when_done(self, step: Callable[[Future[T]], None]) -> None:
        """Call `step(self)` once ended, on whatever thread that is: it must neither block nor raise."""
        self.add_step(lambda: step(self))

    def add_step(self, step: Job) -> None:
        """As `when_done`, for a step that knows what it is about."""
        if not self._call_when_done(step):
            step()

    def remove_step(self, step: Job) -> None:
        """Forget a step that was added, if the future has not ended."""
        with self._lock:
            if step in self._then:
                self._then.remove(step)

    def when_here(self, step: Callable[[Future[T]], None]) -> None:
        """As `when_done`, once a value that stayed elsewhere has been fetched, too."""

        self.when_done(functools.partial(Future._look, step=step))

    def _look(self, step: Callable[[Future[T]], None]) -> None:
        fetch = self._begin_fetch()
        if fetch is None:
            step(self)
        else:
            fetch.when_done(functools.partial(self._take_and_look, step))

    def _take_and_look(self, step: Callable[[Future[T]], None], fetch: Future[Any]) -> None:
        self._take(fetch)
        self._look(step)

    def outcome(self) -> Return | Kept | Raise | Callable[[], T]:
        """Return how it ended, for other nodes; if that is to be computed, what returns or raises it."""
        with self._lock:
            if self._state is _State.CANCELLED:
                return CANCELLED
            if self._kept:
                return self._kept
            if self._state is _State.ARRIVED and isinstance(self._content, (Return, Kept, Raise)):
                return self._content
        return self.result

    @property
    def failed(self) -> bool:
        """Whether it ended otherwise than with a value, as far as can be told without rebuilding it."""
        ended_badly = self._state in (_State.ERROR, _State.CANCELLED)
        failures = (*_FAILURES, Future)
        return ended_badly or (self._state is _State.ARRIVED and isinstance(self._content, failures))

    def report_if_unasked(self) -> None:
        """Hand an error that nobody asked for to the one who tells the user; only once."""
        if not self._asked and isinstance(self._content, _FAILURES) and self._record:
            self._asked = True
            self._home.report(self._record, self._content)

    def _end(self, state: _State, content: Any) -> bool:
        with self._lock:
            if self._state is not _State.PENDING:
                return False
            self._state, self._content, self._given = state, content, None
            then, self._then = self._then, []
        for step in then:
            step()
        return True

    def _rebuild(self) -> None:
        arrived: Outcome | Future[Any] | Callable[[], T] = self._content
        try:
            if isinstance(arrived, _FAILURES):
                assert self._record is not None
                if isinstance(arrived, Raise):
                    self._kept = arrived
                self._content, self._state = self._record.error(arrived), _State.ERROR
            elif isinstance(arrived, Future):
                self._content, self._state = arrived.exception(), _State.ERROR
            else:
                value = self._value_of(arrived)
                self._content, self._state = value, _State.VALUE
        except Exception as error:  # noqa: BLE001 (it is the outcome: whoever asks, sees it)
            self._content, self._state = error, _State.ERROR

    @staticmethod
    def _value_of(arrived: Any) -> Any:
        if isinstance(arrived, End):
            return ENDED
        if not isinstance(arrived, Return):
            return arrived()  # see `settle`
        return loads(arrived.value) if arrived.value.buffers else None

    def _call_when_done(self, step: Job) -> bool:
        with self._lock:
            if self._state is not _State.PENDING:
                return False
            self._then.append(step)
            return True

    def _wait(self, timeout: float | None) -> None:
        if self._state is not _State.PENDING:
            return
        gate = Gate()
        if not self._call_when_done(gate.open) or gate.wait(timeout):
            return
        self.remove_step(gate.open)
        if self._state is _State.PENDING:
            raise TimeoutError(f"{self._describe()} has not ended after {timeout} s")

    def _until_done(self) -> Generator[Any, None, None]:
        """Wait in a coroutine; one that is cancelled meanwhile cancels the call."""
        import asyncio  # costs 0.1 s, which a program without coroutines does not pay

        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[None] = loop.create_future()
        if self._call_when_done(wake_from_thread(loop, arrived)):
            try:
                yield from arrived
            except asyncio.CancelledError:
                self.cancel()
                raise

    def _begin_fetch(self) -> Future[Any] | None:
        """Ask for a value that stayed where it was computed; None if there is no more to ask for."""
        with self._lock:
            if self._state is not _State.ARRIVED or not isinstance(self._content, Kept):
                return None
            if self._fetch is None:
                where = self._content.value.refs[0]
                assert isinstance(where, Handle) and self._record is not None
                self._fetch = self._home.fetch(where, self._record)
            return self._fetch

    def _take(self, fetch: Future[Any]) -> None:
        """Take over what a fetch brought; where the value is stays known, for others."""
        with self._lock:
            if isinstance(self._content, Kept):
                self._kept = self._content
                self._content, self._fetch = fetch._content, None
                fetch._asked = True  # this future answers for it
                if fetch._state is _State.CANCELLED:
                    self._state = _State.CANCELLED

    def _describe(self) -> str:
        return str(self._record) if self._record else "of several"


_FAILURES = (Raise, Stale, Lose)


def _received(
    place: int, function: str, site: str, peer: NodeId | None, elapsed: float, reference: str
) -> Future[Any]:
    """Rebuild a future that another node gave to this one: it ends when the outcome is known there."""
    node = current.node()
    handle = handle_at(place)
    record = Record(function, site, peer or handle.owner, time.monotonic() - elapsed, reference)
    future = node.fetch(handle, record)
    future.given(handle)
    return future
