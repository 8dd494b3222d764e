"""What users do with a cluster: calls, futures, streams, references, on real processes."""

import asyncio
import functools
import importlib.resources
import os
import pkgutil
import sys
import textwrap
import threading
from pathlib import Path

import pytest

import circuit


@pytest.fixture(scope="module")
def cluster():
    with circuit.cluster(workers=2) as started:
        yield started


@pytest.fixture
def w1(cluster):
    return cluster.workers[0]


@pytest.fixture
def w2(cluster):
    return cluster.workers[1]


def add(a, b=0):
    return a + b


def where():
    return circuit.here().name, os.getpid()


def fail(text):
    raise LookupError(text)


async def add_later(a, b):
    await asyncio.sleep(0)
    return a + b


def count_to(number):
    yield from range(number)
    if number == 13:
        fail("unlucky")


async def count_later(number):
    for value in range(number):
        await asyncio.sleep(0)
        yield value


def test_a_call_runs_on_the_worker_it_was_spawned_on(cluster, w1, w2):
    assert circuit.call(where).on(w1).result() == ("w1", cluster.pid(w1))
    assert circuit.call(where).on("w2").result() == ("w2", cluster.pid(w2))
    assert circuit.call(where).on(circuit.worker("w2")).result() == ("w2", cluster.pid(w2))
    assert circuit.call(where).on(circuit.here()).result() == ("driver", os.getpid())


def test_a_call_goes_where_a_future_is(w2):
    first = circuit.call(where).on(w2)
    assert circuit.call(where).on(first).result() == first.result()


def test_arguments_travel_by_value(w1):
    passed = {"list": [1, 2]}
    future = circuit.call(add, [passed], [3]).on(w1)
    passed["list"].append(4)
    assert future.result() == [{"list": [1, 2]}, 3]
    assert circuit.call(add, 1, b=2).on(w1).result() == 3


def test_lambdas_closures_and_partials_work_on_a_worker(w1):
    offset = 10
    assert circuit.call(lambda x: x + offset, 1).on(w1).result() == 11
    assert circuit.call(functools.partial(add, 5), 6).on(w1).result() == 11
    assert circuit.call("a-b".split, "-").on(w1).result() == ["a", "b"]


def test_what_a_closure_captured_is_what_it_was_at_the_spawn(w1):
    futures = [circuit.call(lambda: number).on(w1) for number in range(5)]  # noqa: B023
    assert [future.result() for future in futures] == [0, 1, 2, 3, 4]


def test_changed_code_is_not_stale(w1):
    namespace = {}
    for answer in (1, 2):
        exec(f"def f(): return {answer}", namespace)
        function = namespace["f"]
        function.__module__ = "__main__"
        assert circuit.call(function).on(w1).result() == answer


def test_a_worker_spawns_on_another(w1):
    def relay():
        return circuit.call(where).on("w2").result()

    assert circuit.call(relay).on(w1).result()[0] == "w2"


def test_workers_that_call_each_other_at_once(w1, w2):
    def relay(peer, times):
        return sum(circuit.call(add, 1, number).on(peer).result() for number in range(times))

    both = circuit.gather(circuit.call(relay, "w2", 20).on(w1), circuit.call(relay, "w1", 20).on(w2))
    assert both.result(timeout=30) == [210, 210]


def test_a_blocked_call_blocks_no_other(w1):
    def wait_for(path):
        while not Path(path).exists():
            threading.Event().wait(0.01)
        return "opened"

    path = f"/tmp/circuit-test-gate-{os.getpid()}"
    blocked = [circuit.call(wait_for, path).on(w1) for _ in range(30)]
    assert circuit.call(add, 1, 2).on(w1).result(timeout=30) == 3
    assert not any(future.done() for future in blocked)
    Path(path).touch()
    try:
        assert circuit.gather(*blocked).result(timeout=30) == ["opened"] * 30
    finally:
        Path(path).unlink()


def test_a_large_value_arrives_whole_both_ways(w1):
    value = os.urandom(9_000_000)
    assert circuit.call(add, value, b"!").on(w1).result() == value + b"!"


def test_a_coroutine_runs_on_the_workers_event_loop(w1):
    futures = [circuit.call(add_later, number, 1).on(w1) for number in range(50)]
    assert circuit.gather(*futures).result() == list(range(1, 51))


def test_result_gives_up_after_the_timeout_and_the_call_goes_on(w1):
    gate = circuit.call(circuit.ref, []).on(w1).result()

    def wait_for(ref):
        while not ref.copy():
            threading.Event().wait(0.01)
        return "done"

    future = circuit.call(wait_for, gate).on(w1)
    with pytest.raises(TimeoutError, match=r"wait_for\(\) spawned at .*test_cluster.py"):
        future.result(timeout=0.05)
    assert not future.done() and "pending for" in repr(future)
    gate.append(1)
    assert future.result(timeout=30) == "done"
    assert future.done() and future.exception() is None


