"""Futures on real processes: how they end, whom a cancel reaches, and what they are to other workers."""

import asyncio
import concurrent.futures
import functools
import inspect
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

import circuit
from circuit.runtime import current

SECONDS = 60.0
"""How long a test waits for what another process is to do."""


@pytest.fixture(scope="module")
def cluster():
    with circuit.cluster(workers=3) as started:
        yield started


@pytest.fixture
def gate(cluster):
    """A channel from which calls take their results: they end when the test says so."""
    return circuit.channel()


@pytest.fixture
def marks(cluster):
    """A channel in which calls write down how far they came."""
    return circuit.channel(100)


@pytest.fixture
def mortal(cluster):
    """The name of a worker that the test may kill."""
    yield "w3"
    cluster.restart("w3")
    assert circuit.call(abs, -1).on("w3").result(timeout=SECONDS) == 1


def add(a, b=0):
    return a + b


def fail(text):
    raise LookupError(text)


def take(gate):
    return gate.recv()


def take_and_fail(gate):
    raise LookupError(gate.recv())


def count_on_request(gate):
    while True:
        yield gate.recv()


# How a future ends.


def test_result_and_exception_wait_for_so_long_and_the_call_goes_on(gate):
    future = circuit.call(take, gate).on("w1")
    told = r"^take\(\) spawned at tests/runtime/test_futures\.py:\d+:\d+ on 'w1' has not ended after 0.02 s$"
    for ask in (future.result, future.exception):
        with pytest.raises(TimeoutError, match=told):
            ask(timeout=0.02)
    assert not future.done() and not future.cancelled()
    gate.send("value", timeout=SECONDS)
    assert future.result(timeout=SECONDS) == "value"
    assert future.exception() is None and future.done() and not future.cancelled()


def test_every_thread_that_waits_gets_the_same_outcome(gate):
    future = circuit.call(take, gate).on("w1")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(future.result, SECONDS) for _ in range(8)]
        gate.send(["value"], timeout=SECONDS)
        values = [each.result() for each in asked]
    assert all(value is values[0] for value in values) and values[0] == ["value"]


def test_exception_returns_what_result_raises(cluster):
    future = circuit.call(fail, "no").on("w1")
    error = future.exception(timeout=SECONDS)
    assert type(error) is LookupError and future.exception() is error
    with pytest.raises(LookupError, match="no") as caught:
        future.result()
    assert caught.value is error


def test_repr_tells_where_it_was_spawned_where_it_runs_and_since_when(gate):
    future = circuit.call(take, gate).on("w2")
    line = test_repr_tells_where_it_was_spawned_where_it_runs_and_since_when.__code__.co_firstlineno + 1
    site = f"spawned at tests/runtime/test_futures.py:{line}:14 on 'w2'"
    assert re.fullmatch(rf"<Future take\(\) {site}, pending for \d+\.\d\d s>", repr(future))
    seen_there = circuit.call(repr, future).on("w1").result(timeout=SECONDS)
    assert re.fullmatch(rf"<Future take\(\) {site}, pending for \d+\.\d\d s>", seen_there)
    gate.send(1, timeout=SECONDS)
    future.result(timeout=SECONDS)
    assert repr(future) == f"<Future take() {site}, done>"
    cancelled = circuit.call(take, gate).on("w2")
    cancelled.cancel()
    assert repr(cancelled).endswith("on 'w2', cancelled>")


def test_wait_returns_when_it_was_asked_to(gate):
    late = circuit.call(take, gate).on("w1")
    early, failing = circuit.call(add, 1).on("w2"), circuit.call(fail, "no").on("w2")
    first = circuit.wait([late, early], SECONDS, concurrent.futures.FIRST_COMPLETED)
    assert first == ({early}, {late})
    waited = circuit.wait([late, failing], SECONDS, concurrent.futures.FIRST_EXCEPTION)
    assert waited.done == {failing} and type(failing.exception()) is LookupError
    assert circuit.wait([late, early], timeout=0.02) == ({early}, {late})
    gate.send(1, timeout=SECONDS)
    assert circuit.wait([late, early], timeout=SECONDS) == ({late, early}, set())
    assert circuit.wait([]) == (set(), set())


