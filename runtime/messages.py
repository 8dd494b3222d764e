"""What nodes say to each other: messages in a session, and what opens a carrier.

Plain frozen values, compared with == in tests; `frames.py` turns them into bytes. A call is
named by the number that its spawner gave it; between two nodes the session tells whose.
Rules: this file imports nothing of the runtime.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

PROTOCOL = 1
"""The version of what is said; nodes of different versions refuse each other."""

Buffer: TypeAlias = bytes | bytearray | memoryview


class NodeId(NamedTuple):
    """One life of a node: a restarted worker keeps its name and gets a new incarnation."""

    name: str
    incarnation: str


@dataclass(frozen=True, slots=True)
class Region:
    """Where a buffer is that did not travel: in memory of this process, which its host's others can map."""

    pid: int
    fd: int
    offset: int
    nbytes: int
    block: int


@dataclass(frozen=True, slots=True)
class Payload:
    """A pickle and its out-of-band buffers (PEP 574), in memory or sent ahead as a transfer."""

    buffers: tuple[Buffer, ...] = ()
    transfer: int = 0
    sizes: tuple[int, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes held here; what a transfer sent ahead does not count."""
        return sum(memoryview(buffer).nbytes for buffer in self.buffers)


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
    """Run the callee; `window` > 0 makes it a stream with that many items on their way at most."""

    call: int
    digest: bytes
    arguments: Payload
    window: int = 0


@dataclass(frozen=True, slots=True)
class Return:
    """The call ended with a value."""

    call: int
    value: Payload


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
class Down:
    """The cluster's registrar saw a node end."""

    node: NodeId
    pid: int
    how: str
    stderr: tuple[str, ...] = ()


Message: TypeAlias = Part | Code | Forget | Call | Return | Raise | Item | End | Credit | Cancel | Down


@dataclass(frozen=True, slots=True)
class Hello:
    """The dialler's first words; `resumes` is false on the first carrier of a session."""

    cluster: str
    sender: NodeId
    receiver: NodeId
    pid: int
    python: str
    received: int = 0
    resumes: bool = False
    protocol: int = PROTOCOL


@dataclass(frozen=True, slots=True)
class Welcome:
    """The answer that opens the carrier."""

    received: int
    pid: int


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