def test_cancel_stops_a_running_function_at_its_next_bytecode(w1):
    marks = circuit.call(circuit.ref, []).on(w1).result()

    def spin(ref):
        ref.append("began")
        try:
            while True:
                pass
        finally:
            ref.append("stopped")

    future = circuit.call(spin, marks).on(w1)
    wait_until(lambda: marks.copy() == ["began"])
    assert future.cancel() and not future.cancel()
    assert future.cancelled() and future.done()
    with pytest.raises(circuit.CancelledError):
        future.result()
    wait_until(lambda: marks.copy() == ["began", "stopped"])


def test_a_cancel_that_strikes_a_spawn_leaves_the_node_whole(cluster, w1):
    def spawn_for_ever(peer):
        while True:
            circuit.call(add, 1).on(peer)

    for _ in range(40):
        future = circuit.call(spawn_for_ever, "w2").on(w1)
        circuit.call(add, 1).on(w1).result(timeout=30)
        future.cancel()
    assert circuit.call(lambda: circuit.call(add, 1).on("w2").result()).on(w1).result(timeout=30) == 1
    wait_until(lambda: circuit.call(unended).on(w1).result(timeout=30) == 0)


def test_cancel_stops_a_coroutine(w1):
    marks = circuit.call(circuit.ref, []).on(w1).result()

    async def sleep(ref):
        await asyncio.to_thread(ref.append, "began")
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.to_thread(ref.append, "cancelled")
            raise

    future = circuit.call(sleep, marks).on(w1)
    wait_until(lambda: marks.copy() == ["began"])
    future.cancel()
    wait_until(lambda: marks.copy() == ["began", "cancelled"])


def test_callbacks_run_once_whenever_they_are_added(w1):
    seen = []
    called = threading.Event()
    future = circuit.call(add, 1, 1).on(w1)
    future.add_done_callback(lambda ended: (seen.append(ended), called.set()))
    assert called.wait(30)
    future.add_done_callback(seen.append)
    assert seen == [future, future]


def test_a_callback_may_block_and_raise(w1, monkeypatch):
    uncaught = []
    monkeypatch.setattr(threading, "excepthook", uncaught.append)
    raised = threading.Event()

    def callback(ended):
        circuit.call(add, 1).on(w1).result(timeout=30)
        raised.set()
        raise KeyError("from a callback")

    circuit.call(add, 1, 1).on(w1).add_done_callback(callback)
    assert raised.wait(30)
    assert circuit.call(add, 2).on(w1).result(timeout=30) == 2
    wait_until(lambda: [type(error.exc_value) for error in uncaught] == [KeyError])


def test_gather_rebuilds_what_only_the_program_knows(tmp_path, monkeypatch, w1):
    (tmp_path / "boxed.py").write_text("class Box: pass\ndef make(): return Box()\n")
    monkeypatch.syspath_prepend(tmp_path)
    import boxed

    def collect(make):
        return circuit.gather(*[circuit.call(make).on("w2") for _ in range(3)]).result()

    assert [type(box) for box in circuit.call(collect, boxed.make).on(w1).result()] == [boxed.Box] * 3


def test_await_in_a_coroutine(w1, w2):
    async def main():
        with pytest.raises(LookupError):
            await circuit.call(fail, "no").on(w1)
        both = await circuit.gather(circuit.call(add, 1, 2).on(w1), circuit.call(add, 3, 4).on(w2))
        return both, [await future async for future in circuit.as_completed([circuit.call(add, 5).on(w1)])]

    assert asyncio.run(main()) == ([3, 7], [5])


