"""Flow control of calls: how many may wait at the node that is to run them.

All calls of one spawner to one object of one node, or to its functions, are a lane. A lane lets
so many calls, and so many bytes of arguments, go before those sent earlier have begun; the rest is
held back at the spawner, which has the bound that its program can be told of. Each object has a
lane of its own, so calls that wait for one never hold up those to another.

An outcome shows that its call had begun, so it gives the credit back; only of calls that go on for
long is it said that they have begun, half a lane at a time. Whatever ends a call ends its part in
the lane on both sides, and an idle lane is forgotten.

Rules: this file does no I/O and reads no clock.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from circuit.runtime.limits import Limits
from circuit.runtime.messages import Begun, Call, Code, ProtocolError


class LaneExceeded(ProtocolError):
    """The peer sent more calls than it had credit for."""


class Lane:
    """The spawner's side."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held: OrderedDict[int, tuple[Call, Code | None]] = OrderedDict()
        self._ahead: dict[int, int] = {}  # sent, and not known to have begun; with their bytes
        self._ahead_bytes = 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing is held back and all credit is here."""
        return not (self._held or self._ahead)

    def offer(self, call: Call, code: Code | None) -> bool:
        """Tell whether the call may go now; if not it is held back."""
        if self._held or not self._has_room:
            self._held[call.call] = call, code
            return False
        self._go(call)
        return True

    def withdraw(self, number: int) -> None:
        """Take a call that is held back out again."""
        del self._held[number]

    def credit(self, numbers: Iterable[int]) -> list[tuple[Call, Code | None]]:
        """Note that calls have begun or ended; return those that may go now, in order."""
        for number in numbers:
            self._ahead_bytes -= self._ahead.pop(number, 0)
        ready: list[tuple[Call, Code | None]] = []
        while self._held and self._has_room:
            _, (call, code) = self._held.popitem(last=False)
            self._go(call)
            ready.append((call, code))
        return ready

    @property
    def _has_room(self) -> bool:
        return len(self._ahead) < self._limits.ahead_calls and self._ahead_bytes < self._limits.ahead_bytes

    def _go(self, call: Call) -> None:
        self._ahead[call.call] = call.arguments.nbytes
        self._ahead_bytes += call.arguments.nbytes


class WaitingRoom:
    """The side that runs the calls: those of one lane that the spawner counts as sent ahead."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._inside: dict[int, int] = {}  # with their bytes
        self._inside_bytes = 0
        self._begun: dict[int, None] = {}  # and not said
        self._begun_bytes = 0

    @property
    def is_empty(self) -> bool:
        """Whether no call of the lane is in it."""
        return not self._inside

    def enter(self, call: Call) -> None:
        """Count a call in.

        Raises:
            LaneExceeded: there was no credit for it.
        """
        limits = self._limits
        if len(self._inside) >= limits.ahead_calls or self._inside_bytes >= limits.ahead_bytes:
            raise LaneExceeded(
                f"{len(self._inside) + 1} calls of {self._inside_bytes} bytes sent ahead in a lane "
                f"of {limits.ahead_calls} and {limits.ahead_bytes}"
            )
        self._inside[call.call] = call.arguments.nbytes
        self._inside_bytes += call.arguments.nbytes

    def begin(self, number: int) -> Begun | None:
        """Note that a call begins; return what to say of it and others now."""
        self._begun[number] = None
        self._begun_bytes += self._inside[number]
        limits = self._limits
        if len(self._begun) * 2 < limits.ahead_calls and self._begun_bytes * 2 < limits.ahead_bytes:
            return None
        said = Begun(tuple(self._begun))
        for call in said.calls:
            self.leave(call)
        return said

    def leave(self, number: int) -> None:
        """Count a call out: it has ended, or it was said that it has begun."""
        if number in self._begun:
            del self._begun[number]
            self._begun_bytes -= self._inside[number]
        self._inside_bytes -= self._inside.pop(number, 0)
