"""What users see when something goes wrong, with real processes and real signals."""

import os
import pickle
import re
import signal
import stat
import statistics
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

import circuit
from circuit.runtime import processes


class Refusing(Exception):
    """An exception that cannot be rebuilt from its arguments."""

    def __init__(self, code, *, reason):
        super().__init__(f"{code}: {reason}")


class Unsendable(Exception):
    """An exception that holds what cannot travel."""

    def __init__(self):
        super().__init__("has a lock")
        self.lock = threading.Lock()


class Config:
    def __init__(self):
        self.limits = {"lock": threading.Lock()}


def divide(a, b):
    return a / b


def refuse():
    raise Refusing(7, reason="no")


def raise_unsendable():
    raise Unsendable


def sleep(seconds):
    time.sleep(seconds)  # the call that is to be killed


def die(status):
    print("last words", file=sys.stderr, flush=True)
    os._exit(status)


@pytest.fixture
def cluster():
    with circuit.cluster(workers=2) as started:
        yield started


# An exception arrives as its own type.


def test_an_exception_has_its_own_type_the_remote_frames_and_the_spawn_site(cluster):
    future = circuit.call(divide, 1, 0).on("w1")
    with pytest.raises(ZeroDivisionError, match="division by zero") as caught:
        future.result()
    cause = caught.value.__cause__
    assert isinstance(cause, circuit.RemoteTraceback)
    assert "return a / b" in str(cause) and "in divide" in str(cause)
    assert "execution.py" not in str(cause)
    (note,) = caught.value.__notes__
    pid = cluster.pid(cluster.workers[0])
    line = test_an_exception_has_its_own_type_the_remote_frames_and_the_spawn_site.__code__.co_firstlineno + 1
    assert note == f"raised on worker 'w1' (pid {pid}), spawned at tests/runtime/test_failures.py:{line}:14"


def test_an_exception_of_the_main_program_has_its_own_type(tmp_path):
    ran = run_program(
        tmp_path,
        """
        import circuit
        class Odd(Exception): pass
        def f(): raise Odd("three")
        try:
            circuit.call(f).on("w1").result()
        except Odd as error:
            print("caught", type(error) is Odd, error)
        """,
    )
    assert ran.stdout == "caught True three\n", ran.stderr


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (refuse, r"test_failures\.Refusing: 7: no"),
        (raise_unsendable, r"test_failures\.Unsendable: has a lock"),
    ],
)
def test_an_exception_that_cannot_travel_is_told_in_words(cluster, function, text):
    with pytest.raises(circuit.RemoteError, match=text) as caught:
        circuit.call(function).on("w1").result()
    assert f"in {function.__name__}" in str(caught.value.__cause__)


def test_sys_exit_in_a_call_ends_the_call_and_not_the_worker(cluster):
    with pytest.raises(SystemExit):
        circuit.call(sys.exit, 3).on("w1").result()
    assert circuit.call(divide, 4, 2).on("w1").result() == 2


def test_an_exception_that_nobody_asks_for_is_reported_once(tmp_path):
    ran = run_program(
        tmp_path,
        """
        import circuit
        def f(): raise KeyError("lost?")
        circuit.call(f).on("w1")
        kept = circuit.call(f).on("w2")
        asked = circuit.call(f).on("w2")
        asked.exception()
        """,
    )
    assert ran.returncode == 0
    assert ran.stderr.count("circuit: nobody asked for the outcome of f() spawned at app.py:") == 2
    assert "app.py:4:1 on 'w1'" in ran.stderr and "app.py:5:8 on 'w2'" in ran.stderr
    assert "KeyError: 'lost?'" in ran.stderr


# kill -9 on a worker.


def test_kill_9_loses_each_call_in_flight_with_the_signal_within_100_ms():
    times = []
    for _ in range(3):
        with circuit.cluster(workers=2) as cluster:
            victim = cluster.workers[0]
            began = circuit.call(circuit.ref, []).on("w2").result()

            def mark_and_sleep(ref):
                ref.append(1)
                time.sleep(3600)  # it is killed

            futures = [circuit.call(mark_and_sleep, began).on(victim) for _ in range(10)]
            wait_until(lambda began=began: len(began.copy()) == 10)
            pid = cluster.pid(victim)
            killed = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            for future in futures:
                with pytest.raises(circuit.WorkerLost) as caught:
                    future.result(timeout=30)
                lost = caught.value
                assert (lost.worker, lost.pid, lost.how) == ("w1", pid, "was killed by SIGKILL")
                assert lost.ran == "unknown" and lost.call.endswith("mark_and_sleep")
            times.append(time.monotonic() - killed)
            with pytest.raises(circuit.WorkerLost, match="it did not run"):
                circuit.call(divide, 1, 1).on(victim).result(timeout=30)
            assert not victim.alive and [worker.name for worker in circuit.workers()] == ["w2"]
            assert circuit.call(divide, 4, 2).on(circuit.workers()).result(timeout=30) == 2
    assert statistics.median(times) < 0.1, times


