"""What the core promises, in a sentence each; the simulator says which one was broken.

Rules: this file imports nothing of Circuit.
"""

from __future__ import annotations

from enum import Enum


class Promise(Enum):
    """A sentence that holds in every run."""

    ONCE = "a call runs at most once, and `ran` tells the truth"
    ENDS = "a future ends exactly one way, and none is left pending"
    ORDER = "calls to an object, the items of a stream and the values of a channel keep their order"
    SERIAL = "a serial object runs one call at a time"
    VALUES = "an accepted value of a channel is received once, unless a node that had it is gone"
    HELD = "nothing is freed while someone holds it"
    REACHABLE = "at rest the tables list exactly what is reachable"
    STOPPED = "what was given up is stopped, with all that it spawned"
    SCOPES = "a scope is left once, when all that was spawned in it is over"
    CREDIT = "credit returns to its start"
    BOUNDS = "no more waits than the limits allow"
    REST = "at rest nothing is left to do: no timer, no word that did not arrive"
    HEALED = "what lasts less than the grace period is not seen"
    RULES = "no node breaks the rules of another's session"


class BrokenPromise(AssertionError):
    """A run of the simulator in which a promise did not hold."""

    def __init__(self, promise: Promise, seen: str) -> None:
        super().__init__(promise, seen)
        self.promise = promise
        self.seen = seen

    def __str__(self) -> str:
        return f"{self.promise.value}; but {self.seen}"


def hold(promise: Promise, holds: object, seen: str, *what: object) -> None:
    """Raise BrokenPromise unless it holds; `seen` says with the words of `what` what was seen instead."""
    if not holds:
        raise BrokenPromise(promise, seen.format(*what))
