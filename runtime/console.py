"""What workers print, on the driver: line by line, each marked with the worker's name.

One thread reads the pipes of all workers. A line is written whole, so that lines of several
workers never mix; what a process left without a line end is written when it ends.
"""

from __future__ import annotations

import os
import selectors
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TextIO

TAIL_LINES = 20
CHUNK_BYTES = 65536
LINE_BYTES = 65536
"""A longer line is broken: what has no end must not be gathered for ever."""


@dataclass(slots=True, eq=False)
class _Pipe:
    worker: str
    stream: str  # "stdout" or "stderr", looked up when written: tests and users replace them
    rest: bytes = b""
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    ended: threading.Event = field(default_factory=threading.Event)


class Console:
    """Copies the output of workers to the driver's own."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._errors: dict[str, _Pipe] = {}
        self._pipes: list[_Pipe] = []  # that have not ended
        self._woken, self._wake = os.pipe()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._arriving: deque[tuple[int, _Pipe]] = deque()
        self._thread = threading.Thread(target=self._copy, name="circuit-console", daemon=True)
        self._thread.start()

    def add(self, worker: str, stdout: int, stderr: int) -> None:
        """Copy these two pipes, which become the console's, until they end."""
        for fd, stream in ((stdout, "stdout"), (stderr, "stderr")):
            pipe = _Pipe(worker, stream)
            self._pipes.append(pipe)
            self._arriving.append((fd, pipe))
            if stream == "stderr":
                self._errors[worker] = pipe
        os.write(self._wake, b"+")

    def last_words(self, worker: str, timeout: float) -> tuple[str, ...]:
        """Return the last lines a worker wrote on stderr, waiting at most `timeout` s for its end."""
        pipe = self._errors[worker]
        pipe.ended.wait(timeout)
        return tuple(pipe.tail)

    def drain(self, timeout: float) -> None:
        """Wait until everything that the workers wrote is written here, at most `timeout` s a pipe."""
        for pipe in list(self._pipes):
            pipe.ended.wait(timeout)

    def close(self) -> None:
        """Stop copying."""
        os.close(self._wake)
        self._thread.join(1.0)

    def _copy(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is not None:
                    self._read(key.fd, key.data)
                elif not os.read(key.fd, CHUNK_BYTES):
                    self._selector.close()
                    os.close(self._woken)
                    return
                while self._arriving:
                    fd, pipe = self._arriving.popleft()
                    self._selector.register(fd, selectors.EVENT_READ, pipe)

    def _read(self, fd: int, pipe: _Pipe) -> None:
        data = os.read(fd, CHUNK_BYTES)
        *lines, pipe.rest = (pipe.rest + data).split(b"\n")
        if pipe.rest and (not data or len(pipe.rest) >= LINE_BYTES):
            lines, pipe.rest = [*lines, pipe.rest], b""
        _write(pipe, [line.decode(errors="replace").removesuffix("\r") for line in lines])
        if not data:
            self._selector.unregister(fd)
            os.close(fd)
            self._pipes.remove(pipe)
            pipe.ended.set()


def _write(pipe: _Pipe, lines: list[str]) -> None:
    if not lines:
        return
    pipe.tail.extend(lines)
    target: TextIO | None = getattr(sys, pipe.stream)
    if target is None:  # a program without a console
        return
    text = "".join(f"[{pipe.worker}] {line}\n" for line in lines)
    encoding = getattr(target, "encoding", None) or "utf-8"
    try:
        target.write(text.encode(encoding, "backslashreplace").decode(encoding))
        target.flush()
    except (OSError, ValueError):  # the driver's own output was closed: nobody reads it
        return
