"""References: objects that stay where they are, and are called there.

As long as any process of the cluster has a reference to an object, its owner keeps it; then it is
let go of (references.py says how that is known).
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import FrameType, ModuleType
from typing import Any, Generic, TypeVar

from circuit.runtime import current, execution
from circuit.runtime.call import Call, Method, call, is_generator
from circuit.runtime.cycles import Inventory, leaked, take_inventory
from circuit.runtime.handles import Handle, handle_at, place_of
from circuit.runtime.messages import NodeId, ObjectId
from circuit.runtime.places import Worker
from circuit.runtime.references import Holding as Row
from circuit.runtime.site import Site

T = TypeVar("T")


class Ref(Generic[T]):
    """An object on some node. `ref.method(x)` calls it there and waits for the result;
    `spawn ref.method(x) on ref` goes on at once."""

    __slots__ = ("_handle", "_streams", "_type_name")

    def __init__(self, handle: Handle, type_name: str, streams: frozenset[str]) -> None:
        self._handle = handle
        self._type_name = type_name
        self._streams = streams  # the methods that are generators

    @property
    def place(self) -> NodeId:
        """Where the object lives: a reference is a place to spawn on.

        Raises:
            ClusterError: its cluster is closed.
        """
        return self._handle.place_for(self)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):  # pickle, copy and the like ask for these: they mean the Ref
            raise AttributeError(f"a Ref has no {name}: it calls methods by their names only")
        return RemoteMethod(self, self._handle, name, is_stream=name in self._streams)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and self._handle == other._handle

    def __hash__(self) -> int:
        return hash(self._handle)

    def __copy__(self) -> Ref[T]:
        return self

    def __deepcopy__(self, memo: object) -> Ref[T]:
        return self

    def __reduce__(self) -> Any:
        return _received, (place_of(self._handle, "Ref"), self._type_name, self._streams)

    def __repr__(self) -> str:
        return f"<Ref to a {self._type_name} on {self._handle.owner.name!r}>"


def _received(place: int, type_name: str, streams: frozenset[str]) -> Ref[Any]:
    """Rebuild a reference that arrived."""
    return Ref(handle_at(place), type_name, streams)


class RemoteMethod(Method):
    """A method of an object that lives elsewhere, ready to be called or spawned."""

    __slots__ = ()

    reference: Ref[Any]

    @property
    def __name__(self) -> str:
        return f"{self.reference._type_name}.{self.name}"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        site = _site_of(sys._getframe(1))
        named: Call[Any] = Call(self, args, kwargs)
        if self.is_stream:
            return named._spawn(self.reference, site, stream=True)
        return named._spawn(self.reference, site, stream=False).result()

    def __reduce__(self) -> Any:
        return getattr, (self.reference, self.name)

    def __repr__(self) -> str:
        return f"<{self.name} of {self.reference!r}>"


def _site_of(caller: FrameType) -> Site | str:
    """Return where a method is called: no line of the program, if it was spawned on a third node."""
    if caller.f_globals is vars(execution):
        return f"worker {current.node().me.name!r}"
    return Site(caller)


def ref(value: T, *, serial: bool = False) -> Ref[T]:
    """Return a reference to an object, which stays on this node, the node that runs this code.

    Args:
        serial: its methods run one at a time, in the order in which the calls arrived; else each runs
            in a thread of its own, side by side. A method that waits for a call of the same object would
            wait for itself.
    """
    handle = current.node().keep(value, serial=serial)
    return Ref(handle, type(value).__qualname__, _streams_of(value))


def _streams_of(value: object) -> frozenset[str]:
    """Return the names of an object's methods that are generators."""
    if isinstance(value, Ref):
        return value._streams
    home = value if isinstance(value, (type, ModuleType)) else type(value)
    return frozenset(name for name in dir(home) if is_generator(_found_in(home, name)))


def _found_in(home: object, name: str) -> object:
    """Return an attribute without running any code of the program for it."""
    found = inspect.getattr_static(home, name, None)
    return found.__func__ if isinstance(found, (staticmethod, classmethod)) else found


@dataclass(frozen=True, slots=True)
class Holding:
    """One object that is referred to, as `refs` lists them.

    Attributes:
        owner: the name of the node that has it.
        number: its number there.
        kind: the type of the object; or what else is kept there for others, as an outcome or a channel.
        uses: how many references the owner itself has.
        on_their_way: how many messages with a reference to it have not arrived.
        holders: the names of the other nodes that have references.
        leaked: whether only objects refer to it that nobody can reach either, as in a cycle of objects
            of several nodes: these are never freed.
    """

    owner: str
    number: int
    kind: str
    uses: int
    on_their_way: int
    holders: tuple[str, ...]
    leaked: bool = False


def refs() -> list[Holding]:
    """List the objects of all live nodes that are referred to, and by whom."""
    node = current.node()
    others = [Worker(member) for member in node.everyone if member != node.me and not node.downed(member)]
    asked = [call(look_around).on(other) for other in others]
    seen = [look_around(), *(answer.result() for answer in asked)]
    lost = leaked(inventory for _, inventory in seen)
    return [replace(holding, leaked=ref in lost) for holdings, _ in seen for ref, holding in holdings]


def look_around() -> tuple[list[tuple[ObjectId, Holding]], Inventory]:
    """List the objects of this node that are referred to, and where its references are."""
    node = current.node()
    return [(row.object, _told(row, kind)) for row, kind in node.owned()], take_inventory(node)


def _told(row: Row, kind: str) -> Holding:
    holders = tuple(holder.name for holder in row.holders)
    return Holding(row.object.owner.name, row.object.number, kind, row.uses, row.pins, holders)
