"""What is told of a hang, before this process ends itself and the workers with it."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import time
from collections.abc import Callable

from circuit.runtime import current
from tests.chaos.field import Field
from tests.chaos.journal import STACKS_SIGNAL
from tests.chaos.tables import sizes

STACKS_SECONDS = 0.5


def end(what: str, field: Field, pid: Callable[[str], int], say: Callable[[str], None]) -> None:
    """Tell what hangs, what else was found, and where every thread of every process is; end with status 1."""
    say(f"HUNG: {what}")
    for found in field.findings:
        say(f"FOUND: {found}")
    node = current.node()
    for handle in list(node._handles.values()):
        say(f"pending: {handle!r}")
    say(f"tables of the driver: { {path: size for path, size in sizes().items() if size} }")
    faulthandler.dump_traceback(sys.stderr, all_threads=True)
    for name in field.workers:
        stacks = field.journal.stacks(pid(name))
        if not stacks.exists():  # it has not said that it can dump them: the signal would kill it
            continue
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid(name), signal.SIGCONT)
            os.kill(pid(name), STACKS_SIGNAL)
            time.sleep(STACKS_SECONDS)
            say(f"stacks of {name}:\n{stacks.read_text()}")
    os._exit(1)
