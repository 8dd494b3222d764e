"""More is asked of workers, or of a reader, than they can do: nothing outgrows its bound or is lost.

Calls that are to take up their places block at a gate, a named pipe that nobody has opened for writing:
in C, as in a system call that takes its time, and not in a wait of Circuit's, which gives the place away.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

import circuit
from circuit.runtime import current

T = TypeVar("T")

MB = 1 << 20
OTHERS = 20  # threads that a worker may have beside those of its calls


class Gate:
    """What calls block at until it is opened; from then on they go through."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = str(path)
        self._open: int | None = None

    def open(self) -> None:
        if self._open is None:
            self._open = os.open(self.path, os.O_RDWR)

    def close(self) -> None:
        if self._open is not None:
            os.close(self._open)


@pytest.fixture
def gate(tmp_path):
    """Make a gate; it is open when the test has ended, whatever that did."""
    made = Gate(tmp_path / "gate")
    yield made
    made.open()
    made.close()


def go_through(path: str, number: int, ballast: bytes = b"") -> tuple[int, int]:
    """Wait for the gate; return the number, and how many threads there are by then."""
    Path(path).open("rb").close()
    return number, threading.active_count()


def most_threads(running: int) -> int:
    """Return how many threads a worker may have: a call may begin before the thread of another is free."""
    return 2 * running + OTHERS


def count_threads(ballast: bytes) -> int:
    return threading.active_count()


class Source:
    """Makes megabytes, and counts them."""

    def __init__(self) -> None:
        self._made = 0

    def items(self, count: int) -> Iterator[bytes]:
        for _ in range(count):
            self._made += 1
            yield bytes(MB)

    def send(self, channel: circuit.Channel[Any], count: int) -> None:
        for item in self.items(count):
            channel.send(item)

    def made(self) -> int:
        return self._made


def source() -> circuit.Ref[Any]:
    return circuit.ref(Source())


class Crowd:
    """Coroutines that wait together."""

    def __init__(self) -> None:
        self._waiting = 0
        self._go = asyncio.Event()

    async def wait(self, number: int) -> int:
        self._waiting += 1
        await self._go.wait()
        return number

    async def release(self) -> None:
        self._go.set()

    def waiting(self) -> int:
        return self._waiting


def crowd() -> circuit.Ref[Any]:
    return circuit.ref(Crowd())


@pytest.mark.timeout(600)
def test_100_000_spawns_wait_for_workers_that_stand_still_and_end_when_these_go_on():
    spawns = 100_000
    limits = circuit.Limits(running=50, silence=1000)
    with circuit.cluster(workers=2, limits=limits) as cluster:
        pids = [cluster.pid(worker) for worker in cluster.workers]
        for name in ("w1", "w2"):
            circuit.call(count_threads, b"").on(name).result(30)
        workers_before = [peak_memory(pid) for pid in pids]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            before = own_memory()
            futures = [
                circuit.call(count_threads, bytes(1024 * (number % 2))).on(f"w{number % 2 + 1}")
                for number in range(spawns)
            ]
            assert not any(future.done() for future in futures)
            assert own_memory() - before < spawns * 5000
            assert tables()["unacknowledged"] <= 2 * limits.ahead_calls
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        assert max(future.result(500) for future in futures) <= most_threads(limits.running)
        for pid, memory in zip(pids, workers_before, strict=True):
            assert peak_memory(pid) - memory < 100 * MB
        wait_until(nothing_is_under_way)


def test_no_more_threads_run_calls_than_limits_say(gate):
    with circuit.cluster(workers=1, limits=circuit.Limits(running=20)) as cluster:
        futures = [circuit.call(go_through, gate.path, number).on("w1") for number in range(3000)]
        wait_until(lambda: figure(cluster.pid(circuit.worker("w1")), "status", "Threads") > 20)
        gate.open()
        numbers, threads = zip(*(future.result(60) for future in futures), strict=True)
    assert numbers == tuple(range(3000))
    assert 20 <= max(threads) <= most_threads(20)


