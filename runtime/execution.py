"""Executing a call: the callee loaded, run on a thread or on the event loop, its outcome sent back.

A plain function or a generator runs on a thread of its own; a coroutine or an async generator on
the node's event loop. Whatever it raises, and whatever cannot be sent, becomes a Raise.
"""

from __future__ import annotations

import contextvars
import inspect
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from circuit.runtime.errors import Cancelled, describe
from circuit.runtime.mailbox import Mailbox
from circuit.runtime.messages import Answer, Call, End, Item, Payload, Raise, Return
from circuit.runtime.modules import catch_up, explain
from circuit.runtime.pickling import Lend, dumps, loads
from circuit.runtime.threads import Interruptible, Threads, print_as_uncaught, shielded
from circuit.runtime.windows import Window

if TYPE_CHECKING:
    import asyncio

Load: TypeAlias = Callable[[], Callable[..., Any]]


class EventLoop:
    """The node's event loop: a thread that is started by the first coroutine."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(
        self, coroutine: Coroutine[Any, Any, None], ended: Callable[[], None], strikes: Callable[[], None]
    ) -> Callable[[], object]:
        """Run a coroutine that handles its own errors; return what cancels it, once, from any thread.

        `ended` is called when it is over, also if it was cancelled before it began; `strikes` when
        the cancel reaches it.
        """
        import asyncio  # costs 0.1 s, which a node without coroutines does not pay

        with shielded(), self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(
                    target=self._run, args=(self._loop,), name="circuit-loop", daemon=True
                ).start()
            loop = self._loop
        tasks: list[asyncio.Task[None]] = []

        def begin() -> None:
            tasks.append(loop.create_task(coroutine))
            tasks[0].add_done_callback(lambda _: ended())

        loop.call_soon_threadsafe(begin, context=contextvars.copy_context())

        cancelled = False

        def cancel() -> None:
            nonlocal cancelled
            if not cancelled:  # a second one would strike the coroutine while it cleans up
                cancelled = True
                tasks[0].cancel()
                strikes()

        return lambda: loop.call_soon_threadsafe(cancel)

    @staticmethod
    def _run(loop: asyncio.AbstractEventLoop) -> None:
        """Run the loop for ever: a task's SystemExit, or its `loop.stop()`, ends no other's life."""
        while True:
            try:
                loop.run_forever()
            except BaseException:  # noqa: BLE001 (asyncio lets SystemExit and KeyboardInterrupt through)
                print_as_uncaught()


class Execution:
    """One call that runs here.

    Args:
        call: what to run, and its arguments.
        answer: sends an outcome or an item to the spawner; may be called from any thread.
        ended: called once when no more of the call's code will run.
        paused: called when the call begins to wait for another, or needs its thread no more.
        resumed: called when it goes on.
        lend: see `pickling`.
        ahead_bytes: see `Limits`.
    """

    def __init__(
        self,
        call: Call,
        answer: Callable[[Answer], None],
        ended: Callable[[], None],
        paused: Callable[[], None],
        resumed: Callable[[], None],
        lend: Lend,
        ahead_bytes: int,
    ) -> None:
        self._number = call.call
        self._edition = call.edition
        self._arguments: Payload | None = call.arguments
        self._is_stream = call.window > 0
        self._answer = answer
        self._ended = ended
        self._paused = paused
        self._lend = lend
        self._interruptible = Interruptible(paused, resumed)
        self._cancel_coroutine: Callable[[], object] | None = None
        self._cancelled = False  # as a coroutine
        self._window = Window(call.window, ahead_bytes)
        self._grants: Mailbox[int] = Mailbox()

    def start(self, threads: Threads, loop: EventLoop, load: Load, context: contextvars.Context) -> bool:
        """Run the call in a context of its own; tell whether there was a thread for it.

        `load` gives the callee, on the thread that runs it.

        Raises:
            RuntimeError: the system gives no more threads.
        """

        def run() -> None:
            self._interruptible.run(lambda: context.run(self._run, load, loop))
            self._arguments = None  # a cancel may have come before they were needed
            if self._cancel_coroutine is None:
                self._ended()

        return threads.start_call(run)

    @property
    def struck(self) -> bool:
        """Whether the code knows that it is being stopped; what it does now is to end."""
        return self._interruptible.struck and (self._cancel_coroutine is None or self._cancelled)

    def interrupt(self) -> None:
        """Stop it: its spawner gave it up, or is gone."""
        self._interruptible.interrupt()
        self._grants.put(0)
        if self._cancel_coroutine:
            self._cancel_coroutine()

    def grant(self, items: int) -> None:
        """Let the stream send more items."""
        self._grants.put(items)

    def _run(self, load: Callable[[], Callable[..., Any]], loop: EventLoop) -> None:
        try:
            function, (args, kwargs) = self._prepare(load)
            if inspect.iscoroutinefunction(function):
                with shielded():  # so that none is made and then forgotten
                    coroutine = function(*args, **kwargs)
                    self._start_on(loop, self._await(coroutine), coroutine.close)
                return
            value = function(*args, **kwargs)
            del args, kwargs  # what was sent lives no longer than the callee wants
            if self._is_stream and inspect.isasyncgen(value):
                self._start_on(loop, self._stream_async(value))
            elif self._is_stream:
                self._stream(iter(value))
            elif inspect.iscoroutine(value):
                self._start_on(loop, self._await(value), value.close)
            else:
                self._answer(Return(self._number, dumps(value, "result", self._lend)))
        except BaseException as error:  # noqa: BLE001 (it is the outcome: the spawner gets it)
            self._answer(raised(self._number, error))

    def _prepare(self, load: Load) -> tuple[Callable[..., Any], Any]:
        """Return the callee and its arguments.

        A cancel waits meanwhile: one that struck the import of a module would leave the lock of all
        imports locked.
        """
        with shielded():
            catch_up(self._edition)
            function = load()
            assert self._arguments is not None, "a call is run once"
            arguments, self._arguments = loads(self._arguments), None
        return function, arguments

    def _stream(self, items: Iterator[Any]) -> None:
        try:
            while True:
                while self._window.is_full:
                    self._take_grant(self._grants.get())
                    self._check()
                try:
                    item = next(items)
                except StopIteration:
                    self._answer(End(self._number))
                    return
                self._send(item)
                del item  # it lives no longer than it takes
        finally:
            if inspect.isgenerator(items):
                items.close()

    def _start_on(
        self, loop: EventLoop, coroutine: Coroutine[Any, Any, None], close: Callable[[], object] = int
    ) -> None:
        def ended() -> None:
            close()  # if it was cancelled before it began, Python would say that nobody awaited it
            self._ended()

        with shielded():
            self._paused()  # for good: it needs no thread
            self._cancel_coroutine = loop.start(coroutine, ended, self._strikes)
            if self._interruptible.interrupted:  # at the end of the shield it strikes this thread only
                self._cancel_coroutine()

    def _strikes(self) -> None:
        self._cancelled = True

    async def _await(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        try:
            self._answer(Return(self._number, dumps(await coroutine, "result", self._lend)))
        except BaseException as error:  # noqa: BLE001 (as in _run)
            self._answer(raised(self._number, error))

    async def _stream_async(self, items: AsyncIterator[Any]) -> None:
        try:
            async for item in items:
                self._send(item)
                del item
                while self._window.is_full:
                    self._take_grant(await self._grants.get_async())
            self._answer(End(self._number))
        except BaseException as error:  # noqa: BLE001 (as in _run)
            self._answer(raised(self._number, error))
        finally:
            if inspect.isasyncgen(items):
                await items.aclose()

    def _send(self, item: Any) -> None:
        payload = dumps(item, "item", self._lend)
        self._window.item(payload.nbytes)
        self._answer(Item(self._number, payload))

    def _take_grant(self, items: int) -> None:
        if items:  # else it is to look around: it was interrupted
            self._window.credit(items)

    def _check(self) -> None:
        if self._interruptible.interrupted:
            raise Cancelled


def raised(call: int, error: BaseException) -> Raise:
    """Make the answer of a call that raised, with its frames from the first that is not ours."""
    explain(error)
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    type_name, text, trace = describe(error.with_traceback(frames))
    return Raise(call, _travelling(error), type_name, text, trace, os.getpid())


def _travelling(error: BaseException) -> Payload | None:
    """Pickle an exception if it survives the journey, which many with their own __init__ do not."""
    try:
        payload = dumps(error, "exception")
        return payload if type(loads(payload)) is type(error) else None
    except Exception:  # noqa: BLE001 (NotSendable, or what a user's __init__ raises)
        return None
