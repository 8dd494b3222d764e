"""How much a node keeps: the sizes of all its tables, whatever they are called.

Found by walking the runtime's own objects from the node on, so that a table that is added to the
runtime tomorrow is measured too.
"""

from __future__ import annotations

import gc
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any, TypeAlias

import circuit
from circuit.runtime import current

OURS = "circuit.runtime"
CONTAINERS = (dict, list, set, frozenset, deque)
SPARE = {"kept": 64, "digests": 64, "held": 64, "known": 64, "idle": 1000, "channels": 8}
"""Entries that an idle node may keep: messages not yet acknowledged, code and threads for the next call,
and connections that it has dialled now, and was dialled for before."""
TOMBSTONES = ("down", "gone", "reading")
"""What is remembered of each life of a node that was lost."""

Tables: TypeAlias = dict[str, dict[str, int]]
"""By the name of the node, then by the table's path from the node."""


def tables(workers: Sequence[str]) -> Tables:
    """Return the sizes of the tables of these workers and of this process.

    Raises:
        circuit.WorkerLost: one of them does not answer.
    """
    found = {name: circuit.call(sizes).on(name).result() for name in workers}
    return {**found, "driver": sizes()}


def sizes() -> dict[str, int]:
    """Return how many entries each table of this process's node has.

    Tables of one kind, as those of each peer, are added up. What is garbage does not count.
    """
    gc.collect()
    found: Counter[str] = Counter()
    _walk(current.node(), "node", found, set())
    return dict(found)


def grown(before: Tables, after: Tables, lost: int = 0) -> list[str]:
    """Tell which tables are larger than they were, by more than the lives lost since explain."""
    return [
        f"on {node}, table {path} has {size} entries, and had {before[node].get(path, 0)}"
        for node, found in after.items()
        for path, size in found.items()
        if size > before[node].get(path, 0) + _spare(path.rpartition(".")[2], lost)
    ]


def _spare(table: str, lost: int) -> int:
    return lost if table in TOMBSTONES else SPARE.get(table, 0)


def _walk(thing: Any, path: str, found: Counter[str], seen: set[int]) -> None:
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, CONTAINERS):
        found[path] += len(thing)
        for value in list(thing.values()) if isinstance(thing, dict) else list(thing):
            _walk(value, f"{path}[]", found, seen)
    elif type(thing).__module__.startswith(OURS):
        for name in _attributes(thing):
            if (value := getattr(thing, name, None)) is not None:
                _walk(value, f"{path}.{name.lstrip('_')}", found, seen)


def _attributes(thing: Any) -> list[str]:
    names = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    return [name for name in [*names, *getattr(thing, "__dict__", ())] if name != "__weakref__"]