def test_callbacks_see_every_kind_of_end(gate):
    seen, came = [], threading.Semaphore(0)

    def note(future):
        seen.append(future)
        came.release()

    ending = [circuit.call(take, gate).on("w1") for _ in range(2)]
    failing = circuit.call(take_and_fail, gate).on("w1")
    for future in (*ending, failing):
        future.add_done_callback(note)
    ending[1].cancel()
    for _ in range(2):
        gate.send("x", timeout=SECONDS)
    for _ in range(3):
        assert came.acquire(timeout=SECONDS)
    assert sorted(map(id, seen)) == sorted(map(id, [*ending, failing]))
    assert ending[0].result() == "x" and ending[1].cancelled() and type(failing.exception()) is LookupError


def test_to_wait_again_and_again_leaves_nothing_on_a_future(gate):
    late = circuit.call(take, gate).on("w1")
    for _ in range(100):
        assert circuit.wait([late], timeout=0).not_done == {late}
        with pytest.raises(TimeoutError):
            late.result(timeout=0)
    assert late._then == []
    gate.send("late", timeout=SECONDS)
    assert circuit.wait([late], timeout=SECONDS).done == {late}


def test_await_gather_and_as_completed_in_a_coroutine_of_a_worker(gate):
    async def main(gate):
        late = circuit.call(take, gate).on("w2")
        early = [circuit.call(add, number).on("w3") for number in range(3)]
        ended = circuit.as_completed([late, *early])
        first = sorted([await (await anext(ended)) for _ in early])
        await asyncio.to_thread(gate.send, "late", SECONDS)
        rest = [await future async for future in ended]
        return first, rest, await circuit.gather(*early, late)

    ended = circuit.call(main, gate).on("w1").result(timeout=SECONDS)
    assert ended == ([0, 1, 2], ["late"], [0, 1, 2, "late"])


def test_cancelling_a_gather_cancels_each_of_its_calls(gate):
    futures = [circuit.call(take, gate).on(name) for name in ("w1", "w2")]
    whole = circuit.gather(*futures)
    assert whole.cancel() and all(future.cancelled() for future in futures)
    with pytest.raises(circuit.CancelledError):
        whole.result()
    with pytest.raises(TimeoutError):
        gate.send("nobody takes it", timeout=0.1)


# Whom a cancel reaches.


def spin(marks):
    try:
        marks.send("began")
        while True:
            pass
    finally:
        marks.send("stopped")


def blocks(wait):
    """Make a function that says when it begins to wait, and when it was stopped."""

    def blocked(marks):
        try:
            marks.send("began")
            wait()
        except circuit.Cancelled:
            marks.send("stopped")
            raise

    return blocked


def in_result():
    circuit.call(take, circuit.channel()).on("w2").result()


def in_the_result_of_several():
    circuit.gather(*[circuit.call(take, circuit.channel()).on(name) for name in ("w2", "w3")]).result()


def in_wait():
    circuit.wait([circuit.call(take, circuit.channel()).on("w2")])


def in_as_completed():
    next(circuit.as_completed([circuit.call(take, circuit.channel()).on("w2")]))


def in_recv():
    circuit.channel().recv()


def in_send():
    circuit.channel().send(1)


def in_a_stream():
    next(circuit.call(count_on_request, circuit.channel()).on("w2"))


def in_a_call_by_reference():
    circuit.ref(circuit.channel()).recv()


def test_cancel_reaches_running_code(marks):
    future = circuit.call(spin, marks).on("w1")
    assert marks.recv(timeout=SECONDS) == "began"
    assert future.cancel() and not future.cancel() and future.cancelled() and future.done()
    assert marks.recv(timeout=SECONDS) == "stopped"
    with pytest.raises(circuit.CancelledError, match=r"was cancelled"):
        future.result()
    with pytest.raises(circuit.CancelledError):
        future.exception()
    wait_until_idle()


