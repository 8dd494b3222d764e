"""Edges at which a runtime may hang, leak or lie: each of these once went wrong."""

import asyncio
import functools
import subprocess
import sys
import textwrap
import threading

import pytest

import circuit
from circuit.runtime import current
from circuit.runtime.execution import EventLoop
from circuit.runtime.functions import definitions
from circuit.runtime.pickling import dumps, loads


@pytest.fixture(scope="module")
def cluster():
    with circuit.cluster(workers=2) as started:
        yield started


def add(a, b=0):
    return a + b


def produce(number):
    yield from range(number)


class Untellable(Exception):
    @property
    def __notes__(self):
        raise KeyError("no notes")

    def __str__(self):
        raise KeyError("no text")


def raise_untellable():
    raise Untellable


def raise_surrogate():
    raise ValueError("a file name \udcff")


def test_text_that_cannot_be_encoded_blocks_nothing(cluster):
    with pytest.raises(ValueError, match="a file name"):
        circuit.call(raise_surrogate).on("w1").result(timeout=30)
    assert circuit.call(add, 1).on("w1").result(timeout=30) == 1


def test_an_exception_that_cannot_be_told_ends_its_call(cluster):
    with pytest.raises((Untellable, circuit.RemoteError)):
        circuit.call(raise_untellable).on("w1").result(timeout=30)


def test_no_call_sees_what_another_did_to_what_it_captured(cluster):
    gathered = []

    def gather(value, into=gathered):
        into.append(value)
        return list(into)

    def count():
        count.calls = getattr(count, "calls", 0) + 1
        return count.calls

    for _ in range(3):
        assert circuit.call(lambda: gathered.append(1) or len(gathered)).on("w1").result() == 1
        assert circuit.call(gather, 7).on("w1").result() == [7]
        assert circuit.call(functools.partial(gather, 8, [])).on("w1").result() == [8]
        assert circuit.call(count).on("w1").result() == 1


def test_only_callees_that_cannot_change_are_kept():
    limit, items = 3, []

    def inner(x, y=(1, "a")):
        return x < limit

    def changing():
        return items

    assert all(definitions(function) is not None for function in (add, abs, circuit.Worker))
    for kept, function in (
        (True, inner),
        (True, lambda: inner(1)),
        (False, changing),
        (False, lambda: changing()),
    ):
        assert (definitions(loads(dumps(function, "f"))) is not None) is kept


def test_a_spawn_from_within_the_node_waits_its_turn(cluster, monkeypatch):
    core, late = current.node()._core, []
    call = core.call

    def struck(*args, **kwargs):  # as by a finalizer that the garbage collector runs
        if not late:
            late.append(None)
            late[0] = circuit.call(add, 5).on("w1")
        return call(*args, **kwargs)

    monkeypatch.setattr(core, "call", struck)
    assert circuit.call(add, 4).on("w1").result(timeout=30) == 4
    assert late[0].result(timeout=30) == 5


def test_a_task_that_exits_leaves_the_event_loop_running(cluster):
    async def leave():
        async def exit_later():
            sys.exit(3)

        task = asyncio.create_task(exit_later())
        await asyncio.sleep(0)
        return task is not None

    async def stop():
        asyncio.get_running_loop().stop()
        return "stopped"

    async def ok():
        return "ok"

    assert circuit.call(leave).on("w1").result(timeout=30)
    assert circuit.call(stop).on("w1").result(timeout=30) == "stopped"
    assert circuit.call(ok).on("w1").result(timeout=30) == "ok"


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_a_coroutine_cancelled_before_it_began_is_over_all_the_same():
    loop, entered, leave, over = EventLoop(), threading.Event(), threading.Event(), threading.Event()

    async def hold_the_loop():
        entered.set()
        leave.wait(30)

    async def forever():
        await asyncio.sleep(3600)

    loop.start(hold_the_loop(), lambda: None, lambda: None)
    assert entered.wait(30)
    cancel = loop.start(forever(), over.set, lambda: None)
    cancel()
    leave.set()
    assert over.wait(30)


def test_an_async_generator_that_nobody_streams_is_refused(cluster):
    async def produce_later():
        yield 1

    with pytest.raises(circuit.NotSendable, match=r"^result: async_generator"):
        circuit.call(lambda: produce_later()).on("w1").result(timeout=30)


def test_a_chore_that_fails_stops_no_other(cluster, monkeypatch):
    uncaught = []
    monkeypatch.setattr(threading, "excepthook", lambda error: uncaught.append(error.exc_value))
    done = threading.Event()

    def fail():
        raise KeyError("chore")

    current.node().later(fail)
    current.node().later(done.set)
    assert done.wait(30) and [type(error) for error in uncaught] == [KeyError]


