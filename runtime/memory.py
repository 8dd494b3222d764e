"""The memory that a node shares with others of its host: what it lends, and what it has mapped.

What is lent lives as long as anything here refers to it, and as long as a peer looks at it: the
session says when that is over. Finalizers only enqueue, and are all C (see `handles.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import TypeAlias

from circuit.runtime.limits import Limits
from circuit.runtime.messages import Buffer, NodeId, Region
from circuit.runtime.peers import MemoryLost
from circuit.runtime.shared import Arena, Block, SharedMemoryFull
from circuit.runtime.shared_probe import Probe, can_share
from circuit.runtime.shared_views import RegionLost, map_region
from circuit.runtime.threads import shielded

SHARED_BYTES = 256 * 1024
"""The smallest buffer that is worth a mapping."""
REST_SECONDS = 10.0
"""How long memory is kept for the next large value."""

Later: TypeAlias = Callable[[int | Callable[[], None]], object]


class Lent:
    """A buffer in shared memory, for as long as somebody refers to this."""

    __slots__ = ("_block", "ended")
    __del__ = property(attrgetter("ended"))

    def __init__(self, block: Block, later: Later) -> None:
        self._block = block
        self.ended = partial(later, block.release)

    @property
    def nbytes(self) -> int:
        """Its size."""
        return self._block.region.nbytes

    @property
    def view(self) -> memoryview:
        """Its bytes."""
        return self._block.view

    @property
    def region(self) -> Region:
        """Where others find it."""
        return self._block.region

    def abandon(self) -> None:
        """Never use this memory again: somebody out of reach may still look at it."""
        self._block.hold()
        self._block.abandon()


class SharedMemory:
    """See `peers.Memory`.

    Args:
        later: takes, from a finalizer, the number of each block of a peer's that nothing here looks at any
            more, and what is to be called soon; a built-in.
    """

    def __init__(self, limits: Limits, later: Later) -> None:
        self._arena = Arena(limits.shared_bytes or None)
        self._probe = Probe()
        self._later = later
        self._mapped: dict[int, NodeId] = {}
        self._lends = True  # did so since the last look at the clock
        self._rests_since = 0.0

    @property
    def proof(self) -> bytes:
        """What proves to another process that it can map this one's memory; empty if none can."""
        return self._probe.offer if self._arena.available else b""

    @property
    def lent(self) -> int:
        """Bytes that are in use here, or by peers."""
        return self._arena.in_use

    @property
    def mapped(self) -> int:
        """How many blocks of peers are looked at here."""
        return len(self._mapped)

    def can_map(self, proof: bytes) -> bool:
        """Tell whether this process can map the memory of the one that offers the proof."""
        return bool(proof) and can_share(proof)

    def map(self, peer: NodeId, region: Region) -> memoryview:
        """Map a part of a peer's memory."""
        self._mapped[region.block] = peer
        try:
            return map_region(region, self._later)
        except (RegionLost, OSError) as error:
            del self._mapped[region.block]
            raise MemoryLost(str(error)) from error

    def owner_of(self, block: int) -> NodeId:
        """Return whose block it was that was released."""
        return self._mapped.pop(block)

    def lend(self, data: Buffer) -> Lent | None:
        """Copy a buffer into memory that can be lent; None if there is no room, or no such memory."""
        self._lends = True
        with shielded():
            try:
                block = self._arena.allocate(memoryview(data).nbytes)
            except SharedMemoryFull:
                return None
            lent = Lent(block, self._later)
            try:
                block.write(data)
            except SharedMemoryFull:
                return None
            return lent

    def rest(self, now: float) -> None:
        """Give the memory that is kept back to the system, if nothing was lent for REST_SECONDS."""
        if self._lends:
            self._lends, self._rests_since = False, now
        elif now >= self._rests_since + REST_SECONDS:
            self._arena.trim()

    def close(self) -> None:
        """Lend nothing any more; what peers have mapped stays theirs."""
        self._probe.close()
        self._arena.close()
