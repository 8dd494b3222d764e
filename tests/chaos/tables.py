"""How much a node keeps: the sizes of all its tables, whatever they are called, and the like.

The tables are found by walking the runtime's own objects from the node on, so that a table that is
added to the runtime tomorrow is measured too.
"""

from __future__ import annotations

import gc
import os
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any, TypeAlias

import circuit
from circuit.runtime import current
from tests.chaos.samples import descriptors, segments

OURS = "circuit.runtime"
CONTAINERS = (dict, list, set, frozenset, deque)
SPARE = {
    "session.kept": 64,  # messages not yet acknowledged
    "sent.codes": 64,  # code that is kept for the next call
    "[].held": 64,
    "own.held": 64,
    "functions.known": 64,
    "threads.idle": 1000,
    "transport.channels": 8,  # to whom it dials now, and was dialled by before
    "memory.arena.segments": 2,  # of warm memory: as many as were filled at once
    ".starts": 64,  # of the free parts of these
    ".ends": 64,
    "segments": 4,  # two mappings or descriptors of each of these
    "descriptors": 24,
}
"""What an idle node may have more of than before, by the end of the path."""
TOMBSTONES = ("peers.down", "references.gone", "node.reading")
"""What is remembered of each life of a node that was lost."""

Tables: TypeAlias = dict[str, dict[str, int]]
"""By the name of the node, then by the table's path from the node."""


def tables(workers: Sequence[str]) -> Tables:
    """Return what these workers and this process keep.

    Raises:
        circuit.WorkerLost: one of them does not answer.
    """
    found = {name: circuit.call(sizes).on(name).result() for name in workers}
    return {**found, "driver": sizes()}


def sizes() -> dict[str, int]:
    """Return how many entries each table of this process's node has, and the like.

    Tables of one kind, as those of each peer, are added up. What is garbage does not count.
    """
    gc.collect()
    found: Counter[str] = Counter()
    _walk(current.node(), "node", found, set())
    pid = os.getpid()
    lent = current.node().tables()["lent bytes"]
    return {**found, "lent bytes": lent, "descriptors": len(descriptors(pid)), "segments": segments(pid)}


def grown(before: Tables, after: Tables, lost: int = 0) -> list[str]:
    """Tell what a node has more of than it had, by more than the lives lost since explain."""
    return [
        f"{node} has {size} of {path}, and had {before[node].get(path, 0)}"
        for node, found in after.items()
        for path, size in found.items()
        if size > before[node].get(path, 0) + _spare(path, lost)
    ]


def _spare(path: str, lost: int) -> int:
    if path.endswith(TOMBSTONES):
        return lost
    return next((spare for end, spare in SPARE.items() if path.endswith(end)), 0)


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
