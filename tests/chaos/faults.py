"""What goes wrong, and when: a schedule of faults that a seed decides.

Some faults nobody may notice: those shorter than the grace period. The others cost a worker its life,
as its peers see it: it is killed, or out of contact for too long, and a new life of it is started. Each
fault has the nodes that it touches to itself until they have recovered, so that short ones do not add
up to a long one.
"""

from __future__ import annotations

import itertools
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

import circuit
from tests.chaos.network import Network, Pair

LIMITS = circuit.Limits(grace=4.0, heartbeat=0.5, silence=3.0)
"""Of the clusters that faults strike."""
LONGEST_BLIP = 1.0
OUTAGE = LIMITS.silence + LIMITS.grace + 3.0
"""Seconds after which whoever is out of contact has been given up, on a busy machine too."""
RECOVERY_SECONDS = 1.5
START_SECONDS = 4.0
CALM_SECONDS = 0.4
"""From one fault to the next, on average."""


class World(Protocol):
    """What a fault can lay its hands on."""

    network: Network

    def signal(self, worker: str, number: signal.Signals) -> None:
        """Send a signal to a worker's process."""

    def lose(self, *workers: str) -> None:
        """Note that from now on errors about these workers are in order."""

    def replace(self, *workers: str) -> None:
        """Start new lives of these workers."""

    def expect_given_up(self, worker: str) -> None:
        """Hold it against the cluster if the driver has not given up a worker."""

    def pause(self, seconds: float) -> None:
        """Let the world go on for a while."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens `at` so many seconds into the storm."""

    at: float

    @property
    def touches(self) -> frozenset[str]:
        """The nodes that must be well when it begins."""
        raise NotImplementedError

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return 0.0

    def strike(self, world: World) -> None:
        """Make it happen; returns when it is over."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Kill(Fault):
    """SIGKILL; a new life begins `away` seconds later."""

    worker: str
    away: float

    @property
    def seconds(self) -> float:
        return self.away + START_SECONDS

    @property
    def touches(self) -> frozenset[str]:
        return frozenset({self.worker})

    def strike(self, world: World) -> None:
        world.lose(self.worker)
        world.signal(self.worker, signal.SIGKILL)
        world.pause(self.away)
        world.replace(self.worker)


@dataclass(frozen=True, slots=True)
class Stop(Fault):
    """SIGSTOP, and SIGCONT before anybody may miss the worker."""

    worker: str
    seconds: float

    @property
    def touches(self) -> frozenset[str]:
        return frozenset({self.worker})

    def strike(self, world: World) -> None:
        world.signal(self.worker, signal.SIGSTOP)
        world.pause(self.seconds)
        world.signal(self.worker, signal.SIGCONT)


@dataclass(frozen=True, slots=True)
class Freeze(Fault):
    """SIGSTOP for so long that the worker is given up; when it wakes up, nobody listens to it."""

    worker: str

    @property
    def touches(self) -> frozenset[str]:
        return frozenset({self.worker})

    @property
    def seconds(self) -> float:
        return OUTAGE + START_SECONDS

    def strike(self, world: World) -> None:
        world.lose(self.worker)
        world.signal(self.worker, signal.SIGSTOP)
        world.pause(OUTAGE)
        world.expect_given_up(self.worker)
        world.signal(self.worker, signal.SIGCONT)
        world.replace(self.worker)


@dataclass(frozen=True, slots=True)
class Between(Fault):
    """A fault of what is between two nodes."""

    pair: Pair

    @property
    def touches(self) -> frozenset[str]:
        return frozenset(self.pair)


@dataclass(frozen=True, slots=True)
class Cut(Between):
    """What is on its way is held up for a moment, and then lost with the connection."""

    seconds: float

    def strike(self, world: World) -> None:
        world.network.stall(self.pair, (0, 1))
        world.pause(self.seconds)
        world.network.cut(self.pair)
        world.network.flow(self.pair)


@dataclass(frozen=True, slots=True)
class Truncate(Between):
    """The connection breaks within what it carries."""

    way: int
    nbytes: int

    def strike(self, world: World) -> None:
        world.network.truncate(self.pair, self.way, self.nbytes)


@dataclass(frozen=True, slots=True)
class Sever(Between):
    """The connection breaks, and none comes up for a while."""

    seconds: float

    def strike(self, world: World) -> None:
        world.network.refuse(self.pair, True)
        world.pause(self.seconds)
        world.network.refuse(self.pair, False)


@dataclass(frozen=True, slots=True)
class Stall(Between):
    """Nothing arrives for a while, in one direction or in both; nothing is lost."""

    ways: tuple[int, ...]
    seconds: float

    def strike(self, world: World) -> None:
        world.network.stall(self.pair, self.ways)
        world.pause(self.seconds)
        world.network.flow(self.pair)


@dataclass(frozen=True, slots=True)
class Part(Between):
    """Two nodes are out of contact until they give each other up; nothing else is wrong with them."""

    @property
    def seconds(self) -> float:
        return OUTAGE + START_SECONDS

    def strike(self, world: World) -> None:
        workers = [node for node in self.pair if node != "driver"]
        world.lose(*workers)
        world.network.refuse(self.pair, True)
        world.pause(OUTAGE)
        if "driver" in self.pair:
            world.expect_given_up(*workers)
        world.network.refuse(self.pair, False)
        world.replace(*workers)


class Weather:
    """Draws faults.

    Args:
        dice: what decides.
        workers: their names; the driver is "driver".
    """

    def __init__(self, dice: Random, workers: Sequence[str]) -> None:
        self._dice = dice
        self._workers = list(workers)
        self._pairs = list(itertools.combinations(["driver", *workers], 2))

    def forecast(self, seconds: float) -> list[Fault]:
        """Return all faults of so many seconds, in order."""
        faults: list[Fault] = []
        well_from = dict.fromkeys(["driver", *self._workers], 0.0)
        now = 0.0
        while (now := now + self._dice.expovariate(1 / CALM_SECONDS)) < seconds:
            fault = self._draw(round(now, 2))
            if all(well_from[node] <= now for node in fault.touches):
                faults.append(fault)
                for node in fault.touches - {"driver"}:
                    well_from[node] = now + fault.seconds + RECOVERY_SECONDS
        return faults

    def _draw(self, at: float) -> Fault:
        dice = self._dice
        worker, pair = dice.choice(self._workers), dice.choice(self._pairs)
        blip = round(dice.uniform(0, LONGEST_BLIP), 2)
        faults: dict[Fault, float] = {
            Stop(at, worker, blip): 2,
            Cut(at, pair, round(blip / 10, 3)): 2,
            Truncate(at, pair, dice.randint(0, 1), dice.randint(0, 20_000)): 2,
            Sever(at, pair, blip): 2,
            Stall(at, pair, dice.choice(((0,), (1,), (0, 1))), blip): 2,
            Kill(at, worker, blip): 2,
            Freeze(at, worker): 0.3,
            Part(at, pair): 0.5,
        }
        return dice.choices(list(faults), list(faults.values()))[0]
