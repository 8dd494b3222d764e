"""A storm: a mixed load on real workers, while faults strike; then a calm, in which all is held to account.

A storm goes on in rounds. In each, a crowd of clients runs the loads while the faults of the round's
forecast strike; then they stop, and what every call became is held against the journal, every worker
must still answer, and the tables of every node must be as small as they were before the first round.
At its end no process is left, each load must have come to its own end now and then, and nobody may have
complained on stderr.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import circuit
from tests.chaos import hang
from tests.chaos.account import Account
from tests.chaos.complaints import Complaints
from tests.chaos.crowd import Crowd
from tests.chaos.faults import LIMITS, Fault
from tests.chaos.field import Field
from tests.chaos.journal import Journal
from tests.chaos.loads.mix import LOADS, ready
from tests.chaos.network import Network
from tests.chaos.watchdog import Watchdog
from tests.chaos.weather import Weather

WARM_UP_SECONDS = 1.0


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
        self.struck: Counter[str] = Counter()
        """How many faults of each kind there were."""
        self._complaints = Complaints()
        for name in ("sockets", "aside", "journal"):
            (folder / name).mkdir()
        os.environ["TMPDIR"] = os.fspath(folder / "sockets")  # where the cluster makes its folder
        self.network = Network(folder / "sockets", folder / "aside", self.pid)
        self._cluster = circuit.cluster(workers, limits=LIMITS)
        self._watchdog = Watchdog(lambda what: hang.end(what, self.field, self.pid, say))
        names = [worker.name for worker in self._cluster.workers]
        self.field = Field(names, Journal(folder / "journal"), self._watchdog)

    def __enter__(self) -> Storm:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        pids = [*self.field.blame.pids, *map(self.pid, self.field.workers)]
        with self._watchdog.over("the end of the cluster"):
            self._cluster.close(cancel=kind is not None)
            self.network.close()
        self._watchdog.close()
        for pid in pids:
            if Path(f"/proc/{pid}").exists():
                self.field.find(f"process {pid} of a worker is left")
        for load in LOADS:
            if not self.field.ledger.completed(load.name):
                self.field.find(f"no call of load {load.name!r} ever came to its own end")
        self._listen()
        self._complaints.close()

    def rounds(self, seconds: float) -> Iterator[list[str]]:
        """Go on for ever, in rounds; yields after each all that was found."""
        self._prepare()
        account = Account(self.field)
        number = 0
        while True:
            number += 1
            seed = f"{self._seed}/{number}"
            forecast = Weather(Random(seed), self.field.workers).forecast(seconds)
            self._say(f"round {number} of seed {self._seed}: {len(forecast)} faults")
            with Crowd(self.field, seed):
                self._strike(forecast, seconds)
            account.settle()
            self._listen()
            yield self.field.findings

    # What the faults can lay their hands on (`faults.World`).

    def pid(self, node: str) -> int:
        """Return the process that a node's name stands for now."""
        return os.getpid() if node == "driver" else self._cluster.pid(circuit.worker(node))

    def signal(self, worker: str, number: signal.Signals) -> None:
        """Send a signal to a worker's process."""
        with contextlib.suppress(ProcessLookupError):  # its cluster has killed it by now
            os.kill(self.pid(worker), number)

    def lose(self, *workers: str) -> None:
        """Note that from now on errors about these workers are in order."""
        for worker in workers:
            self.field.blame.lost(worker, self.pid(worker))

    def replace(self, *workers: str) -> None:
        """Start new lives of these workers."""
        for worker in workers:
            self._cluster.restart(worker)
            self.field.blame.replaced(worker)

    def expect_given_up(self, worker: str) -> None:
        """Hold it against the cluster if the driver has not given up a worker."""
        if circuit.worker(worker).alive:
            self.field.find(f"worker {worker!r} was out of contact for long, and was not given up")

    def pause(self, seconds: float) -> None:
        """Let the world go on for a while."""
        time.sleep(seconds)

    # The storm.

    def _listen(self) -> None:
        """Hold it against the cluster if it, or one of its workers, has complained."""
        if said := self._complaints.take():
            self.field.find(f"stderr has:\n{said}")

    def _prepare(self) -> None:
        """Wait until every worker is up, behind the relay, and has run each load."""
        with self._watchdog.over("the start of the workers"):
            for name in self.field.workers:
                circuit.call(ready, self.field.journal).on(name).result()
        behind = self.network.diallers("driver")
        for name in self.field.workers:
            if self.pid(name) not in behind:
                raise RuntimeError(f"worker {name!r} reached the driver before the relay was in between")
        with Crowd(self.field, self._seed):
            self.pause(WARM_UP_SECONDS)

    def _strike(self, forecast: Sequence[Fault], seconds: float) -> None:
        """Let the faults strike, each at its time; returns when all are over."""
        began = time.monotonic()
        strikes = []
        for fault in forecast:
            self.pause(max(0.0, began + fault.at - time.monotonic()))
            self._say(f"  {time.monotonic() - began:6.2f}  {fault}")
            self.struck[type(fault).__name__] += 1
            strikes.append(threading.Thread(target=fault.strike, args=(self,)))
            strikes[-1].start()
        self.pause(max(0.0, began + seconds - time.monotonic()))
        for strike in strikes:
            strike.join()
