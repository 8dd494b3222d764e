"""Distributed references: who may forget an object, and when.

The owner of an object lists its holders (it does not count them): a message that is doubled says
nothing new, and a node that dies is struck from the list. Four rules make it safe:

1. Whoever sends a reference holds it himself, pinned, until the receiver says that it is announced.
2. A receiver that did not hold it announces itself to the owner (Dirty), and says Unpin to the
   sender only when the owner has answered (Dirtied). It may use the reference meanwhile: what it
   says to the owner comes after the announcement.
3. When the last use here is gone, and no pin is left, the owner is told (Clean). Finalizers only
   enqueue: the count is looked at when the queue is, so a reference that came back stays.
4. What a holder says carries a growing number; the owner remembers the last one for each object
   and holder, and ignores what is older, for as long as the object and that life of the holder last.

An object is freed when nobody holds it: no use here, no pin, no holder. A holder that is gone, or
was out of contact for too long, holds nothing; what it sends afterwards finds its session closed.

    A (holds r of O) ── payload with r, pin 7 ──> B          A keeps r, pinned
                                                  B ── Dirty(r, 1) ──> O    O lists B
                                                  B <── Dirtied(1) ─── O
    A <─────────────── Unpin(7) ───────────────── B          A may forget r: Clean(r, n) to O

Source: Birrell, Evers, Nelson, Owicki, Wobber, "Distributed garbage collection for network
objects", 1993, with the messages on ordered sessions.
Rules: this file does no I/O and reads no clock.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple, TypeAlias

from circuit.runtime.messages import Clean, Dirtied, Dirty, Message, NodeId, ObjectId, Unpin


class Tell(NamedTuple):
    """Say this to that node."""

    peer: NodeId
    message: Message


class Freed(NamedTuple):
    """Nobody refers to this object of ours any more."""

    number: int


Effect: TypeAlias = Tell | Freed


class Listed(Enum):
    """What the owner of an object knows of another node, for as long as the object and that node live."""

    UNHEARD = auto()  # it has said nothing
    HOLDER = auto()
    RELEASED = auto()  # remembered, so that an older announcement makes it no holder again


class Said(Enum):
    """What a node says of an object of another's; what is older than the last word is not heard."""

    DIRTY = auto()
    CLEAN = auto()


LISTING: dict[tuple[Listed, Said], Listed] = {
    (Listed.UNHEARD, Said.DIRTY): Listed.HOLDER,
    (Listed.UNHEARD, Said.CLEAN): Listed.RELEASED,  # the announcement was overtaken
    (Listed.HOLDER, Said.DIRTY): Listed.HOLDER,  # its release was overtaken, and will not be heard
    (Listed.HOLDER, Said.CLEAN): Listed.RELEASED,
    (Listed.RELEASED, Said.DIRTY): Listed.HOLDER,  # it got the reference again
    (Listed.RELEASED, Said.CLEAN): Listed.RELEASED,
}


class HeldState(Enum):
    """Where a reference to another's object is, on a node that got it."""

    ANNOUNCING = auto()  # the owner has not answered: whoever sent the reference keeps its pin
    ANNOUNCED = auto()
    FORGOTTEN = auto()


class HeldEvent(Enum):
    """What moves it."""

    ANSWERED = auto()
    RELEASED = auto()


HOLDING: dict[tuple[HeldState, HeldEvent], HeldState] = {
    (HeldState.ANNOUNCING, HeldEvent.ANSWERED): HeldState.ANNOUNCED,  # or the owner is gone
    (HeldState.ANNOUNCING, HeldEvent.RELEASED): HeldState.FORGOTTEN,
    (HeldState.ANNOUNCED, HeldEvent.RELEASED): HeldState.FORGOTTEN,
}


@dataclass(slots=True)
class _Holder:
    """What a node last said of an object of ours."""

    seq: int = 0
    state: Listed = Listed.UNHEARD


@dataclass(slots=True)
class _Owned:
    """An object of ours."""

    uses: int = 0
    pins: int = 0
    holders: dict[NodeId, _Holder] = field(default_factory=dict)

    @property
    def listed(self) -> tuple[NodeId, ...]:
        return tuple(node for node, holder in self.holders.items() if holder.state is Listed.HOLDER)

    @property
    def is_held(self) -> bool:
        return bool(self.uses or self.pins or self.listed)


@dataclass(slots=True)
class _Held:
    """An object of another node's."""

    uses: int = 0
    pins: int = 0
    announced: int = 0  # by the seq of that
    state: HeldState = HeldState.ANNOUNCING

    def move(self, event: HeldEvent) -> None:
        self.state = HOLDING[self.state, event]


