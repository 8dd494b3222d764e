"""The simulated network under Hypothesis: it chooses the steps, and finds the fewest that break a promise."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from circuit.runtime.messages import ObjectId
from circuit.testing.ledger import FETCH
from circuit.testing.network import Network
from circuit.testing.objects import Kind
from circuit.testing.programs import Program
from circuit.testing.schedule import ROUGH, TIGHT, conclude
from circuit.testing.weather import FAIR

NAMES = ("driver", "w1", "w2", "w3")
numbers = st.integers(0, 11)
PLAIN = (Kind.PLAIN, Kind.SERIAL)


class Machine(RuleBasedStateMachine):
    """Main programs that do as they are told; what they call does as it likes, by a seed."""

    @initialize(
        seed=st.integers(0, 1000), nodes=st.integers(2, 4), registrar=st.booleans(), rough=st.booleans()
    )
    def begin(self, seed: int, nodes: int, registrar: bool, rough: bool) -> None:
        self.network = Network(
            seed,
            NAMES[:nodes],
            registrar="driver" if registrar else "",
            weather=ROUGH if rough else FAIR,
            limits=TIGHT,
            steps=10,
        )

    def program(self, number: int) -> Program | None:
        """Return the main program of one of the nodes, if it lives and moves."""
        living = [host for host in self.network.living if not host.is_stopped]
        return living[number % len(living)].main if living else None

    def handle(self, program: Program, number: int, *kinds: Kind) -> ObjectId | None:
        """Return one of a program's references, of these kinds if any are named."""
        handles = [ref for ref in program.handles if not kinds or self.network.kinds[ref] in kinds]
        return handles[number % len(handles)] if handles else None

    @rule(who=numbers, kind=st.sampled_from([*PLAIN, Kind.CHANNEL]), capacity=st.integers(0, 2))
    def own(self, who: int, kind: Kind, capacity: int) -> None:
        if program := self.program(who):
            program.own(kind, capacity)

    @rule(who=numbers, whom=numbers, which=numbers, closure=st.booleans(), window=st.sampled_from([0, 0, 2]))
    def spawn(self, who: int, whom: int, which: int, closure: bool, window: int) -> None:
        if program := self.program(who):
            peer = self.network.host(self.network.names[whom % len(self.network.names)]).id
            ref = self.handle(program, which)
            scope = program.scopes[-1] if program.scopes else 0
            program.spawn(peer, (ref,) if ref else (), closure=closure, window=window, scope=scope)

    @rule(who=numbers, which=numbers, what=numbers)
    def call_an_object(self, who: int, which: int, what: int) -> None:
        if (program := self.program(who)) and (target := self.handle(program, which, *PLAIN)):
            ref = self.handle(program, what)
            program.ask(target, (ref,) if ref else ())

    @rule(who=numbers, which=numbers)
    def fetch(self, who: int, which: int) -> None:
        if (program := self.program(who)) and (
            target := self.handle(program, which, Kind.KEPT, Kind.PROMISE)
        ):
            program.ask(target, method=FETCH)

    @rule(who=numbers, which=numbers, what=numbers)
    def send(self, who: int, which: int, what: int) -> None:
        if (program := self.program(who)) and (channel := self.handle(program, which, Kind.CHANNEL)):
            ref = self.handle(program, what, *PLAIN)
            program.send(channel, (ref,) if ref else ())

    @rule(who=numbers, which=numbers)
    def receive(self, who: int, which: int) -> None:
        if (program := self.program(who)) and (channel := self.handle(program, which, Kind.CHANNEL)):
            program.receive(channel)

    @rule(who=numbers, which=numbers)
    def share(self, who: int, which: int) -> None:
        if program := self.program(who):
            futures = [future for future in program.pending.values() if not (future.window or future.promise)]
            if futures:
                program.share(futures[which % len(futures)])

    @rule(who=numbers, which=numbers)
    def drop(self, who: int, which: int) -> None:
        if (program := self.program(who)) and (ref := self.handle(program, which)):
            program.drop(ref)

    @rule(who=numbers, which=numbers)
    def give_up(self, who: int, which: int) -> None:
        if (program := self.program(who)) and program.pending:
            futures = list(program.pending.values())
            program.give_up(futures[which % len(futures)])

    @rule(who=numbers, leave=st.booleans(), cancel=st.booleans())
    def scope(self, who: int, leave: bool, cancel: bool) -> None:
        if program := self.program(who):
            if leave and program.scopes:
                program.leave_scope(program.scopes[-1], cancel=cancel)
            else:
                program.open_scope()

    @rule(seconds=st.sampled_from([0.005, 0.02, 0.1, 0.5, 3.0]))
    def let_time_pass(self, seconds: float) -> None:
        self.network.run(self.network.clock.now + seconds)

    @rule(which=numbers, told=st.integers(0, 2))
    def cut(self, which: int, told: int) -> None:
        carriers = [(host, carrier) for host in self.network.living for carrier in host.transport.carriers]
        if carriers:
            host, carrier = carriers[which % len(carriers)]
            self.network.medium.cut(carrier, (host, carrier.other(host))[:told])

    @rule(name=st.sampled_from(NAMES), seconds=st.sampled_from([0.2, 3.5, 9.0]))
    def part(self, name: str, seconds: float) -> None:
        self.network.is_harsh = True
        side = frozenset({name})
        self.network.medium.part(side)
        self.network.clock.after(seconds, self.network.medium.heal, side)

    @rule(name=st.sampled_from(NAMES[1:]), seconds=st.sampled_from([0.2, 3.5, 9.0]))
    def stop(self, name: str, seconds: float) -> None:
        if name in self.network.names and not self.network.host(name).is_stopped:
            self.network.is_harsh = True
            self.network.stop(name)
            self.network.clock.after(seconds, self.network.go_on, self.network.host(name))

    @rule(name=st.sampled_from(NAMES[1:]))
    def crash(self, name: str) -> None:
        if name in self.network.names:
            self.network.crash(name)

    @rule(name=st.sampled_from(NAMES[1:]))
    def restart(self, name: str) -> None:
        if name in self.network.names:
            self.network.restart(name)

    def teardown(self) -> None:
        if hasattr(self, "network"):
            conclude(self.network)


Machine.TestCase.settings = settings(
    max_examples=200,
    stateful_step_count=30,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
TestNetwork: Any = Machine.TestCase
