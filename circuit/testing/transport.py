"""The transport of a simulated node: it dials until told to stop, writes what there is, reads what comes.

As the real one it decides nothing. One of its attempts at a time counts: an answer to an earlier one
finds nobody. What is under way on a carrier that the peer replaced is read to its end.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from circuit.runtime.messages import Frame, Hello, NodeId, Refusal, Welcome
from circuit.testing.carriers import Carrier, End

if TYPE_CHECKING:
    from circuit.testing.host import Host

REDIAL_SECONDS = 0.05
IMPATIENT_SECONDS = 0.3
"""How long a dialler waits for an answer before it hangs up and dials again."""


class Transport:
    """The carriers of one host, and its attempts to open more."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._network = host.network
        self._carriers: dict[NodeId, Carrier] = {}
        self._dials: dict[NodeId, int] = {}  # the attempt that counts, by peer
        self._attempts = itertools.count(1)

    @property
    def carriers(self) -> list[Carrier]:
        """Those in use, as this host sees it."""
        return list(self._carriers.values())

    def crash(self) -> None:
        """End them all, as the kernel does when a process ends."""
        for carrier in self._carriers.values():
            self._let_go(carrier)
        self._carriers.clear()
        self._dials.clear()

    # Opening.

    def dial(self, peer: NodeId) -> None:
        """Open a carrier, and another one whenever it breaks, until the core has had enough."""
        if peer not in self._dials:
            self._dials[peer] = 0
            self._hello(peer)

    def _hello(self, peer: NodeId) -> None:
        if peer not in self._dials or peer in self._carriers:
            return
        hello = self._host.core.hello(peer, self._network.clock.now)
        if hello is None:
            del self._dials[peer]
            return
        self._dials[peer] = attempt = next(self._attempts)
        self._network.clock.after(IMPATIENT_SECONDS, self._host.perform, self._lose_patience, peer, attempt)
        self._network.medium.ask(self._host, hello, attempt)

    def _lose_patience(self, peer: NodeId, attempt: int) -> None:
        if self._dials.get(peer) == attempt:
            self._hello(peer)

    def redial(self, peer: NodeId) -> None:
        """Try again, in a moment: the last attempt, or what came of it, failed."""
        if peer in self._dials:
            self._dials[peer] = 0
            self._host.soon(REDIAL_SECONDS, self._hello, peer)

    def greet(self, dialler: Host, hello: Hello, attempt: int) -> None:
        """Answer one that dials."""
        answer = self._host.core.greet(hello, self._network.clock.now)
        if isinstance(answer, Refusal):
            self._network.count("dialled at once" if answer.crossed else "refused a carrier")
            self._network.medium.answer(self._host, dialler, answer, attempt, None)
        else:
            carrier = Carrier(dialler, self._host, self._network.medium.latency())
            self._network.medium.answer(self._host, dialler, answer, attempt, carrier)
            self._attach(dialler.id, carrier, hello.received)

    def answered(
        self, peer: NodeId, answer: Welcome | Refusal, attempt: int, carrier: Carrier | None
    ) -> None:
        """Take the answer to a hello."""
        if self._dials.get(peer) != attempt:
            if carrier is not None:
                self._let_go(carrier)
        elif carrier is None:
            assert isinstance(answer, Refusal)
            self._host.do(self._host.core.refused, peer, answer, self._network.clock.now)
            self.redial(peer)
        elif carrier.end(carrier.other(self._host)) is End.CLOSED:
            self.redial(peer)
        else:
            assert isinstance(answer, Welcome)
            self._attach(peer, carrier, answer.received)

    def _attach(self, peer: NodeId, carrier: Carrier, received: int) -> None:
        old = self._carriers.get(peer)
        if old is not None:
            old.turn(self._host, End.REPLACED)
            self._network.medium.tell_end(old, old.other(self._host))
        self._carriers[peer] = carrier
        carrier.turn(self._host, End.OPEN)
        session = self._host.core.session(peer)
        if session is not None and session.resumes:
            self._network.count("resumed a session")
        self._host.do(self._host.core.opened, peer, received, 1, self._network.clock.now)

    # Using.

    def write(self, peer: NodeId) -> None:
        """Write what the session has to say, if there is a carrier."""
        carrier = self._carriers.get(peer)
        session = self._host.core.session(peer)
        if carrier is None or session is None:
            return
        while not carrier.is_full(self._host):
            frame = session.next_frame(self._network.clock.now)
            if frame is None:
                return
            self._network.medium.carry(carrier, self._host, frame)
        self._network.count("a carrier was full")

    def read(self, carrier: Carrier, frame: Frame) -> None:
        """Bring a frame that arrived to the core."""
        peer = carrier.other(self._host)
        if carrier.was_read(self._host):
            self._network.clock.after(0, peer.perform, peer.transport.write, self._host.id)
        if carrier.end(self._host) in (End.OPEN, End.REPLACED):
            self._host.do(self._host.core.received, peer.id, frame, self._network.clock.now)

    # Ending.

    def lose(self, carrier: Carrier) -> None:
        """Learn that a carrier is at its end."""
        peer = carrier.other(self._host).id
        carrier.turn(self._host, End.CLOSED)
        if self._carriers.get(peer) is carrier:
            del self._carriers[peer]
            self._host.do(self._host.core.broke, peer, self._network.clock.now)
            self.redial(peer)

    def close(self, peer: NodeId) -> None:
        """Close the carrier to a peer, if there is one, and open another."""
        if carrier := self._carriers.pop(peer, None):
            self._let_go(carrier)
        self.redial(peer)

    def hang_up(self, peer: NodeId) -> None:
        """Close the carrier to a peer for good."""
        self._dials.pop(peer, None)
        self.close(peer)

    def _let_go(self, carrier: Carrier) -> None:
        carrier.turn(self._host, End.CLOSED)
        self._network.medium.tell_end(carrier, carrier.other(self._host))
