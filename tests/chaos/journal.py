"""The journal: one line for each run of a function, written by the process that runs it.

A line is written by one write(2) to a file opened with O_APPEND: lines of several processes do not
mix, and SIGKILL loses none that was written.
"""

from __future__ import annotations

import faulthandler
import functools
import os
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

STACKS_SIGNAL = signal.SIGUSR1


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal in `folder`; it travels to workers as an argument."""

    folder: Path

    def enter(self) -> None:
        """Have this process dump its stacks on STACKS_SIGNAL."""
        _enter(self.folder)

    def note(self, token: str) -> None:
        """Write down that this process runs what `token` stands for."""
        os.write(_enter(self.folder), f"{token}\n".encode())

    def runs(self) -> Counter[str]:
        """Return how often each token was run, and begin a new page; nothing runs meanwhile."""
        page = self.folder / "journal"
        if not page.exists():
            return Counter()
        lines = page.read_text().splitlines()
        os.truncate(page, 0)
        return Counter(lines)

    def stacks(self, pid: int) -> Path:
        """Return where a process that has entered dumps its stacks on STACKS_SIGNAL."""
        return self.folder / f"stacks-{pid}"


@functools.cache
def _enter(folder: Path) -> int:
    """Open the journal; only once in a process."""
    stacks = os.open(Journal(folder).stacks(os.getpid()), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    faulthandler.register(STACKS_SIGNAL, file=stacks)
    return os.open(folder / "journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
