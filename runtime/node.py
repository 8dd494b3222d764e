"""A node: the shell around the core. One lock, the transport, the executor, the program's handles.

Any thread may bring an event: under the lock the core turns it into actions, writers are woken,
and the rest is carried out outside the lock, in order. Drivers and workers are the same node; a
driver just has a main program, and is the registrar of the cluster that it started.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeVar

from circuit.runtime import current, modules
from circuit.runtime.actions import (
    Action,
    Alarm,
    Break,
    Deliver,
    Dial,
    Fence,
    Flush,
    Free,
    Grant,
    HangUp,
    Interrupt,
    Leave,
    Lose,
    Revoke,
    Run,
)
from circuit.runtime.admission import Key
from circuit.runtime.call import call
from circuit.runtime.channels import Channel
from circuit.runtime.core import Core
from circuit.runtime.errors import ClusterError, Overloaded
from circuit.runtime.execution import raised
from circuit.runtime.executor import Executor
from circuit.runtime.future import Future
from circuit.runtime.gate import LOOK_UP_SECONDS, Gate
from circuit.runtime.handles import Handle
from circuit.runtime.limits import Limits
from circuit.runtime.memory import Lent, SharedMemory
from circuit.runtime.messages import (
    Answer,
    Buffer,
    Call,
    Code,
    Down,
    Frame,
    Hello,
    Item,
    Kept,
    Message,
    NodeId,
    ObjectId,
    Payload,
    Raise,
    Refusal,
    Return,
    Stale,
    Welcome,
)
from circuit.runtime.objects import Keep, Plain, Promise, Serial
from circuit.runtime.pickling import dumps
from circuit.runtime.places import Worker
from circuit.runtime.record import Record
from circuit.runtime.references import Holding
from circuit.runtime.reports import Reports
from circuit.runtime.spawning import Overload
from circuit.runtime.stream import Inbox, Stream
from circuit.runtime.threads import print_as_uncaught, shielded, strike_after_finalizers
from circuit.runtime.transfers import payload_of, view_of, with_payload
from circuit.runtime.transport import Carrier, GrpcTransport, Reading

P = ParamSpec("P")
M = TypeVar("M", bound=Message)

CHORES_SECONDS = 1.0
DRIVER_THREADS = 2
"""Threads that serve a driver's modules to its workers when its main program has ended."""


