"""A session: everything that two lives of nodes say to each other, in order, each thing once.

A session outlives its carriers. Messages are numbered from 0 in each direction and kept until
the peer says that it has them; when a carrier breaks and another one comes up within the grace
period, what the peer lacks is written again. So a broken carrier loses nothing and doubles
nothing, and the layers above never see it. After the grace period the session is closed for
good, and both sides know it: the peer is refused if it comes back.

A frame that leaves a gap shows that the carrier lost something: that carrier is broken, and the
next one resumes. What was lost last shows in the next heartbeat, which names its number.

Batching: whatever has queued up when a write is possible goes into one frame; nobody waits to
fill one. Acknowledgements ride on frames that are written anyway; one is owed only after
ACK_MESSAGES or ACK_BYTES of silence, so an idle session keeps a bounded rest and needs no timer.

Rules: this file does no I/O and reads no clock: `now`, in seconds, is an argument.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto

from circuit.runtime.limits import DEFAULT, Limits
from circuit.runtime.liveness import Liveness
from circuit.runtime.messages import Block, Frame, Message, NodeId, Part, ProtocolError
from circuit.runtime.transfers import PART_BYTES, Assembly, as_regions, blocks_of, payload_of, split

FRAME_BYTES = 1024 * 1024
FRAME_MESSAGES = 1024
ACK_MESSAGES = 32
ACK_BYTES = 1024 * 1024


class State(Enum):
    """Where a session is in its life."""

    CONNECTING = auto()  # no carrier yet
    OPEN = auto()  # a carrier is up
    BROKEN = auto()  # it was lost, and the grace period runs
    CLOSED = auto()  # for good


class Event(Enum):
    """What moves a session from state to state."""

    OPENED = auto()
    BROKE = auto()
    SILENT = auto()
    EXPIRED = auto()
    ENDED = auto()


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.CONNECTING, Event.OPENED): State.OPEN,
    (State.CONNECTING, Event.EXPIRED): State.CLOSED,
    (State.CONNECTING, Event.ENDED): State.CLOSED,
    (State.OPEN, Event.OPENED): State.OPEN,  # the peer saw the old carrier break before we did
    (State.OPEN, Event.BROKE): State.BROKEN,
    (State.OPEN, Event.SILENT): State.BROKEN,
    (State.OPEN, Event.ENDED): State.CLOSED,
    (State.BROKEN, Event.OPENED): State.OPEN,
    (State.BROKEN, Event.EXPIRED): State.CLOSED,
    (State.BROKEN, Event.ENDED): State.CLOSED,
}


class SessionError(ProtocolError):
    """The peer broke the numbering: it acknowledges what was never written, or forgot what it had."""


class Gap(Exception):
    """The carrier lost a frame: it is broken, and the session goes on with the next one."""


class Session:
    """One side of the session with `peer`.

    Args:
        peer: the life of the node on the other side.
        now: when it began; without a carrier by `now + limits.connect` it expires.
    """

    def __init__(self, peer: NodeId, now: float, limits: Limits = DEFAULT) -> None:
        self.peer = peer
        self.state = State.CONNECTING
        self._came_up = False
        self.shares = False  # the peer can map this process's memory
        self._limits = limits
        self._expires: float | None = now + limits.connect
        self._liveness = Liveness(limits.heartbeat, limits.silence, now)
        self._sent = 0
        self._waiting: deque[Message] = deque()  # for the first carrier
        self._kept: deque[tuple[Message, int, int]] = deque()  # with size and place, until acknowledged
        self._holding: dict[int, Message] = {}  # whose memory the parts in `_kept` are of, by place
        self._first_kept = 0
        self._unwritten_bytes = 0  # of `_kept` and `_waiting`
        self._next_write = 0
        self._high_water = 0  # the number after the last that any carrier took
        self._written = 0  # the place of the last message that any carrier took whole
        self._received = 0
        self._unsaid = 0  # received, not yet acknowledged
        self._unsaid_bytes = 0
        self._transfers = 0
        self._assembly = Assembly()
        self._lent: dict[int, list[Block]] = {}

    @property
    def received(self) -> int:
        """How many of the peer's messages have arrived: what an opening says."""
        return self._received

    @property
    def acknowledged(self) -> int:
        """How many messages the peer has said that it has."""
        return self._first_kept

    @property
    def numbered(self) -> int:
        """How many messages were numbered for the peer, parts of large ones included."""
        return self._first_kept + len(self._kept)

    @property
    def is_open(self) -> bool:
        """Whether a carrier is up."""
        return self.state is State.OPEN

    @property
    def resumes(self) -> bool:
        """Whether a carrier was ever up: the next one continues where it broke."""
        return self._came_up

    @property
    def deadline(self) -> float | None:
        """When `tick` is due, in seconds; None: never."""
        return self._liveness.deadline if self.is_open else self._expires

    @property
    def unacknowledged(self) -> int:
        """How many messages are kept for the peer."""
        return len(self._kept) + len(self._waiting)

    @property
    def unwritten(self) -> int:
        """How many messages wait for the carrier to take them."""
        return self.numbered - self._next_write + len(self._waiting)

    @property
    def unwritten_bytes(self) -> int:
        """About how many bytes wait for the carrier to take them, memory that is lent not counted."""
        return self._unwritten_bytes

    @property
    def lent(self) -> int:
        """How many blocks of this process's memory the peer may be looking at."""
        return sum(map(len, self._lent.values()))

    def send(self, message: Message) -> int:
        """Queue a message and return its place, counted from 1."""
        self._sent += 1
        if self.state is State.CONNECTING:
            self._waiting.append(message)
            self._unwritten_bytes += _size(message)
        else:
            self._keep(message, self._sent)
        return self._sent

    def was_written(self, place: int) -> bool:
        """Tell whether a carrier ever took the whole message: if not, the peer cannot have seen it."""
        return place <= self._written

    def opened(self, peer_received: int, now: float, *, shares: bool = False) -> None:
        """Take a new carrier into use; the peer has `peer_received` of our messages.

        Raises:
            SessionError: the peer claims messages that were never written, or lacks forgotten ones.
        """
        if not self._first_kept <= peer_received <= self._high_water:
            raise SessionError(
                f"peer resumes at {peer_received}; kept are {self._first_kept} to {self._high_water}"
            )
        if self.state is State.CONNECTING:
            self.shares = shares
            for place, message in enumerate(self._waiting, 1):
                self._keep(message, place)
            self._waiting.clear()
        self._came_up = True
        self._move(Event.OPENED)
        self._liveness = Liveness(self._limits.heartbeat, self._limits.silence, now)
        self._acknowledged(peer_received)
        self._next_write = peer_received
        self._unwritten_bytes = sum(size for _, size, _ in self._kept)

    def broke(self, now: float, event: Event = Event.BROKE) -> None:
        """Note that the carrier is gone: the grace period begins."""
        if self.state is State.OPEN:
            self._move(event)
            self._expires = now + self._limits.grace

    def tick(self, now: float) -> Event | None:
        """Do what is due: EXPIRED closes the session for good, SILENT breaks its carrier."""
        if self.is_open:
            if not self._liveness.look(now):
                return None
            self.broke(now, Event.SILENT)
            return Event.SILENT
        if self._expires is None or now < self._expires:
            return None
        self._move(Event.EXPIRED)
        self._expires = None
        return Event.EXPIRED

    def end(self) -> None:
        """Close the session for good."""
        if self.state is not State.CLOSED:
            self._move(Event.ENDED)
            self._expires = None

    def give_up_memory(self, *, gone: bool) -> None:
        """Take back what was lent when all is over; unless `gone`, the peer may still be looking at it."""
        if not gone:
            for blocks in self._lent.values():
                blocks[0].abandon()
        self._lent.clear()

    def take_back(self, numbers: tuple[int, ...]) -> None:
        """Note that the peer has released blocks.

        Raises:
            SessionError: it never had one of them.
        """
        for number in numbers:
            blocks = self._lent.get(number)
            if not blocks:
                raise SessionError(f"block {number} was not lent")
            blocks.pop()
            if not blocks:
                del self._lent[number]

    def next_frame(self, now: float) -> Frame | None:
        """Return what to write now, as one batch; None when there is nothing to say."""
        if self.state is not State.OPEN:
            return None
        start = self._next_write - self._first_kept
        batch: list[Message] = []
        room = FRAME_BYTES
        while start + len(batch) < len(self._kept) and len(batch) < FRAME_MESSAGES:
            message, size, place = self._kept[start + len(batch)]
            room -= size
            if room < 0 and batch:
                break
            batch.append(message)
            self._unwritten_bytes -= size
            self._written = max(self._written, place)
        owed = self._unsaid >= ACK_MESSAGES or self._unsaid_bytes >= ACK_BYTES
        if not (batch or owed or self._liveness.must_speak(now)):
            return None
        frame = Frame(self._next_write, self._received, tuple(batch))
        self._next_write += len(batch)
        self._high_water = max(self._high_water, self._next_write)
        self._unsaid = self._unsaid_bytes = 0
        self._liveness.spoke(now)
        return frame

    def receive(self, frame: Frame, now: float) -> list[Message]:
        """Take a frame in and return the messages that are new, whole and in order.

        Raises:
            Gap: the carrier lost what should have come before.
            SessionError: the frame acknowledges what was not written.
        """
        if frame.received > self._high_water:
            raise SessionError(f"{frame.received} acknowledged of {self._high_water} written")
        if self.is_open:  # else it is the last of an old carrier
            self._liveness.heard(now)
        self._acknowledged(frame.received)
        if frame.first > self._received:
            raise Gap(f"messages {self._received} to {frame.first} are missing")
        whole: list[Message] = []
        for message in frame.messages[self._received - frame.first :]:
            self._received += 1
            self._unsaid += 1
            self._unsaid_bytes += _size(message)
            if isinstance(message, Part):
                self._assembly.add(message)
            else:
                whole.append(self._assembly.complete(message))
        return whole

    def _keep(self, message: Message, place: int) -> None:
        """Number a message, in parts if it is large, with its blocks lent if the peer can map them."""
        payload = payload_of(message)
        blocks = blocks_of(payload) if payload is not None else []
        if blocks and self.shares:
            for block in blocks:
                self._lent.setdefault(block.region.block, []).append(block)
            message, blocks = as_regions(message), []
        size = _size(message)
        if payload is not None and (size > PART_BYTES or blocks):
            self._transfers += 1
            if blocks:
                self._holding[place] = message
            *parts, message = split(message, self._transfers)
            for part in parts:
                self._append(part, _size(part), 0)
            size = _OVERHEAD
        self._append(message, size, place)

    def _append(self, message: Message, size: int, place: int) -> None:
        self._kept.append((message, size, place))
        self._unwritten_bytes += size

    def _acknowledged(self, count: int) -> None:
        while self._first_kept < count:
            _, size, place = self._kept.popleft()
            if self._holding:
                self._holding.pop(place, None)
            if self._first_kept == self._next_write:  # a carrier before this one took it after all
                self._next_write += 1
                self._unwritten_bytes -= size
            self._first_kept += 1

    def _move(self, event: Event) -> None:
        self.state = TRANSITIONS[self.state, event]


_OVERHEAD = 64


def _size(message: Message) -> int:
    """Return about how many bytes a message takes on a carrier."""
    if isinstance(message, Part):
        return len(message.data)
    payload = payload_of(message)
    if payload is None:
        return _OVERHEAD
    return _OVERHEAD + sum(len(b) for b in payload.buffers if isinstance(b, (bytes, bytearray, memoryview)))
