"""Calls, streams and arguments: Circuit beside the standard library's pools.

    make bench        or: python -m benchmarks.calls [--rounds N]

Prints a table and writes it into README.md.
"""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.progress import track

from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.measures import MEASURES
from benchmarks.readme import write_section
from benchmarks.results import Row, as_markdown, on_terminal
from benchmarks.tasks import nothing

WARM_UP = 100


def main() -> None:
    """Take all figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calls", description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each figure is taken (default: 5)")
    options = parser.parse_args()
    names = [contender.name for contender in CONTENDERS]
    rounds = []
    for _ in track(range(options.rounds), "measuring"):
        rounds.append([_round(contender) for contender in CONTENDERS])
    rows = [
        Row(measure, tuple(tuple(taken[of][number] for taken in rounds) for of in range(len(names))))
        for number, measure in enumerate(MEASURES)
    ]
    Console().print(on_terminal(rows, names))
    write_section("calls", as_markdown(rows, names))


def _round(contender: type[Contender]) -> list[float]:
    with contender() as started:
        started.call_many(nothing, WARM_UP)
        return [measure.take(started) for measure in MEASURES]


if __name__ == "__main__":
    main()
