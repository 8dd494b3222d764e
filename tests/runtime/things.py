"""An object that tells of its end, and what the tests of references ask of a cluster."""

import os
import signal
import threading
import time

import circuit
from circuit.runtime import current

SECONDS = 60.0
"""How long a test waits for what another process is to do."""


class Thing:
    """An object that says where it is, and where it ended."""

    attribute = 3

    def __init__(self, freed):
        self.freed = freed

    def where(self, *_):
        return circuit.here().name

    async def where_async(self):
        return circuit.here().name

    def count(self, number):
        yield from range(number)

    async def count_async(self, number):
        for item in range(number):
            yield item

    def fail(self):
        raise LookupError("no")

    def wait(self, gate):
        return gate.recv()

    @staticmethod
    def double(number):
        return 2 * number

    @classmethod
    def kind(cls):
        return cls.__name__

    @property
    def broken(self):
        raise KeyError("broken")

    def __del__(self):
        self.freed.send(circuit.here().name)


def make(freed, *, serial=False):
    return circuit.ref(Thing(freed), serial=serial)


def make_on(name, freed, **options):
    """Return the only reference to a new Thing on a worker."""
    return circuit.call(make, freed, **options).on(name).result(timeout=SECONDS)


def ask(thing, *_):
    return thing.where()


def raise_with(thing):
    raise LookupError(thing)


def produce(thing):
    yield thing


def send_through(channel, thing):
    channel.send(thing)


def keep_in_a_global(thing):
    globals()["kept"] = thing


def kept_in_a_global():
    return globals()["kept"]


def forget_the_global():
    del globals()["kept"]


def kill(cluster, name):
    """Kill a worker in the midst of whatever it does; return its process id."""
    pid = cluster.pid(circuit.worker(name))
    os.kill(pid, signal.SIGKILL)
    return pid


def holders(kind):
    """Return the owners of the objects of a type, with the names of who else has references to them."""
    return sorted((row.owner, set(row.holders)) for row in circuit.refs() if row.kind == kind)


def running_on(name):
    """Return how many calls run on a worker, with the one that asks."""
    return circuit.call(lambda: current.node().tables()["running"]).on(name).result(timeout=SECONDS)


def wait_until(condition):
    """Wait for a condition that another process brings about."""
    pause = threading.Event()
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until, f"it did not come about in {SECONDS:g} s"
        pause.wait(0.01)
