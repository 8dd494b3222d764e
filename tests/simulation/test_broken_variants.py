"""Mistakes that were made before, by others and by us: the simulator finds each of them.

Birrell and Moreau name the first four; that they need few steps is a model checker's word. The others
are mistakes that a session, a channel or a lane could make.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from circuit.runtime.calls import Made
from circuit.runtime.core import Core
from circuit.runtime.messages import Clean, Frame, Message, NodeId, ObjectId, Return
from circuit.runtime.owning import refs_of
from circuit.runtime.references import LISTING, Effect, Listed, Said, Tell, _Holder, _Owned
from circuit.runtime.session import Session
from circuit.runtime.spawning import Spawning
from circuit.testing.custody import WatchedReferences
from circuit.testing.promises import BrokenPromise, Promise
from circuit.testing.schedule import run
from circuit.testing.strays import StrayingCore


class BareDrop(WatchedReferences):
    """Each handle that goes is a release, though the reference may be here once more, or have come back."""

    def drop(self, refs: Iterable[ObjectId]) -> list[Effect]:
        refs = tuple(refs)
        effects = super().drop(refs)
        for ref in refs:
            if ref.owner != self.me and ref in self._held:
                self._seq += 1
                effects.append(Tell(ref.owner, Clean((ref.number,), self._seq)))
        return effects


class CountingReleases(WatchedReferences):
    """The owner counts announcements and releases, so a release that comes twice is one too many."""

    @staticmethod
    def _enter(owned: _Owned, node: NodeId, seq: int, said: Said) -> None:
        holder = owned.holders.setdefault(node, _Holder())
        holder.seq += 1 if said is Said.DIRTY else -1
        holder.state = Listed.HOLDER if holder.seq > 0 else Listed.RELEASED


class UnnumberedReleases(WatchedReferences):
    """The owner believes what it heard last, so a release that was overtaken undoes a new announcement."""

    @staticmethod
    def _enter(owned: _Owned, node: NodeId, seq: int, said: Said) -> None:
        holder = owned.holders.setdefault(node, _Holder())
        holder.state = LISTING[holder.state, said]


class UnpinnedHandOff(WatchedReferences):
    """Whoever sends a reference to a third node may forget it before that one is announced."""

    def pin(self, peer: NodeId, refs: tuple[ObjectId, ...]) -> int:
        pin = super().pin(peer, refs)
        for ref in refs:
            entry = self._entry(ref)
            if entry is not None:
                entry.pins -= 1
        self._pinned[peer][pin] = ()
        return pin


class TwiceAfterResume(Session):
    """The first message on a carrier that resumes is handed upwards twice."""

    _again = False

    def opened(self, peer_received: int, now: float, *, shares: bool = False) -> None:
        self._again = self.resumes
        super().opened(peer_received, now, shares=shares)

    def receive(self, frame: Frame, now: float) -> list[Message]:
        messages = super().receive(frame, now)
        if messages and self._again:
            self._again = False
            return [messages[0], *messages]
        return messages


class LosingSpawning(Spawning):
    """A value of a channel that came for a receiver who had given up is thrown away."""

    def return_value(self, source: ObjectId, outcome: Return) -> None:
        self._owning.drop(refs_of(outcome))


class StingySpawning(Spawning):
    """The credit of a call that began or ended is never given back."""

    def _credit(self, number: int, made: Made) -> None:
        pass


@dataclass(frozen=True)
class Variant:
    """A mistake, the promises that it may break, and how many schedules it takes to show."""

    name: str
    promises: frozenset[Promise]
    seeds: int
    core: type[Core] = Core
    references: type[WatchedReferences] = WatchedReferences
    session: type[Session] = Session
    spawning: type[Spawning] = Spawning


FREED = frozenset({Promise.HELD, Promise.REACHABLE})
VARIANTS = (
    Variant("bare drop", FREED, 100, references=BareDrop),
    Variant("duplicated release", FREED, 400, StrayingCore, CountingReleases),
    Variant("reordered release", FREED, 400, StrayingCore, UnnumberedReleases),
    Variant("unpinned third party", FREED, 200, references=UnpinnedHandOff),
    Variant("a message twice after a resume", frozenset(Promise), 100, session=TwiceAfterResume),
    Variant("a cancel that loses a value", frozenset({Promise.VALUES}), 400, spawning=LosingSpawning),
    Variant("credit kept", frozenset({Promise.ENDS, Promise.CREDIT}), 20, spawning=StingySpawning),
)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_the_mistake_is_found(variant: Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("circuit.runtime.peers.Session", variant.session)
    monkeypatch.setattr("circuit.runtime.core.Spawning", variant.spawning)
    for seed in range(variant.seeds):
        broken = run(seed, core=variant.core, references=variant.references).broken
        if broken is not None:
            print(f"{variant.name}: found by schedule {seed}: {broken}")
            if isinstance(broken, BrokenPromise):
                assert broken.promise in variant.promises
            return
    pytest.fail(f"not found by {variant.seeds} schedules")


def test_releases_may_stray_if_they_are_numbered() -> None:
    for seed in range(300):
        assert run(seed, core=StrayingCore).broken is None, f"seed {seed}"