def test_coroutines_that_wait_take_no_thread():
    with circuit.cluster(workers=1, limits=circuit.Limits(running=20)):
        there = circuit.call(crowd).on("w1").result(30)
        futures = [circuit.call(there.wait, number).on(there) for number in range(5000)]
        wait_until(lambda: there.waiting() == 5000)
        assert circuit.call(threading.active_count).on("w1").result(30) <= most_threads(20)
        circuit.call(there.release).on(there).result(30)
        assert [future.result(60) for future in futures] == list(range(5000))


# Beyond a bound.


def test_beyond_pending_calls_a_spawn_is_refused_and_the_earlier_ones_end(gate, tmp_path):
    with circuit.cluster(workers=1, limits=circuit.Limits(pending_calls=100)):
        earlier = until_refused(
            lambda number: circuit.call(go_through, gate.path, number).on("w1"), "pending_calls", 100
        )
        assert len(earlier) == 100
        with pytest.raises(circuit.Overloaded):
            circuit.call(Path.touch, tmp_path / "ran").on("w1")
        gate.open()
        assert [future.result(60)[0] for future in earlier] == list(range(len(earlier)))
        assert circuit.call(go_through, gate.path, 100).on("w1").result(30)[0] == 100
        assert not (tmp_path / "ran").exists()


def test_beyond_pending_bytes_a_spawn_is_refused_and_the_earlier_ones_end(gate):
    limits = circuit.Limits(running=1, ahead_calls=2, pending_bytes=8 * MB)
    with circuit.cluster(workers=1, limits=limits):
        earlier = until_refused(
            lambda number: circuit.call(go_through, gate.path, number, bytes(MB)).on("w1"),
            "pending_bytes",
            8 * MB,
        )
        assert 7 <= len(earlier) <= 8 + 1 + 2  # waiting here, running there, and waiting there
        gate.open()
        assert [future.result(60)[0] for future in earlier] == list(range(len(earlier)))
        assert circuit.call(go_through, gate.path, 100, bytes(MB)).on("w1").result(30)[0] == 100


def test_spawns_that_are_given_up_before_their_worker_heard_of_them_count_too():
    with circuit.cluster(workers=1, limits=circuit.Limits(pending_bytes=8 * MB)) as cluster:
        circuit.call(len, b"").on("w1").result(30)
        pid = cluster.pid(circuit.worker("w1"))
        os.kill(pid, signal.SIGSTOP)
        try:
            until_refused(lambda _: circuit.call(len, bytes(MB)).on("w1").cancel(), "pending_bytes", 8 * MB)
        finally:
            os.kill(pid, signal.SIGCONT)
        wait_until(nothing_is_under_way)
        assert circuit.call(len, bytes(MB)).on("w1").result(30) == MB


def test_at_the_bound_of_calls_what_there_is_can_still_be_had(gate):
    with circuit.cluster(workers=1, limits=circuit.Limits(pending_calls=10)):
        large = circuit.call(bytes, MB).on("w1")
        channel = circuit.call(filled_channel).on("w1").result(30)
        wait_until(large.done)
        earlier = until_refused(
            lambda number: circuit.call(go_through, gate.path, number).on("w1"), "pending_calls", 10
        )
        assert len(large.result(30)) == MB
        assert channel.recv(30) == "value"
        gate.open()
        assert [future.result(60)[0] for future in earlier] == list(range(len(earlier)))


def test_beyond_the_bound_of_threads_a_call_fails_and_the_others_go_on():
    limits = circuit.Limits(running=20, threads=40)
    with circuit.cluster(workers=1, limits=limits):
        channel = circuit.channel()
        futures = [circuit.call(receive, channel).on("w1") for _ in range(200)]
        wait_until(lambda: sum(future.done() for future in futures) >= len(futures) - limits.threads)
        channel.close()
        errors = [future.exception(60) for future in futures]
        refused = [error for error in errors if isinstance(error, circuit.Overloaded)]
        closed = [error for error in errors if isinstance(error, circuit.ChannelClosed)]
        assert len(refused) + len(closed) == len(futures)
        assert limits.threads - 2 <= len(closed) <= limits.threads  # two may be at something else
        check_text(refused[0], "threads", limits.threads)
        assert all(error.__context__ is None for error in refused)
        assert circuit.call(len, b"").on("w1").result(30) == 0


