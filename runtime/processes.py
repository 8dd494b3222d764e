"""Worker processes on this machine: started, watched, and never left behind.

One thread starts them all and waits for their ends. It must be one that lives as long as the
driver, since the kernel is asked to kill a worker when the thread that started it is gone
(prctl(2), PR_SET_PDEATHSIG). A worker also reads a pipe from the driver: its end means, go.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from circuit.runtime.console import Console

GOODBYE_SECONDS = 2.0
LAST_WORDS_SECONDS = 0.03
KERNEL_COUNTERS = Path("/proc/vmstat")


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that ended; `life` is what its starter called it."""

    name: str
    life: str
    pid: int
    how: str
    stderr: tuple[str, ...]


class Processes:
    """The worker processes of one cluster.

    Args:
        module: what each of them runs, as `python -m`.
        ended: told of each end that `stop` did not ask for, on the watching thread.
    """

    def __init__(self, module: str, console: Console, ended: Callable[[Ended], None]) -> None:
        self._module = module
        self._console = console
        self._ended = ended
        self._running: dict[str, subprocess.Popen[bytes]] = {}  # or run last, by name
        self._pidfds: dict[int, tuple[str, str, subprocess.Popen[bytes]]] = {}
        self._starved: dict[int, int] = {}  # processes that the kernel had killed before, by pid
        self._requests: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._woken, self._wake = os.pipe()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._stopping = threading.Event()
        self._gone = threading.Condition()
        threading.Thread(target=self._watch, name="circuit-processes", daemon=True).start()

    def start(self, name: str, life: str, config: dict[str, Any]) -> None:
        """Start a process and hand it its configuration; returns once it exists.

        Raises:
            OSError: the system starts no more processes.
        """
        started: Future[None] = Future()

        def launch() -> None:
            try:
                self._launch(name, life, config)
            except BaseException as error:  # noqa: BLE001 (it is the starter's)
                started.set_exception(error)
            else:
                started.set_result(None)

        self._ask(launch)
        started.result()

    def pid(self, name: str) -> int:
        """Return the process id of a worker."""
        return self._running[name].pid

    def kill(self, name: str) -> None:
        """Kill a process; its end is told as any other."""
        self._running[name].kill()

    def stop(self) -> None:
        """Tell all to end, wait for them, and kill those that take longer than GOODBYE_SECONDS."""
        self._stopping.set()
        self._ask(self._dismiss)
        with self._gone:
            if not self._gone.wait_for(lambda: not self._pidfds, GOODBYE_SECONDS):
                self._ask(self._kill)
                self._gone.wait_for(lambda: not self._pidfds, GOODBYE_SECONDS)
        os.close(self._wake)

    def _ask(self, request: Callable[[], None]) -> None:
        self._requests.put(request)
        os.write(self._wake, b"+")

    def _watch(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fd == self._woken:
                    if not os.read(self._woken, 1):
                        self._selector.close()
                        os.close(self._woken)
                        return
                    self._requests.get_nowait()()
                else:
                    self._reap(key.fd)

    def _launch(self, name: str, life: str, config: dict[str, Any]) -> None:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", self._module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,  # the terminal's Ctrl-C is for the driver, which then ends its workers
        )
        assert process.stdin and process.stdout and process.stderr
        self._running[name] = process
        self._starved[process.pid] = _out_of_memory()
        self._console.add(name, os.dup(process.stdout.fileno()), os.dup(process.stderr.fileno()))
        process.stdout.close()
        process.stderr.close()
        pidfd = os.pidfd_open(process.pid)
        self._pidfds[pidfd] = name, life, process
        self._selector.register(pidfd, selectors.EVENT_READ)
        try:
            process.stdin.write(json.dumps(config).encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:  # it ended at once; its end is told like any other
            return

    def _reap(self, pidfd: int) -> None:
        name, life, process = self._pidfds[pidfd]
        status = process.wait()
        starved = _out_of_memory() > self._starved.pop(process.pid)
        if not self._stopping.is_set():
            words = self._console.last_words(name, LAST_WORDS_SECONDS)
            self._ended(Ended(name, life, process.pid, _how(status, starved=starved), words))
        self._selector.unregister(pidfd)
        os.close(pidfd)
        with self._gone:
            del self._pidfds[pidfd]
            self._gone.notify_all()

    def _dismiss(self) -> None:
        for process in self._running.values():
            assert process.stdin
            try:
                process.stdin.close()
            except BrokenPipeError:  # gone already
                continue

    def _kill(self) -> None:
        for _, _, process in self._pidfds.values():
            process.kill()


def _out_of_memory() -> int:
    """Return how many processes the kernel has killed since it was out of memory (`oom_kill`, Linux 4.13)."""
    try:
        counters = dict(line.split() for line in KERNEL_COUNTERS.read_text().splitlines())
        return int(counters.get("oom_kill", 0))
    except OSError:  # no such system
        return 0


def _how(status: int, *, starved: bool) -> str:
    if status >= 0:
        return f"exited with status {status}"
    if status == -signal.SIGKILL and starved:
        return "was killed by SIGKILL while the system was out of memory"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
