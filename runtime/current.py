"""Where code runs: the node that this process is, and the spawned call that it is part of.

The node is one slot, filled when a cluster begins or a worker starts. The call is a context
variable, so tasks that a coroutine starts belong to its call, too.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar
from typing import TYPE_CHECKING

from circuit.runtime.admission import Key
from circuit.runtime.errors import ClusterError

if TYPE_CHECKING:
    from circuit.runtime.node import Node


class _Slot:
    """The process's node."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.node: Node | None = None
        self.pid = 0  # the process that filled it


_slot = _Slot()


def node() -> Node:
    """Return this process's node, starting an embedded cluster if there is none.

    Raises:
        ClusterError: this process was forked from one that has a node, whose threads it lacks.
    """
    found = _slot.node
    if found is not None:
        if os.getpid() != _slot.pid:
            raise ClusterError(
                "this process was forked from one of a cluster and is no part of it: spawn from the "
                "parent, or start this one anew, as multiprocessing does with its start method 'spawn'"
            )
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
        _slot.pid = os.getpid()


def running() -> Node | None:
    """Return this process's node if it has one."""
    return _slot.node


def empty() -> None:
    """Forget the node: its cluster was closed."""
    with _slot.lock:
        _slot.node = None


_call: ContextVar[Key | None] = ContextVar("circuit_call", default=None)
_scope: ContextVar[int] = ContextVar("circuit_scope", default=0)


def call() -> Key | None:
    """Return the spawned call that this code is part of."""
    return _call.get()


def scope() -> int:
    """Return the scope that what is spawned here belongs to; 0: none."""
    return _scope.get()


def context_of(key: Key) -> Context:
    """Return a context for the code of a call."""
    context = Context()
    context.run(_call.set, key)
    return context
