"""What is told of a hang, before this process ends itself and the workers with it."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import gc
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable

from circuit.runtime import current
from tests.chaos.field import Field
from tests.chaos.journal import STACKS_SIGNAL
from tests.chaos.tables import sizes

STACKS_SECONDS = 0.5


def stacks() -> str:
    """Tell what each call that this process runs is doing."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    told = [
        line
        for ident, frame in sys._current_frames().items()
        for line in (f"thread {names.get(ident)}:\n", *traceback.format_stack(frame))
    ]
    tasks = [thing for thing in gc.get_objects() if isinstance(thing, asyncio.Task) and not thing.done()]
    for task in tasks:
        told += [f"{task!r}:\n", *(f"  at {frame}\n" for frame in task.get_stack())]
    peers = current.node()._core.peers
    told += [
        f"{node} is {peer.session.state.name}: {peer.dialled=} {peer.dials_us=} {peer.death=} "
        f"{peer.session.unacknowledged} unacknowledged {list(peer.session._waiting)[:3]!r:.300}\n"
        for node, peer in peers
    ]
    told += [f"down: {down!r:.150}\n" for down in peers.down.values()]
    told += [f"lives: {life}\n" for life in peers.lives_now]
    return "".join(told)


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