class Node:
    """One process of a cluster.

    Args:
        me: this life of the node.
        cluster: what all its nodes call the cluster.
        folder: where the nodes' sockets are; 0700.
        members: the workers, as this node knows them.
        registrar: the node that started the cluster, and serves the program's modules.
        fence: ends a node that nobody listens to any more, though its process may live.
    """

    def __init__(
        self,
        me: NodeId,
        cluster: str,
        folder: Path,
        members: Sequence[NodeId],
        registrar: NodeId,
        limits: Limits,
        fence: Callable[[NodeId], None],
    ) -> None:
        self.me = me
        self._pid = os.getpid()
        self.registrar = registrar
        self._folder = folder
        self._fence = fence
        self._chores: SimpleQueue[Callable[[], object] | ObjectId | int | None] = SimpleQueue()
        self._memory = SharedMemory(limits, self._chores.put)
        self._core = Core(me, cluster, limits, registrar=registrar, memory=self._memory)
        for member in members:
            self._core.joined(member, 0.0)
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._busy = False
        self._closed = False
        self._postponed: deque[Callable[[], list[Action]]] = deque()
        self._numbers = itertools.count(1)
        self._values: dict[int, object] = {}  # that references mean, by the number of the object
        self._freed: list[object] = []  # of these, not yet let go of
        self._handles: dict[int, Future[Any] | Inbox] = {}
        self._failed: weakref.WeakSet[Future[Any]] = weakref.WeakSet()
        self._promised: weakref.WeakValueDictionary[int, Future[Any]] = weakref.WeakValueDictionary()
        self._kept: weakref.WeakSet[Future[Any]] = weakref.WeakSet()  # whose values stayed elsewhere
        self._carriers: dict[NodeId, Carrier] = {}
        self._reading: weakref.WeakValueDictionary[NodeId, Reading] = weakref.WeakValueDictionary()
        driver = me == registrar
        self._executor = Executor(self, me.name, limits, DRIVER_THREADS if driver else 0)
        self._clock_stopped = False
        self._unhook: Callable[[], object] = int  # does nothing
        self._reports = Reports()
        self._clock = threading.Thread(target=self._keep_time, name="circuit-clock", daemon=True)
        awaited = len(members) if driver else 0
        self._transport = GrpcTransport(self, self._address(me), awaited)

    def serve(self) -> None:
        """Begin to serve; by then calls that come in must find this process ready for them."""
        self._unhook = strike_after_finalizers(self._chores.put)
        self._clock.start()
        self._reports.start()
        self._transport.start()

    # What the program does.

    def call(
        self, peer: NodeId, record: Record, callee: Payload, arguments: Payload, *, stream: bool
    ) -> Future[Any] | Stream[Any]:
        """Call a function; the handle is a Stream if asked for, else a Future.

        Raises:
            Overloaded: too much is under way.
            ClusterError: the cluster is closed.
        """
        digest = hashlib.blake2b(_inline(callee), digest_size=16).digest()
        window = self._core.limits.window if stream else 0
        call = Call(0, arguments, digest, window=window, edition=modules.edition())
        return self._make(peer, record, call, Code(digest, callee), current.call())

    def call_object(
        self, handle: Handle, method: str, record: Record, arguments: Payload, *, stream: bool
    ) -> Future[Any] | Stream[Any]:
        """Call a method of an object where it is; as `call`."""
        window = self._core.limits.window if stream else 0
        call = Call(0, arguments, b"", handle.number, method, window, modules.edition())
        return self._make(handle.owner, record, call, None, current.call())

    def fetch(self, where: Handle, record: Record) -> Future[Any]:
        """Ask for an outcome that is kept, or awaited, elsewhere."""
        fetched = self._make(where.owner, record, Call(0, Payload(), target=where.number), None, None)
        assert isinstance(fetched, Future)
        return fetched

    def _make(
        self, peer: NodeId, record: Record, call: Call, code: Code | None, parent: Key | None
    ) -> Future[Any] | Stream[Any]:
        with shielded():
            if self._closed:
                raise ClusterError("the cluster is closed; start another one to spawn on")
            number = next(self._numbers)
            handle: Future[Any] | Stream[Any]
            if call.window:
                inbox = Inbox(record)
                handle = Stream(inbox, number, self)
                self._handles[number] = inbox
            else:
                handle = self._handles[number] = Future(self, number, record)
            call = dataclasses.replace(call, call=number)
            cleanup = self._executor.is_stopping(parent)
            scope = current.scope()
            try:
                now = time.monotonic()
                self._do(self._core.call, peer, call, code, now, parent=parent, scope=scope, cleanup=cleanup)
            except Overload as error:
                del self._handles[number]
                raise Overloaded(peer.name, error.bound, error.value) from None
        return handle

    def keep(self, value: object, *, serial: bool) -> Handle:
        """Put an object where references to it find it."""
        with self._lock:
            handle = Handle(self._core.own(serial=serial), self)
            self._values[handle.number] = value
        return handle

    def make_channel(self, capacity: int) -> Handle:
        """Make a channel whose queue lives here."""
        with self._lock:
            return Handle(self._core.channel(capacity), self)

    def promise(self, future: Future[Any]) -> Handle:
        """Let other nodes ask for the outcome of a future.

        Raises:
            ClusterError: the cluster is closed.
        """
        if self.gone:
            raise ClusterError(f"it {self.gone}; send its result instead")
        with self._lock:
            handle = Handle(self._core.promise(), self)
            self._promised[handle.number] = future
        number = handle.number
        future.when_done(lambda ended: self._resolve(number, ended))
        return handle

    def lend(self, data: Buffer) -> Lent | None:
        """Copy a large buffer into memory that others of this host can map."""
        return self._memory.lend(data)

    @property
    def members(self) -> tuple[NodeId, ...]:
        """The workers, in the lives that count now."""
        return tuple(node for node in self.everyone if node != self.registrar)

    @property
    def everyone(self) -> tuple[NodeId, ...]:
        """All nodes of the cluster, in the lives that count now."""
        with self._lock:
            return (self.registrar, *(n for n in self._core.peers.lives_now if n.name != self.registrar.name))

    def knows(self, peer: NodeId) -> bool:
        """Tell whether `peer` is, or was, a node of this cluster."""
        return peer in self.everyone or self.downed(peer) is not None

    def owned(self) -> list[tuple[Holding, str]]:
        """List the objects of this node that are referred to, with what each of them is."""
        with self._lock:
            return [
                (row, self._kind_of(row.object.number))
                for row in self._core.references.table()
                if row.object.owner == self.me
            ]

    def held_values(self) -> tuple[dict[int, object], list[Holding]]:
        """Return the objects of the program that references mean, by number, and the table of references."""
        with self._lock:
            return dict(self._values), self._core.references.table()

    def tables(self) -> dict[str, int]:
        """Return how many of each thing this node keeps, for those who look for leaks."""
        with self._lock:
            return self._core.sizes() | {
                "values": len(self._values),
                "handles": len(self._handles),
                "executions": len(self._executor),
                "threads": threading.active_count(),
                "lent bytes": self._memory.lent,
                "mapped blocks": self._memory.mapped,
            }

    def load(self, peer: NodeId) -> int:
        """Return how many of the calls made here are on `peer`."""
        with self._lock:
            return self._core.load(peer)

    def downed(self, peer: NodeId) -> Down | None:
        """Return how `peer` ended, if it did."""
        with self._lock:
            return self._core.downed(peer)

    def wait_settled(self, *, running: int = 0) -> int:
        """Wait until no call made here is under way and `running` run here; return the calls ever made.

        Streams are not waited for: a generator may be waiting for a reader that there is no more.
        """
        with self._changed:
            while self._core.waited_for or self._core.running > running:
                self._changed.wait(LOOK_UP_SECONDS)  # so that Ctrl-C is never lost
            return self._core.spawned

    def fetch_kept(self) -> None:
        """Wait until the values that stayed where they were computed are here, if a future wants them."""
        with self._lock:
            kept = list(self._kept)
        gates = [Gate() for _ in kept]
        for future, gate in zip(kept, gates, strict=True):
            future.when_here(functools.partial(_open, gate))
        for gate in gates:
            gate.wait()

    def drop_calls(self) -> None:
        """Cancel every call that was made here and has not ended."""
        for handle in list(self._handles.values()):
            handle.leave()

    def stop_running(self, timeout: float) -> None:
        """Interrupt what runs here, and wait at most `timeout` s for its end."""
        self._executor.stop(timeout)

    # What the handles ask for (`future.Home`, `stream.Home`, `handles.Home`).

    @property
    def gone(self) -> str:
        """Why nobody can be called any more, as `belongs to ...`; empty if somebody can."""
        if self._closed:
            return "belongs to a cluster that is closed"
        return "" if os.getpid() == self._pid else "belongs to the process that this one was forked from"

    def cancel(self, number: int) -> None:
        """Give a call up."""
        self._handles.pop(number, None)
        self._do(self._core.cancel, number, time.monotonic())

    def give_back(self, source: ObjectId, outcome: Return) -> None:
        """Let the next receiver of a channel have a value that nobody takes here."""
        self._do(self._core.untaken, source, outcome, time.monotonic())

    def cancel_given(self, promise: Handle) -> None:
        """Give a call up that another node made, and whose future it gave to this one."""
        asked = Context().run(call(_cancel_promised, promise.number).on, Worker(promise.owner))
        asked.disregard()  # if that node is gone, so is the call

    def cancel_promised(self, number: int) -> None:
        """Give a call up whose future was given to another node."""
        with self._lock:
            future = self._promised.get(number)
        if future:
            future.cancel()

    def report(self, record: Record, outcome: Raise | Stale | Lose) -> None:
        """Tell the user of an error that nobody asked for; may be called by a finalizer."""
        self._reports.tell(record, outcome)

    def taken(self, number: int) -> None:
        """Note that the program took an item of a stream."""
        self._do(self._core.taken, number, time.monotonic())

    @property
    def dropped(self) -> Callable[[ObjectId], object]:
        """Enqueues that one use of a reference is gone; a finalizer calls it."""
        return self._chores.put

    def later(self, chore: Callable[[], object]) -> None:
        """Do something small on the clock's thread; may be called by a finalizer."""
        self._chores.put(chore)

    def start(self, job: Callable[[], object]) -> None:
        """Run a job on a thread where it may block; on this one if there are no more."""
        self._executor.start(job)

    # What the cluster does.

    def reach(self, peer: NodeId) -> None:
        """Open a carrier to `peer` now."""
        self._do(self._core.reach, peer, time.monotonic())

    def expect(self, peer: NodeId) -> None:
        """Await a carrier from `peer`."""
        self._do(self._core.expect, peer, time.monotonic())

    def joined(self, node: NodeId) -> None:
        """Note that a node was started, and await a carrier from it."""
        self._do(self._core.joined, node, time.monotonic())
        self.expect(node)

    def died(self, down: Down) -> None:
        """Note that a node's process ended."""
        self._do(self._core.died, down, time.monotonic())

    def close(self) -> None:
        """End all carriers, calls and threads; report the errors that nobody asked for."""
        self._closed = True
        self.drop_calls()
        self._transport.close()
        with self._lock:
            carriers = list(self._carriers.values())
            self._carriers.clear()
            for carrier in carriers:
                carrier.writable.notify_all()
        for future in list(self._failed):
            future.report_if_unasked()
        self._reports.close(CHORES_SECONDS)
        self._unhook()
        self._chores.put(self._stop_clock)
        self._clock.join(CHORES_SECONDS)
        self._executor.close()
        self._memory.close()

    # What the transport brings.

    def hello(self, peer: NodeId) -> Hello | None:
        """See `transport.Host`."""
        with self._lock:
            return self._core.hello(peer, time.monotonic())

    def greet(self, hello: Hello) -> Welcome | Refusal:
        """See `transport.Host`."""
        with self._lock:
            return self._core.greet(hello, time.monotonic())

    def attach(self, peer: NodeId, received: int, pid: int, *, shares: bool) -> Carrier:
        """See `transport.Host`."""
        with self._lock:
            carrier = Carrier(peer, self._lock, self._reading.setdefault(peer, Reading()))
            old = self._carriers.get(peer)
            self._carriers[peer] = carrier
            if old:
                old.writable.notify_all()
        self._do(self._core.opened, peer, received, pid, time.monotonic(), shares=shares)
        return carrier

    def next_frame(self, carrier: Carrier) -> Frame | None:
        """See `transport.Host`."""
        with self._lock:
            while self._carriers.get(carrier.peer) is carrier:
                session = self._core.session(carrier.peer)
                frame = session.next_frame(time.monotonic()) if session else None
                if frame is not None:
                    return frame
                carrier.writable.wait()
        return None

    def receive(self, carrier: Carrier, frame: Frame) -> None:
        """See `transport.Host`."""
        with carrier.reading.lock:  # so that what an old carrier brought is dealt with first
            self._do(self._core.received, carrier.peer, frame, time.monotonic())

    def detach(self, carrier: Carrier) -> None:
        """See `transport.Host`."""
        with self._lock:
            if self._carriers.get(carrier.peer) is not carrier:
                return
            del self._carriers[carrier.peer]
            carrier.writable.notify_all()
        self._do(self._core.broke, carrier.peer, time.monotonic())

    def refused(self, peer: NodeId, refusal: Refusal) -> None:
        """See `transport.Host`."""
        self._do(self._core.refused, peer, refusal, time.monotonic())

    # What the executor brings.

    def answered(self, key: Key, answer: Answer) -> None:
        """See `executor.Host`."""
        self._do(self._core.answered, key.origin, answer, time.monotonic())

    def ended(self, key: Key) -> None:
        """See `executor.Host`."""
        self._do(self._core.ended, *key, time.monotonic())

    def paused(self, key: Key) -> None:
        """See `executor.Host`."""
        self._do(self._core.paused, *key, time.monotonic())

    def resumed(self, key: Key) -> None:
        """See `executor.Host`."""
        with shielded(), self._lock:
            self._core.resumed(*key)

    def is_wanted(self, key: Key) -> bool:
        """See `executor.Host`."""
        with self._lock:
            return self._core.runs(*key)

    def value(self, number: int) -> object:
        """See `executor.Host`."""
        return self._values[number]

    # Events in, actions out.

    def _do(self, event: Callable[P, list[Action]], *args: P.args, **kwargs: P.kwargs) -> None:
        with shielded():
            with self._lock:
                if self._busy:  # a finalizer or a signal handler struck within: after what it struck
                    self._postponed.append(functools.partial(event, *args, **kwargs))
                    return
                self._busy = True
                try:
                    actions = event(*args, **kwargs)
                    while self._postponed:
                        actions += self._postponed.popleft()()
                finally:
                    self._busy = False
                for action in actions:
                    if isinstance(action, Flush):
                        self._wake_writer(action.peer)
                self._changed.notify_all()
            for action in actions:
                self._carry_out(action)

    def _carry_out(self, action: Action) -> None:
        match action:
            case Deliver(outcome, source):
                outcome = self._with_handles(outcome)
                taken = self._deliver(outcome.call, outcome)
                if source and not taken and isinstance(outcome, Return):
                    self.give_back(source, outcome)
            case Lose(number):
                self._deliver(number, action)
            case Revoke(number):
                if handle := self._handles.pop(number, None):
                    handle.revoke()
            case Run(origin, call, code):
                code = self._with_handles(code) if code else None
                self._executor.run(Run(origin, self._with_handles(call), code))
            case Interrupt(origin, number):
                self._executor.interrupt(Key(origin, number))
            case Grant(origin, number, items):
                self._executor.grant(Key(origin, number), items)
            case Free(number):
                self._free(number)
            case Dial(peer):
                self._transport.dial(peer, self._address(peer))
            case Break(peer):
                if carrier := self._hang_up(peer):
                    carrier.cancel()
            case HangUp(peer):
                self._hang_up(peer)
            case Fence(node):
                self._fence(node)
            case Alarm():
                self._chores.put(None)
            case Leave():
                pass

    def _deliver(self, number: int, arrival: Any) -> bool:
        """Hand on what arrived; tell whether somebody takes it."""
        ends = not isinstance(arrival, Item)
        handle = self._handles.pop(number, None) if ends else self._handles.get(number)
        taken = False
        if handle is not None:
            taken = handle.deliver(arrival)
            if isinstance(arrival, Kept) and isinstance(handle, Future):
                with self._lock:
                    self._kept.add(handle)
            if isinstance(handle, Future) and isinstance(arrival, Raise | Stale | Lose):
                with self._lock:
                    self._failed.add(handle)
        return taken

    def _with_handles(self, message: M) -> M:
        """Return a message that arrived with what keeps its references alive."""
        payload = payload_of(message)
        if payload is None or not payload.refs:
            return message
        handles = tuple(Handle(ref, self) for ref in payload.refs)
        return with_payload(message, dataclasses.replace(payload, refs=handles))

    def _resolve(self, promise: int, future: Future[Any]) -> None:
        """Tell the outcome of a promise, once it is known here."""
        outcome = future.outcome()
        if isinstance(outcome, (Return, Kept, Raise)):
            self._do(self._core.resolve, promise, outcome, time.monotonic())
            return
        compute = outcome

        def make() -> None:
            made: Return | Raise
            try:
                made = Return(0, dumps(compute(), "result", self.lend))
            except BaseException as error:  # noqa: BLE001 (it is the outcome, as of any call)
                told = raised(0, error.with_traceback(None))
                made = dataclasses.replace(told, pid=0, traceback=told.traceback if error.__cause__ else "")
            self._do(self._core.resolve, promise, made, time.monotonic())

        self.start(make)

    def _kind_of(self, number: int) -> str:
        kind = self._core.objects.get(number)
        if isinstance(kind, (Plain, Serial)):
            return type(self._values.get(number)).__qualname__
        return _KINDS[type(kind)]

    def _free(self, number: int) -> None:
        """Let an object go that nobody refers to, on a thread where its finalizer may block."""
        with self._lock:
            idle = not self._freed
            self._freed.append(self._values.pop(number, None))
        if idle:
            self.start(self._let_go)

    def _let_go(self) -> None:
        with self._lock:
            freed, self._freed = self._freed, []
        freed.clear()

    def _wake_writer(self, peer: NodeId) -> None:
        carrier = self._carriers.get(peer)
        if carrier:
            carrier.writable.notify()

    def _hang_up(self, peer: NodeId) -> Carrier | None:
        with self._lock:
            carrier = self._carriers.pop(peer, None)
            if carrier:
                carrier.writable.notify_all()
        return carrier

    def _address(self, node: NodeId) -> str:
        return f"unix:{self._folder / node.name}"

    # Time, and what must not be done where it came up.

    def _keep_time(self) -> None:
        while not self._clock_stopped:
            with self._lock:
                deadline = self._core.deadline()
            wait = None if deadline is None else max(deadline - time.monotonic(), 0)
            try:
                chore = self._chores.get(timeout=wait)
            except Empty:
                now = time.monotonic()
                self._do(self._core.tick, now)
                self._memory.rest(now)
                continue
            dropped: list[ObjectId] = []
            while isinstance(chore, ObjectId):
                dropped.append(chore)
                chore = None if self._chores.empty() else self._chores.get()
            if dropped:
                self._do(self._core.drop, dropped, time.monotonic())
            try:
                if isinstance(chore, int):
                    owner = self._memory.owner_of(chore)
                    self._do(self._core.release, owner, (chore,), time.monotonic())
                elif chore:
                    chore()
            except Exception:  # noqa: BLE001 (one that fails, as a report on a closed stderr, stops no other)
                print_as_uncaught()

    def _stop_clock(self) -> None:
        self._clock_stopped = True


_KINDS: dict[type, str] = {Keep: "outcome", Promise: "Future", Channel: "Channel", type(None): "nothing"}


def _inline(payload: Payload) -> bytes:
    """Return the bytes of a payload, for its digest."""
    return b"".join(view_of(buffer) for buffer in payload.buffers)


def _cancel_promised(number: int) -> None:
    current.node().cancel_promised(number)


def _open(gate: Gate, _: Future[Any]) -> None:
    gate.open()
