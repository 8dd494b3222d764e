"""What a worker process runs: `python -m circuit.runtime.worker`, started by its cluster.

Its configuration is the first line of standard input, as JSON; the end of that pipe is the order
to go, given by the driver's close or by the driver's death.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
import time
from contextvars import Context
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from circuit.runtime import current, modules
from circuit.runtime.call import call
from circuit.runtime.errors import CircuitError
from circuit.runtime.import_shield import shield_imports
from circuit.runtime.imports import ProgramFinder
from circuit.runtime.limits import Limits
from circuit.runtime.messages import NodeId
from circuit.runtime.node import Node
from circuit.runtime.places import Worker
from circuit.runtime.program import Changes, NotServed, ProgramModule
from circuit.runtime.transport import on_transport_thread

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 0.5
EXIT_SECONDS = 1.5


def main() -> None:
    """Be a worker until told to go."""
    lifeline = os.dup(sys.stdin.fileno())
    config = _read_config(lifeline)
    _die_with(config["parent"])
    _take_over_console()
    shield_imports()
    registrar = NodeId(*config["registrar"])
    node = Node(
        NodeId(*config["me"]),
        config["cluster"],
        Path(config["folder"]),
        [NodeId(*member) for member in config["members"]],
        registrar,
        Limits(**config["limits"]),
        _leave,
    )
    current.fill(node)
    _import_from(Worker(registrar), node.me.name)
    node.serve()
    node.reach(registrar)
    while os.read(lifeline, 1):
        continue
    threading.Thread(target=_end_anyway, name="circuit-end", daemon=True).start()
    node.drop_calls()
    node.stop_running(STOP_SECONDS)


def _read_config(fd: int) -> dict[str, Any]:
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(fd, 1)
        if not byte:  # the driver went before it had said anything
            sys.exit(0)
        line += byte
    config: dict[str, Any] = json.loads(line)
    return config


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when the driver is gone, even if Python cannot run."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it went in between
        os._exit(1)


def _take_over_console() -> None:
    """Leave standard input empty, and write whole lines at once."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(line_buffering=True, encoding="utf-8", errors="backslashreplace")


def _import_from(driver: Worker, me: str) -> None:
    """Have the program's modules imported, and kept up to date, from the process that runs it.

    What is asked belongs to no call (an empty context): if the one that imports first is cancelled,
    others wait for the same module.
    """

    def fetch(name: str) -> ProgramModule | NotServed | None:
        if on_transport_thread():  # it would wait for a frame that only it can bring
            return None
        try:
            return Context().run(lambda: call(modules.serve, name).on(driver).result())
        except CircuitError as error:
            raise ImportError(f"cannot ask the driver for module {name!r}: {error}", name=name) from error

    def changes(since: int) -> Changes:
        return Context().run(lambda: call(modules.changes, since).on(driver).result())

    finder = ProgramFinder(me, fetch, changes)
    sys.meta_path.insert(0, finder)
    modules.import_with(finder)


def _leave(node: NodeId) -> None:
    """End this process: the driver no longer listens to it, and nobody else would stop it."""
    sys.stderr.write("circuit: this worker was out of contact with its driver for too long, and ends\n")
    os._exit(1)


def _end_anyway() -> None:
    """End the process when its own threads keep it from ending."""
    time.sleep(EXIT_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    main()
