"""Which callees a peer holds: each is sent once, and named by its digest from then on.

The sender decides what the receiver forgets, and says so in the session, which keeps order: so
both sides always agree, no call ever names what is not there, and both stay bounded. Calls that are
held back share the callee with what is kept here.

Rules: this file does no I/O and reads no clock.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from circuit.runtime.messages import Code, Forget, Message

CODES_KEPT = 1024
CODES_BYTES = 64 * 1024 * 1024
"""Callees that a node keeps for each peer, and their bytes; the least recently called goes first."""


class SentCodes:
    """What the peer holds of ours."""

    def __init__(self, kept: int = CODES_KEPT, nbytes: int = CODES_BYTES) -> None:
        self._codes: OrderedDict[bytes, Code] = OrderedDict()
        self._bytes = 0
        self._kept = kept
        self._most_bytes = nbytes

    def known(self, code: Code) -> Code | None:
        """Return the equal callee that the peer holds, if it does."""
        return self._codes.get(code.digest)

    def before_call(self, code: Code) -> list[Message]:
        """Return what must be said before a call may name this code."""
        if code.digest in self._codes:
            self._codes.move_to_end(code.digest)
            return []
        self._codes[code.digest] = code
        self._bytes += code.pickle.nbytes
        return [*self._forget_oldest(), code]

    def after_call(self, code: Code) -> list[Message]:
        """Return what is said after it: the peer keeps nothing too large, and nobody's references."""
        if not code.pickle.refs and code.pickle.nbytes <= self._most_bytes:
            return []
        return [self._forget(code.digest)]

    def _forget_oldest(self) -> Iterator[Forget]:
        while len(self._codes) > 1 and (len(self._codes) > self._kept or self._bytes > self._most_bytes):
            yield self._forget(next(iter(self._codes)))

    def _forget(self, digest: bytes) -> Forget:
        self._bytes -= self._codes.pop(digest).pickle.nbytes
        return Forget(digest)
