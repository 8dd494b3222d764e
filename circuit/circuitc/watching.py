"""Watching: build again whenever sources change.

The operating system tells that something happened in a folder (watchfiles). That is a
reason to look, and no more: what decides is whether the sources are others than at the
last look, so outputs beside them, or a busy log file, cause nothing.

Rules: a look is taken before a build, so a change during the build is seen by the next
one. One more look follows soon after the watch began, for what changed just before.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from watchfiles import watch

from circuit.circuitc.building import build
from circuit.circuitc.jobs import Job, Plan, Settings
from circuit.circuitc.paths import is_folder, is_there
from circuit.circuitc.reporting import Report, summary

# Editors write a file in several steps: a change counts when none has followed for a moment.
QUIET_MS = 50
PATIENCE_MS = 1_000
SECOND_LOOK_MS = 1_000

Look = dict[Path, tuple[int, int, int]]


def watch_and_build(
    root: Path, plan: Callable[[], Plan], settings: Settings, report: Report, *, recursive: bool
) -> None:
    """Build the plan of a folder now, and whenever its sources change; ends if the folder is gone.

    Ctrl-C comes out as KeyboardInterrupt.
    """
    planned = plan()
    seen = _look(planned)
    _build(planned, settings, report)
    for _ in _events(root, recursive=recursive):
        if not is_folder(root):
            report.trouble(f"{root} is gone")
            return
        before, planned = planned, plan()
        states, seen = seen, _look(planned)
        if states == seen:
            continue
        for job in before.jobs:
            if job.source in states.keys() - seen.keys():
                report.news(_farewell(job))
        _build(planned, settings, report)


def _events(root: Path, *, recursive: bool) -> Iterator[None]:
    """Yield when something in a folder may have changed, and once soon after the start."""
    looked = False
    for changes in watch(
        root,
        watch_filter=None,
        debounce=PATIENCE_MS,
        step=QUIET_MS,
        rust_timeout=SECOND_LOOK_MS,
        yield_on_timeout=True,
        recursive=recursive,
        ignore_permission_denied=True,
    ):
        if changes or not looked:
            yield
        looked = True


def _look(planned: Plan) -> Look:
    """Return what tells one state of the sources from another."""
    states: Look = {}
    for job in planned.jobs:
        if job.source:
            try:
                state = job.source.stat()
            except OSError:
                continue
            states[job.source] = (state.st_mtime_ns, state.st_size, state.st_ino)
    return states


def _build(plan: Plan, settings: Settings, report: Report) -> None:
    began = time.perf_counter()
    results = build(plan, settings, report)
    seconds = time.perf_counter() - began
    report.news(f"{time.strftime('%H:%M:%S')} {summary(results) or 'no sources'}, in {seconds:.2f} s")


def _farewell(job: Job) -> str:
    gone = f"{job.source} is gone"
    return f"{gone}; its output {job.output} stays" if job.output and is_there(job.output) else gone
