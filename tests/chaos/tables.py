"""How much a node keeps: the sizes of all its tables, whatever they are called.

Found by walking the runtime's own objects from the node on, so that a table that is added to the
runtime tomorrow is measured too.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from circuit.runtime import current

OURS = "circuit.runtime"
CONTAINERS = (dict, list, set, frozenset, deque)


def sizes() -> dict[str, int]:
    """Return how many entries each table of this process's node has, by its path from the node.

    Tables of one kind, as those of each peer, are added up.
    """
    found: Counter[str] = Counter()
    _walk(current.node(), "node", found, set())
    return dict(found)


def _walk(thing: Any, path: str, found: Counter[str], seen: set[int]) -> None:
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, CONTAINERS):
        found[path] += len(thing)
        values = list(thing.values()) if isinstance(thing, dict) else list(thing)
        for value in values:
            _walk(value, f"{path}[]", found, seen)
    elif type(thing).__module__.startswith(OURS):
        for name in _attributes(thing):
            if (value := getattr(thing, name, None)) is not None:
                _walk(value, f"{path}.{name.lstrip('_')}", found, seen)


def _attributes(thing: Any) -> list[str]:
    names = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    return [name for name in [*names, *getattr(thing, "__dict__", ())] if name != "__weakref__"]
