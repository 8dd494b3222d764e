"""A network of simulated nodes in virtual time, with all that can go wrong between them.

    network = Network(seed=7, names=("driver", "w1", "w2"), registrar="driver")
    network.host("driver").main.spawn(network.host("w1").id)
    network.crash("w1")
    network.settle()

A run depends on nothing but its seed. The registrar learns at once or later who has died, and tells the
others; without one, they find out by silence.
"""

from __future__ import annotations

from collections import Counter
from random import Random

from circuit.runtime.core import Core
from circuit.runtime.limits import Limits
from circuit.runtime.messages import Down, NodeId, ObjectId
from circuit.testing.chances import EVEN, Chances
from circuit.testing.clock import Clock
from circuit.testing.custody import Custodies, WatchedReferences
from circuit.testing.host import Host
from circuit.testing.ledger import Ledger
from circuit.testing.medium import Medium
from circuit.testing.objects import Kind
from circuit.testing.promises import Promise, hold
from circuit.testing.weather import FAIR, Weather

LIMITS = Limits(connect=8.0, grace=4.0, heartbeat=1.0, silence=3.0, inline_bytes=50)
"""Those of a simulated network, unless others are asked for: an hour of trouble in a minute."""
REST_SECONDS = 120.0
"""A network that is not at rest so long after the last fault never will be."""


class Network:
    """Some nodes, and what is between them.

    Args:
        seed: of all chance.
        names: of the nodes.
        registrar: the name of the one that tells the others who has died; empty: there is none.
        steps: how many steps the programs take, together.
        core: the class of the nodes' cores.
        references: the class of the nodes' references.
        traced: keep a record of what happened, for people.
    """

    def __init__(
        self,
        seed: int,
        names: tuple[str, ...],
        *,
        registrar: str = "",
        limits: Limits = LIMITS,
        weather: Weather = FAIR,
        chance: Chances = EVEN,
        steps: int = 0,
        core: type[Core] = Core,
        references: type[WatchedReferences] = WatchedReferences,
        traced: bool = False,
    ) -> None:
        self.random = Random(seed)
        self.clock = Clock()
        self.ledger = Ledger()
        self.hosts: dict[NodeId, Host] = {}
        """All lives of all nodes."""
        self.custodies = Custodies(self.hosts)
        self.kinds: dict[ObjectId, Kind] = {}
        self.seen: Counter[str] = Counter()
        self.medium = Medium(self, weather)
        self.chance = chance
        self.trace: list[str] | None = [] if traced else None
        self.is_harsh = False
        """Whether anything happened that a node may be given up for."""
        self.winds_down = False
        self._steps = steps
        self._limits = limits
        self._core = core
        self._references = references
        self._lives: dict[str, Host] = {}
        self._registrar = NodeId(registrar, "1") if registrar else None
        for name in names:
            self._start(NodeId(name, "1"))

    # The nodes.

    @property
    def names(self) -> list[str]:
        """The names of the nodes."""
        return list(self._lives)

    @property
    def registrar(self) -> NodeId | None:
        """The node that tells the others who has died."""
        return self._registrar

    @property
    def living(self) -> list[Host]:
        """The nodes that live."""
        return [host for host in self._lives.values() if host.is_alive]

    def host(self, name: str) -> Host:
        """Return the latest life of a node."""
        return self._lives[name]

    def any_node(self) -> NodeId:
        """Return one of the nodes by chance, now and then one that died."""
        lives = self.hosts if self.random.random() < 0.05 else [host.id for host in self._lives.values()]
        return self.random.choice(list(lives))

    def _start(self, node: NodeId) -> None:
        references = self._references(node, self.custodies)
        core = self._core(node, "simulated", self._limits, registrar=self._registrar, references=references)
        host = self._lives[node.name] = Host(self, core, references)
        self.hosts[node] = host
        registrar = self.hosts.get(self._registrar) if self._registrar else None
        if registrar is None or registrar is host:
            return
        now = self.clock.now
        if now:
            registrar.perform(registrar.do, registrar.core.joined, node, now)
        registrar.perform(registrar.do, registrar.core.expect, node, now)
        host.do(host.core.reach, registrar.id, now)

    # What programs and hosts ask for.

    def takes_step(self) -> bool:
        """Take one of the steps that are left."""
        self._steps -= 1
        return self._steps >= 0

    def pause(self) -> float:
        """Return how long something takes, in seconds."""
        return self.random.random() * 0.05

    def count(self, what: str) -> None:
        """Note that something interesting happened."""
        self.seen[what] += 1
        self.tell("-- {}", what)

    def tell(self, line: str, *what: object) -> None:
        """Write a line of the record, if there is one."""
        if self.trace is not None:
            self.trace.append(f"{self.clock.now:9.4f} {line.format(*what)}")

    # Faults.

    def crash(self, name: str, life: NodeId | None = None) -> None:
        """Let a node die, unless that life of it is over; the registrar will know."""
        host = self._lives[name]
        if not host.is_alive or (life and host.id != life):
            return
        self.count("crashed")
        self.is_harsh = True
        host.crash()
        registrar = self.hosts.get(self._registrar) if self._registrar else None
        if registrar and registrar is not host:
            down = Down(host.id, 1, "was killed by SIGKILL")
            self.clock.after(
                self.random.random() * 0.3,
                lambda: registrar.perform(registrar.do, registrar.core.died, down, self.clock.now),
            )

    def restart(self, name: str) -> None:
        """Begin another life of a node that died."""
        old = self._lives[name]
        if not old.is_alive and old.id != self._registrar:
            self.count("restarted")
            self._start(NodeId(name, str(int(old.id.incarnation) + 1)))
            self._lives[name].main.go_on()

    def stop(self, name: str) -> None:
        """Let a node stand still."""
        self.count("stopped")
        self.host(name).stop()

    def go_on(self, host: Host) -> None:
        """Let a node go on that stands still."""
        if host.is_stopped:
            host.go_on()

    # Time.

    def run(self, until: float) -> None:
        """Let time pass."""
        self.clock.at(until, lambda: None)
        while self.clock.now < until:
            self.clock.advance()

    def settle(self) -> None:
        """Let time pass until nothing is left to do."""
        end = self.clock.now + REST_SECONDS
        while not (self.clock.is_quiet and self._is_at_rest()):
            hold(Promise.REST, self.clock.advance(), "nothing is due, and something is left to do")
            hold(Promise.REST, self.clock.now < end, "after {:g} s there still is", REST_SECONDS)

    def _is_at_rest(self) -> bool:
        for host in self.living:
            if host.is_stopped:
                return False
            for node, peer in host.core.peers:
                other = self.hosts[node]
                session = other.core.session(host.id)
                if not (peer.session.is_open and other.is_alive and session and session.is_open):
                    return False
                if session.numbered != peer.session.received:
                    return False
        return True

    def wind_down(self) -> None:
        """Let all programs come to their ends: no more steps, no more sleep, no more waiting at channels."""
        self.winds_down = True
        self._steps = 0
        for host in self.living:
            for program in list(host.programs.values()):
                program.wake()
        for spawned in list(self.ledger.calls.values()):
            while spawned.untaken and spawned.maker.host.is_alive:
                spawned.maker.take(spawned)
