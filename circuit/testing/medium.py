"""What is between simulated hosts: it carries hellos and frames, loses some, and can be parted and cut.

A carrier takes only so many frames that its other end has not read: to a host that stands still, or
that is parted from the writer, no more can be written after a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from circuit.runtime.frames import decode, encode
from circuit.runtime.messages import Clean, Frame, Hello, NodeId, PutBack, Refusal, Welcome
from circuit.testing.carriers import Carrier, End
from circuit.testing.ledger import number_in
from circuit.testing.weather import Weather

if TYPE_CHECKING:
    from circuit.testing.host import Host
    from circuit.testing.network import Network

OVERTAKEN_SECONDS = 0.1
"""How late, at most, a frame comes that is overtaken."""
LATE_SECONDS = 2.0
"""How late, at most, a hello comes that nobody waits for any more."""
STRAY_SECONDS = (0.01, 0.3)


class Medium:
    """All that the hosts of one network have between them."""

    def __init__(self, network: Network, weather: Weather) -> None:
        self.weather = weather
        self._network = network
        self._random = network.random
        self._clock = network.clock
        self._sides: list[frozenset[str]] = []

    # What hosts ask for.

    def latency(self) -> float:
        """Return how long frames take on a new carrier, about, in seconds."""
        return self.weather.seconds * (0.2 + self._random.random())

    def ask(self, dialler: Host, hello: Hello, attempt: int) -> None:
        """Carry a hello."""
        other = self._network.hosts[hello.receiver]
        self._network.tell("{}: says hello to {}, attempt {}", dialler, other, attempt)
        if self._is_parted(dialler, other) or self._goes_astray():
            return
        if not other.is_alive:
            dialler.soon(self.latency(), dialler.transport.redial, hello.receiver)
            return
        delay = self.latency()
        if self._random.random() < self.weather.lateness:
            self._network.count("a hello came late")
            delay += self._random.random() * LATE_SECONDS
        self._clock.after(delay, other.perform, other.transport.greet, dialler, hello, attempt)

    def answer(
        self, host: Host, dialler: Host, answer: Welcome | Refusal, attempt: int, carrier: Carrier | None
    ) -> None:
        """Carry the answer to a hello; what follows on the carrier comes later."""
        self._network.tell("{}: answers attempt {} of {}, {}", host, attempt, dialler, type(answer).__name__)
        if self._is_parted(host, dialler) or self._goes_astray():
            return
        due = self._clock.now + self.latency()
        if carrier is not None:
            due = carrier.arrival(dialler, due)
        self._clock.at(due, dialler.perform, dialler.transport.answered, host.id, answer, attempt, carrier)

    def carry(self, carrier: Carrier, sender: Host, frame: Frame) -> None:
        """Carry a frame."""
        receiver = carrier.other(sender)
        self._look_for_values(frame)
        carrier.wrote(sender)
        if carrier.cut:
            return
        if self._is_parted(sender, receiver):
            carrier.stalled.append((sender, frame))
            return
        if carrier.end(receiver) is End.CLOSED:
            self.tell_end(carrier, sender)
            return
        if self.weather.in_bytes:
            passed = decode(encode(frame))
            assert isinstance(passed, Frame)
            frame = passed
        seconds = carrier.latency * sender.slowness * (0.5 + self._random.random())
        due = carrier.arrival(receiver, self._clock.now + seconds)
        if not self.weather.is_fair:
            happens = self._random.random()
            if (happens := happens - self.weather.loss) < 0:
                self._network.count("a frame was lost")
                carrier.was_read(receiver)
                return
            if (happens := happens - self.weather.doubling) < 0:
                self._network.count("a frame was doubled")
                carrier.wrote(sender)
                self._arrive(carrier, receiver, frame, due + self._random.random() * OVERTAKEN_SECONDS)
            elif happens - self.weather.overtaking < 0:
                self._network.count("a frame was overtaken")
                due += self._random.random() * OVERTAKEN_SECONDS
        self._arrive(carrier, receiver, frame, due)

    def tell_end(self, carrier: Carrier, host: Host) -> None:
        """Let a host know, if that goes, that a carrier is at its end, once it has read what is under way."""
        if not carrier.cut and not self._is_parted(host, carrier.other(host)):
            due = carrier.arrival(host, self._clock.now + self.latency())
            self._clock.at(due, host.perform, host.transport.lose, carrier)

    def stray(self, sender: Host, peer: NodeId, release: Clean) -> None:
        """Let a release find its own way, once or twice; see `strays.py`."""
        receiver = self._network.hosts[peer]
        for _ in range(self._random.choice((1, 1, 2))):
            self._network.count("a release strayed")
            seconds = self._random.choice(STRAY_SECONDS)
            self._clock.after(seconds, receiver.perform, receiver.hear_stray, sender.id, release)

    # What goes wrong.

    def part(self, side: frozenset[str]) -> None:
        """Let nothing pass between these nodes and the others."""
        self._network.count("parted")
        self._sides.append(side)

    def heal(self, side: frozenset[str]) -> None:
        """Let everything pass again; what was held up goes on its way."""
        self._sides.remove(side)
        for host in self._network.living:
            for carrier in host.transport.carriers:
                stalled, carrier.stalled = carrier.stalled, []
                for sender, frame in stalled:
                    carrier.was_read(carrier.other(sender))
                    if sender.is_alive:
                        self.carry(carrier, sender, frame)

    def cut(self, carrier: Carrier, told: tuple[Host, ...]) -> None:
        """Break a carrier; those who are told know it soon, the others find out."""
        for host in told:
            self.tell_end(carrier, host)
        carrier.cut = True

    def _is_parted(self, one: Host, other: Host) -> bool:
        return any((one.id.name in side) != (other.id.name in side) for side in self._sides)

    def _goes_astray(self) -> bool:
        astray = self._random.random() < self.weather.loss
        if astray:
            self._network.count("an opening went astray")
        return astray

    def _arrive(self, carrier: Carrier, receiver: Host, frame: Frame, due: float) -> None:
        read = receiver.transport.read
        self._clock.at(due, receiver.perform, read, carrier, frame, quiet=not frame.messages)

    def _look_for_values(self, frame: Frame) -> None:
        """Note which values of channels go back."""
        for message in frame.messages:
            if type(message) is PutBack:
                self._network.count("a value came back")
                self._network.ledger.values[number_in(message.value)].came_back = True
