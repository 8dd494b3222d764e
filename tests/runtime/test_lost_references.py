"""References when a process is gone: the owner, a holder, or the contact between two that live on."""

import os
import signal
import tempfile
from pathlib import Path

import pytest

import circuit
from tests.chaos.network import Network
from tests.runtime.things import SECONDS, ask, make_on, running_on, wait_until


@pytest.fixture
def cluster():
    with circuit.cluster(workers=3) as started:
        yield started


@pytest.fixture
def impatient():
    """A cluster whose nodes give each other up when they have heard nothing for two seconds."""
    with circuit.cluster(workers=2, limits=circuit.Limits(grace=1, silence=1, heartbeat=0.2)) as started:
        yield started


@pytest.fixture
def network(monkeypatch):
    """The network of a cluster whose nodes give each other up a second after their carrier broke."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # of a short name, as sockets need it
        sockets, aside = Path(folder, "sockets"), Path(folder, "aside")
        sockets.mkdir()
        aside.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", os.fspath(sockets))
        links = Network(sockets, aside, lambda name: started.pid(circuit.worker(name)))
        try:
            with circuit.cluster(workers=3, limits=circuit.Limits(grace=1)) as started:
                wait_until(lambda: len(list(aside.glob("w?-*"))) == 3)
                yield links
        finally:
            links.close()


def ask_to_wait(thing, gate):
    return thing.wait(gate)


held: list[object] = []


def hold(thing):
    held.append(thing)


def ask_what_is_held():
    return [thing.where() for thing in held]


def is_alive(worker):
    return worker.alive


def test_calls_under_way_are_lost_with_the_owner_and_later_ones_do_not_run(cluster):
    gate = circuit.channel()
    thing = make_on("w3", circuit.channel(1))
    under_way = [circuit.call(thing.wait, gate).on(thing), circuit.call(ask_to_wait, thing, gate).on("w1")]
    wait_until(lambda: running_on("w3") == len(under_way) + 1)
    pid = cluster.pid(circuit.worker("w3"))
    os.kill(pid, signal.SIGKILL)
    for future in under_way:
        error = future.exception(timeout=SECONDS)
        assert type(error) is circuit.WorkerLost and error.worker == "w3"
        assert str(error).startswith(f"worker 'w3' (pid {pid}) was killed by SIGKILL, ")
        assert "s into Thing.wait()\n  spawned at tests/runtime/test_lost_references.py:" in str(error)
    with pytest.raises(circuit.WorkerLost, match=r"it did not run"):
        thing.where()


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "restarted"])
def test_a_reference_to_what_a_restarted_worker_had_says_so(cluster, killed):
    old = circuit.worker("w3")
    thing = make_on("w3", circuit.channel(1))
    circuit.call(hold, thing).on("w2").result(timeout=SECONDS)
    if killed:
        os.kill(cluster.pid(old), signal.SIGKILL)
        wait_until(lambda: not old.alive)
    new = cluster.restart("w3")
    assert new.name == "w3" and new != old
    for name in ("driver", "w1", "w2"):
        wait_until(lambda name=name: not circuit.call(is_alive, old).on(name).result(timeout=SECONDS))
    how = "was killed by SIGKILL" if killed else "was restarted"
    asking = [
        circuit.call(thing.where).on(thing),
        circuit.call(ask, thing).on("w1"),
        circuit.call(ask_what_is_held).on("w2"),
        circuit.call(ask, thing).on("w3"),
    ]
    for future in asking:
        error = future.exception(timeout=SECONDS)
        assert type(error) is circuit.OwnerRestarted
        assert error.reference == "<Ref to a Thing on 'w3'>"
        assert error.reason.endswith("; its new life is without the object")
    with pytest.raises(circuit.OwnerRestarted, match=rf"'w3' {how}; its new life is without the object$"):
        thing.where()
    again = make_on("w3", circuit.channel(1))
    assert again != thing and again.where() == "w3"


# Out of contact. Whoever gave another one up holds by that.


def test_an_owner_that_stood_still_for_too_long_is_given_up(impatient):
    gate = circuit.channel()
    thing = make_on("w1", circuit.channel(1))
    under_way = circuit.call(thing.wait, gate).on(thing)
    wait_until(lambda: running_on("w1") == 1 + 1)
    os.kill(impatient.pid(circuit.worker("w1")), signal.SIGSTOP)
    with pytest.raises(circuit.WorkerLost, match=r"^worker 'w1' \(pid \d+\) was out of contact for 1 s, "):
        under_way.result(timeout=SECONDS)
    told = r"^<Ref to a Thing on 'w1'> is stale: 'w1' was out of contact for 1 s"
    with pytest.raises(circuit.StaleReference, match=told):
        thing.where()
    with pytest.raises(circuit.StaleReference, match=told):
        circuit.call(ask, thing).on("w2").result(timeout=SECONDS)


def test_what_a_holder_had_that_stood_still_for_too_long_is_freed(impatient):
    freed = circuit.channel(1)
    circuit.call(hold, make_on("w1", freed)).on("w2").result(timeout=SECONDS)
    assert circuit.call(ask_what_is_held).on("w2").result(timeout=SECONDS) == ["w1"]
    os.kill(impatient.pid(circuit.worker("w2")), signal.SIGSTOP)
    assert freed.recv(timeout=SECONDS) == "w1"


def test_a_worker_that_another_one_gave_up_finds_its_references_stale(network):
    freed = circuit.channel(1)
    kept = make_on("w1", circuit.channel(1))
    circuit.call(hold, make_on("w1", freed)).on("w2").result(timeout=SECONDS)
    assert circuit.call(ask_what_is_held).on("w2").result(timeout=SECONDS) == ["w1"]
    network.refuse(("w1", "w2"), True)
    assert freed.recv(timeout=SECONDS) == "w1"
    network.refuse(("w1", "w2"), False)
    told = r"^<Ref to a Thing on 'w1'> is stale: 'w1' was out of contact for 1 s"
    with pytest.raises(circuit.StaleReference, match=told):
        circuit.call(ask_what_is_held).on("w2").result(timeout=SECONDS)
    assert kept.where() == "w1"
    assert circuit.call(ask, kept).on("w3").result(timeout=SECONDS) == "w1"
    with pytest.raises(circuit.StaleReference, match=told):
        circuit.call(ask, kept).on("w2").result(timeout=SECONDS)
