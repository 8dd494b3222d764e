"""The figures of the calls as a table, on the terminal and for README.md."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from benchmarks.contenders import WORKERS
from benchmarks.measures import Measure
from benchmarks.readme import markdown_table, taken_on

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


def as_markdown(rows: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Return the lines of the section in README.md."""
    table = markdown_table(["median", *names], [row.cells() for row in rows])
    return [f"{_caption(rows)}. {RATIO}", "", *table, "", *taken_on(PACKAGES)]


def _caption(rows: Sequence[Row]) -> str:
    return f"Medians of {len(rows[0].figures[0])} rounds, {WORKERS} worker processes each"
