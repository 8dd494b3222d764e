"""References on real processes: whom they reach, how they travel, and when what they mean is let go of."""

import functools
import gc
import itertools
import os
import signal
import threading
import time

import pytest

import circuit
from circuit.runtime import current
from circuit.runtime.ref import owned

SECONDS = 30.0
"""How long a test waits for what another process is to do."""
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


def give_back(value):
    return value


# How it is called.


@pytest.mark.parametrize("owner", ["w1", "driver"])
def test_methods_of_every_kind_run_where_the_object_lives(cluster, freed, owner):
    thing = make_on(owner, freed)
    assert thing.where() == thing.where_async() == owner
    assert (thing.double(4), thing.kind()) == (8, "Thing")
    assert circuit.call(thing.where).on(thing).result(timeout=SECONDS) == owner
    assert circuit.call(thing.where).on("w2").result(timeout=SECONDS) == owner
    assert circuit.call(functools.partial(thing.double, 4)).on("w2").result(timeout=SECONDS) == 8
    assert circuit.call(circuit.here).on(thing).result(timeout=SECONDS).name == owner
    with pytest.raises(LookupError, match="no") as caught:
        thing.fail()
    assert caught.value.__notes__[-1].startswith(f"raised on worker {owner!r} (pid ")
    assert ", spawned at tests/runtime/test_references.py:" in caught.value.__notes__[-1]


def test_a_method_that_is_spawned_on_a_third_worker_tells_where_it_failed_on_its_way(cluster, freed):
    thing = make_on("w1", freed)
    error = circuit.call(thing.fail).on("w2").exception(timeout=SECONDS)
    there, here = error.__notes__
    assert there.startswith("raised on worker 'w1' (pid ") and there.endswith(", spawned at worker 'w2'")
    assert here.startswith("raised on worker 'w2' (pid ") and "test_references.py:" in here


@pytest.mark.parametrize("owner", ["w1", "driver"])
@pytest.mark.parametrize("method", ["count", "count_async"])
def test_generator_methods_are_streams(cluster, freed, owner, method):
    thing = make_on(owner, freed)
    count = getattr(thing, method)

    def add_up(thing):
        return sum(getattr(thing, method)(4))

    assert isinstance(count(3), circuit.Stream) and list(count(3)) == [0, 1, 2]
    assert list(circuit.call(count, 3).on(thing)) == [0, 1, 2]
    assert list(circuit.call(count, 3).on("w2")) == [0, 1, 2]
    assert circuit.call(add_up, thing).on("w3").result(timeout=SECONDS) == 6


def test_calls_of_a_plain_reference_run_side_by_side(cluster):
    barrier = circuit.call(lambda: circuit.ref(threading.Barrier(3))).on("w1").result(timeout=SECONDS)
    waiting = [circuit.call(barrier.wait, SECONDS).on(barrier) for _ in range(3)]
    assert sorted(future.result(timeout=SECONDS) for future in waiting) == [0, 1, 2]


class Diary:
    """Writes down when each of its methods begins and ends; each lets others begin, if they may."""

    def __init__(self):
        self.lines = []

    def write(self, mark):
        self.lines.append(mark)
        circuit.call(abs, -1).on("w3").result()
        self.lines.append(mark)

    async def write_async(self, mark):
        self.lines.append(mark)
        await circuit.call(abs, -1).on("w3")
        self.lines.append(mark)

    def write_items(self, mark):
        self.lines.append(mark)
        try:
            yield from itertools.count()
        finally:
            self.lines.append(mark)

    def write_and_fail(self, mark):
        self.write(mark)
        raise LookupError(mark)

    def read(self):
        return self.lines


def start_diary():
    return circuit.ref(Diary(), serial=True)


@pytest.mark.parametrize("owner", ["w1", "driver"])
def test_a_serial_reference_runs_one_call_at_a_time_in_the_order_of_each_caller(cluster, owner):
    def write_all(diary, me):
        writers = [diary.write, diary.write_async, diary.write_and_fail]
        calls = [circuit.call(write, (me, number)).on(diary) for number, write in enumerate(writers * 10)]
        circuit.wait(calls, timeout=SECONDS)
        return [type(future.exception()).__name__ for future in calls]

    diary = circuit.call(start_diary).on(owner).result(timeout=SECONDS)
    callers = [circuit.call(write_all, diary, name).on(name) for name in ("w1", "w2", "driver")]
    for caller in callers:
        assert caller.result(timeout=SECONDS) == ["NoneType", "NoneType", "LookupError"] * 10
    lines = diary.read()
    assert lines[::2] == lines[1::2]  # each ended before the next one began
    for name in ("w1", "w2", "driver"):
        assert [number for me, number in lines[::2] if me == name] == list(range(30))


