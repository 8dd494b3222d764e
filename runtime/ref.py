"""References: objects that stay where they are, and are called there.

An object given to `ref` stays in its node's table until the cluster ends; the owner does not yet
collect what nobody refers to any more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from circuit.runtime import current
from circuit.runtime.call import Call
from circuit.runtime.messages import NodeId
from circuit.runtime.places import Worker

T = TypeVar("T")


class Ref(Generic[T]):
    """An object on some node. `ref.method(x)` calls it there and waits for the result;
    `spawn ref.method(x) on ref` goes on at once."""

    __slots__ = ("_number", "_place", "_type_name")

    def __init__(self, place: NodeId, number: int, type_name: str) -> None:
        self._place = place
        self._number = number
        self._type_name = type_name

    @property
    def place(self) -> NodeId:
        """Where the object lives: a reference is a place to spawn on."""
        return self._place

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):  # pickle, copy and the like ask for these: they mean the Ref
            raise AttributeError(name)
        return RemoteMethod(self, name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and (self._place, self._number) == (other._place, other._number)

    def __hash__(self) -> int:
        return hash((self._place, self._number))

    def __reduce__(self) -> Any:
        return Ref, (self._place, self._number, self._type_name)

    def __repr__(self) -> str:
        return f"<Ref to a {self._type_name} on {self._place.name!r}>"


class RemoteMethod:
    """A method of an object that lives elsewhere, ready to be called or spawned."""

    __slots__ = ("_name", "_ref")

    def __init__(self, ref: Ref[Any], name: str) -> None:
        self._ref = ref
        self._name = name

    @property
    def __name__(self) -> str:
        return f"{self._ref._type_name}.{self._name}"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        node = current.node()
        if self._ref.place != node.me:
            return Call(self, args, kwargs).on(Worker(self._ref.place)).result()
        return getattr(node.objects[self._ref._number], self._name)(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<{self._name} of {self._ref!r}>"


def ref(value: T) -> Ref[T]:
    """Return a reference to an object, which stays on this node, the node that runs this code."""
    node = current.node()
    return Ref(node.me, node.keep(value), type(value).__qualname__)
