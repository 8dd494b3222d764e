"""A storm: a mixed load on real workers, while faults strike; then a calm, in which all is held to account.

A storm goes on in rounds. In each, clients run the loads while the faults of the round's schedule strike;
then they stop, and what every call became is held against the journal, every worker must still answer,
and the tables of every node must be as small as they were before the first round.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import circuit
from circuit.runtime import current
from tests.chaos.faults import Fault, Weather
from tests.chaos.field import Field, Load
from tests.chaos.journal import STACKS_SIGNAL, Journal
from tests.chaos.loads.mix import LOADS, ready
from tests.chaos.network import Network
from tests.chaos.tables import sizes
from tests.chaos.watchdog import Watchdog

CLIENTS_A_LOAD = 2
THINK_SECONDS = 0.05
SETTLE_SECONDS = 10.0
SPARE = {"kept": 64, "digests": 64, "held": 64, "known": 64, "idle": 1000}
"""Entries that an idle node may keep: messages not yet acknowledged, code and threads for the next call."""


class Storm:
    """A cluster in bad weather.

    Args:
        seed: decides the loads and the faults.
        workers: how many.
        folder: for the journal and the sockets; short, empty, and the caller's to remove.
        say: takes a line for the user.
    """

    def __init__(self, seed: str, workers: int, folder: Path, say: Callable[[str], None]) -> None:
        self._seed = seed
        self._say = say
        self._over = threading.Event()
        self._watchdog = Watchdog(self._hung)
        for name in ("sockets", "aside", "journal"):
            (folder / name).mkdir()
        os.environ["TMPDIR"] = os.fspath(folder / "sockets")  # where the cluster makes its folder
        self.network = Network(folder / "sockets", folder / "aside", self.pid)
        self._cluster = circuit.cluster(workers)
        self._names = [worker.name for worker in self._cluster.workers]
        self.field = Field(self._names, Journal(folder / "journal"), self._watchdog)

    def __enter__(self) -> Storm:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._watchdog.over("the end of the cluster"):
            self._cluster.close(cancel=kind is not None)
            self.network.close()
        self._watchdog.close()

    def rounds(self, seconds: float, faults: bool) -> Iterator[list[str]]:
        """Go on for ever, in rounds; yields after each what was found."""
        self._prepare()
        before = self._tables()
        number = 0
        while True:
            number += 1
            forecast = Weather(Random(f"{self._seed}/{number}"), self._names).forecast(seconds)
            self._say(f"round {number}, seed {self._seed}: {len(forecast) if faults else 0} faults")
            self._round(number, seconds, forecast if faults else [])
            self._account(before)
            yield self.field.findings

    # What the faults can lay their hands on (`faults.World`).

    def pid(self, node: str) -> int:
        """Return the process that a node's name stands for now."""
        return os.getpid() if node == "driver" else self._cluster.pid(circuit.worker(node))

    def signal(self, worker: str, number: signal.Signals) -> None:
        """Send a signal to a worker's process."""
        os.kill(self.pid(worker), number)

    def lose(self, *workers: str) -> None:
        """Note that from now on errors about these workers are in order."""
        for worker in workers:
            self.field.blame.lost(worker, self.pid(worker))

    def pause(self, seconds: float) -> None:
        """Let the world go on for a while."""
        time.sleep(seconds)

    # The storm.

    def _prepare(self) -> None:
        """Wait until every worker is up behind the relay, and each load has been everywhere once."""
        with self._watchdog.over("the start of the workers"):
            for name in self._names:
                circuit.call(ready, self.field.journal).on(name).result()
            diallers = self.network.diallers("driver")
        for name in self._names:
            if self.pid(name) not in diallers:
                raise RuntimeError(f"worker {name!r} reached the driver before the relay was in between")
        self._round(0, 1.0, [])

    def _round(self, number: int, seconds: float, faults: Sequence[Fault]) -> None:
        self._over.clear()
        began = time.monotonic()
        clients = [
            threading.Thread(
                target=self._client, args=(load, Random(f"{self._seed}/{number}/{load.name}/{nth}"))
            )
            for load in LOADS
            for nth in range(CLIENTS_A_LOAD)
        ]
        strikes = []
        for client in clients:
            client.start()
        for fault in faults:
            time.sleep(max(0.0, began + fault.at - time.monotonic()))
            self._say(f"  {time.monotonic() - began:6.2f}  {fault}")
            strikes.append(threading.Thread(target=fault.strike, args=(self,)))
            strikes[-1].start()
        time.sleep(max(0.0, began + seconds - time.monotonic()))
        for strike in strikes:
            strike.join()
        self._over.set()
        for client in clients:
            client.join()

    def _client(self, load: Load, dice: Random) -> None:
        while not self._over.is_set():
            with self._watchdog.over(f"a client of load {load.name!r}"):
                try:
                    load.run(self.field, dice)
                except BaseException as error:  # noqa: BLE001 (no error but those a load expects is in order)
                    self.field.find(f"load {load.name!r} met {error!r}")
            self._over.wait(dice.uniform(0, THINK_SECONDS))

    def _account(self, before: dict[str, dict[str, int]]) -> None:
        """Hold the round to account; nothing is under way."""
        until = time.monotonic() + SETTLE_SECONDS
        while (grown := _grown(before, self._tables())) and time.monotonic() < until:
            time.sleep(0.1)
        for what in grown:
            self.field.find(what)
        for what in self.field.ledger.settle(self.field.journal.runs()):
            self.field.find(what)

    def _tables(self) -> dict[str, dict[str, int]]:
        with self._watchdog.over("the tables of the nodes"):
            tables = {name: circuit.call(sizes).on(name).result() for name in self._names}
        return {**tables, "driver": sizes()}

    def _hung(self, what: str) -> None:
        """Tell all there is to know of a hang, and end this process and the workers with it."""
        self._say(f"HUNG: {what}")
        self._say(f"found so far: {self.field.findings}")
        self._say(f"tables of the driver: { {path: size for path, size in sizes().items() if size} }")
        for handle in list(current.node()._handles.values()):
            self._say(f"pending: {handle!r}")
        faulthandler.dump_traceback(sys.stderr, all_threads=True)
        for name in self._names:
            stacks = self.field.journal.stacks(self.pid(name))
            if not stacks.exists():  # it has run nothing yet: the signal would kill it
                continue
            with contextlib.suppress(OSError):  # it is dead
                os.kill(self.pid(name), signal.SIGCONT)
                os.kill(self.pid(name), STACKS_SIGNAL)
                time.sleep(0.5)
                self._say(f"stacks of {name}:\n{stacks.read_text()}")
        os._exit(1)


def _grown(before: dict[str, dict[str, int]], after: dict[str, dict[str, int]]) -> list[str]:
    """Tell which tables are larger than they were."""
    return [
        f"on {node}, table {path} has {size} entries, and had {before[node].get(path, 0)}"
        for node, tables in after.items()
        for path, size in tables.items()
        if size > before[node].get(path, 0) + SPARE.get(path.rpartition(".")[2], 0)
    ]
