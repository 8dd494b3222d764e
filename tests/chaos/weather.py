"""When faults strike, and which: a forecast that a seed decides.

Each fault has the nodes that it touches to itself until they have recovered, so that short ones, which
nobody may notice, do not add up to a long one.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from random import Random

from tests.chaos.faults import Cut, Fault, Freeze, Kill, Part, Sever, Stall, Stop, Truncate

CALM_SECONDS = 0.4
"""From one fault to the next, on average; many of those drawn find no node that is well."""
RECOVERY_SECONDS = 1.5
LONGEST_BLIP = 1.0
"""Of faults that nobody may notice."""


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
