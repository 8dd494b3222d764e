"""Threads for spawned functions: one for each call, kept for a while for the next one.

A call may block for as long as it likes: there is no limit that another would wait for, as
there is none on goroutines.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import TracebackType

from circuit.runtime.errors import Cancelled

IDLE_SECONDS = 10.0

Job = Callable[[], object]


class Threads:
    """A pool; idle threads end after IDLE_SECONDS, but for a reserve. Calls may have `most` of them.

    Once the main thread has ended, Python 3.12 starts no more threads. What is to go on until the
    program's spawns have ended must have its threads by then: that is the reserve. A job for which
    there is none then waits for one.
    """

    def __init__(self, reserve: int = 0, most: int = sys.maxsize) -> None:
        self._lock = threading.Lock()
        self._reserve = reserve
        self._most = most
        self._idle: list[SimpleQueue[Job]] = []
        self._waiting: deque[Job] = deque()
        self._busy = 0
        self._closed = False
        for _ in range(reserve):
            self._idle.append(self._new_thread())

    def start(self, job: Job) -> None:
        """Run `job` on a thread now; what it raises is printed, as for any thread.

        Raises:
            RuntimeError: the system gives no more threads.
        """
        self._start(job, sys.maxsize)

    def start_call(self, job: Job) -> bool:
        """As `start`, unless `most` jobs have a thread, waiting ones included; tell whether."""
        return self._start(job, self._most)

    def _start(self, job: Job, most: int) -> bool:
        with self._lock:
            if self._busy >= most:
                return False
            try:
                inbox = self._idle.pop() if self._idle else self._new_thread()
            except RuntimeError:
                if threading.main_thread().is_alive():
                    raise
                self._waiting.append(job)
                return True
            self._busy += 1
        inbox.put(job)
        return True

    def close(self) -> None:
        """Let the idle threads go; those that run a job go when it ends."""
        with self._lock:
            self._closed = True
            while self._idle:  # none of them may be given a job that it would never take
                self._busy += 1
                self._idle.pop().put(_nothing)

    def _new_thread(self) -> SimpleQueue[Job]:
        inbox: SimpleQueue[Job] = SimpleQueue()
        threading.Thread(target=self._work, args=(inbox,), name="circuit-call", daemon=True).start()
        return inbox

    def _work(self, inbox: SimpleQueue[Job]) -> None:
        while True:
            try:
                job = inbox.get(timeout=IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if inbox not in self._idle or len(self._idle) <= self._reserve:
                        continue  # taken by `start` a moment ago, or of the reserve
                    self._idle.remove(inbox)
                return
            try:
                job()
            except Exception:  # noqa: BLE001 (a user's callback: it costs neither the thread nor its node)
                print_as_uncaught()
            del job  # what it holds must not live until the next one
            with self._lock:
                if self._waiting:
                    inbox.put(self._waiting.popleft())
                    continue
                self._busy -= 1
                if self._closed:
                    return
                self._idle.append(inbox)


def _nothing() -> None:
    """Do nothing: a thread that has done it looks around."""


class Interruptible:
    """Runs one function on the current thread, so that another thread can stop it.

    The interrupt is an exception raised at the function's next bytecode: never outside of it, and
    never in the midst of `shielded` code, which would leave the node half changed. A wait of ours is
    ended for it.

    Args:
        paused, resumed: called on the function's thread, before and after it waits.
    """

    def __init__(self, paused: Job | None = None, resumed: Job | None = None) -> None:
        self.paused = paused
        self.resumed = resumed
        self._wake: Job | None = None
        self._woken = False
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._interrupted = False
        self._shields = 0
        self._held_back = False  # an interrupt that came while shielded

    def run(self, function: Callable[[], None]) -> None:
        """Run the function; an interrupt ends it, silently."""
        try:
            with self._lock:
                if self._interrupted:
                    return
                self._thread = threading.get_ident()
            _running.here = self
            try:
                function()
            finally:
                self._leave()
        except Cancelled:
            return

    def interrupt(self) -> None:
        """Stop the function, or keep it from starting; later calls do nothing."""
        with self._lock:
            if not self._interrupted:
                self._interrupted = True
                self._strike()

    def interrupt_again(self) -> None:
        """Repeat an interrupt that Python has dropped."""
        with self._lock:
            self._strike()

    def wait_begins(self, wake: Job) -> None:
        """Note what ends the wait that the function is about to begin."""
        if self.paused:
            self.paused()
        with self._lock:
            self._wake = wake

    def wait_ends(self) -> bool:
        """Note that the function goes on; tell whether an interrupt ended its wait."""
        with self._lock:
            self._wake = None
            woken, self._woken = self._woken, False
        if self.resumed:
            self.resumed()
        return woken

    @property
    def interrupted(self) -> bool:
        """Whether `interrupt` was called."""
        return self._interrupted

    @property
    def struck(self) -> bool:
        """Whether the function knows of the interrupt: it is not held back."""
        with self._lock:
            return self._interrupted and not self._held_back

    def shield(self) -> None:
        """Hold interrupts back until `unshield`; one that is on its way is raised here."""
        with self._lock:
            self._shields += 1
        try:
            _let_strike()
        except Cancelled:
            self._shields -= 1
            raise

    def unshield(self) -> None:
        """Raise the interrupt that was held back, if there was one."""
        with self._lock:
            self._shields -= 1
            strikes = self._held_back and not self._shields
            if strikes:
                self._held_back = False
        if strikes:
            raise Cancelled

    def _strike(self) -> None:
        if self._shields:
            self._held_back = True
        elif self._wake:
            self._woken = True
            self._wake()
        elif self._thread is not None:
            _raise_in(self._thread, Cancelled)

    def _leave(self) -> None:
        # An interrupt may strike here too, once. Under the lock none can be on its way, and one that is
        # has to strike: were it taken back, Python 3.11 and 3.12 would look for it at every call of any
        # thread from then on, and 3.11 would never come out of one that is traced.
        while self._thread is not None:
            try:
                with self._lock:
                    self._thread = None
                    _running.here = None
                    if self._interrupted:
                        _raise_in(threading.get_ident(), Cancelled)
                        _let_strike()
            except Cancelled:
                continue


class _Running(threading.local):
    """The call that the current thread runs."""

    here: Interruptible | None = None


_running = _Running()


class shielded:  # noqa: N801 (a context manager, used like a word)
    """Code that changes the node: an interrupt of the call that runs it waits until it is done."""

    __slots__ = ("_call",)

    def __enter__(self) -> None:
        self._call = _running.here
        if self._call is not None:
            self._call.shield()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        if self._call is not None:
            self._call.unshield()


class waiting_at:  # noqa: N801 (a context manager, used like a word)
    """A wait of the call that the current thread runs, if it runs one; `wake` ends it early."""

    __slots__ = ("_call", "_wake")

    def __init__(self, wake: Job) -> None:
        self._wake = wake

    def __enter__(self) -> None:
        self._call = _running.here
        if self._call is not None:
            with shielded():
                self._call.wait_begins(self._wake)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        if self._call is not None:
            with shielded():
                woken = self._call.wait_ends()
            if woken and error is None:
                raise Cancelled


def strike_after_finalizers(later: Callable[[Job], object]) -> Job:
    """Have interrupts strike again that struck in a finalizer or the like, where Python drops what is raised.

    Returns what ends that.

    Args:
        later: runs a job soon, on another thread; may be called by a finalizer.
    """
    before = sys.unraisablehook

    def unraisable(dropped: sys.UnraisableHookArgs) -> None:
        if _running.here is not None and isinstance(dropped.exc_value, Cancelled):
            later(_running.here.interrupt_again)
        else:
            before(dropped)

    def undo() -> None:
        if sys.unraisablehook is unraisable:
            sys.unraisablehook = before

    sys.unraisablehook = unraisable
    return undo


def print_as_uncaught() -> None:
    """Print the exception that is being handled as the end of a thread."""
    kind, error, frames = sys.exc_info()
    assert kind is not None
    threading.excepthook(threading.ExceptHookArgs((kind, error, frames, threading.current_thread())))


def _raise_in(thread: int, error: type[BaseException]) -> None:
    """Set the exception that a thread raises at its next bytecode; there is one at most."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))


def _let_strike() -> None:
    """Raise the exception that was set for the current thread, if there is one."""
    for _ in range(3):  # each turn looks for it
        continue
