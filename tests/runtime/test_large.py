"""Large values between real processes: mapped where both are on one host, copied where they are not.

The other host is a worker without memfd, as on another system: nothing that is lent can be mapped there,
so that it goes in parts. A third kind has no room to lend, and its buffers go in their messages.
"""

import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import circuit
from circuit.runtime import current, memory
from circuit.runtime.shared import KEPT_BYTES

MB = 1 << 20
SYSTEMS = ["same host", "no room", "other host"]
WITHOUT_MEMFD = "import os\ndel os.memfd_create\n"


class Seen(NamedTuple):
    """What a process sees of an array that came to it."""

    total: int
    writable: bool
    mapped: bool


SAME_HOST = Seen(MB, writable=False, mapped=True)
OTHER_HOST = Seen(MB, writable=True, mapped=False)


@pytest.fixture(scope="module", params=SYSTEMS)
def system(request):
    """Name what the workers of `cluster` have in common with this process."""
    return request.param


@pytest.fixture(scope="module")
def cluster(system, tmp_path_factory):
    """Start two workers, for all tests that leave them as they were."""
    with workers(system, tmp_path_factory.mktemp("system")) as started:
        yield started


@pytest.fixture
def expected(system):
    """Say what is to be seen of a large array of ones."""
    return SAME_HOST if system == "same host" else OTHER_HOST


@pytest.fixture(params=SYSTEMS)
def fresh(request, tmp_path):
    """Start two workers of which nobody has asked anything."""
    with workers(request.param, tmp_path) as started:
        yield started


@pytest.fixture
def pair(tmp_path):
    """Start two workers on one host, for a test that may kill them."""
    with workers("same host", tmp_path) as started:
        yield started


@contextmanager
def workers(system: str, folder: Path) -> Iterator[circuit.Cluster]:
    """Start two workers, with memory to share or without."""
    with pytest.MonkeyPatch.context() as patch:
        if system == "other host":
            (folder / "sitecustomize.py").write_text(WITHOUT_MEMFD)
            patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
        with circuit.cluster(
            2, limits=circuit.Limits(shared_bytes=1 if system == "no room" else 0)
        ) as started:
            yield started


def look(value: object) -> list[Seen]:
    """Return what is seen of all arrays in a value."""
    return [
        Seen(int(array.sum(dtype="i8")), array.flags.writeable, is_mapped(array)) for array in arrays(value)
    ]


