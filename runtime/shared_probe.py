"""The proof that two processes can open each other's memory: on one host, as one user.

A host name, an address or a boot id proves less: containers share them and see different processes.
So a node offers sixteen random bytes that lie in its memory, and its peer looks there. The answer
is the same from both ends: they are processes of one user, in one numbering of processes, that let
their user look into them.
"""

from __future__ import annotations

import os
import secrets
import struct
from pathlib import Path

from circuit.runtime.shared_memfd import create_memory, open_memory

LABEL = "circuit-probe"
OFFER = struct.Struct("!II16s")
NONCE_BYTES = 16


class Probe:
    """What a node offers to be looked at.

    Attributes:
        offer: the bytes that go to the peer, for its `can_share`; none if this process cannot share.
    """

    def __init__(self) -> None:
        nonce = secrets.token_bytes(NONCE_BYTES)
        self.offer = b""
        self._descriptor: int | None = None
        try:
            self._descriptor = create_memory(LABEL, NONCE_BYTES)
            os.pwrite(self._descriptor, nonce, 0)
        except OSError:
            self.close()
            return
        offer = OFFER.pack(os.getpid(), self._descriptor, nonce)
        if _others_may_look() and can_share(offer):
            self.offer = offer

    def close(self) -> None:
        """Withdraw the offer; later calls do nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def can_share(offer: bytes) -> bool:
    """Tell whether the peer that made this offer and this process can open each other's memory."""
    try:
        pid, fd, nonce = OFFER.unpack(offer)
        descriptor = open_memory(pid, fd, LABEL)
    except (struct.error, OSError):
        return False
    try:
        return os.fstat(descriptor).st_uid == os.geteuid() and os.pread(descriptor, NONCE_BYTES, 0) == nonce
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _others_may_look() -> bool:
    """Tell whether this process lets others of its user look into it (prctl(2), PR_SET_DUMPABLE)."""
    try:
        return Path(f"/proc/{os.getpid()}/fd").stat().st_uid == os.geteuid()
    except OSError:
        return False
