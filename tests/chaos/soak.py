"""make soak: a constant load, at whose end everything is where it was at its beginning.

    python -m tests.chaos.soak [--minutes N] [--workers N]

The loads of the storm, without its faults. Again and again the clients pause, every call is held
to account, and each process is measured. Ends with status 1 if anything has grown.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

import circuit
from tests.chaos import hang
from tests.chaos.account import Account
from tests.chaos.crowd import Crowd
from tests.chaos.field import Field
from tests.chaos.journal import Journal
from tests.chaos.loads.mix import ready
from tests.chaos.samples import MEASURES, Sample, take, tidy
from tests.chaos.trend import trend
from tests.chaos.watchdog import Watchdog

SAMPLES = 40
WARM_UP = 0.2
"""Part of the time that is not counted: what is kept for reuse is being filled."""
REST_SECONDS = 0.5
"""What gRPC frees, it frees a little later."""
TOLERANCES = {
    "memory": 16.0,  # gRPC keeps what it read last, for each connection
    "objects": 4000.0,  # a module that is imported late has two thousand
    "threads": 10.0,  # they are kept for a while: as many as calls ran at once
    "descriptors": 2.0,
    "segments": 2.0,
    "entries": 100.0,
}
"""By measure: what may come and go without being growth."""


def main() -> None:
    """Hold the load for as long as asked, and show what it left."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=main.__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long, about (default: 10)")
    parser.add_argument("--workers", type=int, default=3, help="how many (default: 3)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, circuit.cluster(options.workers) as cluster:
        names = [worker.name for worker in cluster.workers]
        pids = {name: cluster.pid(worker) for name, worker in zip(names, cluster.workers, strict=True)}
        pids["driver"] = os.getpid()
        watchdog = Watchdog(lambda what: hang.end(what, field, pids.__getitem__, print))
        field = Field(names, Journal(Path(folder)), watchdog)
        samples = _hold(field, pids, options.minutes * 60)
        watchdog.close()
    for finding in field.findings:
        print(f"FOUND: {finding}")
    sys.exit(bool(field.findings) or _show(samples, field.ledger.counts.total()))


def _hold(field: Field, pids: dict[str, int], seconds: float) -> dict[str, list[Sample]]:
    """Run the load, until something is not as promised; return the samples of each process."""
    for name in field.workers:
        circuit.call(ready, field.journal).on(name).result()
    with Crowd(field, "warm up"):
        time.sleep(seconds * WARM_UP)
    account = Account(field)
    samples: dict[str, list[Sample]] = {name: [] for name in pids}
    for number in range(SAMPLES):
        with Crowd(field, f"soak/{number}"):
            time.sleep(seconds * (1 - WARM_UP) / SAMPLES)
        tables = account.settle()
        if field.findings:
            break
        time.sleep(REST_SECONDS)
        objects = {name: circuit.call(tidy).on(name).result() for name in field.workers}
        objects["driver"] = tidy()
        for name, pid in pids.items():
            entries = sum(size for path, size in tables[name].items() if path.startswith("node."))
            samples[name].append(take(pid, objects[name], entries))
    return samples


def _show(samples: dict[str, list[Sample]], calls: int) -> bool:
    """Print the table; tell whether anything has grown."""
    table = Table(title=f"{calls:,} calls", title_justify="left")
    for heading in ("process", "what", "start", "middle", "end", "slope", ""):
        table.add_column(heading, justify="left" if heading in ("process", "what", "") else "right")
    grown = False
    for process, taken in samples.items():
        for measure in MEASURES:
            found = trend([getattr(sample, measure) for sample in taken])
            grew = found.grew(TOLERANCES[measure])
            grown |= grew
            figures = [f"{figure:,.1f}" for figure in (found.start, found.middle, found.end)]
            table.add_row(process, measure, *figures, f"{found.slope:+,.1f}", "GREW" if grew else "")
    Console().print(table)
    return grown


if __name__ == "__main__":
    main()