def test_a_worker_that_the_kernel_killed_for_memory_is_told_as_such(tmp_path, monkeypatch):
    counters = tmp_path / "vmstat"  # as /proc/vmstat; the kernel counts what it kills for that there
    counters.write_text("nr_free_pages 1\noom_kill 3\n")
    monkeypatch.setattr(processes, "KERNEL_COUNTERS", counters)
    with circuit.cluster(workers=2):
        for worker, others, how in (
            ("w1", 3, "by SIGKILL"),
            ("w2", 4, "by SIGKILL while the system was out of memory"),
        ):
            counters.write_text(f"nr_free_pages 0\noom_kill {others}\n")
            os.kill(circuit.call(os.getpid).on(worker).result(), signal.SIGKILL)
            with pytest.raises(circuit.WorkerLost) as caught:
                circuit.call(time.sleep, 3600).on(worker).result(timeout=30)
            assert caught.value.how == f"was killed {how}"


def test_kill_9_is_seen_by_the_other_workers_too(cluster):
    def relay():
        try:
            circuit.call(sleep, 3600).on("w2").result()
        except circuit.WorkerLost as lost:
            return lost.how, lost.worker

    future = circuit.call(relay).on("w1")
    wait_until(lambda: circuit.call(calls_here).on("w2").result() > 0)
    os.kill(cluster.pid(cluster.workers[1]), signal.SIGKILL)
    assert future.result(timeout=30) == ("was killed by SIGKILL", "w2")


def test_a_stream_of_a_killed_worker_raises_after_what_arrived(cluster):
    def produce():
        yield 1
        time.sleep(3600)  # it is killed

    stream = circuit.call(produce).on("w1")
    assert next(stream) == 1
    os.kill(cluster.pid(cluster.workers[0]), signal.SIGKILL)
    with pytest.raises(circuit.WorkerLost) as caught:
        next(stream)
    assert caught.value.ran == "yes"


def test_a_worker_that_exits_tells_its_status_and_last_words(cluster):
    with pytest.raises(circuit.WorkerLost) as caught:
        circuit.call(die, 9).on("w1").result(timeout=30)
    assert caught.value.how == "exited with status 9"
    assert caught.value.stderr == ("last words",)
    text = str(caught.value)
    assert re.match(r"worker 'w1' \(pid \d+\) exited with status 9, \d+\.\d\d s into die\(\)\n", text)
    assert "spawned at tests/runtime/test_failures.py:" in text and "\n    last words" in text


def test_a_segmentation_fault_names_the_signal(cluster):
    with pytest.raises(circuit.WorkerLost, match="was killed by SIGSEGV"):
        circuit.call(segfault).on("w1").result(timeout=30)


def test_a_broken_carrier_is_not_seen(cluster):
    from circuit.runtime import current

    node = current.node()
    future = circuit.call(sleep, 0.3).on("w1")
    wait_until(lambda: circuit.call(calls_here).on("w1").result() > 0)
    node._hang_up(cluster.workers[0].node_id)  # as if the network had cut the stream
    assert future.result(timeout=30) is None
    assert circuit.call(divide, 4, 2).on("w1").result(timeout=30) == 2


# What cannot be sent.


def test_what_cannot_be_sent_is_named_with_its_path_and_nothing_is_sent(cluster):
    with pytest.raises(circuit.NotSendable) as caught:
        circuit.call(divide, [1, Config()], 2).on("w1")
    assert caught.value.path == "args[0][1].limits['lock']"
    assert caught.value.type_name == "_thread.lock"
    assert str(caught.value).startswith(
        "args[0][1].limits['lock']: _thread.lock cannot be sent to another process"
    )
    with pytest.raises(circuit.NotSendable, match=r"^kwargs\['b'\]: generator cannot"):
        circuit.call(divide, 1, b=(x for x in [])).on("w1")
    lock = threading.Lock()
    with pytest.raises(circuit.NotSendable, match=r"<lambda>\.lock: _thread\.lock"):
        circuit.call(lambda: lock).on("w1")
    assert caught.traceback[-1].name != "" and caught.traceback[0].path == Path(__file__)


