"""A piece of memory that peers can map, and which parts of it are in use, free, warm.

Warm is what is free and was written before: to write it again costs a fifth of what fresh pages
cost, which the kernel has to find and to clear. What is too much of that is given back by a hole in
the segment: the addresses stay, the memory goes.

A block's number tells its segment's, and the segment's number is the label of its memory. So a peer
that opens the memory of a block, by a descriptor's number which may be another's by then, sees
whether it is the right one.
Rules: the arena calls, under its lock.
"""

from __future__ import annotations

import mmap
import os

from circuit.runtime.shared_memfd import create_memory, map_for_writing
from circuit.runtime.shared_ranges import Ranges

SEGMENT_BITS = 24
BLOCK_BITS = 39
"""Blocks of one process before two numbers are the same: ten thousand a second for a year and a half."""


def label_of(block: int) -> str:
    """Return the label of the memory that a block is in."""
    return f"circuit-{block >> BLOCK_BITS:06x}"


class Segment:
    """Memory of a fixed size, mapped whole.

    Attributes:
        base: the number of its first block would be this one.
        free: what no block is in.
        warm: what of that still has its memory.
        blocks: how many are in it.
        stranded: bytes that no block has, and that a peer out of contact may still look at.
        retired: it takes no more blocks, and is closed with the last of them.
    """

    __slots__ = ("base", "blocks", "fd", "free", "memory", "retired", "stranded", "warm")

    def __init__(self, number: int, nbytes: int) -> None:
        self.base = number << BLOCK_BITS
        self.fd = create_memory(label_of(self.base), nbytes)
        try:
            self.memory = map_for_writing(self.fd, nbytes)
        except BaseException:
            os.close(self.fd)
            raise
        self.free = Ranges((0, nbytes))
        self.warm = Ranges()
        self.blocks = 0
        self.stranded = 0
        self.retired = False

    @property
    def idle(self) -> bool:
        """Whether nothing is in it that is worth its descriptor."""
        return not self.blocks and not self.warm.nbytes

    def find(self, nbytes: int, *, warm: bool) -> int | None:
        """Return where a block of this size fits, if it does; `warm`: without fresh memory."""
        return None if self.retired else (self.warm if warm else self.free).find(nbytes)

    def take(self, start: int, end: int) -> int:
        """Take a range for a block; return how much of it was warm."""
        warm = self.warm.nbytes
        self.free.discard(start, end)
        self.warm.discard(start, end)
        self.blocks += 1
        return warm - self.warm.nbytes

    def give_back(self, start: int, end: int) -> None:
        """Make the range of a block, which wrote it, free."""
        self.free.add(start, end)
        self.warm.add(start, end)
        self.blocks -= 1

    def strand(self, start: int, end: int) -> None:
        """Take the range of a block out of all use."""
        self.stranded += end - start
        self.blocks -= 1

    def cool(self, nbytes: int) -> int:
        """Give memory of the last warm range back, so much at most; return how much it was."""
        start, end = self.warm.pop(nbytes)
        self.memory.madvise(mmap.MADV_REMOVE, start, end - start)
        return end - start

    def close(self) -> None:
        """Let go of the memory; it lives on while a peer, or a view here, has it mapped."""
        del self.memory
        os.close(self.fd)
