"""What is remembered of a spawned call for as long as it or its outcome lives, to tell users of it."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field

from circuit.runtime.actions import Lose
from circuit.runtime.errors import RemoteError, RemoteTraceback, WorkerLost
from circuit.runtime.messages import NodeId, Raise
from circuit.runtime.pickling import loads
from circuit.runtime.site import Site


@dataclass(frozen=True, slots=True)
class Record:
    """One spawn: which function, where it was spawned, on what worker, and when."""

    function: str
    site: Site
    peer: NodeId
    since: float = field(default_factory=time.monotonic)

    def __str__(self) -> str:
        return f"{self.function}() spawned at {self.site} on {self.peer.name!r}"

    def error(self, outcome: Raise | Lose) -> BaseException:
        """Make the exception that the spawner sees."""
        if isinstance(outcome, Lose):
            down = outcome.down
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
        error = self._rebuild(outcome)
        error.__cause__ = RemoteTraceback(outcome.traceback)
        with contextlib.suppress(Exception):  # a user's exception may refuse notes
            error.add_note(f"raised on worker {self.peer.name!r} (pid {outcome.pid}), spawned at {self.site}")
        return error

    def _rebuild(self, outcome: Raise) -> BaseException:
        if outcome.exception is not None:
            with contextlib.suppress(Exception):  # a user's __init__ may raise anything
                error = loads(outcome.exception)
                if isinstance(error, BaseException):
                    return error
        return RemoteError(outcome.type_name, outcome.text)
