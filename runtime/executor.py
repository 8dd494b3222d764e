"""The executor of a node: runs the calls that the core lets begin, each on a thread or on the event loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from circuit.runtime import current
from circuit.runtime.actions import Run
from circuit.runtime.admission import Key
from circuit.runtime.errors import Overloaded
from circuit.runtime.execution import EventLoop, Execution, Load, raised
from circuit.runtime.functions import Functions
from circuit.runtime.limits import Limits
from circuit.runtime.messages import Answer, Block, Buffer, Item
from circuit.runtime.threads import Threads, shielded


class Host(Protocol):
    """What the executor needs from the node."""

    def lend(self, data: Buffer) -> Block | None:
        """Copy a large buffer into memory that others of this host can map."""

    def answered(self, key: Key, answer: Answer) -> None:
        """Send an outcome or an item to the spawner."""

    def ended(self, key: Key) -> None:
        """Note that no more of a call's code will run."""

    def paused(self, key: Key) -> None:
        """Note that a call waits for another one, or needs no thread any more."""

    def resumed(self, key: Key) -> None:
        """Note that it goes on."""

    def is_wanted(self, key: Key) -> bool:
        """Tell whether somebody waits for the outcome of a call."""

    def value(self, number: int) -> object:
        """Return the object of that number."""

    def later(self, chore: Callable[[], object]) -> None:
        """Do something small on another thread."""


class Executor:
    """What runs on one node.

    Args:
        host: the node.
        name: what it is called.
        limits: of threads, and of what streams send ahead.
        reserve: how many threads are kept for when Python starts no more.
    """

    def __init__(self, host: Host, name: str, limits: Limits, reserve: int) -> None:
        self._host = host
        self._name = name
        self._limits = limits
        self._unanswered: dict[Key, Execution] = {}
        self._running: set[Execution] = set()  # whose code has not ended
        self._changed = threading.Condition()
        self._functions = Functions()
        self._threads = Threads(reserve, limits.threads)
        self._loop = EventLoop()

    def __len__(self) -> int:
        return len(self._unanswered)

    def run(self, run: Run) -> None:
        """Run a call."""
        host, key = self._host, Key(run.origin, run.call.call)  # and no more: what was sent ends with its use

        def answer(outcome: Answer) -> None:
            if not isinstance(outcome, Item):
                self._unanswered.pop(key, None)
            host.answered(key, outcome)

        def ended() -> None:
            self._unanswered.pop(key, None)
            host.ended(key)
            with shielded(), self._changed:
                self._running.discard(execution)
                self._changed.notify_all()

        def paused() -> None:
            host.paused(key)

        def resumed() -> None:
            host.resumed(key)

        execution = Execution(run.call, answer, ended, paused, resumed, host.lend, self._limits.ahead_bytes)
        self._unanswered[key] = execution
        with self._changed:
            self._running.add(execution)

        def refuse(error: Exception) -> None:
            answer(raised(run.call.call, error))
            ended()

        context = current.context_of(key)
        try:
            if not execution.start(self._threads, self._loop, self._loader(run), context):
                most = self._limits.threads
                # Later, since the end of this call may begin the next one, which may be refused as well.
                host.later(partial(refuse, Overloaded(self._name, "threads", most)))
        except RuntimeError as error:  # the system has no more
            host.later(partial(refuse, error))
        if not host.is_wanted(key):  # given up, or over already, and then this changes nothing
            execution.interrupt()

    def interrupt(self, key: Key) -> None:
        """Stop a call, if it has not answered."""
        if execution := self._unanswered.get(key):
            execution.interrupt()

    def grant(self, key: Key, items: int) -> None:
        """Let a stream send more items."""
        if execution := self._unanswered.get(key):
            execution.grant(items)

    def is_stopping(self, key: Key | None) -> bool:
        """Tell whether what the code of a call does now is to end: it has been struck, or has answered."""
        execution = self._unanswered.get(key) if key else None
        return execution is None or execution.struck

    def start(self, job: Callable[[], object]) -> None:
        """Run a job on a thread where it may block; on this one if there are no more."""
        try:
            self._threads.start(job)
        except RuntimeError:  # the interpreter is ending, or the system has no more
            job()

    def stop(self, timeout: float) -> None:
        """Interrupt what runs, and wait at most `timeout` s for its end."""
        with self._changed:
            for execution in self._running:
                execution.interrupt()
            self._changed.wait_for(lambda: not self._running, timeout)

    def close(self) -> None:
        """Let the threads go."""
        self._threads.close()

    def _loader(self, run: Run) -> Load:
        """Return what gives the callee, on the thread that runs it."""
        code = run.code
        if code is not None:
            return lambda: self._functions.load(code)
        value, method = self._host.value(run.call.target), run.call.method
        return lambda: _method_of(value, method)


def _method_of(value: object, name: str) -> Callable[..., Any]:
    """Return a method of an object that is called by reference.

    Raises:
        TypeError: it is an attribute, and no method.
    """
    found = getattr(value, name)
    if not callable(found):
        raise TypeError(
            f"{name!r} of a {type(value).__qualname__} is no method but {type(found).__qualname__} data, "
            "and only methods are called by reference"
        )
    return found  # type: ignore[no-any-return]
