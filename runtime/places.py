"""Places to spawn on: a worker, any of several, or where something lives."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, overload, runtime_checkable

from circuit.runtime import current
from circuit.runtime.errors import ClusterError
from circuit.runtime.messages import NodeId


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that runs what is spawned on it. Get one from `workers()`, `worker(name)` or `here()`."""

    node_id: NodeId

    @property
    def name(self) -> str:
        """What it is called in the cluster, and how its output is marked."""
        return self.node_id.name

    @property
    def alive(self) -> bool:
        """Whether the cluster has not seen it end."""
        node = current.running()
        return node is not None and node.knows(self.node_id) and node.downed(self.node_id) is None

    def __repr__(self) -> str:
        return f"<Worker {self.name!r}>"


class WorkerSet(Sequence[Worker]):
    """Several workers; as a place, any one of them: the one with the fewest calls from here."""

    def __init__(self, members: Sequence[Worker]) -> None:
        self._members = tuple(members)
        self._turn = itertools.count()

    @overload
    def __getitem__(self, index: int) -> Worker: ...
    @overload
    def __getitem__(self, index: slice) -> WorkerSet: ...
    def __getitem__(self, index: int | slice) -> Worker | WorkerSet:
        if isinstance(index, slice):
            return WorkerSet(self._members[index])
        return self._members[index]

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Worker]:
        return iter(self._members)

    def __repr__(self) -> str:
        return f"<WorkerSet {', '.join(member.name for member in self._members)}>"

    def __reduce__(self) -> Any:
        return WorkerSet, (self._members,)

    def least_busy(self) -> Worker:
        """Return the live worker with the fewest calls from this node; equals take turns.

        Raises:
            ClusterError: none of them is alive.
        """
        live = [member for member in self._members if member.alive]
        if not live:
            raise ClusterError(f"no worker of {self!r} is alive")
        node = current.node()
        turn = next(self._turn) % len(live)
        return min(live[turn:] + live[:turn], key=lambda member: node.load(member.node_id))


@runtime_checkable
class Placed(Protocol):
    """Something that lives on a worker: as a place, it means that worker."""

    @property
    def place(self) -> NodeId:
        """Where it lives."""


Place: TypeAlias = Worker | WorkerSet | str | Placed


def locate(place: Place) -> NodeId:
    """Return the node that a place means now.

    Raises:
        ClusterError: there is no such worker.
        TypeError: it is no place.
    """
    if isinstance(place, Worker):
        node = current.running()
        if node is None or not node.knows(place.node_id):
            raise ClusterError(f"{place!r} belongs to a cluster that is closed")
        return place.node_id
    if isinstance(place, WorkerSet):
        return place.least_busy().node_id
    if isinstance(place, str):
        return worker(place).node_id
    if isinstance(place, Placed):
        return place.place
    raise TypeError(
        f"cannot spawn on {place!r}: a place is a Worker, a WorkerSet, a worker's name, or a Ref or Future"
    )


def workers() -> WorkerSet:
    """Return the cluster's live workers, starting an embedded cluster on first use."""
    node = current.node()
    return WorkerSet([Worker(member) for member in node.members if node.downed(member) is None])


def worker(name: str) -> Worker:
    """Return the worker of that name.

    Raises:
        ClusterError: the cluster has none.
    """
    node = current.node()
    for member in (*node.members, node.registrar):
        if member.name == name:
            return Worker(member)
    known = ", ".join(member.name for member in node.members)
    raise ClusterError(f"the cluster has no worker {name!r}; it has {known}")


def here() -> Worker:
    """Return the worker, or the driver, that this code runs on."""
    return Worker(current.node().me)
