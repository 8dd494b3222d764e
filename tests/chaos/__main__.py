"""make chaos: real workers under load, while they are killed, stopped and cut off.

    python -m tests.chaos [--seconds N] [--seed SEED] [--workers N] [--round-seconds N]

Ends with status 1 if anything was not as promised. The same seed gives the same faults and loads.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from random import SystemRandom

from tests.chaos.storm import Storm

FINDINGS_SHOWN = 20


def main() -> None:
    """Run a storm for as long as asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long, about (default: 60)")
    parser.add_argument("--round-seconds", type=float, default=15.0, help="of one round (default: 15)")
    parser.add_argument("--seed", default=str(SystemRandom().randrange(10**6)), help="default: a new one")
    parser.add_argument("--workers", type=int, default=3, help="how many (default: 3)")
    options = parser.parse_args()
    until = time.monotonic() + options.seconds
    with (
        tempfile.TemporaryDirectory(prefix="chaos-", dir="/tmp") as folder,
        Storm(options.seed, options.workers, Path(folder), _say) as storm,
    ):
        for findings in storm.rounds(min(options.round_seconds, options.seconds)):
            if findings or time.monotonic() + options.round_seconds / 2 > until:
                break
    for counts in (storm.struck, storm.network.struck, storm.field.ledger.counts):
        for what, count in sorted(counts.items()):
            _say(f"{count:8}  {what}")
    findings = storm.field.findings
    for finding in findings[:FINDINGS_SHOWN]:
        _say(f"FOUND: {finding}")
    _say(f"seed {options.seed}: {len(findings)} findings")
    sys.exit(bool(findings))


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
