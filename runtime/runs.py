"""The calls that a node runs, or is to run, and how they hang together with the calls they make.

A call whose code has ended is forgotten at once, unless its spawner waits for all that it spawned:
then when the last of these is over.

Rules: this file does no I/O and reads no clock.
"""

from __future__ import annotations

from circuit.runtime.admission import Key
from circuit.runtime.calls import RunEvent, Running, RunState
from circuit.runtime.messages import Settled
from circuit.runtime.voice import Voice


class Runs(dict[Key, Running]):
    """The calls that run here, in the order in which they came."""

    def __init__(self, voice: Voice) -> None:
        super().__init__()
        self._voice = voice

    def settle(self, key: Key) -> None:
        """Forget a call whose code has ended, as soon as what it made need not be waited for."""
        running = self[key]
        if running.state is not RunState.SETTLING or (running.settles and running.made):
            return
        running.move(RunEvent.SETTLE)
        del self[key]
        for made in running.made.values():
            made.parent = None
        if running.settles:
            self._voice.say(key.origin, Settled(key.call))

    def made_over(self, maker: Key, number: int) -> None:
        """Note that a call which was made by one that runs here is over."""
        running = self.get(maker)
        if running:
            running.made.pop(number, None)
            self.settle(maker)
