"""The memory that a node shares with others of its host: what it lends, and what it has mapped.

What is lent lives as long as anything here refers to it, and as long as a peer looks at it: the
session says when that is over. Finalizers only enqueue.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from circuit.runtime.limits import Limits
from circuit.runtime.messages import Buffer, NodeId, Region
from circuit.runtime.peers import MemoryLost
from circuit.runtime.shared import Arena, Block, SharedMemoryFull
from circuit.runtime.shared_probe import Probe, can_share
from circuit.runtime.shared_views import RegionLost, map_region
from circuit.runtime.threads import shielded

SHARED_BYTES = 256 * 1024
"""The smallest buffer that is worth a mapping."""


class Lent:
    """A buffer in shared memory, for as long as somebody refers to this."""

    __slots__ = ("_block", "_ended")

    def __init__(self, block: Block, ended: Callable[[Block], object]) -> None:
        self._block = block
        self._ended = ended

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

    def __del__(self) -> None:
        self._ended(self._block)


class SharedMemory:
    """See `peers.Memory`.

    Args:
        later: takes, from a finalizer, the number of each block of a peer's that nothing here looks at any
            more, and what is to be called soon.
    """

    def __init__(self, limits: Limits, later: Callable[[int | Callable[[], None]], object]) -> None:
        self._arena = Arena(limits.shared_bytes or None)
        self._probe = Probe()
        self._later = later
        self._ended: deque[Block] = deque()
        self._mapped: dict[int, NodeId] = {}

    @property
    def proof(self) -> bytes:
        """What proves to another process that it can map this one's memory; empty if none can."""
        return self._probe.offer if self._arena.available else b""

    @property
    def lent(self) -> int:
        """Bytes that are in use here, or by peers."""
        self._take_back()
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
        self._take_back()
        with shielded():
            try:
                block = self._arena.allocate(memoryview(data).nbytes)
            except SharedMemoryFull:
                return None
            lent = Lent(block, self._end)
            try:
                block.write(data)
            except SharedMemoryFull:
                return None
            return lent

    def close(self) -> None:
        """Lend nothing any more; what peers have mapped stays theirs."""
        self._probe.close()
        self._arena.close()

    def _end(self, block: Block) -> None:
        self._ended.append(block)  # for the next that lends, if that is sooner
        self._later(self._take_back)

    def _take_back(self) -> None:
        while self._ended:
            try:
                self._ended.popleft().release()
            except IndexError:  # another thread was faster
                return