@pytest.mark.parametrize(
    "wait",
    [
        in_result,
        in_the_result_of_several,
        in_wait,
        in_as_completed,
        in_recv,
        in_send,
        in_a_stream,
        in_a_call_by_reference,
    ],
)
def test_cancel_reaches_running_code_wherever_it_waits(marks, wait):
    future = circuit.call(blocks(wait), marks).on("w1")
    assert marks.recv(timeout=SECONDS) == "began"
    wait_until(lambda: circuit.call(a_thread_waits, wait.__name__).on("w1").result(timeout=SECONDS))
    assert future.cancel()
    assert marks.recv(timeout=SECONDS) == "stopped"
    wait_until_idle()


async def await_result(marks):
    try:
        future = circuit.call(take, circuit.channel()).on("w2")
        await asyncio.to_thread(marks.send, "began")
        await future
    except asyncio.CancelledError:
        await asyncio.to_thread(marks.send, "stopped")
        raise


async def await_item(marks):
    try:
        stream = circuit.call(count_on_request, circuit.channel()).on("w2")
        await asyncio.to_thread(marks.send, "began")
        async for _ in stream:
            pass
    except asyncio.CancelledError:
        await asyncio.to_thread(marks.send, "stopped")
        raise


async def await_for_ever(marks):
    try:
        await asyncio.to_thread(marks.send, "began")
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.to_thread(marks.send, "stopped")
        raise


@pytest.mark.parametrize("stuck", [await_result, await_item, await_for_ever])
def test_cancel_reaches_coroutines_wherever_they_wait(marks, stuck):
    future = circuit.call(stuck, marks).on("w1")
    assert marks.recv(timeout=SECONDS) == "began"
    wait_until(lambda: circuit.call(a_task_waits, stuck.__name__).on("w1").result(timeout=SECONDS))
    assert future.cancel() and future.cancelled()
    assert marks.recv(timeout=SECONDS) == "stopped"
    wait_until_idle()


def descend(depth, marks):
    """Spawn itself on the next worker, down to a leaf that waits; mark every end."""
    try:
        if not depth:
            marks.send("leaf")
            circuit.channel().recv()
        deeper = descend_awaiting if depth % 2 else descend
        circuit.call(deeper, depth - 1, marks).on(f"w{depth % 3 + 1}").result()
    finally:
        marks.send(depth)


async def descend_awaiting(depth, marks):
    try:
        if not depth:
            await asyncio.to_thread(marks.send, "leaf")
            await asyncio.Event().wait()
        await circuit.call(descend, depth - 1, marks).on(f"w{depth % 3 + 1}")
    finally:
        await asyncio.to_thread(marks.send, depth)


def test_cancel_reaches_what_was_spawned_on_every_level_and_worker(marks):
    depth = 6
    future = circuit.call(descend, depth, marks).on("w1")
    assert marks.recv(timeout=SECONDS) == "leaf"
    future.cancel()
    assert sorted(marks.recv(timeout=SECONDS) for _ in range(depth + 1)) == list(range(depth + 1))
    wait_until_idle()


def spawn_and_forget(marks, gate):
    for name in ("w2", "w3"):
        circuit.call(blocks_in_recv, marks, gate).on(name)
    gate.recv()


def blocks_in_recv(marks, gate):
    try:
        marks.send("began")
        gate.recv()
    finally:
        marks.send("stopped")


def test_cancel_reaches_what_was_spawned_and_not_waited_for(marks, gate):
    future = circuit.call(spawn_and_forget, marks, gate).on("w1")
    assert [marks.recv(timeout=SECONDS) for _ in range(2)] == ["began"] * 2
    future.cancel()
    assert [marks.recv(timeout=SECONDS) for _ in range(2)] == ["stopped"] * 2
    wait_until_idle()


