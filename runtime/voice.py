"""What a core says and asks for in one turn: to its peers in their sessions, to itself, to its shell.

A turn deals with one event. What it says to other nodes is queued in their sessions at once; what
it says to itself takes the same path without a session, and is heard when the event is dealt with,
as if it came from elsewhere, so that nothing changes under what is being done.

Rules: this file does no I/O and reads no clock: a turn is given `now`, in seconds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from circuit.runtime.actions import Action, Alarm, Dial, Flush
from circuit.runtime.messages import Message, NodeId, Payload
from circuit.runtime.peers import Peers
from circuit.runtime.references import References
from circuit.runtime.transfers import payload_of, with_payload


class Voice:
    """The words and the wishes of one node.

    Args:
        me: this life of the node.
        peers: to whom it speaks.
        references: where those that it sends are pinned.
    """

    def __init__(self, me: NodeId, peers: Peers, references: References) -> None:
        self.me = me
        self.now = 0.0
        """When this turn began, in seconds."""
        self._peers = peers
        self._references = references
        self._actions: list[Action] = []
        self._flushes: dict[NodeId, None] = {}
        self._own_words: deque[Message] = deque()

    def ask(self, action: Action) -> None:
        """Have the shell do something, after what it was asked before in this turn."""
        self._actions.append(action)

    def flush(self, peer: NodeId) -> None:
        """Have the shell write what the session with `peer` has to say, once in this turn."""
        self._flushes[peer] = None

    def say(self, peer: NodeId, message: Message) -> int:
        """Say something to a node, this one included; return its place in the session, 0 if it has none."""
        payload = payload_of(message)
        if peer == self.me:
            if payload:
                self._references.use(payload.refs)
            self._own_words.append(message)
            return 0
        if peer in self._peers.down:
            return 0
        if payload and payload.refs and not payload.pin:
            message = with_payload(message, self.pinned(peer, payload))
        found = self._peers.meet(peer, self.now)
        place = found.session.send(message)
        if found.dialled or found.dials_us or found.session.resumes:
            self.flush(peer)
        else:
            self.dial(peer)
        return place

    def dial(self, peer: NodeId) -> None:
        """Have a carrier to `peer` come up."""
        self._peers.meet(peer, self.now).dialled = True
        self.ask(Dial(peer))
        self.ask(Alarm())

    def pinned(self, peer: NodeId, payload: Payload) -> Payload:
        """Return a payload whose references stay held here until `peer` has announced itself."""
        return replace(payload, pin=self._references.pin(peer, payload.refs)) if payload.refs else payload

    def next_own_word(self) -> Message | None:
        """Return what is to be heard next of what the node said to itself."""
        return self._own_words.popleft() if self._own_words else None

    def end_turn(self) -> list[Action]:
        """Return what the shell is asked to do."""
        actions, self._actions = self._actions, []
        if self._flushes:
            actions += map(Flush, self._flushes)
            self._flushes.clear()
        return actions
