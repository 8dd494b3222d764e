"""A core whose releases travel by themselves: doubled, late, overtaken by what was said after them.

A session gives order, and each thing once; so it hides what a release would do without its numbers.
With this core nothing hides it: what `references.py` says of stale numbers is put to the test.
"""

from __future__ import annotations

from typing import Any

from circuit.runtime.actions import Action
from circuit.runtime.core import Core, event
from circuit.runtime.messages import Clean, Message, NodeId


class StrayingCore(Core):
    """A core that leaves its releases to the network."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._strays: list[tuple[NodeId, Clean]] = []

    @event
    def strayed(self, peer: NodeId, clean: Clean, now: float) -> list[Action]:
        """Hear a release that came by itself, unless its sender is gone."""
        gone = peer in self.peers.down
        return [] if gone else self._follow(self.references.heard_clean(peer, clean), now)

    def take_strays(self) -> list[tuple[NodeId, Clean]]:
        """Return the releases that are to go on their way."""
        strays, self._strays = self._strays, []
        return strays

    def _say(self, peer: NodeId, message: Message, now: float) -> list[Action]:
        if not isinstance(message, Clean) or peer in self.peers.down:
            return super()._say(peer, message, now)
        self._strays.append((peer, message))
        return []
