"""References on real processes: an object goes when its last reference does, however that goes."""

import gc

import pytest

import circuit
from tests.runtime.things import (
    SECONDS,
    ask,
    forget_the_global,
    holders,
    keep_in_a_global,
    kept_in_a_global,
    kill,
    make,
    make_on,
    produce,
    raise_with,
    send_through,
    wait_until,
)

LARGE = 1_000_000


@pytest.fixture(scope="module")
def cluster():
    limits = circuit.Limits(heartbeat=600, silence=1200)  # nothing here may wait for a sign of life
    with circuit.cluster(workers=3, limits=limits) as started:
        yield started


@pytest.fixture
def freed(cluster):
    """A channel in which each Thing writes down where it ended."""
    return circuit.channel(100)


@pytest.fixture
def gate(cluster):
    """A channel from which calls take their results: they end when the test says so."""
    return circuit.channel()


@pytest.fixture
def mortal(cluster):
    """The name of a worker that the test may kill."""
    yield "w3"
    cluster.restart("w3")
    assert circuit.call(abs, -1).on("w3").result(timeout=SECONDS) == 1


@pytest.fixture
def uncollected(cluster):
    """Leave cycles where they are on every node: the runtime itself is to make none."""
    nodes = [*circuit.workers(), circuit.here()]
    for node in nodes:
        circuit.call(gc.disable).on(node).result(timeout=SECONDS)
    yield
    for node in nodes:
        circuit.call(gc.enable).on(node).result(timeout=SECONDS)


# How it goes. Each of these has the only reference to a Thing on w1, in some way, and lets it go.


def hold_until_told(gate, thing):
    thing.where()
    gate.recv()


def hold_and_produce(thing):
    while True:
        yield thing.where()


def use_and_fail(thing):
    thing.where()
    raise LookupError("no")


def goes_with_its_name(freed, gate):
    thing = make_on("w1", freed)
    assert thing.where() == "w1"


def goes_with_a_cycle(freed, gate):
    cycle = [make_on("w1", freed)]
    cycle.append(cycle)
    assert cycle[0].where() == "w1"
    del cycle
    gc.collect()


def goes_with_the_end_of_a_call(freed, gate):
    holding = circuit.call(hold_until_told, gate, make_on("w1", freed)).on("w2")
    gate.send(1, timeout=SECONDS)
    holding.result(timeout=SECONDS)


def goes_with_the_end_of_a_function(freed, gate):
    thing = make_on("w1", freed)
    assert circuit.call(lambda: thing.where()).on("w2").result(timeout=SECONDS) == "w1"


def goes_with_a_call_that_raises(freed, gate):
    with pytest.raises(LookupError):
        circuit.call(use_and_fail, make_on("w1", freed)).on("w2").result(timeout=SECONDS)


def goes_with_a_method_that_raises(freed, gate):
    thing = make_on("w1", freed)
    with pytest.raises(LookupError):
        thing.fail()


def goes_with_an_exception_that_was_raised_again(freed, gate):
    with pytest.raises(LookupError):
        circuit.call(raise_with, make_on("w1", freed)).on("w2").result(timeout=SECONDS)


def goes_with_an_exception_in_a_coroutine(freed, gate):
    async def ask_and_raise(freed):
        thing = await circuit.call(make, freed).on("w1")
        await circuit.call(raise_with, thing).on("w3")

    with pytest.raises(LookupError):
        circuit.call(ask_and_raise, freed).on("w2").result(timeout=SECONDS)


def goes_with_an_exception(freed, gate):
    error = circuit.call(raise_with, make_on("w1", freed)).on("w2").exception(timeout=SECONDS)
    assert error.args[0].where() == "w1"


def goes_with_an_exception_that_nobody_asked_for(freed, gate):
    circuit.wait([circuit.call(raise_with, make_on("w1", freed)).on("w2")], timeout=SECONDS)


def goes_with_a_cancelled_call(freed, gate):
    holding = circuit.call(hold_until_told, gate, make_on("w1", freed)).on("w2")
    wait_until(lambda: holders("Thing") == [("w1", {"w2"})])
    holding.cancel()


