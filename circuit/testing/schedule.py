"""A schedule: one seeded run of a network, with programs, faults and checks; and what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from random import Random

from circuit.runtime.core import Core
from circuit.runtime.limits import Limits
from circuit.testing.chances import CHANNELS, EVEN, HAND_OFF, Chances
from circuit.testing.check import check_at_end, check_at_rest, close_channels
from circuit.testing.custody import WatchedReferences
from circuit.testing.faults import HARSH, MILD, Fault
from circuit.testing.network import LIMITS, Network
from circuit.testing.objects import Kind as ObjectKind
from circuit.testing.weather import FAIR, Weather

ACTIVE_SECONDS = 1.5
"""When the faults begin; the programs go on for as long as they have steps left."""

SECONDS = (0.002, 0.02, 0.1)
"""How long frames take, about: shorter than programs take for a step, as long, longer."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What schedules of one kind have in common."""

    name: str
    chance: Chances = EVEN
    weather: Weather = FAIR
    faults: tuple[Fault, ...] = ()
    registrar: bool = True
    limits: Limits = LIMITS


ROUGH = Weather(loss=0.03, doubling=0.03, overtaking=0.03, lateness=0.1)
TIGHT = replace(LIMITS, running=2, ahead_calls=2, pending_calls=10)
KINDS = (
    Kind("calm", weather=Weather(in_bytes=True)),
    Kind("tight", limits=TIGHT),
    Kind("rough", weather=ROUGH, faults=MILD),
    Kind("rough hand-off", HAND_OFF, ROUGH, MILD),
    Kind("rough channels", CHANNELS, ROUGH, MILD),
    Kind("harsh", faults=HARSH),
    Kind("harsh hand-off", HAND_OFF, faults=HARSH),
    Kind("harsh channels", CHANNELS, faults=HARSH, limits=TIGHT),
    Kind("no registrar", faults=HARSH, registrar=False),
    Kind("storm", weather=replace(ROUGH, in_bytes=True), faults=HARSH + MILD, limits=TIGHT),
)


@dataclass(frozen=True, slots=True)
class Report:
    """What came of one schedule, or of many.

    Attributes:
        seen: how often each interesting thing happened.
        trace: of a run that was traced.
    """

    seed: int
    kind: str
    broken: Exception | None = None
    seen: Counter[str] = field(default_factory=Counter)
    trace: tuple[str, ...] = ()


def run(
    seed: int,
    *,
    core: type[Core] = Core,
    references: type[WatchedReferences] = WatchedReferences,
    traced: bool = False,
) -> Report:
    """Run the schedule of that seed."""
    kind = KINDS[seed % len(KINDS)]
    draw = Random(seed)
    names = ("driver", "w1", "w2", "w3", "w4")[: draw.randrange(2, 6)]
    network = Network(
        seed,
        names,
        registrar=names[0] if kind.registrar else "",
        limits=kind.limits,
        weather=replace(kind.weather, seconds=draw.choice(SECONDS)),
        chance=kind.chance,
        steps=draw.randrange(20, 80),
        core=core,
        references=references,
        traced=traced,
    )
    broken: Exception | None = None
    try:
        _play(network, kind, draw)
    except Exception as error:  # noqa: BLE001 (whatever broke, its seed is to be told)
        broken = error
    seen = network.seen
    seen.update({f"ended: {ending.name}": n for ending, n in network.ledger.endings.items()})
    network.seen["calls"] = len(network.ledger.calls)
    network.seen["values"] = len(network.ledger.values)
    network.seen["references handed on"] = network.custodies.handed_on
    return Report(seed, kind.name, broken, network.seen, tuple(network.trace or ()))


def _play(network: Network, kind: Kind, draw: Random) -> None:
    for host in network.living:
        for _ in range(draw.randrange(1, 3)):
            ref = host.main.own(draw.choice((ObjectKind.PLAIN, ObjectKind.SERIAL, ObjectKind.CHANNEL)))
            host.main.spawn(network.any_node(), (ref,))
        host.main.go_on()
    if kind.faults:
        for _ in range(draw.randrange(7)):
            network.clock.at(draw.random() * ACTIVE_SECONDS, draw.choice(kind.faults), network)
    conclude(network)


def conclude(network: Network) -> None:
    """Bring a network to rest, and then to its end; check what must be true then.

    Raises:
        BrokenPromise: something is not.
    """
    network.settle()
    check_at_rest(network)
    network.wind_down()
    close_channels(network)
    network.settle()
    check_at_rest(network)
    for host in network.living:
        host.main.release()
    network.settle()
    check_at_end(network)
