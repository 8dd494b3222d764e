"""What peers lent, mapped here to be read.

A region is mapped for itself, and unmapped when the last that looks at it is gone: a view, or an
array that was built on one. Python's reference counts know when that is; the owner is told then.

An interrupt may strike a thread at any bytecode, and what is raised in a finalizer is lost. So the
finalizer here has none: all of it is C, up to `released`.
"""

from __future__ import annotations

import errno
import mmap
import os
import resource
from collections.abc import Callable
from functools import partial
from operator import attrgetter

from circuit.runtime.messages import Region
from circuit.runtime.shared_memfd import UNTRACKED, open_memory
from circuit.runtime.shared_segment import label_of
from circuit.runtime.threads import shielded


class RegionLost(Exception):
    """What a region named cannot be had, as a rule since the process that lent it has ended.

    Attributes:
        region: the region.
        reason: what the system said.
    """

    def __init__(self, region: Region, reason: str) -> None:
        super().__init__(region, reason)
        self.region = region
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.region.nbytes:,} bytes in the memory of process {self.region.pid}: {self.reason}"


class _Mapping(mmap.mmap):
    """A mapped region. `ended` is called, without arguments, when nothing looks at it any more."""

    ended: Callable[[], object] = int  # does nothing, for a mapping that failed half made
    __del__ = property(attrgetter("ended"))


def map_region(region: Region, released: Callable[[int], object]) -> memoryview:
    """Return what a peer lent, read-only, and copied only if this process can have no more mappings.

    Args:
        region: where it is.
        released: called with the block's number, once, when neither the view nor anything built on it is
            left: from a finalizer, so that it may only enqueue; best a built-in, as `SimpleQueue.put`.

    Raises:
        RegionLost: the peer has ended, or taken the memory back. `released` will not be called.
    """
    with shielded():  # until the mapping knows whom to tell
        try:
            descriptor = open_memory(region.pid, region.fd, label_of(region.block))
        except OSError as error:
            raise RegionLost(region, error.strerror or "") from error
        try:
            if _is_scarce(descriptor) or (mapping := _map(descriptor, region)) is None:
                copy = _copy(descriptor, region)
                released(region.block)
                return copy
        finally:
            os.close(descriptor)
        mapping.ended = partial(released, region.block)
        return memoryview(mapping)


def _is_scarce(descriptor: int) -> bool:
    """Tell whether so many files are open that the rest are not for mappings, each of which keeps one.

    A new one gets the lowest number that is free.
    """
    if UNTRACKED:
        return False
    bound, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        lowest = os.dup(descriptor)
    except OSError:
        return True
    os.close(lowest)
    return bound != resource.RLIM_INFINITY and lowest > bound // 2


def _map(descriptor: int, region: Region) -> _Mapping | None:
    """Map the region, unless there are too many mappings already."""
    try:
        return _Mapping(descriptor, region.nbytes, prot=mmap.PROT_READ, offset=region.offset, **UNTRACKED)
    except OSError as error:
        if error.errno not in (errno.ENOMEM, errno.EMFILE):
            raise
        return None


def _copy(descriptor: int, region: Region) -> memoryview:
    copy = memoryview(bytearray(region.nbytes))
    at = 0
    while at < region.nbytes:
        at += os.preadv(descriptor, [copy[at:]], region.offset + at)
    return copy.toreadonly()
