"""How much memory there is for this process: the machine's, or less if its container has less."""

from __future__ import annotations

import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def machine_memory() -> int:
    """Return the bytes of memory that this process may have at all."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *_bounds()])


def _bounds() -> list[int]:
    """Return the bounds of the control groups (version 2) that this process is in, inner and outer."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    own = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), None)
    if own is None:
        return []
    group = CGROUPS / own
    bounds = []
    for folder in (group, *group.parents):
        try:
            bounds.append(int((folder / "memory.max").read_text()))
        except (OSError, ValueError):  # it is not a group with a bound: the root, or one that says "max"
            continue
    return bounds
