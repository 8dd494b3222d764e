"""The node that this process is: one slot, filled when a cluster begins or a worker starts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from circuit.runtime.errors import ClusterError

if TYPE_CHECKING:
    from circuit.runtime.node import Node


class _Slot:
    """The process's node, and what starts one on first use."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.node: Node | None = None
        self.start: Callable[[], object] | None = None


_slot = _Slot()


def start_with(start: Callable[[], object]) -> None:
    """Say what fills the slot when it is first needed."""
    _slot.start = start


def node() -> Node:
    """Return this process's node, starting an embedded cluster if there is none."""
    found = _slot.node
    if found is not None:
        return found
    with _slot.lock:
        if _slot.node is None and _slot.start is not None:
            _slot.start()
        if _slot.node is None:
            raise ClusterError("no cluster runs in this process")
        return _slot.node


def fill(node: Node) -> None:
    """Make `node` this process's node.

    Raises:
        ClusterError: it has one.
    """
    with _slot.lock:
        if _slot.node is not None:
            raise ClusterError("this process belongs to a cluster already; close that one first")
        _slot.node = node


def running() -> Node | None:
    """Return this process's node if it has one."""
    return _slot.node


def empty() -> None:
    """Forget the node: its cluster was closed."""
    with _slot.lock:
        _slot.node = None
