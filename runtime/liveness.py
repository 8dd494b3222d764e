"""Liveness: whether a peer still speaks, and when to say something so that it knows that we do.

A carrier may be dead without a sign: a cable pulled, a process stopped. So a node that has
nothing to say writes an empty frame now and then, and a peer that was not heard for long is
taken for gone. That takes two missed looks: a node that was itself asleep (stopped, swapped out)
finds all its peers late when it wakes up, and gives them as long again before it blames them.

Rules: this file does no I/O and reads no clock: `now`, in seconds, is an argument.
"""

from __future__ import annotations

from enum import Enum, auto


class Pulse(Enum):
    """What is known of a peer's life."""

    ALIVE = auto()
    SUSPECT = auto()  # late
    SILENT = auto()


class Sign(Enum):
    """What changes it."""

    HEARD = auto()
    MISSED = auto()


TRANSITIONS: dict[tuple[Pulse, Sign], Pulse] = {
    (Pulse.ALIVE, Sign.HEARD): Pulse.ALIVE,
    (Pulse.ALIVE, Sign.MISSED): Pulse.SUSPECT,
    (Pulse.SUSPECT, Sign.HEARD): Pulse.ALIVE,
    (Pulse.SUSPECT, Sign.MISSED): Pulse.SILENT,
}


class Liveness:
    """The pulse of one carrier.

    Args:
        heartbeat: seconds of our own silence after which we say something.
        silence: seconds of the peer's after which it is SILENT; looked at twice.
    """

    def __init__(self, heartbeat: float, silence: float, now: float) -> None:
        self.pulse = Pulse.ALIVE
        self._heartbeat = heartbeat
        self._patience = silence / 2
        self._spoke = now
        self._reminder = now + heartbeat
        self._look = now + self._patience

    @property
    def deadline(self) -> float:
        """When something is due."""
        return min(self._reminder, self._look)

    def heard(self, now: float) -> None:
        """Note that a frame arrived."""
        self.pulse = TRANSITIONS[self.pulse, Sign.HEARD]
        self._look = now + self._patience

    def spoke(self, now: float) -> None:
        """Note that a frame was written."""
        self._spoke = now
        self._reminder = now + self._heartbeat

    def must_speak(self, now: float) -> bool:
        """Tell whether a heartbeat is due."""
        return now >= self._spoke + self._heartbeat

    def look(self, now: float) -> bool:
        """Look at the clock; tell whether the peer is SILENT."""
        if now >= self._reminder:  # once: a carrier that takes nothing more takes no heartbeat
            self._reminder = now + self._heartbeat
        if now >= self._look:
            self.pulse = TRANSITIONS[self.pulse, Sign.MISSED]
            self._look = now + self._patience
        return self.pulse is Pulse.SILENT
