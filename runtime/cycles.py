"""Objects of several nodes that only refer to each other: never freed, so they are at least told.

Reference listing frees what nobody holds; in a cycle across nodes each object is held by another one.
To find them is to trace, as any collector does: from the references that the programs have outside
of objects which are themselves referred to, along the references in these. What is not reached is
leaked. The nodes are asked one after another, while they run; so a reference that moves at that
time can be missed, and what is told of a busy program is to be asked again. A reference that waits in
a channel, or in an outcome, counts as reached.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING

from circuit.runtime.handles import Handle
from circuit.runtime.messages import ObjectId

if TYPE_CHECKING:
    from circuit.runtime.node import Node

LOOKED_AT = 1_000_000
"""Python objects that are looked at in one object of a node; in a larger one, references may be missed."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """Where the references of one node are.

    Attributes:
        roots: those that its program has outside of its objects, or that are on their way.
        inside: by object of the node, those that are in it.
    """

    roots: frozenset[ObjectId]
    inside: dict[ObjectId, tuple[ObjectId, ...]]


def take_inventory(node: Node) -> Inventory:
    """Look where the references of this node are."""
    values, table = node.held_values()
    handles = {ObjectId(node.me, number): _handles_in(value, node) for number, value in values.items()}
    shared = {id(handle): handle for within in handles.values() for handle in within}  # each is one use
    found = Counter(ObjectId(*handle) for handle in shared.values())
    roots = frozenset(row.object for row in table if row.pins or row.uses > found[row.object])
    inside = {of: tuple(ObjectId(*handle) for handle in within) for of, within in handles.items()}
    return Inventory(roots, inside)


def leaked(inventories: Iterable[Inventory]) -> set[ObjectId]:
    """Return the objects that no program can reach."""
    inside: dict[ObjectId, tuple[ObjectId, ...]] = {}
    waiting: list[ObjectId] = []
    for inventory in inventories:
        inside |= inventory.inside
        waiting += inventory.roots
    reached: set[ObjectId] = set()
    while waiting:
        ref = waiting.pop()
        if ref not in reached:
            reached.add(ref)
            waiting += inside.get(ref, ())
    return inside.keys() - reached


def _handles_in(value: object, node: Node) -> list[Handle]:
    found: list[Handle] = []
    seen = {id(node)}
    waiting = [value]
    while waiting and len(seen) < LOOKED_AT:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, (ModuleType, type)):
            continue
        seen.add(id(part))
        if isinstance(part, Handle):
            found.append(part)
        else:
            waiting += _parts(part)
    return found


def _parts(value: object) -> Iterator[object]:
    if isinstance(value, FunctionType):  # its globals are its module's, and no part of it
        yield from (value.__closure__, value.__defaults__, value.__kwdefaults__, value.__dict__)
    else:
        yield from gc.get_referents(value)
