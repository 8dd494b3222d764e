"""Which callees a peer holds: each is sent once, and named by its digest from then on.

The sender decides what the receiver forgets, and says so in the session, which keeps order: so
both sides always agree, no call ever names what is not there, and both stay bounded.
Rules: this file does no I/O and reads no clock.
"""

from __future__ import annotations

from collections import OrderedDict

from circuit.runtime.messages import Code, Forget, Message

CODES_KEPT = 1024
"""Callees that a node keeps for each peer; the least recently called goes first."""


class SentCodes:
    """What the peer holds of ours."""

    def __init__(self, kept: int = CODES_KEPT) -> None:
        self._digests: OrderedDict[bytes, None] = OrderedDict()
        self._kept = kept

    def before_call(self, code: Code) -> list[Message]:
        """Return what must be said before a call may name this code."""
        if code.digest in self._digests:
            self._digests.move_to_end(code.digest)
            return []
        self._digests[code.digest] = None
        if len(self._digests) <= self._kept:
            return [code]
        oldest, _ = self._digests.popitem(last=False)
        return [Forget(oldest), code]

    def forget(self, digest: bytes) -> Forget:
        """Return what says that the peer need not hold this code any longer."""
        self._digests.pop(digest, None)
        return Forget(digest)
