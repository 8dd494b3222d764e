"""The crew: processes that compile jobs side by side, one for each core.

They are forks of this process: it has the compiler loaded, and no second thread yet.
Ctrl-C reaches all of them, but only this one minds it; they end with this process,
however it ends, when each has finished the file it is at.

If one of them dies, of a signal or for want of memory, the executor ends the others.
The jobs that were in hand are then compiled one by one, each in a process of its own,
so that the one it died of is known; a new crew takes the rest.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from circuit.circuitc.compiling import compile_job
from circuit.circuitc.jobs import Job, Outcome, Result, Settings

_TERMINATION = {signal.SIGTERM}
_INTERRUPT = {signal.SIGINT}


@contextmanager
def compile_side_by_side(jobs: Sequence[Job], settings: Settings) -> Iterator[Iterator[Outcome]]:
    """Start to compile; the iterator waits for the outcomes, in the order of the jobs.

    What has not begun when the context is left is not done.
    """
    size = min(len(os.sched_getaffinity(0)), len(jobs))
    crew = _hire(size)
    try:
        given = [(job, _submit(crew, job, settings)) for job in jobs]
        # Each process has a job, and the executor has put aside one more than there are processes.
        yield _outcomes(given, settings, in_hand=2 * size + 1)
    finally:
        crew.shutdown(cancel_futures=True)


def _outcomes(
    given: Sequence[tuple[Job, Future[Outcome]]], settings: Settings, in_hand: int
) -> Iterator[Outcome]:
    lost = 0
    for index, (job, future) in enumerate(given):
        outcome = _outcome(future)
        if outcome is None:
            lost += 1
            if lost > in_hand:
                with compile_side_by_side([job for job, _ in given[index:]], settings) as outcomes:
                    yield from outcomes
                return
            outcome = _compile_alone(job, settings)
        yield outcome


def _compile_alone(job: Job, settings: Settings) -> Outcome:
    with _hire(1) as crew:
        outcome = _outcome(_submit(crew, job, settings))
    trouble = f"cannot compile {job.name}: the process compiling it died"
    return outcome or Outcome(Result.IMPOSSIBLE, trouble=trouble)


def _submit(crew: ProcessPoolExecutor, job: Job, settings: Settings) -> Future[Outcome]:
    signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPT)  # a process that is forked here does not mind it yet
    try:
        return crew.submit(_compile, job, settings)
    except BrokenProcessPool as broken:
        lost: Future[Outcome] = Future()
        lost.set_exception(broken)
        return lost
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPT)


def _outcome(future: Future[Outcome]) -> Outcome | None:
    """Wait for an outcome; None if the process that was to bring it has died."""
    try:
        return future.result()
    except BrokenProcessPool:
        return None


def _hire(size: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(size, mp_context=multiprocessing.get_context("fork"), initializer=_begin)


def _begin() -> None:
    """Make a new process one of the crew: SIGTERM ends it, but not at a file."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # A thread begins with the mask of its creator, so the signal is left to the thread that compiles.
    signal.pthread_sigmask(signal.SIG_BLOCK, _TERMINATION)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _TERMINATION)


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _compile(job: Job, settings: Settings) -> Outcome:
    signal.pthread_sigmask(signal.SIG_BLOCK, _TERMINATION)
    try:
        return compile_job(job, settings)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _TERMINATION)
