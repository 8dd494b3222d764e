"""What processes say on stderr when nobody asked: tracebacks of threads, errors that somebody dropped."""

from __future__ import annotations

import io
import re
import sys
import threading
from collections import defaultdict

PREFIX = re.compile(r"(\[\w+\] )?(.*\n)")
"""A line, after the name of the worker that wrote it."""
IN_ORDER = re.compile(
    r"circuit: this worker was out of contact with its driver for too long, and ends\n"
    r"|circuit: nobody asked for the outcome of .*:\n"
    r"(?:(?!circuit: |Exception |Task ).*\n)*?circuit\.(?:WorkerLost: |\w+: .* is stale: '\w+' ).*\n"
    r"(?:(?!circuit: |Exception |Task ).*\n)*"
)
"""What is said by a worker that was given up, and of a call that was lost while its maker was stopped."""


class Complaints(io.TextIOBase):
    """Stands in the place of this process's stderr, where the cluster copies that of its workers, too."""

    def __init__(self) -> None:
        self._stderr = sys.stderr
        self._lock = threading.Lock()
        self._heard = ""
        sys.stderr = self

    def write(self, text: str) -> int:
        """Pass on what is written, and remember it."""
        with self._lock:
            self._heard += text
        return self._stderr.write(text)

    def flush(self) -> None:
        """See `io`."""
        self._stderr.flush()

    def fileno(self) -> int:
        """See `io`."""
        return self._stderr.fileno()

    def take(self) -> str:
        """Return what was written since the last time and is not in order."""
        with self._lock:
            heard, self._heard = self._heard, ""
        return unexplained(heard)

    def close(self) -> None:
        """Give stderr back."""
        sys.stderr = self._stderr


def unexplained(heard: str) -> str:
    """Return what is not in order, process by process."""
    said: defaultdict[str, str] = defaultdict(str)
    for who, line in PREFIX.findall(heard):
        said[who] += line
    left = {who: IN_ORDER.sub("", text).splitlines(keepends=True) for who, text in said.items()}
    return "".join(f"{who}{line}" for who, lines in left.items() for line in lines)