def until_refused(spawn: Callable[[int], T], bound: str, value: int) -> list[T]:
    """Spawn, with the numbers from 0 on, until that is refused by this bound."""
    spawned: list[T] = []
    with pytest.raises(circuit.Overloaded) as refused:
        while len(spawned) < 1000:
            spawned.append(spawn(len(spawned)))
    check_text(refused.value, bound, value)
    return spawned


def filled_channel() -> circuit.Channel[Any]:
    channel = circuit.channel(1)
    channel.send("value")
    return channel


def receive(channel: circuit.Channel[Any]) -> object:
    return channel.recv()


def check_text(error: circuit.Overloaded, bound: str, value: int) -> None:
    """Check that an error says in its fields and in words where what bound is met, and what to do."""
    assert (error.worker, error.bound, error.value) == ("w1", bound, value)
    for part in ("'w1'", f"{bound} = {value:,}", f"limits=Limits({bound}=...)"):
        assert part in str(error)


# A reader that is slower than its writer.


@pytest.mark.parametrize("limits", [circuit.Limits(window=4), circuit.Limits(ahead_bytes=4 * MB)])
def test_a_stream_of_megabytes_costs_its_window_on_both_sides(limits):
    with circuit.cluster(workers=1, limits=limits) as cluster:
        there = circuit.call(source).on("w1").result(30)
        stream = circuit.call(there.items, 200).on(there)
        costs = Costs(cluster.pid(circuit.worker("w1")))
        wait_until(lambda: there.made() == 4)
        for taken, item in enumerate(stream, 1):
            assert len(item) == MB
            assert there.made() <= taken + 4
            costs.look()
        assert taken == 200
        costs.check()


def test_a_channel_of_megabytes_costs_its_capacity_on_both_sides():
    with circuit.cluster(workers=1) as cluster:
        there = circuit.call(source).on("w1").result(30)
        channel = circuit.channel(4)
        sending = circuit.call(there.send, channel, 200).on(there)
        costs = Costs(cluster.pid(circuit.worker("w1")))
        wait_until(lambda: there.made() == 4 + 1)  # one is in the sender's hands
        for taken in range(1, 201):
            assert len(channel.recv(30)) == MB
            assert there.made() <= taken + 4 + 1
            costs.look()
        sending.result(30)
        costs.check()


class Costs:
    """The memory that 200 MB need on their way here from a worker."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._there = peak_memory(pid)
        self._here = own_memory()
        self._most = self._here

    def look(self) -> None:
        self._most = max(self._most, own_memory())

    def check(self) -> None:
        assert self._most - self._here < 60 * MB
        assert peak_memory(self._pid) - self._there < 60 * MB


# Results that nobody asks for.


def test_results_whose_futures_are_dropped_cost_nothing_here():
    with circuit.cluster(workers=1):
        circuit.call(bytes, 1).on("w1").result(30)
        before = own_memory()
        for _ in range(5000):
            circuit.call(bytes, 40 * 1024).on("w1")
        wait_until(nothing_is_under_way)
        assert own_memory() - before < 60 * MB


def test_large_results_whose_futures_are_dropped_cost_nothing_there():
    with circuit.cluster(workers=1):
        before = circuit.call(own_memory).on("w1").result(30)
        for _ in range(200):
            circuit.call(bytes, MB).on("w1")
        wait_until(nothing_is_under_way)
        wait_until(lambda: circuit.call(tables).on("w1").result(30)["objects"] == 0)
        assert circuit.call(own_memory).on("w1").result(30) - before < 60 * MB


def tables() -> dict[str, int]:
    return current.node().tables()


def nothing_is_under_way() -> bool:
    now = tables()
    return not any(now[name] for name in ("made", "handles", "lanes", "unacknowledged", "references"))


def own_memory() -> int:
    """Return the bytes of this process that no other has."""
    return figure("self", "smaps_rollup", "Anonymous") * 1024


def peak_memory(pid: int) -> int:
    """Return the most bytes that a process ever had."""
    return figure(pid, "status", "VmHWM") * 1024


def figure(pid: int | str, file: str, name: str) -> int:
    for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
        key, _, rest = line.partition(":")
        if key == name:
            return int(rest.split()[0])
    raise LookupError(name)


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that another process brings about, at most 60 s."""
    pause = threading.Event()
    for _ in range(6000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come about in 60 s")
