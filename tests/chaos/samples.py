"""What a process costs the machine at one moment: read from /proc, so Linux only."""

from __future__ import annotations

import ctypes
import gc
import sys
from dataclasses import dataclass, fields
from pathlib import Path

from circuit.runtime import current

KIBIBYTES_A_MEBIBYTE = 1024
SHARED = "memfd:"


@dataclass(frozen=True, slots=True)
class Sample:
    """One process at one moment."""

    memory: float  # mebibytes: its own, and its part of what it shares (proportional set size)
    objects: float  # of Python, the small ones
    threads: float
    descriptors: float
    segments: float  # of shared memory: descriptors and mappings of them
    entries: float  # in all tables of the node


MEASURES = tuple(field.name for field in fields(Sample))


def tidy() -> int:
    """Have this process give back the memory that it keeps for later; return how many objects it has."""
    gc.collect()
    current.node()._memory._arena.trim()
    ctypes.CDLL(None).malloc_trim(0)
    return sys.getallocatedblocks()


def take(pid: int, objects: int, entries: int) -> Sample:
    """Measure a process; how many objects it has, and entries of tables, only it can tell."""
    process = Path("/proc") / str(pid)
    memory = _figure(process / "smaps_rollup", "Pss") / KIBIBYTES_A_MEBIBYTE
    threads = _figure(process / "status", "Threads")
    return Sample(memory, objects, threads, len(descriptors(pid)), segments(pid), entries)


def descriptors(pid: int) -> list[str]:
    """Return what each open descriptor of a process leads to."""
    folder = Path("/proc") / str(pid) / "fd"
    return [link for descriptor in folder.iterdir() if (link := _target(descriptor))]


def segments(pid: int) -> int:
    """Return how many descriptors and mappings of shared memory a process has."""
    maps = (Path("/proc") / str(pid) / "maps").read_text().splitlines()
    return sum(SHARED in line for line in [*descriptors(pid), *maps])


def _figure(page: Path, name: str) -> int:
    for line in page.read_text().splitlines():
        key, _, rest = line.partition(":")
        if key == name:
            return int(rest.split()[0])
    raise LookupError(f"{page} has no {name}")


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:  # closed a moment ago, as that of this very listing
        return ""