def test_a_result_that_cannot_be_sent_is_named(cluster):
    with pytest.raises(circuit.NotSendable, match=r"^result\[0\]: _thread\.lock cannot"):
        circuit.call(lambda: [threading.Lock()]).on("w1").result()


def test_a_stream_as_an_argument_is_refused_with_the_way_out(cluster):
    def count():
        yield 1

    stream = circuit.call(count).on("w1")
    with pytest.raises(
        circuit.NotSendable, match=r"args\[0\]: .*Stream cannot .*iterate over it where it was spawned"
    ):
        circuit.call(divide, stream, 2).on("w2")


@pytest.mark.parametrize(
    "error",
    [
        circuit.NotSendable("args[0]", "lock", "because"),
        circuit.RemoteError("m.E", "text"),
        circuit.WorkerLost("w1", 7, "was killed by SIGKILL", "f", 0.5, "a.py:1:2", "no", ("a", "b")),
        circuit.ClusterError("no worker"),
        circuit.Overloaded("w1", "pending_calls", 10),
        circuit.ChannelClosed("<Channel 1>"),
        circuit.StaleReference("<Ref>", "it was freed"),
        circuit.OwnerRestarted("<Ref>", "'w1' was restarted"),
        circuit.RemoteTraceback("frames"),
    ],
)
def test_our_errors_survive_the_journey(error):
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error) and copy.__dict__ == error.__dict__ and str(copy) == str(error)


# The end of the program, however it comes.

PROGRAM = """
    import circuit, sys, time
    def forever(): time.sleep(3600)
    def busy():
        while True: sum(range(10**7))
    def pid():
        import os
        return os.getpid()
    workers = circuit.workers()
    pids = [circuit.call(pid).on(worker).result() for worker in workers]
    held = [circuit.call(forever).on(workers[0]), circuit.call(busy).on(workers[1])]
    print(*pids, flush=True)
"""


@pytest.mark.parametrize("waiting", ["held[0].result()", "pass", "time.sleep(3600)"])
def test_ctrl_c_ends_driver_and_workers(tmp_path, waiting):
    driver = start_program(tmp_path, textwrap.dedent(PROGRAM) + waiting)
    pids = [int(pid) for pid in driver.stdout.readline().split()]
    assert len(pids) == len(os.sched_getaffinity(0))
    driver.send_signal(signal.SIGINT)
    if waiting.startswith("time"):  # Python's own sleep misses a signal that comes just before it
        wait_until(lambda: driver.poll() is not None or driver.send_signal(signal.SIGINT))
    _, stderr = finish(driver)
    assert driver.returncode != 0 or waiting == "pass"
    assert "KeyboardInterrupt" in stderr or waiting == "pass"
    wait_until(lambda: not any(map(alive, pids)))


def test_kill_9_on_the_driver_ends_the_workers(tmp_path):
    driver = start_program(tmp_path, textwrap.dedent(PROGRAM) + "held[0].result()")
    pids = [int(pid) for pid in driver.stdout.readline().split()]
    driver.kill()
    finish(driver)
    wait_until(lambda: not any(map(alive, pids)))


def test_an_uncaught_exception_ends_the_program_and_its_workers(tmp_path):
    driver = start_program(tmp_path, textwrap.dedent(PROGRAM) + "raise SystemError('mine')")
    pids = [int(pid) for pid in driver.stdout.readline().split()]
    _, stderr = finish(driver)
    assert driver.returncode == 1 and "SystemError: mine" in stderr
    wait_until(lambda: not any(map(alive, pids)))


def test_a_program_ends_when_its_spawns_have_ended_nested_ones_too(tmp_path):
    ran = run_program(
        tmp_path,
        """
        import circuit, time
        def last(): time.sleep(0.2); print("the last")
        def first():
            time.sleep(0.1)
            circuit.call(last).on("w2")
        circuit.call(first).on("w1")
        print("main ends")
        """,
    )
    assert ran.returncode == 0 and ran.stdout.splitlines() == ["main ends", "[w2] the last"], ran.stderr


