"""What is remembered of a spawned call for as long as it or its outcome lives, to tell users of it."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field

from circuit.runtime.actions import Lose
from circuit.runtime.errors import (
    OwnerRestarted,
    RemoteError,
    RemoteTraceback,
    StaleReference,
    WorkerLost,
)
from circuit.runtime.messages import NodeId, Raise, Stale
from circuit.runtime.pickling import loads
from circuit.runtime.site import Site


@dataclass(frozen=True, slots=True)
class Record:
    """One spawn: which function, where it was spawned, on what worker, and when.

    `reference` is how users see the reference that was called, if it was one.
    """

    function: str
    site: Site | str
    peer: NodeId
    since: float = field(default_factory=time.monotonic)
    reference: str = ""

    def __str__(self) -> str:
        return f"{self.function}() spawned at {self.site} on {self.peer.name!r}"

    def error(self, outcome: Raise | Stale | Lose) -> BaseException:
        """Make the exception that the spawner sees."""
        if isinstance(outcome, Stale):
            return StaleReference(self.reference, "its owner has freed the object")
        if isinstance(outcome, Lose):
            return self._lost(outcome)
        error = self._rebuild(outcome)
        if outcome.traceback:
            error.__cause__ = RemoteTraceback(outcome.traceback)
        if not outcome.pid:  # it arose where it was waited for, and says itself where that was
            return error
        with contextlib.suppress(Exception):  # a user's exception may refuse notes
            error.add_note(f"raised on worker {self.peer.name!r} (pid {outcome.pid}), spawned at {self.site}")
        return error

    def _lost(self, outcome: Lose) -> BaseException:
        down = outcome.down
        if self.reference and outcome.ran == "no":
            if outcome.restarted:
                return OwnerRestarted(
                    self.reference, f"{down.node.name!r} {down.how}; its new life is without the object"
                )
            if down.fenced:
                return StaleReference(self.reference, f"{down.node.name!r} {down.how}")
        return WorkerLost(
            down.node.name,
            down.pid,
            down.how,
            self.function,
            time.monotonic() - self.since,
            str(self.site),
            outcome.ran,
            down.stderr,
        )

    def _rebuild(self, outcome: Raise) -> BaseException:
        if outcome.exception is not None:
            with contextlib.suppress(Exception):  # a user's __init__ may raise anything
                error = loads(outcome.exception)
                if isinstance(error, BaseException):
                    return error
        return RemoteError(outcome.type_name, outcome.text)
