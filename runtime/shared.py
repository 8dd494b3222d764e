"""Shared memory for large buffers: what a process lends to its peers on the same host.

A buffer is written into a block once; the message says only where that is, and the receiver maps it
(`shared_views`). A block is held by all that may look at it, this process or a peer; its memory is
used again when the last of them has let go, and a bounded amount of it is kept for that.

A peer that is out of contact may look for as long as it likes. What was lent to it is abandoned:
never written again, and the rest of its segment only drained, so that the whole of it can be closed
here. The kernel frees it when the peer ends. It also frees all of it with this process, whatever
ended that: there is nothing to clean up.

A fork of this process has the memory, but its peers are its parent's: it neither allocates nor frees.
"""

from __future__ import annotations

import errno
import mmap
import os
import secrets
import threading

from circuit.runtime.messages import Buffer, Region
from circuit.runtime.shared_bound import machine_memory
from circuit.runtime.shared_memfd import AVAILABLE
from circuit.runtime.shared_segment import SEGMENT_BITS, Segment
from circuit.runtime.threads import shielded

SEGMENT_BYTES = 64 << 20
KEPT_BYTES = 512 << 20
STRIDE_BYTES = 16 << 20
"""How much is copied, or given back, at a time: other threads have their turn in between."""


class SharedMemoryFull(Exception):
    """There is no shared memory for a buffer: it has to travel in its message.

    Attributes:
        nbytes: what was asked for.
        in_use: what this process lends, or has abandoned.
        bound: how much that may be.
        reason: what else it was than the bound.
    """

    def __init__(self, nbytes: int, in_use: int, bound: int, reason: str = "") -> None:
        super().__init__(nbytes, in_use, bound, reason)
        self.nbytes = nbytes
        self.in_use = in_use
        self.bound = bound
        self.reason = reason

    def __str__(self) -> str:
        why = self.reason or f"{self.in_use:,} of at most {self.bound:,} are in use"
        return f"no shared memory for {self.nbytes:,} bytes: {why}"


class Block:
    """A part of the shared memory, for one buffer. Whoever allocated it is its first holder.

    Attributes:
        region: where a peer finds it.
    """

    __slots__ = ("_abandoned", "_arena", "_fresh", "_holders", "_segment", "region")

    def __init__(self, arena: Arena, segment: Segment, region: Region, *, fresh: bool) -> None:
        self._arena = arena
        self._segment = segment
        self._fresh = fresh
        self._holders = 1
        self._abandoned = False
        self.region = region

    @property
    def number(self) -> int:
        """Its name, unique in this process."""
        return self.region.block

    @property
    def view(self) -> memoryview:
        """The bytes, writable. Nobody may look at them after the last release."""
        start = self.region.offset
        return memoryview(self._segment.memory)[start : start + self.region.nbytes]

    def write(self, data: Buffer) -> None:
        """Fill the block with as many bytes as it has.

        Raises:
            SharedMemoryFull: the system gives no more memory (who writes to `view` then is killed).
        """
        source = memoryview(data).cast("B")
        if source.nbytes != self.region.nbytes:
            raise ValueError(f"{source.nbytes} bytes for a block of {self.region.nbytes}")
        if self._fresh:
            self._write_fresh(source)
        else:
            view = self.view
            for at in range(0, source.nbytes, STRIDE_BYTES):
                view[at : at + STRIDE_BYTES] = source[at : at + STRIDE_BYTES]

    def hold(self) -> None:
        """Count one more holder; each of them releases the block once, or abandons it."""
        self._arena._hold(self)

    def release(self) -> None:
        """Let go for one of the holders; after the last, the memory is used again."""
        self._arena._let_go(self, abandoned=False)

    def abandon(self) -> None:
        """Let go for a holder that may look on, and cannot say when it no longer does."""
        self._arena._let_go(self, abandoned=True)

    def _write_fresh(self, source: memoryview) -> None:
        # Through the descriptor, fresh pages cost half of what they do through a mapping: the kernel need
        # not clear them, and none of them faults.
        at = 0
        try:
            while at < source.nbytes:
                at += os.pwrite(self.region.fd, source[at:], self.region.offset + at)
        except OSError as error:
            raise self._arena._full(source.nbytes, error) from error
        self._fresh = False


