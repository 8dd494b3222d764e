"""Channels between workers: each value once, and those of one sender in order."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, TypeAlias

import circuit
from tests.chaos.field import Field
from tests.chaos.journal import Journal
from tests.chaos.loads.objects import Tally
from tests.chaos.watchdog import BOUND_SECONDS

MOST_VALUES = 60
USERS = 2
"""So many send, and as many receive."""
Value: TypeAlias = tuple[str, int, circuit.Ref[Tally] | None]
Received: TypeAlias = tuple[str, int]


def make(journal: Journal, token: str, capacity: int) -> circuit.Channel[Value]:
    """Make the channel on a worker."""
    journal.note(token)
    return circuit.channel(capacity)


def produce(
    journal: Journal, token: str, channel: circuit.Channel[Value], values: int, with_gifts: bool
) -> None:
    """Send so many values; with each one an object that stays here, and is its receiver's from then on."""
    journal.note(token)
    for number in range(values):
        channel.send((token, number, circuit.ref(Tally()) if with_gifts else None))


def consume(journal: Journal, token: str, channel: circuit.Channel[Value]) -> list[Received]:
    """Receive until the channel is closed."""
    journal.note(token)
    received = []
    for sender, number, gift in channel:
        if gift is not None and gift.say(token):
            raise ValueError(f"the object that came with {number} of {sender} was another one's, too")
        received.append((sender, number))
    return received


class Channels:
    """Two senders and two receivers on any workers; the channel is on one of them, or here."""

    name = "channel"

    def run(self, field: Field, dice: Random) -> None:
        """Run one channel until all senders are done, or one of those who use it is lost."""
        tokens = first, *others = field.open(self.name, 1 + 2 * USERS)
        values, capacity = dice.randint(0, MOST_VALUES), dice.choice((0, 1, 10))
        with_gifts = dice.choice((False, True))
        places = [dice.choice(field.workers) for _ in others]
        with field.joint(tokens):
            making = circuit.call(make, field.journal, first, capacity).on(dice.choice(field.everywhere))
            channel = making.result()
            senders: list[circuit.Future[Any]] = [
                circuit.call(produce, field.journal, token, channel, values, with_gifts).on(place)
                for token, place in zip(others[:USERS], places, strict=False)
            ]
            receivers: list[circuit.Future[Any]] = [
                circuit.call(consume, field.journal, token, channel).on(place)
                for token, place in zip(others[USERS:], places[USERS:], strict=True)
            ]
            try:
                _close_when_done(channel, senders, receivers)
            finally:
                for user in [*senders, *receivers]:
                    user.exception()  # all have ended then, and have been asked for
            _hold(field, others[:USERS], values, [receiver.result() for receiver in receivers])


def _close_when_done(
    channel: circuit.Channel[Value],
    senders: Sequence[circuit.Future[Any]],
    receivers: Sequence[circuit.Future[Any]],
) -> None:
    """Close the channel when all senders are done; at once when somebody is lost, and raise that."""
    left = set(senders)
    for ended in circuit.as_completed([*senders, *receivers], timeout=BOUND_SECONDS):
        left.discard(ended)
        error = ended.exception()
        if error is not None or not left:
            channel.close()
        if error is not None:
            raise error


def _hold(field: Field, senders: Sequence[str], values: int, received: Sequence[Sequence[Received]]) -> None:
    """Hold what the receivers got against what was sent."""
    sent = [(sender, number) for sender in senders for number in range(values)]
    if sorted(value for brought in received for value in brought) != sorted(sent):
        field.find(f"{values} values of each of {senders} came as {received}")
    for brought in received:
        for sender in senders:
            numbers = [number for other, number in brought if other == sender]
            if numbers != sorted(numbers):
                field.find(f"values of {sender} came out of order: {numbers}")
