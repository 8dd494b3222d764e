"""Who holds which reference by right: the truth that the nodes' own tables are compared with.

A node holds a reference by right from the message on that brought it. Until its announcement has
reached the owner its right hangs on whoever sent it: if that node dies, or is out of contact for
too long, the object may go, and so may it if the holder itself does. Otherwise never.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from circuit.runtime.messages import Dirty, NodeId, ObjectId
from circuit.runtime.references import Effect, References
from circuit.testing.promises import BrokenPromise, Promise, hold

if TYPE_CHECKING:
    from circuit.testing.host import Host


@dataclass(slots=True, eq=False)
class Custody:
    """A node's right to a reference, from its arrival to its release."""

    node: NodeId
    since: int  # the number of what the node last said about references before
    announced: bool = False
    sources: list[Custody] = field(default_factory=list)


class Custodies:
    """All rights to all references of one network."""

    def __init__(self, hosts: Mapping[NodeId, Host]) -> None:
        self.freed: set[ObjectId] = set()
        self.handed_on = 0
        """References that one node gave to another and a third one owns."""
        self._hosts = hosts
        self._rights: dict[ObjectId, dict[NodeId, Custody]] = {}
        self._on_their_way: dict[tuple[NodeId, int], tuple[NodeId, list[tuple[ObjectId, Custody]]]] = {}

    def of(self, node: NodeId, ref: ObjectId) -> Custody:
        """Return a node's right to a reference, as it begins or goes on."""
        rights = self._rights.setdefault(ref, {})
        if node not in rights:
            said = self._hosts[node].references.said
            rights[node] = Custody(node, said, announced=ref.owner == node)
        return rights[node]

    def sent(self, sender: NodeId, pin: int, receiver: NodeId, refs: Iterable[ObjectId]) -> None:
        """Note that references are on their way."""
        self._on_their_way[sender, pin] = receiver, [(ref, self.of(sender, ref)) for ref in refs]

    def withdrawn(self, sender: NodeId, pins: Iterable[int]) -> None:
        """Note that references arrived, or never will."""
        for pin in pins:
            self._on_their_way.pop((sender, pin), None)

    def arrived(self, receiver: NodeId, sender: NodeId, pin: int) -> None:
        """Note that references are there."""
        _, rights = self._on_their_way.pop((sender, pin), (receiver, []))
        for ref, source in rights:
            if ref.owner != receiver:
                self.of(receiver, ref).sources.append(source)
                self.handed_on += ref.owner != sender

    def announced(self, owner: NodeId, holder: NodeId, dirty: Dirty) -> None:
        """Note that the owner knows of a holder."""
        for number in dirty.numbers:
            right = self._rights.get(ObjectId(owner, number), {}).get(holder)
            if right is not None and dirty.seq > right.since:
                right.announced = True

    def released(self, holder: NodeId, refs: Iterable[ObjectId]) -> None:
        """Note that a node says it holds references no more; it may be wrong."""
        for ref in refs:
            if not self._hosts[holder].uses[ref]:
                self._rights.get(ref, {}).pop(holder, None)

    def free(self, ref: ObjectId) -> None:
        """Note that the owner forgets an object; nobody may have a right to it."""
        self.freed.add(ref)
        owner, name = self._hosts[ref.owner], f"object {ref.number} of {ref.owner.name}"
        hold(Promise.HELD, not owner.uses[ref], "{} went, and programs there have it", name)
        for node, right in self._rights.get(ref, {}).items():
            if self._hosts[node].uses[ref] and self._is_valid(right, owner.id):
                raise BrokenPromise(Promise.HELD, f"{name} went, and {node.name} has it")
        for receiver, rights in self._on_their_way.values():
            for sent, right in rights:
                if sent == ref and self.in_contact(right.node, receiver) and self._is_valid(right, owner.id):
                    way = f"from {right.node.name} to {receiver.name}"
                    raise BrokenPromise(Promise.HELD, f"{name} went, and was on its way {way}")

    def in_contact(self, one: NodeId, other: NodeId) -> bool:
        """Tell whether two nodes live and neither has given the other up."""
        left, right = self._hosts[one], self._hosts[other]
        given_up = left.core.downed(other) or right.core.downed(one)
        return left.is_alive and right.is_alive and not given_up

    def _is_valid(self, right: Custody, owner: NodeId) -> bool:
        """Tell whether a node has a reference by right: the owner knows, or somebody vouches for it."""
        looked_at: set[int] = set()

        def is_valid(right: Custody) -> bool:
            looked_at.add(id(right))
            return self.in_contact(right.node, owner) and (
                right.announced or any(vouches(source, right.node) for source in right.sources)
            )

        def vouches(source: Custody, node: NodeId) -> bool:
            return id(source) not in looked_at and self.in_contact(source.node, node) and is_valid(source)

        return is_valid(right)


class WatchedReferences(References):
    """The references of a simulated node, which tell the truth's side what happens to them."""

    def __init__(self, me: NodeId, custodies: Custodies) -> None:
        super().__init__(me)
        self._custodies = custodies

    @property
    def said(self) -> int:
        """The number of what the node last said about references."""
        return self._seq

    def pin(self, peer: NodeId, refs: tuple[ObjectId, ...]) -> int:
        """See `References`."""
        pin = super().pin(peer, refs)
        self._custodies.sent(self.me, pin, peer, refs)
        return pin

    def unpin(self, peer: NodeId, pins: Iterable[int]) -> list[Effect]:
        """See `References`."""
        pins = tuple(pins)
        self._custodies.withdrawn(self.me, pins)
        return super().unpin(peer, pins)

    def arrived(self, peer: NodeId, pin: int, refs: tuple[ObjectId, ...]) -> list[Effect]:
        """See `References`."""
        self._custodies.arrived(self.me, peer, pin)
        return super().arrived(peer, pin, refs)

    def heard_dirty(self, holder: NodeId, dirty: Dirty) -> list[Effect]:
        """See `References`."""
        self._custodies.announced(self.me, holder, dirty)
        return super().heard_dirty(holder, dirty)

    def _look(self, ref: ObjectId, cleaned: dict[NodeId, list[int]], effects: list[Effect]) -> None:
        known = len(effects)
        super()._look(ref, cleaned, effects)
        if len(effects) > known:
            self._custodies.free(ref)

    def _clean(self, cleaned: dict[NodeId, list[int]]) -> list[Effect]:
        for owner, numbers in cleaned.items():
            self._custodies.released(self.me, [ObjectId(owner, number) for number in numbers])
        return super()._clean(cleaned)
