"""Reporting: what circuitc says on stderr, as text for people or as JSON for programs.

Text has colours on a terminal, and there a progress bar while many files compile. JSON
is one object a line for each diagnostic, and nothing beside them but what could not be
done at all, which is a line of text that begins with `circuitc:`.

Rules: stderr that is closed, or that nobody reads any more, stops no compilation.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from circuit.circuitc.jobs import Outcome, Result

if TYPE_CHECKING:
    from rich.console import Console

    from circuit.compiler import Diagnostic, Source

COLOURS = {
    "plain": "",
    "error": "bold red",
    "warning": "bold yellow",
    "title": "bold",
    "gutter": "bold blue",
    "secondary": "bold blue",
}


def summary(results: Mapping[Result, int]) -> str:
    """Return the results in words; nothing if there are none."""
    failed = results.get(Result.WRONG, 0) + results.get(Result.IMPOSSIBLE, 0)
    done = (Result.COMPILED, Result.CHECKED, Result.FRESH)
    counts = [(result.value, results.get(result, 0)) for result in done]
    return ", ".join(f"{count} {word}" for word, count in (*counts, ("failed", failed)) if count)


class Report:
    """Where a command tells its user what happens: everything, or if `quiet` only what is wrong."""

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet = quiet
        self._json = as_json
        self._terminal = sys.stderr is not None and sys.stderr.isatty()

    def outcome(self, outcome: Outcome) -> None:
        """Tell what came of a job, if that is more than an output."""
        for diagnostic in outcome.diagnostics:
            if outcome.source and not (self._quiet and diagnostic.severity == "warning"):
                self._diagnostic(diagnostic, outcome.source)
        if outcome.trouble:
            self.trouble(outcome.trouble)

    def trouble(self, text: str) -> None:
        """Tell what cannot be done."""
        self._print(f"circuitc: {text}")

    def news(self, text: str) -> None:
        """Tell how things go, to whoever wants to hear it."""
        if not self._quiet and not self._json:
            self._print(f"circuitc: {text}")

    def progress(self, outcomes: Iterable[Outcome], total: int) -> Iterator[Outcome]:
        """Pass outcomes on, and show a bar meanwhile if somebody watches."""
        if not self._terminal or self._quiet or self._json:
            yield from outcomes
            return
        # Not loaded above, here and below: only a terminal has bars and colours.
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = TextColumn("compiling"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task("", total=total)
            for outcome in outcomes:
                progress.advance(task)
                yield outcome

    def _diagnostic(self, diagnostic: Diagnostic, source: Source) -> None:
        # Loaded already by whoever made the diagnostic, and by nobody else.
        from circuit.compiler import render, styled

        if self._json:
            from circuit.compiler.interchange import to_json

            self._print(json.dumps(to_json(diagnostic, source)))
        elif self._terminal:
            from rich.text import Text

            pieces = ((text, COLOURS[style]) for style, text in styled(diagnostic, source))
            self._console.print(Text.assemble(*pieces))
        else:
            self._print(render(diagnostic, source))

    def _print(self, text: str) -> None:
        # A stderr that was closed is None, which would mean stdout here. A bar takes care of itself: while
        # it is shown, sys.stderr prints above it.
        if sys.stderr is not None:
            with suppress(BrokenPipeError):
                print(text, file=sys.stderr, flush=True)

    @cached_property
    def _console(self) -> Console:
        from rich.console import Console

        return Console(stderr=True, highlight=False, soft_wrap=True)
