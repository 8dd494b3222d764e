"""What an object of a node is to those who call it: who runs its methods, and when.

    Plain    its methods run at once, side by side
    Serial   its methods run one at a time, in order
    Keep     an outcome that stays here until somebody asks for it
    Promise  the outcome of a call that this node made, for other nodes
    Channel  a queue (channels.py)

The first two are the program's: the shell has their values. The others answer by themselves.

Rules: this file does no I/O and reads no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from circuit.runtime.admission import Key
from circuit.runtime.channels import Channel
from circuit.runtime.messages import Kept, Payload, Raise, Return

FETCH = ""
"""What an outcome, kept or promised, is asked for."""
SEND, RECEIVE, CLOSE = "send", "receive", "close"
"""What a channel is asked."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A value of the program's; any number of its methods run at once."""


@dataclass(frozen=True, slots=True)
class Serial:
    """A value of the program's; one method runs at a time."""


@dataclass(frozen=True, slots=True)
class Keep:
    """An outcome too large to come along unasked."""

    value: Payload


@dataclass(slots=True)
class Promise:
    """An outcome that other nodes wait for; here in full, or where `Kept` says."""

    outcome: Return | Kept | Raise | None = None
    waiting: dict[Key, None] = field(default_factory=dict)


Object: TypeAlias = Plain | Serial | Keep | Promise | Channel
