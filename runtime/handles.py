"""Handles: what keeps a reference of this process alive, and tells the node when nothing does.

A handle is an ObjectId that counts: as long as it lives, so does the object. Payloads of this
process have handles as their `refs`, so what is in a message is held by the message.

Finalizers only enqueue: one may run at any bytecode of any thread. An interrupt may strike at any bytecode,
too, and what is raised in a finalizer is lost; so a handle's has none: all of it is C.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from typing import Protocol

from circuit.runtime.errors import ClusterError
from circuit.runtime.messages import NodeId, ObjectId


class Home(Protocol):
    """What a handle needs from its node."""

    @property
    def gone(self) -> str:
        """Why nobody can be called any more, as `belongs to ...`; empty if somebody can."""

    @property
    def dropped(self) -> Callable[[ObjectId], object]:
        """Enqueues that one use of a reference is gone; a finalizer calls it, so it is a built-in."""


class Handle(ObjectId):
    """One use of a reference by this process."""

    _home: Home

    def __new__(cls, ref: ObjectId, home: Home) -> Handle:
        """Take over a use that the node has counted already."""
        handle = super().__new__(cls, *ref)
        handle._home = home
        handle.ended = partial(home.dropped, ObjectId(*ref))
        return handle

    def place_for(self, what: object) -> NodeId:
        """Return where the object is, for those who want to call it.

        Raises:
            ClusterError: there is nobody to call; `what` is what the user has of the object.
        """
        if gone := self._home.gone:
            raise ClusterError(f"{what!r} {gone}")
        return self.owner

    ended: Callable[[], object]
    __del__ = property(attrgetter("ended"))


class _Travelling(threading.local):
    """The references of the payload that this thread is pickling, or rebuilding."""

    outward: list[Handle] | None = None
    inward: Sequence[ObjectId] = ()


_travelling = _Travelling()


class outward:  # noqa: N801 (a context manager, used like a word)
    """Collect the handles of the references that are pickled on this thread."""

    def __enter__(self) -> list[Handle]:
        self._before = _travelling.outward
        handles: list[Handle] = []
        _travelling.outward = handles
        return handles

    def __exit__(self, *_: object) -> None:
        _travelling.outward = self._before


class inward:  # noqa: N801 (a context manager, used like a word)
    """Rebuild references from these handles on this thread."""

    def __init__(self, refs: Sequence[ObjectId]) -> None:
        self._refs = refs

    def __enter__(self) -> None:
        self._before = _travelling.inward
        _travelling.inward = self._refs

    def __exit__(self, *_: object) -> None:
        _travelling.inward = self._before


def place_of(handle: Handle, what: str) -> int:
    """Note that a reference is being pickled; return its place in the payload.

    Raises:
        TypeError: it is not for a spawn; `what` is what the user calls it.
        ClusterError: nobody could be called by it any more.
    """
    if _travelling.outward is None:
        raise TypeError(
            f"a {what} travels only with a spawn, in its arguments, its function or its result, "
            "and through a channel"
        )
    if gone := handle._home.gone:
        raise ClusterError(f"it {gone}")
    _travelling.outward.append(handle)
    return len(_travelling.outward) - 1


def handle_at(place: int) -> Handle:
    """Return the handle of a reference that is being rebuilt."""
    handle = _travelling.inward[place]
    assert isinstance(handle, Handle), "payloads get their handles when they arrive"
    return handle