def test_a_stream_of_a_serial_reference_has_its_turn_until_it_ends(cluster):
    diary = circuit.call(start_diary).on("w1").result(timeout=SECONDS)
    first, second = diary.write_items("first"), diary.write_items("second")
    later = circuit.call(diary.write, "later").on(diary)
    assert next(first) == 0
    first.close()
    assert next(second) == 0
    second.close()
    later.result(timeout=SECONDS)
    assert diary.read() == ["first", "first", "second", "second", "later", "later"]


def test_a_serial_reference_goes_on_after_calls_that_are_cancelled(cluster, freed, gate):
    thing = make_on("w1", freed, serial=True)
    running, waiting = (circuit.call(thing.wait, gate).on(thing) for _ in range(2))
    later = circuit.call(thing.where).on(thing)
    waiting.cancel()
    running.cancel()
    assert later.result(timeout=SECONDS) == "w1"


def test_a_serial_reference_goes_on_after_calls_whose_spawner_is_killed(cluster, freed, gate, mortal):
    thing = make_on("w1", freed, serial=True)

    def call_and_wait():
        circuit.gather(*[circuit.call(thing.wait, gate).on(thing) for _ in range(2)]).result()

    lost = circuit.call(call_and_wait).on(mortal)
    wait_until(lambda: running_on("w1") == 2 + 1)
    later = circuit.call(thing.where).on(thing)
    kill(cluster, mortal)
    assert type(lost.exception(timeout=SECONDS)) is circuit.WorkerLost
    assert later.result(timeout=SECONDS) == "w1"


# How it travels.


class Box:
    """An object that holds something, and travels by value."""

    def __init__(self, held):
        self.held = held

    def open(self):
        return self.held


def raise_with(thing):
    raise LookupError(thing)


def produce(thing):
    yield thing


def send_through(channel, thing):
    channel.send(thing)


def make_asker(thing):
    return lambda: thing


def in_a_global(thing):
    globals()["kept"] = thing


def kept_in_a_global():
    return globals()["kept"]


def forget_the_global():
    del globals()["kept"]


def through_an_exception(thing):
    error = circuit.call(raise_with, thing).on("w2").exception(timeout=SECONDS)
    assert type(error) is LookupError
    return error.args[0]


def through_a_channel(thing):
    channel = circuit.channel()
    circuit.call(send_through, channel, thing).on("w2")
    return channel.recv(timeout=SECONDS)


def through_a_global(thing):
    circuit.call(in_a_global, thing).on("w2").result(timeout=SECONDS)
    try:
        return circuit.call(kept_in_a_global).on("w2").result(timeout=SECONDS)
    finally:
        circuit.call(forget_the_global).on("w2").result(timeout=SECONDS)


def call_on_w2(function, *args, **kwargs):
    return circuit.call(function, *args, **kwargs).on("w2").result(timeout=SECONDS)


JOURNEYS = {
    "argument and result": lambda thing: call_on_w2(give_back, thing),
    "keyword argument": lambda thing: call_on_w2(give_back, value=thing),
    "default argument": lambda thing: call_on_w2(lambda held=thing: held),
    "containers": lambda thing: call_on_w2(give_back, {"a": [(thing, {1: thing})]})["a"][0][1][1],
    "key of a dict": lambda thing: next(iter(call_on_w2(give_back, {thing: 1}))),
    "object": lambda thing: call_on_w2(give_back, Box(Box(thing))).held.held,
    "callee's own object": lambda thing: call_on_w2(Box(thing).open),
    "partial": lambda thing: call_on_w2(functools.partial(give_back, thing)),
    "closure": lambda thing: call_on_w2(lambda: thing),
    "closure that comes back": lambda thing: call_on_w2(make_asker, thing)(),
    "bound method": lambda thing: call_on_w2(give_back, thing.where).reference,
    "exception": through_an_exception,
    "item of a stream": lambda thing: next(circuit.call(produce, thing).on("w2")),
    "channel": through_a_channel,
    "future of a future": lambda thing: call_on_w2(lambda: circuit.call(give_back, thing).on("w3")).result(
        timeout=SECONDS
    ),
    "large value": lambda thing: call_on_w2(give_back, [bytes(LARGE), thing])[1],
    "global of a worker": through_a_global,
    "reference": lambda thing: circuit.ref([thing]).copy()[0],
}


