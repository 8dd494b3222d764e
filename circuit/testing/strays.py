"""A core whose releases travel by themselves: doubled, late, overtaken by what was said after them.

A session gives order, and each thing once; so it hides what a release would do without its numbers.
With this core nothing hides it: what `references.py` says of stale numbers is put to the test.
"""

from __future__ import annotations

from typing import Any

from circuit.runtime.actions import Action
from circuit.runtime.core import Core
from circuit.runtime.messages import Clean, Message, NodeId
from circuit.runtime.voice import Voice


class StrayingVoice(Voice):
    """A voice that leaves releases to the network."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.strays: list[tuple[NodeId, Clean]] = []

    def say(self, peer: NodeId, message: Message) -> int:
        """Say it in the session, unless it is a release."""
        if not isinstance(message, Clean):
            return super().say(peer, message)
        if peer not in self._peers.down:
            self.strays.append((peer, message))
        return 0


class StrayingCore(Core):
    """A core that leaves its releases to the network."""

    voice_type = StrayingVoice
    _voice: StrayingVoice

    def strayed(self, peer: NodeId, clean: Clean, now: float) -> list[Action]:
        """Hear a release that came by itself, unless its sender is gone."""
        return [] if peer in self.peers.down else self._turn(now, self._heard, peer, clean)

    def take_strays(self) -> list[tuple[NodeId, Clean]]:
        """Return the releases that are to go on their way."""
        strays, self._voice.strays = self._voice.strays, []
        return strays
