"""The program's own modules, in this process: where the program runs, or on a worker.

The one serves them (`program.py`), the other imports them (`imports.py`). Both have an edition of
the program: calls carry their spawner's, and are not run in an older one. `serve` and `changes`
are what a worker asks the driver, by ordinary calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from circuit.runtime.program import Changes, NotServed, Program, ProgramModule

if TYPE_CHECKING:
    from circuit.runtime.imports import ProgramFinder


class _Slot:
    """This process's side of it: the program's, until it is found to be a worker's."""

    def __init__(self) -> None:
        self.program = Program()
        self.side: Program | ProgramFinder = self.program


_slot = _Slot()


def edition() -> int:
    """Return the edition of the program that this process has; each spawn carries it."""
    return _slot.side.edition()


def catch_up(edition: int) -> None:
    """Bring this process's modules up to `edition` at least, before a call of that edition is rebuilt.

    It may block, and raises what a changed module raises when it is executed again.
    """
    _slot.side.catch_up(edition)


def explain(error: BaseException) -> None:
    """Note on an error of a call, if it is that of a missing module, who asked for it and what to do."""
    _slot.side.explain(error)


def serve(name: str) -> ProgramModule | NotServed:
    """Return a module if it is the program's own; runs on the program's node."""
    return _slot.program.serve(name)


def changes(since: int) -> Changes:
    """Return what the program reloaded after the edition `since`; runs on the program's node."""
    return _slot.program.changes(since)


def import_with(finder: ProgramFinder) -> None:
    """Make this process a worker's: `finder` imports the program's modules."""
    _slot.side = finder
