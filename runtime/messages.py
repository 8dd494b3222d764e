"""What nodes say to each other: messages in a session, and what opens a carrier.

Plain frozen values, compared with == in tests; `frames.py` turns them into bytes. A call is
named by the number that its spawner gave it; between two nodes the session tells whose.
Rules: this file imports nothing of the runtime.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias

PROTOCOL = 2
"""The version of what is said; nodes of different versions refuse each other."""


class ProtocolError(Exception):
    """A peer said what the protocol does not allow: the session with it is over."""


class NodeId(NamedTuple):
    """One life of a node: a restarted worker keeps its name and gets a new incarnation."""

    name: str
    incarnation: str


class ObjectId(NamedTuple):
    """An object on the node that owns it; numbers are never used again in one life of a node."""

    owner: NodeId
    number: int


@dataclass(frozen=True, slots=True)
class Region:
    """Where a buffer is, for a process of the same host: a part of an open file without a name."""

    pid: int
    fd: int
    offset: int
    nbytes: int
    block: int  # what the owner calls it, when it is given back


class Block(Protocol):
    """A buffer in memory that other processes can map; it is its owner's until nobody refers to it."""

    @property
    def nbytes(self) -> int:
        """Its size."""

    @property
    def view(self) -> memoryview:
        """Its bytes."""

    @property
    def region(self) -> Region:
        """Where others find it."""

    def abandon(self) -> None:
        """Never use this memory again: somebody out of reach may still look at it."""


Buffer: TypeAlias = bytes | bytearray | memoryview
Bytes: TypeAlias = Buffer | Block | Region
"""What a payload is made of: bytes, shared memory of this process, or of the sender's."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A pickle and its out-of-band buffers (PEP 574), in memory or sent ahead as a transfer.

    `refs` are the references in it, which the pickle names by their index. Until the receiver has
    announced itself to their owners, the sender holds them under the number `pin`.
    """

    buffers: tuple[Bytes, ...] = ()
    refs: tuple[ObjectId, ...] = ()
    pin: int = 0
    transfer: int = 0
    sizes: tuple[int, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes that the value takes; what a transfer sent ahead does not count."""
        return sum(size_of(buffer) for buffer in self.buffers)


def size_of(buffer: Bytes) -> int:
    """Return the size of a buffer, in bytes."""
    if isinstance(buffer, (bytes, bytearray)):
        return len(buffer)
    return buffer.nbytes


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a payload too large for one message."""

    transfer: int
    data: Buffer


@dataclass(frozen=True, slots=True)
class Code:
    """A pickled callee, sent once and named by its digest from then on."""

    digest: bytes
    pickle: Payload


@dataclass(frozen=True, slots=True)
class Forget:
    """The sender will not name this digest again without sending its code anew."""

    digest: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """Run a callee, or a method of an object of the receiver's.

    Attributes:
        call: the spawner's number for it.
        arguments: pickled.
        digest: of the callee's code; empty if it is a method.
        target: the number of the object; 0 if it is a function.
        method: its name; empty asks for an outcome that is kept or awaited there.
        window: > 0 makes it a stream with that many items on their way at most.
        edition: of the program's modules, as the spawner knows them.
        scoped: the spawner is told when it and all it spawned are over.
    """

    call: int
    arguments: Payload
    digest: bytes = b""
    target: int = 0
    method: str = ""
    window: int = 0
    edition: int = 0
    scoped: bool = False


@dataclass(frozen=True, slots=True)
class Begun:
    """These calls have begun, though they have not ended: others may be sent in their place."""

    calls: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Return:
    """The call ended with a value; `place` is that of a value in the order of its channel."""

    call: int
    value: Payload
    place: int = 0


@dataclass(frozen=True, slots=True)
class PutBack:
    """A value came from a channel to one who no longer wants it: it goes back to its place."""

    target: int
    value: Payload
    place: int


@dataclass(frozen=True, slots=True)
class Kept:
    """The call ended with a value that stays where `value.refs[0]` says until somebody asks for it."""

    call: int
    value: Payload


@dataclass(frozen=True, slots=True)
class Stale:
    """The call was of an object that its owner has freed, or that this caller may not name."""

    call: int


@dataclass(frozen=True, slots=True)
class Raise:
    """The call, or the stream at this place, ended with an exception."""

    call: int
    exception: Payload | None
    type_name: str
    text: str
    traceback: str
    pid: int


@dataclass(frozen=True, slots=True)
class Item:
    """The next item of a stream."""

    call: int
    value: Payload


@dataclass(frozen=True, slots=True)
class End:
    """The stream ended."""

    call: int


@dataclass(frozen=True, slots=True)
class Credit:
    """The consumer took items: as many more may be sent."""

    call: int
    items: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """The spawner no longer wants the call; nothing more is said of it on either side."""

    call: int


@dataclass(frozen=True, slots=True)
class Settled:
    """A scoped call is over, and all that it spawned is."""

    call: int


@dataclass(frozen=True, slots=True)
class Dirty:
    """The sender holds these objects of the receiver's; `seq` orders what it says of them."""

    numbers: tuple[int, ...]
    seq: int


@dataclass(frozen=True, slots=True)
class Dirtied:
    """The sender has entered the receiver as a holder, but for the objects that it has no more."""

    seq: int
    missing: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Clean:
    """The sender holds these objects of the receiver's no more."""

    numbers: tuple[int, ...]
    seq: int


@dataclass(frozen=True, slots=True)
class Unpin:
    """The references in these payloads of the receiver's are announced to their owners."""

    pins: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """The sender looks at these blocks of the receiver's memory no more, once for each time named."""

    blocks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Up:
    """The cluster's registrar started a node."""

    node: NodeId


@dataclass(frozen=True, slots=True)
class Down:
    """The cluster's registrar saw a node end; `fenced`: its process may live, but nobody listens to it."""

    node: NodeId
    pid: int
    how: str
    stderr: tuple[str, ...] = ()
    fenced: bool = False


Answer: TypeAlias = Return | Raise | Item | End
"""What an executor says of a call."""
Outcome: TypeAlias = Return | Kept | Raise | Stale | End
"""What ends a call."""
Message: TypeAlias = (
    Part
    | Code
    | Forget
    | Call
    | Begun
    | Return
    | PutBack
    | Kept
    | Stale
    | Raise
    | Item
    | End
    | Credit
    | Cancel
    | Settled
    | Dirty
    | Dirtied
    | Clean
    | Unpin
    | Release
    | Up
    | Down
)


@dataclass(frozen=True, slots=True)
class Hello:
    """The dialler's first words.

    Attributes:
        received: how many of the receiver's messages the sender has.
        resumes: false on the first carrier of a session.
        memory: what proves to a process of the same host that it can map the sender's memory.
    """

    cluster: str
    sender: NodeId
    receiver: NodeId
    pid: int
    python: str
    received: int = 0
    resumes: bool = False
    memory: bytes = b""
    protocol: int = PROTOCOL


@dataclass(frozen=True, slots=True)
class Welcome:
    """The answer that opens the carrier."""

    received: int
    pid: int
    shares: bool = False  # each can map the other's memory


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer that closes it; `crossed`: both dialled at once, and the other carrier stays."""

    reason: str
    crossed: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """One write: a batch of messages numbered from `first`, and how many of the peer's have arrived."""

    first: int
    received: int
    messages: Sequence[Message] = field(default=())