def test_a_cancelled_await_cancels_the_call(w1):
    async def forever():
        await asyncio.sleep(3600)

    async def main():
        future = circuit.call(forever).on(w1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await future
        return future.cancelled()

    assert asyncio.run(main())


def test_gather_keeps_order_and_fails_with_the_first_failure(w1, w2):
    futures = [circuit.call(add, number).on([w1, w2][number % 2]) for number in range(20)]
    assert circuit.gather(*futures).result() == list(range(20))
    assert circuit.gather().result() == []
    with pytest.raises(LookupError, match="no"):
        circuit.gather(*futures, circuit.call(fail, "no").on(w1)).result()


def test_as_completed_gives_each_future_as_it_ends(w1, w2):
    gate = circuit.call(circuit.ref, []).on(w1).result()

    def wait_for(ref):
        while not ref.copy():
            threading.Event().wait(0.01)
        return "late"

    late, early = circuit.call(wait_for, gate).on(w1), circuit.call(add, 1).on(w2)
    ended = circuit.as_completed([late, early])
    assert next(ended) is early
    with pytest.raises(TimeoutError):
        list(circuit.as_completed([late], timeout=0.05))
    gate.append(1)
    assert next(ended) is late and next(ended, None) is None


def test_a_generator_is_a_stream(w1):
    stream = circuit.call(count_to, 1000).on(w1)
    assert isinstance(stream, circuit.Stream)
    assert list(stream) == list(range(1000)) and list(stream) == []


def test_a_stream_raises_in_its_place(w1):
    stream, seen = circuit.call(count_to, 13).on(w1), []
    with pytest.raises(LookupError, match="unlucky"):
        for item in stream:
            seen.append(item)
    assert seen == list(range(13))


def test_streams_of_async_generators_and_async_for(w1, w2):
    async def main():
        return [item async for item in circuit.call(count_to, 500).on(w2)]

    assert list(circuit.call(count_later, 500).on(w1)) == list(range(500))
    assert asyncio.run(main()) == list(range(500))


def test_a_generator_runs_ahead_by_its_window_only(w1):
    made = circuit.call(circuit.ref, []).on(w1).result()

    def produce(ref):
        for number in range(10_000):
            ref.append(number)
            yield number

    stream = circuit.call(produce, made).on(w1)
    assert next(stream) == 0
    wait_until(lambda: len(made.copy()) >= 64)
    assert circuit.call(add, 1).on(w1).result() == 1
    assert len(made.copy()) <= 64 + 1
    stream.close()


def test_closing_a_stream_runs_the_generators_finally(w1):
    marks = circuit.call(circuit.ref, []).on(w1).result()

    def produce(ref):
        try:
            while True:
                yield 1
        finally:
            ref.append("closed")

    with circuit.call(produce, marks).on(w1) as stream:
        assert next(stream) == 1
    assert list(stream) == []
    wait_until(lambda: marks.copy() == ["closed"])
    dropped = circuit.call(produce, marks).on(w1)
    assert next(dropped) == 1
    del dropped
    wait_until(lambda: marks.copy() == ["closed", "closed"])


def test_a_reference_is_called_where_its_object_lives(w1, w2):
    numbers = circuit.call(circuit.ref, [3, 1, 2]).on(w1).result()
    numbers.sort()
    assert numbers.copy() == [1, 2, 3]
    assert circuit.call(numbers.index, 2).on(numbers).result() == 1
    assert circuit.call(lambda ref: ref.pop(), numbers).on(w2).result() == 3
    with pytest.raises(IndexError):
        numbers.pop(99)
    assert repr(numbers) == "<Ref to a list on 'w1'>"


def test_the_least_busy_worker_gets_the_call(cluster):
    gate = circuit.call(circuit.ref, []).on("w1").result()

    def wait_for(ref):
        while not ref.copy():
            threading.Event().wait(0.01)
        return circuit.here().name

    held = [circuit.call(wait_for, gate).on(circuit.workers()) for _ in range(4)]
    gate.append(1)
    assert sorted(circuit.gather(*held).result(timeout=30)) == ["w1", "w1", "w2", "w2"]
    assert [worker.name for worker in cluster.workers] == ["w1", "w2"]
    assert cluster.workers[1:][0].name == "w2"


def test_what_is_no_place_is_told(w1):
    with pytest.raises(circuit.ClusterError, match="no worker 'w9'; it has w1, w2"):
        circuit.call(add, 1).on("w9")
    with pytest.raises(TypeError, match="cannot spawn on 3"):
        circuit.call(add, 1).on(3)
    with pytest.raises(TypeError, match="not callable"):
        circuit.call(3)
    with pytest.raises(circuit.ClusterError, match="belongs to a cluster already"):
        circuit.cluster(workers=1)


def test_the_programs_modules_reach_a_worker_that_has_never_seen_them(tmp_path, monkeypatch, w1):
    package = tmp_path / "parts"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("from . import numbers_\n")
    (package / "numbers_.py").write_text("BASE = 40\n")
    (package / "inner" / "__init__.py").touch()
    (package / "inner" / "deep.py").write_text(
        textwrap.dedent("""
        from parts.numbers_ import BASE
        class Box:
            def __init__(self, value): self.value = value
        def make(value):
            import parts_late
            return Box(BASE + parts_late.add(value))
        def fail():
            raise KeyError("deep")
        """)
    )
    (tmp_path / "parts_late.py").write_text("def add(value): return value + 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    from parts.inner import deep

    box = circuit.call(deep.make, 1).on(w1).result()
    assert type(box) is deep.Box and box.value == 42
    with pytest.raises(KeyError) as caught:
        circuit.call(deep.fail).on(w1).result()
    assert 'raise KeyError("deep")' in str(caught.value.__cause__)
    for name in [name for name in sys.modules if name.startswith("parts")]:
        monkeypatch.delitem(sys.modules, name)


def contents(package, name):
    return (
        pkgutil.get_data(package, name),
        importlib.resources.files(package).joinpath(name).read_bytes(),
        Path(importlib.import_module(package).__file__).with_name(name).read_bytes(),
    )


def test_a_worker_reads_the_files_beside_the_programs_modules(tmp_path, monkeypatch, w1):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "__init__.py").touch()
    (tmp_path / "tables" / "rows.csv").write_text("1,2")
    monkeypatch.syspath_prepend(tmp_path)
    assert circuit.call(contents, "tables", "rows.csv").on(w1).result() == (b"1,2", b"1,2", b"1,2")
    with pytest.raises(FileNotFoundError, match=r"columns\.csv"):
        circuit.call(contents, "tables", "columns.csv").on(w1).result()


def unended():
    from circuit.runtime import current

    return len(current.node()._core.made)


def wait_until(condition):
    """Wait for a condition that another process brings about, at most 30 s."""
    pause = threading.Event()
    for _ in range(3000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come about in 30 s")
