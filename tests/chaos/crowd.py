"""The clients of a cluster: threads that run the loads, again and again, until they are told to stop."""

from __future__ import annotations

import threading
import traceback
from random import Random

from tests.chaos.field import Field, Load
from tests.chaos.loads.mix import LOADS

CLIENTS_A_LOAD = 1
THINK_SECONDS = 0.05


class Crowd:
    """Clients of every load; a context manager that runs them.

    Args:
        field: where they run the loads.
        seed: decides what they do.
    """

    def __init__(self, field: Field, seed: str) -> None:
        self._field = field
        self._over = threading.Event()
        self._clients = [
            threading.Thread(target=self._run, args=(load, Random(f"{seed}/{load.name}/{number}")))
            for load in LOADS
            for number in range(CLIENTS_A_LOAD)
        ]

    def __enter__(self) -> Crowd:
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for client in self._clients:
            client.join()

    def _run(self, load: Load, dice: Random) -> None:
        while not self._over.is_set():
            with self._field.watchdog.over(f"a client of load {load.name!r}"):
                try:
                    load.run(self._field, dice)
                except BaseException as error:  # noqa: BLE001 (none but those a load expects is in order)
                    told = "".join(traceback.format_exception(error))
                    self._field.find(f"load {load.name!r} met {error!r}\n{told}")
            self._over.wait(dice.uniform(0, THINK_SECONDS))
