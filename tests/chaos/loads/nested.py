"""Calls that make calls: from worker to worker to worker."""

from __future__ import annotations

from random import Random

import circuit
from tests.chaos.field import Field
from tests.chaos.journal import Journal


def add_up(journal: Journal, tokens: list[str], places: list[str]) -> list[str]:
    """Return the names of the workers that the call went through."""
    journal.note(tokens[0])
    mine = [circuit.here().name]
    if len(places) == 1:
        return mine
    return mine + circuit.call(add_up, journal, tokens[1:], places[1:]).on(places[1]).result()


class Nested:
    """A chain of calls, each made by the one before it."""

    name = "nested"

    def run(self, field: Field, dice: Random) -> None:
        """Send one through up to five workers."""
        tokens = field.open(self.name, dice.randint(2, 5))
        places = [dice.choice(field.workers) for _ in tokens]
        with field.joint(tokens):
            went = circuit.call(add_up, field.journal, tokens, places).on(places[0]).result()
            if went != places:
                field.find(f"{tokens[0]} went through {went}, not {places}")