def test_cancel_of_what_ended_changes_nothing(cluster):
    future = circuit.call(add, 1, 2).on("w1")
    assert future.result(timeout=SECONDS) == 3
    assert not future.cancel() and not future.cancelled() and future.result() == 3


# A future that is given to another worker.


def ask(future):
    """Tell how a future ends, as whoever was given it sees it."""
    try:
        value = future.result(timeout=SECONDS)
    except BaseException as error:  # noqa: BLE001 (it is what the test looks at)
        return type(error).__name__, str(error), getattr(error, "__notes__", [])
    return value, future.done(), future.cancelled()


def size_of(future):
    return len(future.result(timeout=SECONDS))


def pass_on(future, *names):
    """Ask here if there is no name left, else where the first name says."""
    if not names:
        return ask(future)
    return circuit.call(pass_on, future, *names[1:]).on(names[0]).result(timeout=SECONDS)


def give_back(future):
    return future


async def await_it(future):
    return await future


@pytest.mark.parametrize("way", [["w2"], ["w1"], ["driver"], ["w2", "w3"], ["w2", "w1", "w3", "driver"]])
def test_a_pending_future_ends_wherever_it_was_given(gate, way):
    future = circuit.call(take, gate).on("w1")
    asked = circuit.call(pass_on, future, *way[1:]).on(way[0])
    gate.send({"a": [1]}, timeout=SECONDS)
    assert asked.result(timeout=SECONDS) == ({"a": [1]}, True, False)
    assert future.result(timeout=SECONDS) == {"a": [1]}


@pytest.mark.parametrize("way", [["w2"], ["w1"], ["driver"], ["w2", "w3"]])
def test_a_future_that_has_ended_can_be_given(cluster, way):
    value, error = circuit.call(add, 1).on("w1"), circuit.call(fail, "no").on("w1")
    pid = cluster.pid(cluster.workers[0])
    note = f"raised on worker 'w1' (pid {pid}), spawned at tests/runtime/test_futures.py:"
    for _ in range(2):  # before and after its result was asked for here
        assert circuit.call(pass_on, value, *way[1:]).on(way[0]).result(timeout=SECONDS) == (1, True, False)
        kind, text, notes = circuit.call(pass_on, error, *way[1:]).on(way[0]).result(timeout=SECONDS)
        assert (kind, text) == ("LookupError", "no")
        assert len(notes) == 1 and notes[0].startswith(note)
        assert value.result() == 1 and type(error.exception()) is LookupError


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_future_is_cancelled_wherever_it_was_given(gate, when):
    def look(future):
        kind, text, notes = ask(future)
        return kind, text, notes, future.cancelled(), repr(future)

    future = circuit.call(take, gate).on("w1")
    if when == "before":
        future.cancel()
    asked = circuit.call(look, future).on("w2")
    future.cancel()
    kind, text, notes, cancelled, shown = asked.result(timeout=SECONDS)
    assert kind == "CancelledError" and text.endswith("on 'w1' was cancelled") and not notes
    assert cancelled and shown.endswith(", cancelled>")


def test_a_coroutine_that_awaits_a_cancelled_future_of_another_worker_is_cancelled(gate):
    future = circuit.call(take, gate).on("w1")
    awaiting = circuit.call(await_it, future).on("w2")
    future.cancel()
    with pytest.raises((asyncio.CancelledError, circuit.CancelledError)):
        awaiting.result(timeout=SECONDS)


@pytest.mark.parametrize("way", [["w2"], ["w2", "w3"], ["w2", "driver"]])
def test_a_cancel_reaches_the_call_from_wherever_the_future_was_given(marks, gate, way):
    def cancel(future, *names):
        if not names:
            return future.cancel()
        return circuit.call(cancel, future, *names[1:]).on(names[0]).result(timeout=SECONDS)

    future = circuit.call(blocks_in_recv, marks, gate).on("w1")
    assert marks.recv(timeout=SECONDS) == "began"
    assert circuit.call(cancel, future, *way[1:]).on(way[0]).result(timeout=SECONDS)
    assert marks.recv(timeout=SECONDS) == "stopped"
    with pytest.raises(circuit.CancelledError):
        future.result(timeout=SECONDS)
    assert future.cancelled()


