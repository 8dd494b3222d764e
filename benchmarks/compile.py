"""Compiling: Circuit's compiler beside what does the like, or less of it.

    make bench-compile    or: python -m benchmarks.compile [--rounds N] [--coconut PYTHON]

Prints a table and writes it into README.md. Coconut is left out if no interpreter that has it is named.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.coconut import Speeds, compare
from benchmarks.comparisons import Comparison, comparisons
from benchmarks.readme import markdown_table, taken_on, write_section

HEADER = ["", "Circuit", "beside it", "ratio", "wanted"]
PACKAGES = ("circuitc", "libcst", "lark")


def main() -> None:
    """Take all figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compile", description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often each figure is taken (default: 7)")
    parser.add_argument("--coconut", type=Path, metavar="PYTHON", help="an interpreter that has Coconut")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [_row(one, options.rounds) for one in track(comparisons(Path(folder)), "measuring")]
    notes = [f"Medians of {options.rounds} rounds; the ratio is the median of the rounds' ratios."]
    if options.coconut:
        speeds = compare(options.coconut)
        rows.append(_coconut_row(speeds))
        rejected = ", ".join(speeds.rejected) or "none"
        notes.append(f"Of the {speeds.files} short files Circuit rejects none, Coconut: {rejected}.")
    table = Table(*HEADER)
    for row in rows:
        table.add_row(*row)
    Console().print(table, *notes, sep="\n")
    write_section("compile", [" ".join(notes), "", *markdown_table(HEADER, rows), "", *taken_on(PACKAGES)])


def _row(comparison: Comparison, rounds: int) -> list[str]:
    comparison.take()  # to warm up
    figures = []
    for _ in range(rounds):
        gc.collect()
        figures.append(comparison.take())
    ours, theirs = (statistics.median(column) for column in zip(*figures, strict=True))
    ratio = statistics.median(one / other for one, other in figures)
    return [
        f"{comparison.title}, beside {comparison.peer}",
        _shown(ours, comparison.unit),
        _shown(theirs, comparison.unit),
        f"{ratio:.2f}",
        f"≤ {comparison.bound:g}",
    ]


def _coconut_row(speeds: Speeds) -> list[str]:
    title = "lines of short files a second, beside Coconut"
    ratio = f"{speeds.circuit / speeds.coconut:,.0f}"
    return [title, f"{speeds.circuit:,.0f}", f"{speeds.coconut:,.0f}", ratio, ""]


def _shown(figure: float, unit: str) -> str:
    return f"{figure * 1e3:,.1f} ms" if unit == "ms" else f"{figure:,.0f} {unit}"


if __name__ == "__main__":
    main()