def arrays(value: object) -> Iterator[np.ndarray]:
    """Find the arrays in a value."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from arrays(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from arrays(part)


def is_mapped(array: np.ndarray) -> bool:
    """Tell whether the array lies in memory of another process, by what the kernel says."""
    address = array.__array_interface__["data"][0]
    for line in Path("/proc/self/maps").read_text().splitlines():
        first, _, last = line.split()[0].partition("-")
        if int(first, 16) <= address < int(last, 16):
            return "/memfd:circuit-" in line
    raise LookupError(f"{address:x} is nowhere")


def ones(nbytes: int = MB) -> np.ndarray:
    return np.ones(nbytes, dtype="u1")


def echo(value: object) -> object:
    return value


def produce(values: list[object]) -> Iterator[object]:
    yield from values


def receive(channel: circuit.Channel[Any]) -> list[Seen]:
    return look(channel.recv())


def fetch(future: circuit.Future[Any]) -> list[Seen]:
    return look(future.result())


def describe(array: np.ndarray) -> tuple[str, tuple[int, ...], bytes]:
    return str(array.dtype), array.shape, array.tobytes()


class Keeper:
    """An object that lives on a worker and keeps what it is given."""

    def __init__(self) -> None:
        self.kept: list[object] = []

    def keep(self, value: object) -> list[Seen]:
        self.kept.append(value)
        return look(value)

    def look(self) -> list[Seen]:
        return look(self.kept)

    def forget(self) -> None:
        self.kept.clear()


def keeper() -> circuit.Ref[Any]:
    return circuit.ref(Keeper())


def tables() -> dict[str, int]:
    return current.node().tables()


def own_memory() -> int:
    """Return the bytes of this process that no other has: what was copied is among them."""
    return figure("Anonymous")


def figure(name: str) -> int:
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        key, _, rest = line.partition(":")
        if key == name:
            return int(rest.split()[0]) * 1024
    raise LookupError(name)


# Every way that a value goes.


def by_argument():
    return circuit.call(look, ones()).on("w1").result(30)


def by_result():
    return look(circuit.call(ones).on("w1").result(30))


def by_item():
    return [seen for item in circuit.call(produce, [ones(), ones()]).on("w1") for seen in look(item)]


def by_channel():
    channel = circuit.channel(1)
    received = circuit.call(receive, channel).on("w1")
    channel.send(ones())
    return received.result(30)


def by_method():
    return circuit.call(keeper).on("w1").result(30).keep(ones())


def by_closure():
    array = ones()
    return circuit.call(lambda: look(array)).on("w1").result(30)


def by_future():
    return circuit.call(fetch, circuit.call(ones).on("w1")).on("w2").result(30)


def by_containers():
    return circuit.call(look, {"a": [ones(), (ones(), {"b": ones()})], "c": 1}).on("w1").result(30)


def by_result_in_containers():
    return look(circuit.call(echo, [{"a": ones()}, ones()]).on("w1").result(30))


WAYS = [
    by_argument,
    by_result,
    by_item,
    by_channel,
    by_method,
    by_closure,
    by_future,
    by_containers,
    by_result_in_containers,
]


# With workers of their own. First, since those of the others last to the end, and a process has one cluster.


def test_what_arrived_mapped_cannot_be_written_and_the_original_can(pair):
    original = ones()
    sent = circuit.call(echo, original).on("w1")
    original[:] = 2  # after the spawn, so that nobody else sees it
    arrived = sent.result(30)
    assert int(arrived.sum(dtype="i8")) == MB
    with pytest.raises(ValueError, match="read-only"):
        arrived[0] = 3
    with pytest.raises(ValueError, match="WRITEABLE"):
        arrived.setflags(write=True)


def test_300_mib_cost_no_copy_where_they_arrive(pair):
    value = ones(300 * MB)
    object_there = circuit.call(keeper).on("w1").result(30)
    before = circuit.call(own_memory).on("w1").result(30)
    assert object_there.keep(value) == [Seen(300 * MB, writable=False, mapped=True)]
    assert circuit.call(own_memory).on("w1").result(30) - before < 30 * MB
    del value
    object_there.forget()
    before = own_memory()
    arrived = circuit.call(ones, 300 * MB).on("w2").result(60)
    assert look(arrived) == [Seen(300 * MB, writable=False, mapped=True)]
    assert own_memory() - before < 30 * MB


# Given back.


def test_all_memory_is_given_back_after_its_use(fresh):
    for way in WAYS:
        if way is not by_closure:  # what a function captured stays with it, for its next call
            way()
    wait_until(lambda: all(nothing_is_shared(node) for node in everywhere()))


def test_an_argument_ends_with_the_call_that_it_was_for(fresh):
    """The garbage collector is not needed: it counts objects, and one may be the memory of a machine."""
    circuit.call(stop_collecting).on("w1").result(30)
    try:
        circuit.call(look, ones(64 * MB)).on("w1").result(60)
        before = circuit.call(own_memory).on("w1").result(30)
        for _ in range(4):
            circuit.call(look, ones(64 * MB)).on("w1").result(60)
        wait_until(lambda: circuit.call(tables).on("w1").result(30)["mapped blocks"] == 0)
        assert circuit.call(own_memory).on("w1").result(30) - before < 130 * MB
    finally:
        circuit.call(collect_again).on("w1").result(30)


def test_memory_comes_back_though_nothing_more_is_lent(pair):
    object_there = circuit.call(keeper).on("w1").result(30)
    for _ in range(10):
        object_there.keep(ones(64 * MB))
    assert lent_by_this_process() >= 640 * MB
    circuit.call(object_there.forget).on(object_there).result(30)
    wait_until(lambda: lent_by_this_process() < KEPT_BYTES + MB)


def test_memory_that_is_kept_is_given_back_when_nothing_is_lent_for_a_while(pair, monkeypatch):
    monkeypatch.setattr(memory, "REST_SECONDS", 0.5)  # here; the look at the clock is the heartbeat's
    circuit.call(look, ones(64 * MB)).on("w1").result(30)
    assert lent_by_this_process() >= 64 * MB
    wait_until(lambda: lent_by_this_process() < MB)


def test_results_that_nobody_asks_for_stay_there_and_go_with_their_futures(pair):
    before = own_memory()
    futures = [circuit.call(ones, 16 * MB).on("w1") for _ in range(8)]
    wait_until(lambda: all(future.done() for future in futures))
    assert circuit.call(tables).on("w1").result(30)["lent bytes"] == 8 * 16 * MB
    assert own_memory() - before < 16 * MB
    futures.clear()
    wait_until(lambda: nothing_is_shared(circuit.call(tables).on("w1").result(30)))


def test_a_cancelled_call_gives_its_arguments_back(pair):
    entered = circuit.channel(1)
    future = circuit.call(hold, ones(8 * MB), entered).on("w1")
    assert entered.recv(30) is True
    assert tables()["lent bytes"] == 8 * MB
    future.cancel()
    wait_until(lambda: all(nothing_is_shared(node) for node in everywhere()))


# kill -9.


def test_a_view_stays_whole_when_its_sender_is_killed(pair):
    array = circuit.call(ones, 8 * MB).on("w1").result(30)
    kill(pair, "w1")
    assert look(array) == [Seen(8 * MB, writable=False, mapped=True)]
    assert circuit.call(look, array).on("w2").result(30) == [Seen(8 * MB, writable=False, mapped=True)]


def test_a_worker_keeps_what_another_that_is_killed_had_made(pair):
    object_there = circuit.call(keeper).on("w2").result(30)
    spawned = circuit.call(give, object_there).on("w1")
    assert spawned.result(30) == [SAME_HOST]
    kill(pair, "w1")
    assert object_there.look() == [SAME_HOST]


def test_memory_comes_back_when_its_receiver_is_killed(pair):
    object_there = circuit.call(keeper).on("w1").result(30)
    object_there.keep(ones(8 * MB))
    assert tables()["lent bytes"] == 8 * MB
    kill(pair, "w1")
    wait_until(lambda: nothing_is_shared(tables()))


def test_memory_comes_back_when_its_receiver_is_killed_before_it_looked(pair):
    circuit.call(echo, 1).on("w1").result(30)
    os.kill(pair.pid(circuit.worker("w1")), signal.SIGSTOP)
    futures = [circuit.call(look, ones(8 * MB)).on("w1") for _ in range(3)]
    assert tables()["lent bytes"] == 3 * 8 * MB
    kill(pair, "w1")
    for future in futures:
        with pytest.raises(circuit.WorkerLost, match="was killed by SIGKILL"):
            future.result(30)
    del future, futures
    wait_until(lambda: nothing_is_shared(tables()))


def test_two_clusters_in_turn_leave_nothing_behind(tmp_path):
    program = tmp_path / "app.py"
    program.write_text(textwrap.dedent(TWO_CLUSTERS))
    ran = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=100, check=False)
    assert (ran.stdout, ran.stderr) == ("[0, 0]\n", "")


TWO_CLUSTERS = """
    from pathlib import Path

    import numpy as np

    import circuit

    def add(array, number):
        return array + number

    left = []
    for turn in range(2):
        with circuit.cluster(workers=2):
            array = np.zeros(1 << 20)
            for worker in ("w1", "w2", "w1"):
                array = circuit.call(add, array, 1).on(worker).result()
            assert array.sum() == 3 << 20
            del array
        files = [str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
        mappings = Path("/proc/self/maps").read_text().splitlines()
        left.append(sum("memfd:circuit" in name for name in files + mappings))
    print(left)
"""


# With workers that they share.


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_large_array_is_a_read_only_view_on_the_same_host_whichever_way_it_goes(cluster, expected, way):
    seen = way()
    assert seen and set(seen) == {expected}


def test_a_channel_on_a_third_node_passes_a_large_array_on(cluster):
    channel = circuit.call(circuit.channel, 1).on("w1").result(30)
    received = circuit.call(receive, channel).on("w2")
    channel.send(ones())
    (seen,) = received.result(30)
    assert seen.total == MB


@pytest.mark.parametrize(
    "array",
    [
        ones(4 * MB).reshape(2048, 2048)[::3, ::5],
        np.asfortranarray(np.arange(MB, dtype="f4").reshape(1024, 1024)),
        np.zeros((0, 1024)),
        np.zeros((), dtype="f8"),
        np.arange(MB).astype([("id", "i4"), ("weight", "f8")]),
        np.array([None, "text", 3], dtype=object),
        np.arange(MB, dtype=">i8"),
        ones(300_000),  # no whole number of pages
    ],
    ids=["strided", "fortran", "empty", "scalar", "structured", "objects", "big-endian", "odd"],
)
def test_an_array_of_any_make_arrives_as_it_was(cluster, array):
    back = circuit.call(echo, array).on("w1").result(30)
    if array.dtype == object:
        assert back.tolist() == array.tolist()
    else:
        assert describe(back) == describe(array)
        assert circuit.call(describe, array).on("w1").result(30) == describe(array)


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_64_mib_of_bytes_go_and_come(cluster, kind):
    value = kind(64 * MB)
    assert circuit.call(len, value).on("w1").result(60) == 64 * MB
    back = circuit.call(kind, 64 * MB).on("w1").result(60)
    assert type(back) is kind and back == value


def stop_collecting() -> None:
    gc.collect()
    gc.disable()


def collect_again() -> None:
    gc.enable()


def hold(array: np.ndarray, entered: circuit.Channel[Any]) -> None:
    entered.send(True)
    circuit.channel().recv()


def give(object_there: circuit.Ref[Any]) -> list[Seen]:
    seen: list[Seen] = object_there.keep(ones())
    return seen


def everywhere() -> list[dict[str, int]]:
    return [tables(), *(circuit.call(tables).on(name).result(30) for name in ("w1", "w2"))]


def lent_by_this_process() -> int:
    """Return how much memory the kernel has given for what this process lends, or keeps for that."""
    segments = {}
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing's own
            if str(entry.readlink()).startswith("/memfd:circuit-"):
                state = entry.stat()
                segments[state.st_ino] = state.st_blocks * 512
    return sum(segments.values())


def nothing_is_shared(node: dict[str, int]) -> bool:
    return not (node["lent bytes"] or node["lent"] or node["mapped blocks"])


def kill(cluster: circuit.Cluster, name: str) -> None:
    """Kill a worker and wait until its end is known."""
    worker = circuit.worker(name)
    os.kill(cluster.pid(worker), signal.SIGKILL)
    wait_until(lambda: not worker.alive)


def wait_until(condition):
    """Wait for a condition that another process brings about, at most 30 s."""
    pause = threading.Event()
    for _ in range(3000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come about in 30 s")
