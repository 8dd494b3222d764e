"""The kinds of objects that references name, as the simulator knows them.

Rules: what is sent in a channel refers to plain and serial objects only, and no outcome to a promise,
so that no objects ever hold each other in a circle, which nobody promises to collect.
"""

from __future__ import annotations

from enum import Enum, auto


class Kind(Enum):
    """What a reference is of."""

    PLAIN = auto()
    SERIAL = auto()
    CHANNEL = auto()
    PROMISE = auto()
    KEPT = auto()
