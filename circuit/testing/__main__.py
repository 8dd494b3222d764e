"""Run schedules of the simulator: python -m circuit.testing --schedules 10000 --seed 0 --jobs 2.

A schedule that breaks a promise is told with its seed and the end of its record. It is run again,
just as it was, by `--seed THAT --schedules 1 --trace`.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor

from circuit.testing.schedule import KINDS, Report, run

BATCH = 250
TAIL = 40
"""Lines of the record that are shown of a schedule that failed."""


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for; return 1 if a promise was broken."""
    options = _options().parse_args(arguments)
    began = time.perf_counter()
    seen: Counter[str] = Counter()
    broken: list[Report] = []
    end = options.seed + options.schedules
    batches = [range(start, min(start + BATCH, end)) for start in range(options.seed, end, BATCH)]
    if options.trace:
        broken = [run(seed, traced=True) for seed in range(options.seed, end)]
        for report in broken:
            print(f"schedule {report.seed} ({report.kind})", *report.trace, sep="\n  ")
            seen += report.seen
        broken = [report for report in broken if report.broken]
    else:
        with ProcessPoolExecutor(options.jobs, initializer=collect_rarely) as processes:
            for index, (batch, faulty) in enumerate(processes.map(run_batch, batches), 1):
                seen += batch
                broken += faulty
                if sys.stderr.isatty():
                    print(f"\r{min(index * BATCH, options.schedules)} schedules", end="", file=sys.stderr)
    seconds = time.perf_counter() - began
    for report in broken[:10]:
        _tell(report)
    each = seconds * options.jobs / max(options.schedules, 1)
    took = f"{seconds:.1f} s, {each * 1000:.1f} ms each"
    print(f"{options.schedules} schedules in {took}; {len(broken)} broke a promise")
    for what, count in sorted(seen.items()):
        print(f"{count:10} {what}")
    return 1 if broken else 0


def run_batch(seeds: Iterable[int]) -> tuple[Counter[str], list[Report]]:
    """Run schedules; return what was seen in all, and the reports of those that broke a promise."""
    seen: Counter[str] = Counter()
    broken: list[Report] = []
    for seed in seeds:
        report = run(seed)
        seen += report.seen
        if report.broken:
            broken.append(report)
    return seen, broken


def collect_rarely() -> None:
    """Let a process collect garbage after some schedules, not several times in each."""
    gc.freeze()
    gc.set_threshold(100_000, 10, 10)


def _tell(report: Report) -> None:
    again = run(report.seed, traced=True)
    print(f"schedule {report.seed} ({report.kind}): {again.broken!r}", *again.trace[-TAIL:], sep="\n  ")
    print(f"  {again.broken}")
    print(f"  again: python -m circuit.testing --seed {report.seed} --schedules 1 --trace\n")


def _options() -> argparse.ArgumentParser:
    kinds = ", ".join(kind.name for kind in KINDS)
    parser = argparse.ArgumentParser(
        prog="python -m circuit.testing",
        description="Prove the core of the runtime on a simulated network, in virtual time.",
        epilog=f"The kinds of schedules, in turn: {kinds}.",
    )
    parser.add_argument("--schedules", type=int, default=1000, metavar="N", help="how many (1000)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the first (0)")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="J", help="processes (one a core)"
    )
    parser.add_argument("--trace", action="store_true", help="print all that happens")
    return parser


if __name__ == "__main__":
    sys.exit(main())
