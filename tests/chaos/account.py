"""The account that is taken when no call is under way: of every call, and of what every node still keeps."""

from __future__ import annotations

import time

import circuit
from tests.chaos.field import Field
from tests.chaos.hang import stacks
from tests.chaos.tables import Tables, grown, tables

SETTLE_SECONDS = 10.0


class Account:
    """Begins with what the nodes keep now, which is what they are to come back to."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self._before = self._tables()

    def settle(self) -> Tables:
        """Hold all that was done since to account; return what the nodes keep now."""
        until = time.monotonic() + SETTLE_SECONDS
        after: Tables = {}
        try:
            while wrong := grown(self._before, after := self._tables(), self._field.blame.count):
                if time.monotonic() > until:
                    break
                time.sleep(0.1)
        except circuit.WorkerLost as lost:
            wrong = [f"a worker does not answer any more: {lost}"]
        for node in {what.partition(" ")[0] for what in wrong} & {*self._field.workers}:
            wrong.append(f"{node} does:\n{circuit.call(stacks).on(node).result()}")
        for what in [*wrong, *self._field.ledger.settle(self._field.journal.runs())]:
            self._field.find(what)
        return after

    def _tables(self) -> Tables:
        with self._field.watchdog.over("the tables of the nodes"):
            return tables(self._field.workers)