def goes_with_a_call_cancelled_at_once(freed, gate):
    circuit.call(hold_until_told, gate, make_on("w1", freed)).on("w2").cancel()


def goes_with_a_call_cancelled_in_a_queue(freed, gate):
    busy = circuit.call(circuit.ref, gate, serial=True).on("w2").result(timeout=SECONDS)
    first = circuit.call(busy.recv).on(busy)
    waiting = circuit.call(busy.send, make_on("w1", freed)).on(busy)
    wait_until(lambda: holders("Thing") == [("w1", {"w2"})])
    waiting.cancel()
    first.cancel()


def goes_with_a_stream_that_is_closed(freed, gate):
    with circuit.call(hold_and_produce, make_on("w1", freed)).on("w2") as stream:
        assert next(stream) == "w1"


def goes_with_a_stream_that_is_dropped(freed, gate):
    stream = circuit.call(hold_and_produce, make_on("w1", freed)).on("w2")
    assert next(stream) == "w1"


def goes_with_an_item_that_nobody_takes(freed, gate):
    stream = circuit.call(produce, make_on("w1", freed)).on("w2")
    wait_until(lambda: stream._inbox.ended)


def goes_with_a_result_that_nobody_asks_for(freed, gate):
    circuit.wait([circuit.call(make, freed).on("w1")], timeout=SECONDS)


def goes_with_a_large_result_that_nobody_asks_for(freed, gate):
    large = circuit.call(lambda: [bytes(LARGE), make(freed)]).on("w1")
    circuit.wait([large], timeout=SECONDS)


def goes_with_a_large_result(freed, gate):
    large = circuit.call(lambda: [bytes(LARGE), make(freed)]).on("w1")
    assert large.result(timeout=SECONDS)[1].where() == "w1"


def goes_with_a_future_that_was_given(freed, gate):
    future = circuit.call(make, freed).on("w1")
    given = circuit.call(lambda future: ask(future.result()), future).on("w2")
    assert given.result(timeout=SECONDS) == "w1"


def goes_with_a_gather(freed, gate):
    several = circuit.gather(circuit.call(make, freed).on("w1"), circuit.call(abs, -1).on("w2"))
    assert several.result(timeout=SECONDS)[0].where() == "w1"


def goes_with_a_gather_that_failed(freed, gate):
    with pytest.raises(LookupError):
        circuit.gather(circuit.call(raise_with, make_on("w1", freed)).on("w2")).result(timeout=SECONDS)


def goes_with_a_value_that_is_received(freed, gate):
    sending = circuit.call(send_through, gate, make_on("w1", freed)).on("w2")
    assert gate.recv(timeout=SECONDS).where() == "w1"
    sending.result(timeout=SECONDS)


def goes_with_the_channel_it_was_sent_through(freed, gate):
    channel = circuit.call(circuit.channel, 1).on("w3").result(timeout=SECONDS)
    channel.send(make_on("w1", freed), timeout=SECONDS)


def goes_with_a_send_that_gave_up(freed, gate):
    with pytest.raises(TimeoutError):
        gate.send(make_on("w1", freed), timeout=0.02)


def goes_with_a_send_that_was_refused(freed, gate):
    gate.close()
    with pytest.raises(circuit.ChannelClosed):
        gate.send(make_on("w1", freed), timeout=SECONDS)


def goes_with_what_refers_to_it(freed, gate):
    outer = circuit.call(circuit.ref, [make_on("w1", freed)]).on("w2").result(timeout=SECONDS)
    assert outer.copy()[0].where() == "w1"


def goes_with_a_reference_to_the_reference(freed, gate):
    outer = circuit.call(circuit.ref, make_on("w1", freed)).on("w2").result(timeout=SECONDS)
    assert repr(outer) == "<Ref to a Ref on 'w2'>" and outer.where() == "w1"
    assert list(outer.count(2)) == [0, 1]


