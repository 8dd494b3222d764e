"""Channels between workers: each value once, and those of one sender in order."""

from __future__ import annotations

from random import Random
from typing import Any, TypeAlias

import circuit
from tests.chaos.field import FAULT_ERRORS, Field
from tests.chaos.journal import Journal
from tests.chaos.watchdog import BOUND_SECONDS

MOST_VALUES = 60
Value: TypeAlias = tuple[str, int]


def make(journal: Journal, token: str, capacity: int) -> circuit.Channel[Value]:
    """Make the channel on a worker."""
    journal.note(token)
    return circuit.channel(capacity)


def produce(journal: Journal, token: str, channel: circuit.Channel[Value], values: int) -> None:
    """Send so many values."""
    journal.note(token)
    for number in range(values):
        channel.send((token, number))


def consume(journal: Journal, token: str, channel: circuit.Channel[Value]) -> list[Value]:
    """Receive until the channel is closed."""
    journal.note(token)
    return list(channel)


class Channels:
    """Two senders and two receivers on any workers; the channel is on one of them, or here."""

    name = "channel"

    def run(self, field: Field, dice: Random) -> None:
        """Run one channel until all senders are done, or one of those who use it is lost."""
        tokens = [field.ledger.open(self.name) for _ in range(5)]
        values, capacity = dice.randint(0, MOST_VALUES), dice.choice((0, 1, 10))
        owner = dice.choice([*field.workers, "driver"])
        received: list[Value] = []
        try:
            with field.watchdog.over(tokens[0]):
                channel = circuit.call(make, field.journal, tokens[0], capacity).on(owner).result()
                senders: list[circuit.Future[None]] = [
                    circuit.call(produce, field.journal, token, channel, values).on(
                        dice.choice(field.workers)
                    )
                    for token in tokens[1:3]
                ]
                receivers: list[circuit.Future[list[Value]]] = [
                    circuit.call(consume, field.journal, token, channel).on(dice.choice(field.workers))
                    for token in tokens[3:5]
                ]
                try:
                    self._close_when_done(channel, senders, receivers)
                finally:
                    for sender in senders:
                        sender.exception()
                    for receiver in receivers:
                        if receiver.exception() is None:
                            self._look(field, receiver.result(), received)
        except FAULT_ERRORS as error:
            field.excuse(tokens, error)
            return
        if sorted(received) != sorted((token, number) for token in tokens[1:3] for number in range(values)):
            field.find(f"{tokens[0]} brought {sorted(received)}, not {values} of each of {tokens[1:3]}")
        field.returned(tokens)

    @staticmethod
    def _close_when_done(
        channel: circuit.Channel[Value],
        senders: list[circuit.Future[None]],
        receivers: list[circuit.Future[list[Value]]],
    ) -> None:
        """Close the channel when all senders are done; at once when somebody is lost, and raise that."""
        left: set[circuit.Future[Any]] = set(senders)
        all_of_them: list[circuit.Future[Any]] = [*senders, *receivers]
        for ended in circuit.as_completed(all_of_them, timeout=BOUND_SECONDS):
            error = ended.exception()
            left.discard(ended)
            if error is not None or not left:
                channel.close()
            if error is not None:
                raise error

    @staticmethod
    def _look(field: Field, brought: list[Value], received: list[Value]) -> None:
        """Hold what one receiver got against what all others did."""
        for token in {token for token, _ in brought}:
            numbers = [number for sender, number in brought if sender == token]
            if numbers != sorted(numbers):
                field.find(f"values of {token} came out of order: {numbers}")
        if doubled := set(brought) & set(received) or len(set(brought)) != len(brought):
            field.find(f"a channel brought a value twice: {doubled}, {brought}")
        received += brought