def test_nothing_is_left_in_the_temporary_folder(tmp_path):
    (tmp_path / "t").mkdir()
    program = "import circuit\nprint(circuit.call(abs, -1).on('w1').result())"
    ran = run_program(tmp_path, program, TMPDIR=str(tmp_path / "t"))
    assert ran.stdout == "1\n" and not list((tmp_path / "t").iterdir())
    killed = start_program(
        tmp_path, textwrap.dedent(PROGRAM) + "held[0].result()", TMPDIR=str(tmp_path / "t")
    )
    killed.stdout.readline()
    killed.kill()
    finish(killed)
    assert run_program(tmp_path, program, TMPDIR=str(tmp_path / "t")).stdout == "1\n"
    assert not list((tmp_path / "t").iterdir())


def test_nobody_else_can_reach_the_sockets_of_a_cluster():
    with circuit.cluster(workers=1) as cluster:
        circuit.call(abs, -1).on("w1").result()
        folder = Path(cluster._folder.path)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {file.name for file in folder.iterdir()} >= {"driver", "w1"}


def test_nothing_of_a_user_is_deleted_from_the_temporary_folder(tmp_path):
    kept = []
    for name, content in (("circuit-notes", "thesis.txt"), ("circuit-marked", ".circuit-sockets")):
        folder = tmp_path / "t" / name
        folder.mkdir(parents=True)
        kept += [folder / content, folder / "more.txt"]
    for file in kept:
        file.write_text("mine")
    program = "import circuit\nprint(circuit.call(abs, -1).on('w1').result())"
    assert run_program(tmp_path, program, TMPDIR=str(tmp_path / "t")).stdout == "1\n"
    assert all(file.read_text() == "mine" for file in kept)


def test_a_temporary_folder_with_a_long_path_is_no_obstacle(tmp_path):
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    ran = run_program(
        tmp_path, "import circuit\nprint(circuit.call(abs, -1).on('w1').result())", TMPDIR=str(folder)
    )
    assert ran.stdout == "1\n", ran.stderr


# What workers print.


def test_output_of_workers_appears_line_by_line_with_their_names(tmp_path):
    ran = run_program(
        tmp_path,
        """
        import circuit, os, sys
        def talk():
            print("one"); print("two ä"); print("to stderr", file=sys.stderr)
            os.write(1, b"from C\\n")
            sys.stdout.write("unfinished")
        for name in ("w1", "w2"):
            circuit.call(talk).on(name).result()
        """,
    )
    out = ran.stdout.splitlines()
    for name in ("w1", "w2"):
        mine = [line for line in out if line.startswith(f"[{name}]")]
        assert mine == [f"[{name}] {text}" for text in ("one", "two ä", "from C", "unfinished")]
    assert ran.stderr.splitlines() == ["[w1] to stderr", "[w2] to stderr"]


def test_standard_input_of_workers_is_empty(cluster):
    assert circuit.call(lambda: sys.stdin.read()).on("w1").result() == ""


# Helpers of these tests.


def calls_here():
    from circuit.runtime import current

    return current.node()._core.running - 1


def segfault():
    import ctypes

    ctypes.string_at(0)


# Runs a command that takes SIGINT even if we ignore it. `preexec_fn` would fork, which grpc, loaded here,
# does not survive.
INTERRUPTIBLE = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


def start_program(folder, text, **environment):
    """Start a driver that runs the text as app.py, and can be interrupted even if we cannot."""
    (folder / "app.py").write_text(textwrap.dedent(text))
    return subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, sys.executable, "app.py"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )


def finish(driver):
    """Wait for a driver's end and return what it wrote; kill it if that takes too long."""
    try:
        return driver.communicate(timeout=30)
    finally:
        driver.kill()


def run_program(folder, text, **environment):
    """Run a driver to its end."""
    driver = start_program(folder, text, **environment)
    stdout, stderr = finish(driver)
    return subprocess.CompletedProcess("app.py", driver.returncode, stdout, stderr)


def alive(pid):
    """Tell whether a process runs, not counting one that only waits to be reaped."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_until(condition):
    """Wait for a condition that another process brings about, at most 30 s."""
    pause = threading.Event()
    for _ in range(3000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come about in 30 s")