@dataclass(slots=True)
class _Arrival:
    """A payload whose sender waits until its references are announced."""

    sender: NodeId
    pin: int
    unannounced: int


@dataclass(slots=True)
class _Announcement:
    """A Dirty that its owner has not answered, and who waits for the answer."""

    refs: tuple[ObjectId, ...]
    arrivals: list[_Arrival] = field(default_factory=list)


class Holding(NamedTuple):
    """One row of a node's table, for people to look at."""

    object: ObjectId
    uses: int
    pins: int
    holders: tuple[NodeId, ...]


class References:
    """What one life of a node owns and holds."""

    def __init__(self, me: NodeId) -> None:
        self.me = me
        self._numbers = itertools.count(1)
        self._owned: dict[int, _Owned] = {}
        self._held: dict[ObjectId, _Held] = {}
        self._pin_numbers = itertools.count(1)
        self._pinned: dict[NodeId, dict[int, tuple[ObjectId, ...]]] = {}
        self._seq = 0
        self._announced: dict[NodeId, dict[int, _Announcement]] = {}  # by owner and seq, until answered
        self._gone: set[NodeId] = set()  # nobody is there to announce to

    # What the program and the shell do.

    def own(self) -> ObjectId:
        """Enter a new object of ours, with one use."""
        number = next(self._numbers)
        self._owned[number] = _Owned(uses=1)
        return ObjectId(self.me, number)

    def use(self, refs: Iterable[ObjectId]) -> None:
        """Note one more use of each; whoever asks for it has one already."""
        for ref in refs:
            if entry := self._entry(ref):
                entry.uses += 1

    def drop(self, refs: Iterable[ObjectId]) -> list[Effect]:
        """Note that one use of each is gone."""
        effects: list[Effect] = []
        cleaned: dict[NodeId, list[int]] = {}
        for ref in refs:
            if entry := self._entry(ref):
                entry.uses -= 1
                self._look(ref, cleaned, effects)
        return effects + self._clean(cleaned)

    def pin(self, peer: NodeId, refs: tuple[ObjectId, ...]) -> int:
        """Hold references that are being sent to `peer`; return the number for the payload."""
        for ref in refs:
            if entry := self._entry(ref):
                entry.pins += 1
        pin = next(self._pin_numbers)
        self._pinned.setdefault(peer, {})[pin] = refs
        return pin

    def unpin(self, peer: NodeId, pins: Iterable[int]) -> list[Effect]:
        """Let go of what was sent: `peer` has announced it, or will never get it."""
        mine = self._pinned.get(peer, {})
        effects: list[Effect] = []
        cleaned: dict[NodeId, list[int]] = {}
        for pin in pins:
            for ref in mine.pop(pin, ()):
                if entry := self._entry(ref):
                    entry.pins -= 1
                    self._look(ref, cleaned, effects)
        if not mine:
            self._pinned.pop(peer, None)
        return effects + self._clean(cleaned)

    # What peers say.

    def arrived(self, peer: NodeId, pin: int, refs: tuple[ObjectId, ...]) -> list[Effect]:
        """Take in the references of a payload: one use each, for whoever gets the payload."""
        new: dict[NodeId, list[int]] = {}
        waits: set[tuple[NodeId, int]] = set()
        for ref in refs:
            if ref.owner == self.me:
                if ref.number in self._owned:
                    self._owned[ref.number].uses += 1
                continue
            held = self._held.get(ref)
            if held is None:
                held = self._held[ref] = _Held()
                if ref.owner in self._gone:
                    held.move(HeldEvent.ANSWERED)
                else:
                    new.setdefault(ref.owner, []).append(ref.number)
            elif held.state is HeldState.ANNOUNCING and held.announced:
                waits.add((ref.owner, held.announced))
            held.uses += 1
        effects: list[Effect] = []
        for owner, numbers in new.items():
            self._seq += 1
            announced = tuple(ObjectId(owner, number) for number in numbers)
            self._announced.setdefault(owner, {})[self._seq] = _Announcement(announced)
            for ref in announced:
                self._held[ref].announced = self._seq
            waits.add((owner, self._seq))
            effects.append(Tell(owner, Dirty(tuple(numbers), self._seq)))
        if not pin:
            return effects
        arrival = _Arrival(peer, pin, len(waits))
        for owner, seq in waits:
            self._announced[owner][seq].arrivals.append(arrival)
        if not waits:
            effects.append(Tell(peer, Unpin((pin,))))
        return effects

    def heard_dirty(self, holder: NodeId, dirty: Dirty) -> list[Effect]:
        """List a holder, unless it has said something newer; answer it."""
        missing: list[int] = []
        for number in dirty.numbers:
            owned = self._owned.get(number)
            if owned is None:
                missing.append(number)
            else:
                self._enter(owned, holder, dirty.seq, Said.DIRTY)
        return [Tell(holder, Dirtied(dirty.seq, tuple(missing)))]

    def heard_clean(self, holder: NodeId, clean: Clean) -> list[Effect]:
        """Strike a holder off, unless it has said something newer."""
        effects: list[Effect] = []
        for number in clean.numbers:
            owned = self._owned.get(number)
            if owned is not None:
                self._enter(owned, holder, clean.seq, Said.CLEAN)
                self._look(ObjectId(self.me, number), {}, effects)
        return effects

    def heard_dirtied(self, owner: NodeId, answer: Dirtied) -> list[Effect]:
        """Tell the senders of what is announced now that they may let go."""
        announcements = self._announced.get(owner, {})
        announcement = announcements.pop(answer.seq, None)
        if not announcements:
            self._announced.pop(owner, None)
        return self._answered(announcement, answer.seq) if announcement else []

    def gone(self, peer: NodeId) -> list[Effect]:
        """Forget a node whose session is over: as holder, as receiver, and as owner of what we hold."""
        self._gone.add(peer)
        effects: list[Effect] = []
        for number, owned in list(self._owned.items()):
            if owned.holders.pop(peer, None):
                self._look(ObjectId(self.me, number), {}, effects)
        effects += self.unpin(peer, list(self._pinned.get(peer, ())))
        for seq, announcement in self._announced.pop(peer, {}).items():
            effects += self._answered(announcement, seq)
        return [effect for effect in effects if not (isinstance(effect, Tell) and effect.peer == peer)]

    # What is going on.

    def owns(self, number: int) -> bool:
        """Tell whether the object is there."""
        return number in self._owned

    def holds(self, ref: ObjectId) -> bool:
        """Tell whether the node has a use or a pin of the reference."""
        return ref in self._held or (ref.owner == self.me and ref.number in self._owned)

    def table(self) -> list[Holding]:
        """List what this node owns, with its holders, and what it holds of others'."""
        rows = [
            Holding(
                ObjectId(self.me, number),
                owned.uses,
                owned.pins,
                owned.listed,
            )
            for number, owned in self._owned.items()
        ]
        return rows + [Holding(ref, held.uses, held.pins, ()) for ref, held in self._held.items()]

    @property
    def pins(self) -> int:
        """How many payloads are on their way with references of ours."""
        return sum(map(len, self._pinned.values()))

    def _entry(self, ref: ObjectId) -> _Owned | _Held | None:
        """Return what is known of a reference; one of ours that was freed under a fenced holder is not."""
        return self._owned.get(ref.number) if ref.owner == self.me else self._held[ref]

    @staticmethod
    def _enter(owned: _Owned, node: NodeId, seq: int, said: Said) -> None:
        holder = owned.holders.setdefault(node, _Holder())
        if seq > holder.seq:
            holder.seq, holder.state = seq, LISTING[holder.state, said]

    def _look(self, ref: ObjectId, cleaned: dict[NodeId, list[int]], effects: list[Effect]) -> None:
        """Forget a reference if nothing needs it any more."""
        if ref.owner == self.me:
            owned = self._owned.get(ref.number)
            if owned is not None and not owned.is_held:
                del self._owned[ref.number]
                effects.append(Freed(ref.number))
        else:
            held = self._held.get(ref)
            if held is not None and not held.uses and not held.pins:
                del self._held[ref]
                held.move(HeldEvent.RELEASED)
                cleaned.setdefault(ref.owner, []).append(ref.number)

    def _clean(self, cleaned: dict[NodeId, list[int]]) -> list[Effect]:
        effects: list[Effect] = []
        for owner, numbers in cleaned.items():
            self._seq += 1
            effects.append(Tell(owner, Clean(tuple(numbers), self._seq)))
        return effects

    def _answered(self, announcement: _Announcement, seq: int) -> list[Effect]:
        for ref in announcement.refs:
            held = self._held.get(ref)
            if held and held.announced == seq:
                held.move(HeldEvent.ANSWERED)
        done: dict[NodeId, list[int]] = {}
        for arrival in announcement.arrivals:
            arrival.unannounced -= 1
            if not arrival.unannounced:
                done.setdefault(arrival.sender, []).append(arrival.pin)
        return [Tell(sender, Unpin(tuple(pins))) for sender, pins in done.items()]
