"""The node that this process is: one slot, filled when a cluster begins or a worker starts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from circuit.runtime.errors import ClusterError

if TYPE_CHECKING:
    from circuit.runtime.node import Node


class _Slot:
    """The process's node."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.node: Node | None = None


_slot = _Slot()


def node() -> Node:
    """Return this process's node, starting an embedded cluster if there is none."""
    found = _slot.node
    if found is not None:
        return found
    with _slot.lock:
        if _slot.node is None:
            # Not loaded above: a worker, which always has its node, needs nothing of it.
            from circuit.runtime.cluster import cluster

            cluster()
        assert _slot.node is not None
        return _slot.node


@contextmanager
def being_filled() -> Iterator[None]:
    """Keep other threads from filling the slot at the same time.

    Raises:
        ClusterError: it is filled.
    """
    with _slot.lock:
        if _slot.node is not None:
            raise ClusterError("this process belongs to a cluster already; close that one first")
        yield


def fill(node: Node) -> None:
    """Make `node` this process's node."""
    with _slot.lock:
        _slot.node = node


def running() -> Node | None:
    """Return this process's node if it has one."""
    return _slot.node


def empty() -> None:
    """Forget the node: its cluster was closed."""
    with _slot.lock:
        _slot.node = None
