"""What the core asks of the shell around it, as frozen values.

The core takes every decision; the shell only carries these out (h11 and aioquic are built so).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from circuit.runtime.messages import Call, Code, Down, End, Item, NodeId, Raise, Return

Ran: TypeAlias = Literal["no", "yes", "unknown"]


@dataclass(frozen=True, slots=True)
class Dial:
    """Open a carrier to this node, and try again until told to hang up."""

    peer: NodeId


@dataclass(frozen=True, slots=True)
class Flush:
    """The session with this node may have a frame to write."""

    peer: NodeId


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close whatever carrier there is to this node; its session is over."""

    peer: NodeId


@dataclass(frozen=True, slots=True)
class Alarm:
    """The core has a new deadline: ask it when, and call `tick` then."""


@dataclass(frozen=True, slots=True)
class Run:
    """Execute a call that came in from `origin`."""

    origin: NodeId
    call: Call
    code: Code


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Stop an execution; its outcome is no longer wanted."""

    origin: NodeId
    call: int


@dataclass(frozen=True, slots=True)
class Grant:
    """Let a running stream send this many more items."""

    origin: NodeId
    call: int
    items: int


@dataclass(frozen=True, slots=True)
class Deliver:
    """Hand an outcome, or the next item of a stream, to the one that spawned the call."""

    outcome: Return | Raise | Item | End


@dataclass(frozen=True, slots=True)
class Lose:
    """The node that had the call is gone; `ran` says whether it can have begun there."""

    call: int
    down: Down
    ran: Ran


Action: TypeAlias = Dial | Flush | HangUp | Alarm | Run | Interrupt | Grant | Deliver | Lose