def test_a_call_that_another_call_made_is_cancelled_by_the_future_that_came_back(marks, gate):
    def start(marks, gate):
        return circuit.call(blocks_in_recv, marks, gate).on("w2")

    future = circuit.call(start, marks, gate).on("w1").result(timeout=SECONDS)
    assert marks.recv(timeout=SECONDS) == "began"
    assert future.cancel()
    assert marks.recv(timeout=SECONDS) == "stopped"
    wait_until_idle()


def test_a_future_that_comes_back_home_is_one_like_it(gate):
    future = circuit.call(take, gate).on("w1")
    back = circuit.call(give_back, [future]).on("w2").result(timeout=SECONDS)[0]
    gate.send("value", timeout=SECONDS)
    assert back.result(timeout=SECONDS) == future.result(timeout=SECONDS) == "value"


def test_futures_travel_in_containers_closures_results_items_and_channels(gate, marks):
    future = circuit.call(take, gate).on("w1")

    def produce(future):
        yield {"future": future}

    marks.send(future)
    given = [
        circuit.call(lambda held: ask(held["x"][0]), {"x": [future]}).on("w2"),
        circuit.call(lambda: ask(future)).on("w3"),
        circuit.call(lambda: ask(marks.recv())).on("w2"),
    ]
    item = next(circuit.call(produce, future).on("w3"))["future"]
    gate.send(7, timeout=SECONDS)
    assert [asked.result(timeout=SECONDS) for asked in given] == [(7, True, False)] * 3
    assert item.result(timeout=SECONDS) == 7


def test_a_gather_can_be_given(gate):
    whole = circuit.gather(circuit.call(take, gate).on("w1"), circuit.call(add, 2).on("w2"))
    asked = circuit.call(ask, whole).on("w3")
    gate.send(1, timeout=SECONDS)
    assert asked.result(timeout=SECONDS) == ([1, 2], True, False)
    failing = circuit.gather(circuit.call(fail, "no").on("w1"), circuit.call(add, 2).on("w2"))
    assert circuit.call(ask, failing).on("w3").result(timeout=SECONDS)[:2] == ("LookupError", "no")
    assert circuit.call(ask, circuit.gather()).on("w3").result(timeout=SECONDS) == ([], True, False)


LARGE = 3_000_000


def test_a_large_outcome_stays_where_it_was_computed_until_it_is_asked_for(cluster):
    before = values_kept("w1")
    futures = [circuit.call(bytes, LARGE).on("w1") for _ in range(3)]
    circuit.wait(futures, timeout=SECONDS)
    assert values_kept("w1") - before == 3
    assert circuit.call(size_of, futures[0]).on("w2").result(timeout=SECONDS) == LARGE
    assert len(futures[1].result(timeout=SECONDS)) == LARGE
    assert circuit.call(size_of, futures[1]).on("w2").result(timeout=SECONDS) == LARGE
    del futures
    wait_until(lambda: values_kept("w1") == before)


def test_a_large_outcome_is_fetched_without_the_giver(cluster, mortal):
    def make_and_give(to):
        large = circuit.call(bytes, LARGE).on("w1")
        circuit.wait([large], timeout=SECONDS)
        return circuit.call(circuit.ref, [large]).on(to).result(timeout=SECONDS)

    def has_been_told(held):
        return held[0].done()

    held = circuit.call(make_and_give, "w2").on(mortal).result(timeout=SECONDS)
    wait_until(lambda: circuit.call(lambda: held.copy()[0].done()).on("w2").result(timeout=SECONDS))
    kill(cluster, mortal)
    assert circuit.call(lambda: size_of(held.copy()[0])).on("w2").result(timeout=SECONDS) == LARGE