def goes_with_the_global_of_a_worker(freed, gate):
    circuit.call(keep_in_a_global, make_on("w1", freed)).on("w2").result(timeout=SECONDS)
    assert ask(circuit.call(kept_in_a_global).on("w2").result(timeout=SECONDS)) == "w1"
    circuit.call(forget_the_global).on("w2").result(timeout=SECONDS)


def goes_with_a_stopped_spawner(freed, gate):
    def start_and_wait():
        started = circuit.call(hold_until_told, gate, make(freed)).on("w2")
        started.result()

    future = circuit.call(start_and_wait).on("w1")
    wait_until(lambda: holders("Thing") == [("w1", {"w2"})])
    future.cancel()


WAYS = [value for name, value in list(globals().items()) if name.startswith("goes_with_")]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_an_object_goes_when_its_last_reference(cluster, freed, gate, uncollected, way):
    way(freed, gate)
    assert freed.recv(timeout=SECONDS) == "w1"


def test_an_object_goes_when_its_holder_is_killed(cluster, freed, mortal):
    circuit.call(keep_in_a_global, make_on("w1", freed)).on(mortal).result(timeout=SECONDS)
    wait_until(lambda: holders("Thing") == [("w1", {mortal})])
    kill(cluster, mortal)
    assert freed.recv(timeout=SECONDS) == "w1"


@pytest.mark.parametrize("owner", ["w1", "driver"])
def test_an_object_goes_when_the_worker_of_its_calls_is_killed(cluster, freed, gate, mortal, owner):
    lost = circuit.call(hold_until_told, gate, make_on(owner, freed)).on(mortal)
    wait_until(lambda: holders("Thing") == [(owner, {mortal})])
    kill(cluster, mortal)
    assert freed.recv(timeout=SECONDS) == owner
    assert type(lost.exception(timeout=SECONDS)) is circuit.WorkerLost


def test_a_finalizer_may_use_the_cluster_and_fail(cluster):
    class Careless:
        def __init__(self, notes):
            self.notes = notes

        def __del__(self):
            self.notes.send(circuit.call(abs, -7).on("w2").result())
            raise KeyError("finalizer")

    notes = circuit.channel(2)
    for _ in range(2):  # the second one is let go of after the first one has failed
        circuit.call(lambda: circuit.ref(Careless(notes))).on("w1").result(timeout=SECONDS)
        assert notes.recv(timeout=SECONDS) == 7


def test_refs_lists_what_is_held_by_whom(cluster, freed):
    thing = make_on("w1", freed)
    circuit.call(keep_in_a_global, thing).on("w2").result(timeout=SECONDS)
    wait_until(lambda: holders("Thing") == [("w1", {"driver", "w2"})])
    mine = circuit.ref({})
    (row,) = (row for row in circuit.refs() if row.kind == "dict")
    assert (row.owner, row.uses, row.on_their_way, row.holders) == ("driver", 1, 0, ())
    del mine
    circuit.call(forget_the_global).on("w2").result(timeout=SECONDS)
    wait_until(lambda: holders("Thing") == [("w1", {"driver"})])
    assert circuit.call(holders, "Thing").on("w3").result(timeout=SECONDS) == [("w1", {"driver"})]
    del thing
    assert freed.recv(timeout=SECONDS) == "w1"
    wait_until(lambda: not {"Thing", "dict"} & {row.kind for row in circuit.refs()})


def test_refs_tells_what_else_is_kept_for_others(cluster):
    channel, large = circuit.channel(1), circuit.call(bytes, 2**20).on("w1")
    wait_until(large.done)
    pending = circuit.call(lambda: channel.recv()).on("w2")
    given = circuit.call(pending.__class__.done, pending).on("w3")
    assert given.result(timeout=SECONDS) is False
    assert {("driver", "Channel"), ("w1", "outcome"), ("driver", "Future")} <= {
        (row.owner, row.kind) for row in circuit.refs()
    }
    channel.send(None, timeout=SECONDS)
    pending.result(timeout=SECONDS)
