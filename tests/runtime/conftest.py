"""A network of cores in memory: what a shell would do, in virtual time, with faults on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

import pytest

from circuit.runtime.actions import Action, Deliver, Dial, Grant, Interrupt, Lose, Run
from circuit.runtime.core import Core
from circuit.runtime.frames import decode, encode
from circuit.runtime.messages import (
    Call,
    Code,
    Down,
    End,
    Frame,
    Hello,
    Item,
    NodeId,
    Payload,
    Refusal,
    Return,
    Welcome,
)

CODE = Code(b"digest", Payload((b"code",)))
VALUE = Payload((b"value",))


@dataclass
class Host:
    """One core and what it asked of its shell."""

    core: Core
    runs: list[Run] = field(default_factory=list)
    interrupts: list[Interrupt] = field(default_factory=list)
    grants: list[Grant] = field(default_factory=list)
    deliveries: list[Deliver | Lose] = field(default_factory=list)
    dials: set[NodeId] = field(default_factory=set)


class Network:
    """Cores with carriers between them; every frame passes through its bytes."""

    def __init__(self, *names: str, registrar: str = "") -> None:
        self.now = 0.0
        self.ids = {name: NodeId(name, "1") for name in names}
        known = self.ids.get(registrar)
        self.hosts = {name: Host(Core(self.ids[name], "test", registrar=known)) for name in names}
        self.carriers: set[tuple[str, str]] = set()  # both directions

    def do(self, name: str, actions: list[Action]) -> None:
        """Carry out what a core asked for, as far as it needs no network."""
        host = self.hosts[name]
        for action in actions:
            match action:
                case Run():
                    host.runs.append(action)
                case Interrupt():
                    host.interrupts.append(action)
                case Grant():
                    host.grants.append(action)
                case Deliver() | Lose():
                    host.deliveries.append(action)
                case Dial(peer):
                    host.dials.add(peer)

    def call(self, caller: str, peer: str, number: int, window: int = 0) -> None:
        """Make a call."""
        core = self.hosts[caller].core
        call = Call(number, VALUE, CODE.digest, window=window)
        self.do(caller, core.call(self.ids[peer], call, CODE, self.now))

    def answer(self, name: str, run: Run, outcome: Return | Item | End) -> None:
        """End a run, or send an item of it."""
        core = self.hosts[name].core
        self.do(name, core.answered(run.origin, outcome, self.now))
        if not isinstance(outcome, Item):
            self.do(name, core.ended(run.origin, run.call.call, self.now))

    def connect(self, dialler: str, peer: str) -> Welcome | Refusal | None:
        """Open a carrier, if the dialler still wants one."""
        hello = self.hosts[dialler].core.hello(self.ids[peer], self.now)
        if hello is None:
            return None
        opening = decode(encode(hello))
        assert isinstance(opening, Hello)
        answer = decode(encode(self.hosts[peer].core.greet(opening, self.now)))
        if isinstance(answer, Refusal):
            self.do(dialler, self.hosts[dialler].core.refused(self.ids[peer], answer, self.now))
            return answer
        assert isinstance(answer, Welcome)
        self.do(peer, self.hosts[peer].core.opened(self.ids[dialler], hello.received, 1, self.now))
        self.do(dialler, self.hosts[dialler].core.opened(self.ids[peer], answer.received, 1, self.now))
        self.carriers |= {(dialler, peer), (peer, dialler)}
        return answer

    def break_carrier(self, one: str, other: str) -> None:
        """Break the carrier between two nodes; what is under way is lost."""
        self.carriers -= {(one, other), (other, one)}
        self.do(one, self.hosts[one].core.broke(self.ids[other], self.now))
        self.do(other, self.hosts[other].core.broke(self.ids[one], self.now))

    def write(self, sender: str, receiver: str) -> Frame | None:
        """Take the sender's next frame off it."""
        session = self.hosts[sender].core.session(self.ids[receiver])
        return session.next_frame(self.now) if session and (sender, receiver) in self.carriers else None

    def read(self, sender: str, receiver: str, frame: Frame) -> None:
        """Bring a frame to its receiver."""
        passed = decode(encode(frame))
        assert isinstance(passed, Frame)
        self.do(receiver, self.hosts[receiver].core.received(self.ids[sender], passed, self.now))

    def settle(self) -> None:
        """Dial and deliver until nobody has anything to say."""
        moved = True
        while moved:
            moved = False
            for name, host in self.hosts.items():
                for peer in list(host.dials):
                    if (name, peer.name) not in self.carriers:
                        moved |= isinstance(self.connect(name, peer.name), Welcome)
            for sender, receiver in sorted(self.carriers):
                while (frame := self.write(sender, receiver)) is not None:
                    self.read(sender, receiver, frame)
                    moved = True

    def tick(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        for name, host in self.hosts.items():
            self.do(name, host.core.tick(self.now))

    def died(self, witness: str, dead: str) -> None:
        """Let a node see another one's end."""
        down = Down(self.ids[dead], 42, "was killed by SIGKILL")
        self.do(witness, self.hosts[witness].core.died(down, self.now))


@pytest.fixture
def network() -> Callable[..., Network]:
    """Make a network of cores; see `Network`."""
    return Network


@pytest.fixture
def seeds() -> Iterator[Random]:
    """Yield generators whose failures name their seed."""
    return (Random(seed) for seed in range(300))