def test_a_deleted_working_folder_hides_no_error(cluster, tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(TypeError) as caught:
        circuit.call(add, 1, "a").on("w1").result(timeout=30)
    assert "spawned at" in caught.value.__notes__[0]


def test_an_error_of_a_stream_that_nobody_saw_is_reported(cluster, capfd):
    def fail():
        yield 1
        raise LookupError("unseen")

    stream = circuit.call(fail).on("w1")
    inbox = stream._inbox
    wait_until(lambda: inbox.ended)
    del stream
    wait_until(lambda: "LookupError: unseen" in capfd.readouterr().err)


# What happens around the end of a cluster. These run programs of their own.


def in_new_process(tmp_path, text):
    """Run a program to its end, and return what it printed."""
    (tmp_path / "app.py").write_text("import circuit, os, sys, threading, time\n" + textwrap.dedent(text))
    ran = subprocess.run([sys.executable, "app.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_closing_does_not_wait_for_a_reader_that_never_comes(tmp_path):
    printed = in_new_process(
        tmp_path,
        """
        def produce():
            try:
                for n in range(10_000): yield n
            finally:
                print("closed")
        with circuit.cluster(workers=1) as cluster:
            stream = circuit.call(produce).on("w1")
            print(next(stream))
        """,
    )
    assert printed.splitlines() == ["0", "[w1] closed"]


def test_a_reader_in_another_thread_hears_of_the_end_of_the_cluster(tmp_path):
    printed = in_new_process(
        tmp_path,
        """
        def produce():
            yield 1
            time.sleep(3600)
        heard = threading.Event()
        def read(stream):
            try:
                for item in stream: heard.set()
            except circuit.CancelledError as error:
                print("cancelled:", error)
        try:
            with circuit.cluster(workers=1):
                thread = threading.Thread(target=read, args=[circuit.call(produce).on("w1")])
                thread.start()
                heard.wait()
                raise KeyError
        except KeyError:
            thread.join()
        """,
    )
    assert printed.startswith("cancelled: produce() spawned at app.py:")


def test_what_belongs_to_a_closed_cluster_says_so_and_starts_no_other(tmp_path):
    printed = in_new_process(
        tmp_path,
        """
        from circuit.runtime import current
        with circuit.cluster(workers=1) as first:
            (worker,) = first.workers
            assert worker.alive
        print(worker.alive, current.running())
        first.close()
        with circuit.cluster(workers=1):
            try: circuit.call(abs, 1).on(worker)
            except circuit.ClusterError as error: print(error)
            print(circuit.call(abs, -2).on("w1").result())
        """,
    )
    assert printed.splitlines() == ["False None", "<Worker 'w1'> belongs to a cluster that is closed", "2"]


def test_a_closed_cluster_leaves_no_thread_and_no_descriptor(tmp_path):
    printed = in_new_process(
        tmp_path,
        """
        counts = []
        for _ in range(3):
            with circuit.cluster(workers=2):
                circuit.gather(*[circuit.call(abs, -1).on(name) for name in ("w1", "w2")]).result()
            until = time.monotonic() + 20
            while threading.active_count() > 1 and time.monotonic() < until: threading.Event().wait(0.01)
            counts.append((threading.active_count(), len(os.listdir("/proc/self/fd"))))
        print(counts[1] == counts[2], counts)
        """,
    )
    assert printed.startswith("True [(1, "), printed


def test_an_error_in_the_block_interrupts_what_runs_and_runs_its_finally(tmp_path):
    printed = in_new_process(
        tmp_path,
        """
        def spin():
            try:
                print("began")  # a loop right behind the `try` is outside of it for CPython 3.11
                while True: pass
            finally:
                print("cleaned up")
        try:
            with circuit.cluster(workers=1):
                circuit.call(spin).on("w1")
                while circuit.call(os.getpid).on("w1").result() == 0: pass
                raise KeyError
        except KeyError:
            pass
        """,
    )
    assert "[w1] cleaned up" in printed


def test_a_forked_child_does_not_end_its_parents_cluster(tmp_path):
    printed = in_new_process(
        tmp_path,
        """
        with circuit.cluster(workers=1) as cluster:
            circuit.call(abs, -1).on("w1").result()
            if (child := os.fork()) == 0:
                cluster.close()
                os._exit(0)
            os.waitpid(child, 0)
            print(circuit.call(abs, -2).on("w1").result())
        """,
    )
    assert printed == "2\n"


def test_a_worker_that_cannot_start_is_lost_with_its_last_words(tmp_path):
    printed = in_new_process(
        tmp_path,
        """
        (os.path.exists("bad") or os.mkdir("bad"))
        open("bad/grpc.py", "w").write("raise ImportError('broken installation')")
        os.environ["PYTHONPATH"] = os.path.abspath("bad")
        try: circuit.call(abs, -1).on("w1").result()
        except circuit.WorkerLost as lost:
            print(lost.how, lost.ran, lost.stderr[-1])
        """,
    )
    assert printed == "exited with status 1 no ImportError: broken installation\n"


def wait_until(condition):
    """Wait for a condition that another process brings about, at most 30 s."""
    pause = threading.Event()
    for _ in range(3000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come about in 30 s")
