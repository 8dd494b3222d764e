"""What storms have found, each made to happen without one."""

import asyncio
import contextvars
import importlib
import os
import signal
import threading
import time
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

import circuit
from circuit.runtime.execution import Execution
from circuit.runtime.messages import Call
from circuit.runtime.pickling import dumps_arguments
from circuit.runtime.threads import Threads


class Slow:
    """A value whose rebuilding takes until `go` exists; it writes down how far it came."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return rebuild, (self.folder,)


def rebuild(folder):
    (folder / "begun").touch()
    while not (folder / "go").exists():
        pass
    (folder / "done").touch()
    return folder


class SlowToGo:
    """An object whose finalizer takes until `go` exists."""

    def __init__(self, folder):
        self.folder = folder

    def __del__(self):
        (self.folder / "begun").touch()
        while not (self.folder / "go").exists():
            pass


def linger(folder):
    try:
        SlowToGo(folder)  # goes at once
        while True:
            time.sleep(0.005)
    finally:
        (folder / "ended").touch()


def take(value):
    (value / "called").touch()


def large():
    return bytes(2**20)


AT_AN_IMPORT_LOCK = """any(
    frame.f_code.co_filename == "<frozen importlib._bootstrap>"
    for frame in __import__("sys")._current_frames().values()
)"""
"""Whether a thread of the process waits for an import of another one; told without an import."""


class Waiting(SourceFileLoader):
    """A loader that gives the code of its module when `go` exists."""

    def get_code(self, name):
        folder = Path(self.path).parent
        (folder / "asked").touch()
        wait_until((folder / "go").exists)
        return super().get_code(name)


def nothing():
    return None


async def hold_the_loop(folder):
    (folder / "begun").touch()
    while not asyncio.get_running_loop()._ready:
        pass
    (folder / "handed").touch()
    while not (folder / "go").exists():
        pass


async def nothing_async():
    return None


def wait_until(condition):
    """Wait for what another process brings about, at most 30 s."""
    pause = threading.Event()
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until, "it did not come about in 30 s"
        pause.wait(0.005)


@pytest.fixture
def cluster():
    with circuit.cluster(workers=1) as started:
        yield started


def test_a_cancel_does_not_strike_within_the_import_of_what_the_call_needs(cluster, tmp_path):
    # Struck there, Python's import machinery keeps a lock for ever, and all later calls hang.
    future = circuit.call(take, Slow(tmp_path)).on("w1")
    wait_until((tmp_path / "begun").exists)
    future.cancel()
    circuit.call(nothing).on("w1").result(timeout=30)  # behind the cancel, in order
    (tmp_path / "go").touch()
    wait_until((tmp_path / "done").exists)
    circuit.call(nothing).on("w1").result(timeout=30)
    assert not (tmp_path / "called").exists()


def test_a_large_outcome_that_is_lost_before_it_was_fetched_is_not_reported_to_who_asked(cluster, capfd):
    future = circuit.call(large).on("w1")
    wait_until(future.done)
    os.kill(cluster.pid(cluster.workers[0]), signal.SIGKILL)
    with pytest.raises(circuit.WorkerLost):
        future.result(timeout=30)
    del future
    cluster.close()  # which tells of all errors that nobody asked for
    assert "nobody asked" not in capfd.readouterr().err


def test_a_cancelled_call_does_not_take_along_the_import_that_others_wait_for(cluster, tmp_path, monkeypatch):
    (tmp_path / "found_inner.py").write_text("")
    (tmp_path / "found_outer.py").write_text("import found_inner\ndef one(): return 1\ndef two(): return 2")
    monkeypatch.syspath_prepend(tmp_path)
    outer, inner = (importlib.import_module(name) for name in ("found_outer", "found_inner"))
    inner.__spec__.loader = Waiting("found_inner", inner.__file__)
    first = circuit.call(outer.one).on("w1")
    wait_until((tmp_path / "asked").exists)
    second = circuit.call(outer.two).on("w1")
    wait_until(lambda: circuit.call(eval, AT_AN_IMPORT_LOCK).on("w1").result(timeout=30))
    first.cancel()
    circuit.call(abs, -1).on("w1").result(timeout=30)  # behind the cancel, in order
    (tmp_path / "go").touch()
    assert second.result(timeout=30) == 2


def test_a_cancel_that_comes_while_a_coroutine_is_handed_to_its_loop_reaches_it():
    # Held back by the shield of that, it once struck only the thread, and the coroutine went on for ever.
    class Loop:
        def start(self, coroutine, ended, strikes):
            coroutine.close()
            ended()
            execution.interrupt()
            return cancelled.set

    cancelled, threads = threading.Event(), Threads()
    execution = Execution(
        Call(1, dumps_arguments((), {})), lambda _: None, nothing, nothing, nothing, lambda _: None, 1
    )
    execution.start(threads, Loop(), lambda: nothing_async, contextvars.Context())
    assert cancelled.wait(30)
    threads.close()


def test_nobody_is_blamed_for_a_coroutine_that_was_cancelled_before_it_began(cluster, tmp_path, capfd):
    first = circuit.call(hold_the_loop, tmp_path).on("w1")
    wait_until((tmp_path / "begun").exists)
    second = circuit.call(nothing_async).on("w1")
    wait_until((tmp_path / "handed").exists)
    second.cancel()
    circuit.call(nothing).on("w1").result(timeout=30)  # behind the cancel, in order
    (tmp_path / "go").touch()
    first.result(timeout=30)
    cluster.close()
    assert capfd.readouterr().err == ""


def test_a_cancel_that_strikes_in_a_finalizer_strikes_again_after_it(tmp_path, cluster):
    future = circuit.call(linger, tmp_path).on("w1")
    wait_until((tmp_path / "begun").exists)
    future.cancel()
    circuit.call(abs, -1).on("w1").result(timeout=30)  # by then the worker has heard of the cancel
    (tmp_path / "go").touch()
    wait_until((tmp_path / "ended").exists)
