"""An embedded cluster: worker processes on this machine, for as long as the program runs."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import os
import sys
import threading
import uuid
from collections.abc import Callable
from types import TracebackType

from circuit.runtime import current
from circuit.runtime.call import call
from circuit.runtime.console import Console
from circuit.runtime.errors import ClusterError, WorkerLost
from circuit.runtime.folder import SocketFolder
from circuit.runtime.future import CancelledError
from circuit.runtime.limits import DEFAULT, Limits
from circuit.runtime.messages import Down, NodeId
from circuit.runtime.places import Worker, WorkerSet
from circuit.runtime.processes import Ended, Processes

WORKER_MODULE = "circuit.runtime.worker"
OUTPUT_SECONDS = 1.0


class Cluster:
    """The workers that `cluster()` started; a context manager that closes them.

    Closing waits for every spawn of the program, those of its workers included; leaving the
    `with` block by an exception cancels them.
    """

    def __init__(self, workers: int, limits: Limits) -> None:
        # Read by grpc when it is loaded. What it does for a forked child, which has no use for it, now and
        # then kills that child.
        os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
        # Workers take longer to start than anything here: they go first, side by side.
        self._folder = SocketFolder()
        self._name = uuid.uuid4().hex
        self._limits = limits
        self._driver = _new_life("driver")
        self._members = [_new_life(f"w{number}") for number in range(1, workers + 1)]
        self._lives: dict[str, NodeId] = {}  # whose processes run, by incarnation
        self._console = Console()
        self._started = threading.Event()
        self._processes = Processes(WORKER_MODULE, self._console, self._ended)
        try:
            for member in self._members:
                self._start(member)
            from circuit.runtime.node import Node  # imports grpc, while the workers do the same

            self._node = Node(
                self._driver,
                self._name,
                self._folder.path,
                self._members,
                self._driver,
                limits,
                self._fence,
            )
            for member in self._members:
                self._node.expect(member)
            self._node.serve()
        except BaseException as error:
            self._processes.stop()
            self._console.close()
            self._folder.remove()
            if isinstance(error, OSError):
                raise ClusterError(f"cannot start the workers: {error}") from error
            raise
        finally:
            self._started.set()
        self._closed = False
        self._pid = os.getpid()

    @property
    def workers(self) -> WorkerSet:
        """The workers, in order, each in the life that was started last."""
        return WorkerSet([Worker(member) for member in self._members])

    def pid(self, worker: Worker) -> int:
        """Return the process id of a worker."""
        return self._processes.pid(worker.name)

    def restart(self, worker: Worker | str) -> Worker:
        """Start a worker anew under its name; returns at once with the new life of it.

        What lived on the old one is gone: references to it raise OwnerRestarted, and its calls
        WorkerLost. One that still runs is killed first.

        Raises:
            ClusterError: the cluster is closed, or never had such a worker.
        """
        name = worker if isinstance(worker, str) else worker.name
        old = next((member for member in self._members if member.name == name), None)
        if old is None or self._closed:
            raise ClusterError(f"{self!r} cannot restart {name!r}: it has no such worker")
        if self._node.downed(old) is None:
            self._processes.kill(name)
            self._node.died(Down(old, self._processes.pid(name), "was restarted"))
        new = _new_life(name)
        self._members[self._members.index(old)] = new
        self._node.joined(new)
        self._start(new)
        return Worker(new)

    def close(self, *, cancel: bool = False) -> None:
        """End the cluster: wait for all spawns, or cancel them; no process is left behind.

        Outcomes that stayed on their workers are fetched for the futures that the program still has.
        A second call does nothing.
        """
        self._end(self._node.drop_calls if cancel else self._bring_home)

    def _end(self, first: Callable[[], object]) -> None:
        if self._closed or os.getpid() != self._pid:  # a forked child does not own the workers
            return
        self._closed = True
        try:
            first()
        finally:
            self._processes.stop()
            self._console.drain(OUTPUT_SECONDS)
            self._console.close()
            self._node.close()
            self._folder.remove()
            current.empty()
            atexit.unregister(_close_at_exit)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self.close(cancel=error is not None)

    def __repr__(self) -> str:
        return f"<Cluster of {len(self._members)} workers{', closed' if self._closed else ''}>"

    def _start(self, member: NodeId) -> None:
        self._lives[member.incarnation] = member
        self._processes.start(
            member.name,
            member.incarnation,
            {
                "cluster": self._name,
                "folder": os.fspath(self._folder.path),
                "me": member,
                "members": self._members,
                "registrar": self._driver,
                "limits": dataclasses.asdict(self._limits),
                "parent": os.getpid(),
            },
        )

    def _ended(self, ended: Ended) -> None:
        self._started.wait()
        member = self._lives.pop(ended.life)
        self._node.died(Down(member, ended.pid, ended.how, ended.stderr))

    def _fence(self, node: NodeId) -> None:
        """Kill a worker that was out of contact for too long: nobody would hear what it does."""
        if node.incarnation in self._lives:
            self._processes.kill(node.name)

    def _bring_home(self) -> None:
        self._wait_for_spawns()
        self._node.fetch_kept()

    def _wait_for_spawns(self) -> None:
        """Wait until no node has a call under way: two rounds of counting that agree (Mattern, 1987)."""
        before: list[int | None] = []
        while True:
            mine = self._node.wait_settled()
            live = [Worker(member) for member in self._members if self._node.downed(member) is None]
            counts = [mine, *(_count(worker) for worker in live)]
            # The driver's own count grows by the probes themselves.
            if counts[1:] == before[1:] and counts[0] == (before[0] if before else None):
                return
            before = [mine + len(live), *counts[1:]]


def _new_life(name: str) -> NodeId:
    return NodeId(name, uuid.uuid4().hex[:12])


def _count(worker: Worker) -> int | None:
    try:
        return call(calls_made).on(worker).result()
    except (WorkerLost, CancelledError):
        return None


def calls_made() -> int:
    """Wait until this node has no other call under way; return how many it ever made."""
    return current.node().wait_settled(running=1)


def cluster(workers: int | None = None, *, limits: Limits = DEFAULT) -> Cluster:
    """Start an embedded cluster: `workers` processes on this machine, one a core if not said.

    Returns at once; what is spawned before a worker is up waits for it. The cluster ends with
    its `with` block, by `close()`, or with the program.

    Args:
        workers: how many processes.
        limits: the bounds that all of its nodes keep.

    Raises:
        ClusterError: this process belongs to a cluster already.
        ValueError: `workers` is less than 1.
    """
    if workers is None:
        workers = len(os.sched_getaffinity(0))
    if workers < 1:
        raise ValueError(f"a cluster needs at least one worker, not {workers}")
    with current.being_filled():
        started = Cluster(workers, limits)
        current.fill(started._node)
    atexit.register(_close_at_exit, started)
    return started


def _close_at_exit(started: Cluster) -> None:
    # An exception that ended the program is in sys.last_value by now: its spawns end with it.
    crashed = getattr(sys, "last_value", None) is not None
    with contextlib.suppress(KeyboardInterrupt):
        started._end(started._node.drop_calls if crashed else started._wait_for_spawns)
