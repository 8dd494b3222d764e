"""What storms have found, each made to happen without one."""

import os
import signal
import threading
import time

import pytest

import circuit


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


def take(value):
    (value / "called").touch()


def large():
    return bytes(2**20)


def nothing():
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
