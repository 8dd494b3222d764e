"""What the core asks of the shell around it, as frozen values.

The core takes every decision; the shell only carries these out (h11 and aioquic are built so).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from circuit.runtime.messages import Call, Code, Down, End, Item, Kept, NodeId, ObjectId, Raise, Return, Stale

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
class Break:
    """Close whatever carrier there is to this node; another one may come up, and the session goes on."""

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
    """Execute a call that came in from `origin`: of the code, or of an object of this node's."""

    origin: NodeId
    call: Call
    code: Code | None


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
    """Hand an outcome, or the next item of a stream, to the one that spawned the call.

    `source`: the channel that it is a value of; if nobody takes it, the core is to be told.
    """

    outcome: Return | Kept | Raise | Stale | Item | End
    source: ObjectId | None = None


@dataclass(frozen=True, slots=True)
class Lose:
    """The node that had the call is gone; `ran` says whether it can have begun there.

    `restarted`: another life of that node is there in its place.
    """

    call: int
    down: Down
    ran: Ran
    restarted: bool = False


@dataclass(frozen=True, slots=True)
class Revoke:
    """A call made here was cancelled together with the call or the scope that made it."""

    call: int


@dataclass(frozen=True, slots=True)
class Free:
    """Nobody refers to this object of this node's any more."""

    number: int


@dataclass(frozen=True, slots=True)
class Leave:
    """All that was spawned in a scope is over."""

    scope: int


@dataclass(frozen=True, slots=True)
class Fence:
    """Nobody listens to this node any more, though its process may live: end it."""

    node: NodeId


Action: TypeAlias = (
    Dial
    | Flush
    | Break
    | HangUp
    | Alarm
    | Run
    | Interrupt
    | Grant
    | Deliver
    | Lose
    | Revoke
    | Free
    | Leave
    | Fence
)