@pytest.mark.parametrize("owner", ["w1", "w2", "driver"])
@pytest.mark.parametrize("journey", JOURNEYS)
def test_a_reference_travels_in_whatever_is_sent(cluster, freed, owner, journey):
    thing = make_on(owner, freed)
    back = JOURNEYS[journey](thing)
    assert back == thing and hash(back) == hash(thing) and repr(back) == f"<Ref to a Thing on {owner!r}>"
    del thing
    assert back.where() == owner
    del back
    assert freed.recv(timeout=SECONDS) == owner


def relay(thing, *names):
    """Hand on what nobody else holds, without keeping it, to the first of these; the last one asks."""
    if not names:
        return thing.where()
    onward = circuit.call(relay, thing, *names[1:]).on(names[0])
    del thing
    return onward.result(timeout=SECONDS)


@pytest.mark.parametrize("owner", ["w1", "driver"])
def test_a_reference_that_its_giver_drops_at_once_reaches_the_next_one(cluster, freed, owner):
    ways = list(itertools.permutations(["w1", "w2", "w3", "driver"], 3))
    asked = [circuit.call(relay, make_on(owner, freed), *way[1:]).on(way[0]) for way in ways]
    assert [future.result(timeout=SECONDS) for future in asked] == [owner] * len(ways)
    assert [freed.recv(timeout=SECONDS) for _ in ways] == [owner] * len(ways)


def give_to(held, thing):
    held.append(thing)


def ask_held(held):
    return held.copy()[0].where()


def test_a_reference_outlives_its_giver(cluster, freed, mortal):
    """A killed giver holds nothing any more; whoever has announced itself to the owner does."""
    held = circuit.call(circuit.ref, []).on("w2").result(timeout=SECONDS)
    circuit.call(give_to, held, make_on("w1", freed)).on(mortal).result(timeout=SECONDS)
    wait_until(lambda: holders("Thing") == [("w1", {"w2"})])
    kill(cluster, mortal)
    assert type(circuit.call(abs, -1).on("w3").exception(timeout=SECONDS)) is circuit.WorkerLost
    assert ask_held(held) == "w1"
    held.clear()
    assert freed.recv(timeout=SECONDS) == "w1"


def test_a_reference_whose_giver_is_killed_at_once_works_or_is_stale(cluster, freed, mortal):
    held = circuit.call(circuit.ref, []).on("w2").result(timeout=SECONDS)

    def give_and_die(thing):
        held.append(thing)
        os.kill(os.getpid(), signal.SIGKILL)

    circuit.call(give_and_die, make_on("w1", freed)).on(mortal).exception(timeout=SECONDS)
    try:
        assert ask_held(held) == "w1"
    except circuit.StaleReference as error:  # the owner heard of the end before it heard of the receiver
        assert error.reference == "<Ref to a Thing on 'w1'>"
    held.clear()
    assert freed.recv(timeout=SECONDS) == "w1"


def test_a_message_that_has_not_arrived_holds_its_references(cluster, freed, mortal):
    thing = make_on("driver", freed)
    os.kill(cluster.pid(circuit.worker(mortal)), signal.SIGSTOP)
    asked = circuit.call(ask, thing).on(mortal)
    del thing
    wait_until(lambda: [row.on_their_way for row in owned() if row.kind == "Thing"] == [1])
    os.kill(cluster.pid(circuit.worker(mortal)), signal.SIGCONT)
    assert asked.result(timeout=SECONDS) == "driver"
    assert freed.recv(timeout=SECONDS) == "driver"


def test_a_call_that_waits_for_its_turn_holds_its_references(cluster, freed, gate):
    busy = make_on("w2", freed, serial=True)
    first = circuit.call(busy.wait, gate).on(busy)
    asked = circuit.call(busy.where, make_on("w1", freed)).on(busy)
    wait_until(lambda: holders("Thing") == [("w1", {"w2"}), ("w2", {"driver"})])
    gate.send(1, timeout=SECONDS)
    first.result(timeout=SECONDS)
    assert asked.result(timeout=SECONDS) == "w2"
    assert freed.recv(timeout=SECONDS) == "w1"


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
    circuit.call(in_a_global, make_on("w1", freed)).on("w2").result(timeout=SECONDS)
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
    circuit.call(in_a_global, make_on("w1", freed)).on(mortal).result(timeout=SECONDS)
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
    circuit.call(in_a_global, thing).on("w2").result(timeout=SECONDS)
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


# What these tests look at.


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
