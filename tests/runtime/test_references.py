"""References on real processes: whom they reach, how they travel, and when what they mean is let go of."""

import copy
import functools
import itertools
import math
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

import circuit
from circuit.runtime.ref import look_around
from tests.runtime.things import (
    SECONDS,
    Thing,
    ask,
    forget_the_global,
    holders,
    keep_in_a_global,
    kept_in_a_global,
    kill,
    make_on,
    produce,
    raise_with,
    running_on,
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


def make_asker(thing):
    return lambda: thing


def through_an_exception(thing):
    error = circuit.call(raise_with, thing).on("w2").exception(timeout=SECONDS)
    assert type(error) is LookupError
    return error.args[0]


def through_a_channel(thing):
    channel = circuit.channel()
    circuit.call(send_through, channel, thing).on("w2")
    return channel.recv(timeout=SECONDS)


def through_a_global(thing):
    circuit.call(keep_in_a_global, thing).on("w2").result(timeout=SECONDS)
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
    wait_until(lambda: [row.on_their_way for _, row in look_around()[0] if row.kind == "Thing"] == [1])
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


# What users try.


def test_a_reference_is_pickled_for_a_spawn_only_and_copies_are_itself(cluster, freed):
    thing = make_on("w1", freed)
    told = r"^a Ref travels only with a spawn, .* and through a channel$"
    with pytest.raises(TypeError, match=told):
        pickle.dumps(thing)
    assert copy.copy(thing) is thing and copy.deepcopy({"a": [thing]}) == {"a": [thing]}
    other = make_on("w1", freed)
    assert thing != other and {thing: 1, other: 2}[thing] == 1 and thing != "thing"


def test_what_is_no_method_is_told(cluster, freed):
    thing = make_on("w1", freed)
    told = r"^'attribute' of a Thing is no method but int data, and only methods are called by reference"
    with pytest.raises(TypeError, match=told):
        thing.attribute()
    with pytest.raises(AttributeError, match=r"^'Thing' object has no attribute 'nothing'"):
        thing.nothing()
    with pytest.raises(KeyError, match="broken"):
        thing.broken()
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        thing.fail(1)
    with pytest.raises(AttributeError, match=r"^a Ref has no __len__: it calls methods by their names only$"):
        thing.__len__()
    with pytest.raises(AttributeError):
        thing.attribute = 4
    assert repr(thing.where) == "<where of <Ref to a Thing on 'w1'>>"
    with pytest.raises(circuit.NotSendable, match=r"^args\[0\]: _thread.lock cannot be sent"):
        thing.double(threading.Lock())


def test_anything_can_be_referred_to(cluster):
    def on_w1(value):
        return circuit.call(circuit.ref, value).on("w1").result(timeout=SECONDS)

    assert on_w1(math).sqrt(9) == 3 and repr(on_w1(math)) == "<Ref to a module on 'w1'>"
    assert on_w1(Thing).double(3) == 6 and repr(on_w1(Thing)) == "<Ref to a type on 'w1'>"
    assert repr(on_w1(None)) == "<Ref to a NoneType on 'w1'>"
    function = on_w1(lambda number: number + 1)
    assert repr(function) == "<Ref to a function on 'w1'>"
    with pytest.raises(TypeError, match=r"^<Ref to a function on 'w1'> is not callable"):
        circuit.call(function, 3)


def test_references_in_cycles_between_two_objects_of_one_owner(cluster, freed):
    one = circuit.call(circuit.ref, []).on("w1").result(timeout=SECONDS)
    one.append(make_on("w1", freed))
    one.append(one)
    assert one.copy()[1] == one
    one.clear()
    assert freed.recv(timeout=SECONDS) == "w1"


# Around the end of a cluster. These run programs of their own.


def test_references_outlive_their_cluster_as_errors(tmp_path):
    printed = in_new_process(
        tmp_path,
        """
        with circuit.cluster(workers=1):
            mine, its = circuit.ref([1]), circuit.call(circuit.ref, [2]).on("w1").result()
            late = circuit.call(circuit.ref, [3]).on("w1")
        used = []
        for what in (mine, its, late.result()):
            used += [what.copy, lambda what=what: circuit.call(len, []).on(what)]
        def try_all():
            for use in used:
                try: use()
                except circuit.CircuitError as error: print(type(error).__name__, error)
        try_all()
        with circuit.cluster(workers=1):
            used = [its.copy, lambda: circuit.call(print, its).on("w1")]
            try_all()
        """,
    )
    gone = "belongs to a cluster that is closed"
    assert printed.splitlines() == [
        *[f"ClusterError <Ref to a list on 'driver'> {gone}"] * 2,
        *[f"ClusterError <Ref to a list on 'w1'> {gone}"] * 5,
        f"NotSendable args[0]: circuit.runtime.ref.Ref cannot be sent to another process (it {gone})",
    ]


def test_a_program_ends_quietly_with_references_alive(tmp_path):
    printed = in_new_process(
        tmp_path,
        """
        class Node:
            def hold(self, *held): self.held = held
            def __del__(self): pass
        kept = [circuit.call(circuit.ref, Node()).on(name).result() for name in ("w1", "w2")]
        mine = circuit.ref(Node())
        mine.hold(*kept)  # Cycles through three processes: nobody ever lets go of these.
        for one, other in zip(kept, reversed(kept)): one.hold(other, mine, circuit.channel())
        kept.append(kept)
        def keep(held): circuit.kept = held
        circuit.call(keep, kept).on("w2").result()
        print("end")
        """,
    )
    assert printed == "end\n"


def test_a_forked_child_neither_uses_nor_drops_its_parents_references(tmp_path):
    printed = in_new_process(
        tmp_path,
        """
        with circuit.cluster(workers=1):
            its, mine = circuit.call(circuit.ref, [2]).on("w1").result(), circuit.ref([1])
            if (child := os.fork()) == 0:
                for use in (its.copy, mine.copy, lambda: circuit.ref([]), circuit.refs):
                    try: use()
                    except circuit.ClusterError as error: print(error)
                del its, mine, use
                gc.collect()
                sys.stdout.flush()
                os._exit(0)
            print(os.waitpid(child, 0)[1], its.copy(), mine.copy())
        """,
    )
    forked = "belongs to the process that this one was forked from"
    no_part = "this process was forked from one of a cluster and is no part of it: "
    lines = printed.splitlines()
    assert lines[:2] == [f"<Ref to a list on 'w1'> {forked}", f"<Ref to a list on 'driver'> {forked}"]
    assert len(lines) == 5 and lines[2].startswith(no_part) and lines[3].startswith(no_part)
    assert lines[4] == "0 [2] [1]"


def in_new_process(tmp_path, text):
    """Run a program to its end, and return what it printed."""
    (tmp_path / "app.py").write_text("import circuit, gc, os, sys\n" + textwrap.dedent(text))
    ran = subprocess.run([sys.executable, "app.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert not ran.stderr
    return ran.stdout
