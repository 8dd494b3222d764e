"""What happens to frames on their way, as the part of them that it happens to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weather:
    """The parts of all frames that something happens to.

    Attributes:
        loss: is never carried.
        doubling: is carried twice.
        overtaking: is overtaken by later ones.
        lateness: of hellos and their answers: so late that nobody waits for them any more.
        seconds: that a frame takes, about.
        in_bytes: it is made bytes, and read from them.
    """

    loss: float = 0.0
    doubling: float = 0.0
    overtaking: float = 0.0
    lateness: float = 0.0
    seconds: float = 0.01
    in_bytes: bool = False

    @property
    def is_fair(self) -> bool:
        """Whether all frames arrive as they should."""
        return not (self.loss or self.doubling or self.overtaking or self.lateness)


FAIR = Weather()
"""Nothing happens to them."""