def test_a_future_whose_spawner_died_is_lost_with_it(cluster, mortal, gate):
    def start_and_give(gate):
        future = circuit.call(take, gate).on("w1")
        return circuit.call(circuit.ref, [future]).on("w2").result(timeout=SECONDS)

    held = circuit.call(start_and_give, gate).on(mortal).result(timeout=SECONDS)
    asked = circuit.call(lambda: ask(held.copy()[0])).on("w2")
    kill(cluster, mortal)
    kind, text, _ = asked.result(timeout=SECONDS)
    assert kind == "WorkerLost" and "worker 'w3' (pid " in text and "was killed by SIGKILL" in text
    wait_until_idle()


def test_a_lost_call_is_lost_to_all_who_have_its_future(cluster, mortal):
    def forever(began):
        began.send(1)
        time.sleep(3600)  # it is killed

    began = circuit.channel()
    future = circuit.call(forever, began).on(mortal)
    asked = circuit.call(ask, future).on("w1")
    began.recv(timeout=SECONDS)
    pid = kill(cluster, mortal)
    for told in (asked, circuit.call(ask, future).on("w2"), circuit.call(pass_on, future, "w2").on("w1")):
        kind, text, notes = told.result(timeout=SECONDS)
        assert kind == "WorkerLost" and not notes
        assert text.startswith(f"worker 'w3' (pid {pid}) was killed by SIGKILL, ")
        assert "s into forever()\n  spawned at tests/runtime/test_futures.py:" in text
    with pytest.raises(circuit.WorkerLost, match="was killed by SIGKILL"):
        future.result(timeout=SECONDS)


def test_many_futures_go_round_at_once(cluster):
    places = [("w1", "w2", "w3"), ("w2", "w3", "w1"), ("w3", "w1", "w2")] * 100
    futures = [circuit.call(add, number).on(home) for number, (home, _, _) in enumerate(places)]
    asked = [
        circuit.call(pass_on, future, onward).on(to)
        for future, (_, to, onward) in zip(futures, places, strict=True)
    ]
    assert [future.result(timeout=SECONDS)[0] for future in asked] == list(range(300))
    del futures, asked
    wait_until_idle()


# What these tests look at.


def kill(cluster, name):
    """Kill a worker in the midst of whatever it does; return its process id."""
    pid = cluster.pid(circuit.worker(name))
    os.kill(pid, signal.SIGKILL)
    return pid


def values_kept(name):
    return circuit.call(lambda: current.node().tables()["objects"]).on(name).result(timeout=SECONDS)


def calls_of_node():
    sizes = current.node().tables()
    return sizes["running"], sizes["made"]


def wait_until_idle():
    """Wait until no call runs on a worker but the one that asks, and none was made by one."""
    for worker in circuit.workers():
        idle = functools.partial(is_idle, worker)
        wait_until(idle)


def is_idle(worker):
    return circuit.call(calls_of_node).on(worker).result(timeout=SECONDS) == (1, 0)


def a_thread_waits(within):
    """Tell whether a thread of this process waits at a gate in a function of that name."""
    for frame in sys._current_frames().values():
        if (frame.f_code.co_name, Path(frame.f_code.co_filename).name) == ("wait", "gate.py"):
            while frame := frame.f_back:
                if frame.f_code.co_name == within:
                    return True
    return False


async def a_task_waits(within):
    """Tell whether a task of this process waits in a coroutine of that name, for no thread."""
    for task in asyncio.all_tasks():
        names, awaited = [], task.get_coro()
        while inspect.iscoroutine(awaited):
            names.append(awaited.__name__)
            awaited = awaited.cr_await
        if within in names and awaited is not None and "to_thread" not in names:
            return True
    return False


def wait_until(condition):
    """Wait for a condition that another process brings about."""
    pause = threading.Event()
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until, f"it did not come about in {SECONDS:g} s"
        pause.wait(0.01)
