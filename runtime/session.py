"""A session: everything that two lives of nodes say to each other, in order, each thing once.

A session outlives its carriers. Messages are numbered from 0 in each direction and kept until
the peer says that it has them; when a carrier breaks and another one comes up within the grace
period, what the peer lacks is written again. So a broken carrier loses nothing and doubles
nothing, and the layers above never see it. After the grace period the session is closed for
good, and both sides know it: the peer is refused if it comes back.

Batching: whatever has queued up when a write is possible goes into one frame; nobody waits to
fill one. Acknowledgements ride on frames that are written anyway; one is owed only after
ACK_MESSAGES or ACK_BYTES of silence, so an idle session keeps a bounded rest and needs no timer.

Rules: this file does no I/O and reads no clock: `now`, in seconds, is an argument.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto

from circuit.runtime.messages import Frame, Message, NodeId, Part
from circuit.runtime.transfers import PART_BYTES, Assembly, payload_of, split

GRACE_SECONDS = 10.0
CONNECT_SECONDS = 60.0
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
    EXPIRED = auto()
    ENDED = auto()


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.CONNECTING, Event.OPENED): State.OPEN,
    (State.CONNECTING, Event.EXPIRED): State.CLOSED,
    (State.CONNECTING, Event.ENDED): State.CLOSED,
    (State.OPEN, Event.OPENED): State.OPEN,  # the peer saw the old carrier break before we did
    (State.OPEN, Event.BROKE): State.BROKEN,
    (State.OPEN, Event.ENDED): State.CLOSED,
    (State.BROKEN, Event.OPENED): State.OPEN,
    (State.BROKEN, Event.EXPIRED): State.CLOSED,
    (State.BROKEN, Event.ENDED): State.CLOSED,
}


class SessionError(Exception):
    """The peer broke the numbering: a gap, or an acknowledgement of what was never written."""


class Session:
    """One side of the session with `peer`.

    Args:
        peer: the life of the node on the other side.
        now: when it began; without a carrier by `now + CONNECT_SECONDS` it expires.
    """

    def __init__(self, peer: NodeId, now: float) -> None:
        self.peer = peer
        self.state = State.CONNECTING
        self.deadline: float | None = now + CONNECT_SECONDS
        self._kept: deque[tuple[Message, int]] = deque()  # with its size in bytes, until acknowledged
        self._first_kept = 0
        self._next_write = 0
        self._high_water = 0  # the number after the last that any carrier took
        self._received = 0
        self._unsaid = 0  # received, not yet acknowledged
        self._unsaid_bytes = 0
        self._transfers = 0
        self._assembly = Assembly()

    @property
    def received(self) -> int:
        """How many of the peer's messages have arrived: what an opening says."""
        return self._received

    @property
    def is_open(self) -> bool:
        """Whether a carrier is up."""
        return self.state is State.OPEN

    @property
    def resumes(self) -> bool:
        """Whether a carrier was ever up: the next one continues where it broke."""
        return self.state is not State.CONNECTING

    def send(self, message: Message) -> int:
        """Queue a message and return its number."""
        size = _size(message)
        if size > PART_BYTES and payload_of(message) is not None:
            self._transfers += 1
            for piece in split(message, self._transfers):
                self._kept.append((piece, _size(piece)))
        else:
            self._kept.append((message, size))
        return self._first_kept + len(self._kept) - 1

    def was_written(self, number: int) -> bool:
        """Tell whether a carrier ever took the message: if not, the peer cannot have seen it."""
        return number < self._high_water

    def opened(self, peer_received: int) -> None:
        """Take a new carrier into use; the peer has `peer_received` of our messages.

        Raises:
            SessionError: the peer claims messages that were never written, or lacks forgotten ones.
        """
        if not self._first_kept <= peer_received <= self._high_water:
            raise SessionError(
                f"peer resumes at {peer_received}; kept are {self._first_kept} to {self._high_water}"
            )
        self._move(Event.OPENED)
        self.deadline = None
        self._acknowledged(peer_received)
        self._next_write = peer_received

    def broke(self, now: float) -> None:
        """Note that the carrier is gone: the grace period begins."""
        if self.state is State.OPEN:
            self._move(Event.BROKE)
            self.deadline = now + GRACE_SECONDS

    def tick(self, now: float) -> bool:
        """Close the session if its time is over; tell whether that happened now."""
        if self.deadline is None or now < self.deadline:
            return False
        self._move(Event.EXPIRED)
        self.deadline = None
        return True

    def end(self) -> None:
        """Close the session for good."""
        if self.state is not State.CLOSED:
            self._move(Event.ENDED)
            self.deadline = None

    def next_frame(self) -> Frame | None:
        """Return what to write now, as one batch; None when there is nothing to say."""
        if self.state is not State.OPEN:
            return None
        start = self._next_write - self._first_kept
        batch: list[Message] = []
        room = FRAME_BYTES
        while start + len(batch) < len(self._kept) and len(batch) < FRAME_MESSAGES:
            message, size = self._kept[start + len(batch)]
            room -= size
            if room < 0 and batch:
                break
            batch.append(message)
        if not batch and self._unsaid < ACK_MESSAGES and self._unsaid_bytes < ACK_BYTES:
            return None
        frame = Frame(self._next_write, self._received, tuple(batch))
        self._next_write += len(batch)
        self._high_water = max(self._high_water, self._next_write)
        self._unsaid = self._unsaid_bytes = 0
        return frame

    def receive(self, frame: Frame) -> list[Message]:
        """Take a frame in and return the messages that are new, whole and in order.

        Raises:
            SessionError: the frame leaves a gap, or acknowledges what was not written.
        """
        if frame.first > self._received:
            raise SessionError(f"messages {self._received} to {frame.first} are missing")
        if frame.received > self._high_water:
            raise SessionError(f"{frame.received} acknowledged of {self._high_water} written")
        self._acknowledged(frame.received)
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

    def _acknowledged(self, count: int) -> None:
        while self._first_kept < count:
            self._kept.popleft()
            self._first_kept += 1

    def _move(self, event: Event) -> None:
        self.state = TRANSITIONS[self.state, event]


_OVERHEAD = 64


def _size(message: Message) -> int:
    if isinstance(message, Part):
        return len(message.data)
    payload = payload_of(message)
    return payload.nbytes + _OVERHEAD if payload is not None else _OVERHEAD