class Arena:
    """All the shared memory that a process lends. Thread-safe.

    Interrupts of spawned calls leave it whole; that one does not lose the block which `allocate` returns
    is for the caller to see to.

    Args:
        bound: bytes in use at most; by default half of the memory of this machine, or container.
        kept: bytes of free memory that are kept for the next blocks.
        segment: bytes that are carved up into blocks; a larger block has a segment of its own.
    """

    def __init__(
        self, bound: int | None = None, *, kept: int = KEPT_BYTES, segment: int = SEGMENT_BYTES
    ) -> None:
        self._bound = machine_memory() // 2 if bound is None else bound
        self._kept = kept
        self._segment_bytes = segment
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._segments: list[Segment] = []
        self._segment_numbers = secrets.randbits(SEGMENT_BITS)
        self._block_numbers = 0
        self._in_use = 0
        self._warm = 0
        self._closed = False

    @property
    def available(self) -> bool:
        """Whether there is shared memory here at all."""
        return AVAILABLE and self._is_ours()

    @property
    def in_use(self) -> int:
        """Bytes, in whole pages, of the blocks that are held, or were abandoned and still cost memory."""
        return self._in_use

    @property
    def nbytes(self) -> int:
        """Bytes that the system gave: those in use, and those kept for the next blocks."""
        return self._in_use + self._warm

    def allocate(self, nbytes: int) -> Block:
        """Return a block of so many bytes, one at least, with whatever is in them.

        Raises:
            SharedMemoryFull: there is no room within the bound, or the system has none.
        """
        size = _whole_pages(nbytes)
        if not self.available:
            raise self._full(nbytes, OSError(errno.ENOSYS, "this process cannot lend any"))
        with shielded(), self._lock:
            if self._closed:
                raise self._full(nbytes, OSError(errno.EBADF, "it is closed"))
            if self._in_use + size > self._bound:
                raise self._full(nbytes)
            try:
                segment, start, fresh = self._find(size)
            except OSError as error:
                raise self._full(nbytes, error) from error
            self._warm -= segment.take(start, start + size)
            self._in_use += size
            self._cool(self._kept)
            self._block_numbers += 1
            region = Region(self._pid, segment.fd, start, nbytes, segment.base + self._block_numbers)
            return Block(self, segment, region, fresh=fresh)

    def trim(self) -> None:
        """Give the memory that is kept back to the system."""
        if self._is_ours():
            with shielded(), self._lock:
                self._cool(0)

    def close(self) -> None:
        """End the lending: what peers have mapped stays theirs, and nothing more can be mapped."""
        with shielded(), self._lock:
            self._closed = True
            while self._segments:
                self._segments.pop().close()
            self._in_use = self._warm = 0

    def _is_ours(self) -> bool:
        """Tell whether this is the process that lends, not a fork of it, whose lock may be held for ever."""
        return os.getpid() == self._pid

    def _hold(self, block: Block) -> None:
        if self._is_ours():
            with shielded(), self._lock:
                self._check_held(block)
                block._holders += 1

    def _let_go(self, block: Block, *, abandoned: bool) -> None:
        if not self._is_ours():
            return
        with shielded(), self._lock:
            if self._closed:
                return
            self._check_held(block)
            block._holders -= 1
            segment = block._segment
            if abandoned:
                block._abandoned = segment.retired = True
            if not block._holders:
                self._free(block)
            if segment.retired:
                self._drain(segment)
            else:
                self._cool(self._kept)

    def _check_held(self, block: Block) -> None:
        if not block._holders:
            raise ValueError(f"block {block.number} was let go of by all who held it")

    def _find(self, size: int) -> tuple[Segment, int, bool]:
        """Return where a block of this size goes, and whether that is fresh memory."""
        for warm in (True, False):
            for segment in self._segments:
                start = segment.find(size, warm=warm)
                if start is not None:
                    return segment, start, not warm
        segment = Segment(self._segment_numbers, max(size, self._segment_bytes))
        self._segment_numbers = (self._segment_numbers + 1) % (1 << SEGMENT_BITS)
        self._segments.append(segment)
        return segment, 0, True

    def _free(self, block: Block) -> None:
        start = block.region.offset
        end = start + _whole_pages(block.region.nbytes)
        if block._abandoned:
            block._segment.strand(start, end)
            return
        block._segment.give_back(start, end)
        self._in_use -= end - start
        self._warm += end - start

    def _cool(self, kept: int) -> None:
        """Give warm memory back until no more is left than that, first that of the youngest segment."""
        kept = min(kept, self._bound - self._in_use)
        while self._warm > kept:
            segment = next(segment for segment in reversed(self._segments) if segment.warm.nbytes)
            self._warm -= segment.cool(min(self._warm - kept, STRIDE_BYTES))
            if segment.idle:
                self._close(segment)

    def _drain(self, segment: Segment) -> None:
        """Give back what nobody can look at, and with the last of its blocks the segment."""
        while segment.warm.nbytes:
            self._warm -= segment.cool(STRIDE_BYTES)
        if segment.idle:
            self._close(segment)

    def _close(self, segment: Segment) -> None:
        self._segments.remove(segment)
        self._in_use -= segment.stranded
        segment.close()

    def _full(self, nbytes: int, reason: OSError | None = None) -> SharedMemoryFull:
        told = reason.strerror if reason else None
        return SharedMemoryFull(nbytes, self._in_use, self._bound, told or "")


def _whole_pages(nbytes: int) -> int:
    return -(-nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
