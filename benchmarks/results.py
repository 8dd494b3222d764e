"""The figures as a table, on the terminal and in RESULTS.md, with what they were taken on."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from rich.table import Table

from benchmarks.contenders import WORKERS
from benchmarks.measures import Measure

PACKAGES = ("circuitc", "grpcio", "protobuf", "cloudpickle")
RATIO = "In parentheses: how many times as good Circuit's figure is; above 1 Circuit is ahead."


@dataclass(frozen=True, slots=True)
class Row:
    """One measure: the figures of each contender, Circuit first, one a round."""

    measure: Measure
    figures: tuple[tuple[float, ...], ...]

    def cells(self) -> list[str]:
        """Return the title and a cell a contender: the median, and how it compares with Circuit's."""
        ours, *others = map(statistics.median, self.figures)
        cells = [self.measure.title, f"{ours:,.0f} {self.measure.unit}"]
        for other in others:
            ratio = ours / other if self.measure.more_is_better else other / ours
            cells.append(f"{other:,.0f} {self.measure.unit} ({ratio:.2f}×)")
        return cells


def on_terminal(rows: Sequence[Row], names: Sequence[str]) -> Table:
    """Draw the table for rich."""
    table = Table(title=_caption(rows), title_justify="left", caption=RATIO, caption_justify="left")
    table.add_column("median")
    for name in names:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*row.cells())
    return table


def as_markdown(rows: Sequence[Row], names: Sequence[str]) -> str:
    """Return the text of RESULTS.md."""
    lines = [
        "# Calls",
        "",
        f"Made by `make bench`. {_caption(rows)}. {RATIO}",
        "",
        f"| median | {' | '.join(names)} |",
        f"|---|{'---:|' * len(names)}",
        *(f"| {' | '.join(row.cells())} |" for row in rows),
        "",
        *(f"* {line}" for line in [*_machine(), ", ".join(f"{name} {version(name)}" for name in PACKAGES)]),
        "",
    ]
    return "\n".join(lines)


def _caption(rows: Sequence[Row]) -> str:
    return f"Medians of {len(rows[0].figures[0])} rounds, {WORKERS} worker processes each"


def _machine() -> list[str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return [
        f"{_processor()}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB",
        f"{platform.system()} {platform.release()}, {python}",
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
