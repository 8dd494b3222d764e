"""Cycles of references across nodes: they are never freed, and `circuit.refs()` tells them."""

import time

import pytest

import circuit

SECONDS = 30.0


class Link:
    """An object that may refer to others."""

    def __init__(self):
        self.others = []

    def refer_to(self, other):
        self.others.append(other)


def make():
    return circuit.ref(Link())


@pytest.fixture
def cluster():
    with circuit.cluster(workers=2) as started:
        yield started


def leaked():
    return sorted((row.owner, row.kind) for row in circuit.refs() if row.leaked)


def wait_until(condition):
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until, "it never came true"


def test_a_cycle_across_nodes_is_told_once_nobody_can_reach_it(cluster):
    first, second, hanging = (circuit.call(make).on(name).result() for name in ("w1", "w2", "driver"))
    first.refer_to(second)
    second.refer_to(first)
    second.refer_to(hanging)
    del first, hanging
    assert leaked() == []  # all three are reached through the second
    del second
    wait_until(lambda: leaked() == [("driver", "Link"), ("w1", "Link"), ("w2", "Link")])


def test_what_a_running_call_has_is_not_leaked(cluster):
    def keep(ref, ready, gate):
        ready.send("ready")
        gate.recv()

    ready, gate = circuit.channel(), circuit.channel()
    ref = circuit.call(make).on("w2").result()
    ref.refer_to(ref)  # of itself, on its own node
    running = circuit.call(keep, ref, ready, gate).on("w1")
    del ref
    ready.recv(timeout=SECONDS)
    assert leaked() == []
    gate.send(None, timeout=SECONDS)
    running.result(timeout=SECONDS)
    wait_until(lambda: leaked() == [("w2", "Link")])
