"""What a peer lent, seen from another process, with real processes and real signals."""

import contextlib
import gc
import os
import shutil
import signal
import subprocess
import sys
import threading
from ast import literal_eval
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

import numpy
import pytest

from circuit.runtime.messages import Region
from circuit.runtime.shared import Arena
from circuit.runtime.shared_probe import Probe, can_share
from circuit.runtime.shared_segment import label_of
from circuit.runtime.shared_views import RegionLost, map_region

MB = 1 << 20
NOBODY = 65534

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

PEER = """
import os, resource, sys
from circuit.runtime.messages import Region
from circuit.runtime.shared import Arena, SharedMemoryFull
from circuit.runtime.shared_probe import Probe, can_share
from circuit.runtime.shared_views import RegionLost, map_region

MB = 1 << 20
arena = Arena()
blocks, views, released = {}, {}, []

def lend(nbytes, value):
    block = arena.allocate(nbytes)
    block.write(bytes([value]) * nbytes)
    blocks[block.number] = block
    return block.region

def raised(call, *args):
    try:
        call(*args)
    except Exception as error:
        return f"{type(error).__name__}: {error}"

def forked(call):
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(writing, repr(call()).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    return eval(os.read(reading, 4096))

names = globals()
for line in sys.stdin:
    try:
        said = eval(line, names)
    except SyntaxError:
        said = exec(line, names)
    print(repr(said), flush=True)
"""


class Peer:
    """Another process, which runs a line of Python at a time."""

    def __init__(self, *prefix):
        command = [*prefix, sys.executable, "-c", PEER]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        """Run a line there; return what it gives, which is a literal or a region."""
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        said = self.process.stdout.readline()
        assert said, f"the peer ended at: {line}"
        if said.startswith("Region("):
            fields = dict(part.split("=") for part in said.strip()[len("Region(") : -1].split(", "))
            return Region(**{name: int(value) for name, value in fields.items()})
        return literal_eval(said)

    def lend(self, nbytes, value):
        return self.ask(f"lend({nbytes}, {value})")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def peer():
    """Start another process, or more of them."""
    with contextlib.ExitStack() as stack:
        yield lambda *prefix: stack.enter_context(contextlib.closing(Peer(*prefix)))


@pytest.fixture
def arena():
    with contextlib.closing(Arena()) as arena:
        yield arena


def holders(region):
    """Return the processes that have the memory of a region open or mapped; with the last it is gone."""
    name = f"/memfd:{label_of(region.block)} "
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ends meanwhile
            if name in (process / "maps").read_text():
                found.add(int(process.name))
            for entry in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if str(entry.readlink()).startswith(name):
                        found.add(int(process.name))
    return found


def test_what_is_mapped_is_the_memory_itself(peer):
    lender = peer()
    view = map_region(lender.lend(MB, 1), [].append)
    assert len(view) == MB
    assert set(view[::512]) == {1}
    lender.ask("next(iter(blocks.values())).view.__setitem__(4097, 9)")
    assert (view[4096], view[4097], view[4098]) == (1, 9, 1)


def test_nothing_mapped_can_be_written(peer):
    view = map_region(peer().lend(MB, 1), [].append)
    assert view.readonly
    with pytest.raises(TypeError, match="read-only"):
        view[0] = 2
    array = numpy.frombuffer(view, dtype=numpy.int64)
    assert not array.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 2
    with pytest.raises(ValueError, match="cannot set WRITEABLE"):
        array.flags.writeable = True


def test_a_region_is_exactly_its_bytes(peer):
    lender = peer()
    regions = [lender.lend(nbytes, value) for value, nbytes in enumerate((1, 4095, 4096, 4097, 300_001))]
    views = [map_region(region, [].append) for region in regions]
    assert views == [bytes([value]) * region.nbytes for value, region in enumerate(regions)]


def test_the_owner_is_told_once_when_the_last_array_is_gone(peer):
    released = []
    region = peer().lend(MB, 1)
    view = map_region(region, released.append)
    array = numpy.frombuffer(view, dtype=numpy.int64)
    part = array.reshape(-1, 2)[3:, 1]
    del view, array
    assert released == []
    assert part.min() == part.max() == 0x0101010101010101
    del part
    assert released == [region.block]
    gc.collect()
    assert released == [region.block]


def test_the_owner_is_told_of_an_array_in_a_cycle(peer):
    released = []
    region = peer().lend(MB, 1)
    cycle = [numpy.frombuffer(map_region(region, released.append), dtype=numpy.uint8)]
    cycle.append(cycle)
    del cycle
    gc.collect()
    assert released == [region.block]


def test_each_of_two_mappings_of_a_block_is_told_of(peer):
    released = []
    region = peer().lend(MB, 1)
    one, other = map_region(region, released.append), map_region(region, released.append)
    del one
    assert released == [region.block]
    assert set(other[::512]) == {1}
    del other
    assert released == [region.block, region.block]


@pytest.mark.parametrize("queue", [list, SimpleQueue])
def test_no_bytecode_runs_when_the_last_view_goes(peer, queue):
    """An interrupt, which strikes at a bytecode, is never lost in a finalizer, nor loses a release."""
    released = queue()
    view = map_region(peer().lend(MB, 1), released.append if queue is list else released.put)
    entered = []
    sys.setprofile(lambda frame, event, _: entered.append(frame.f_code.co_name) if event == "call" else None)
    del view
    sys.setprofile(None)
    assert entered == []
    assert (released.pop() if queue is list else released.get_nowait()) is not None


def test_a_released_block_is_written_again_only_when_its_reader_has_let_go(peer, arena):
    reader = peer()
    block = arena.allocate(MB)
    block.write(b"\1" * MB)
    block.hold()  # for the reader
    reader.ask(f"views.update(one=map_region({block.region}, released.append))")
    block.release()
    for _ in range(100):
        other = arena.allocate(MB)
        other.write(b"\2" * MB)
    assert reader.ask("set(views['one'][::512])") == {1}
    reader.ask("views.clear()")
    assert reader.ask("released") == [block.number]
    block.release()
    again = arena.allocate(MB)
    assert again.region.offset == block.region.offset


def test_views_outlive_a_lender_that_ends(peer):
    lender = peer()
    view = map_region(lender.lend(MB, 4), [].append)
    lender.close()
    assert set(view[::512]) == {4}


def test_views_outlive_a_lender_that_is_killed_and_then_the_memory_is_gone(peer):
    lender = peer()
    region = lender.lend(64 * MB, 5)
    array = numpy.frombuffer(map_region(region, [].append), dtype=numpy.uint8)
    lender.kill()
    assert array.min() == array.max() == 5
    assert holders(region) == {os.getpid()}
    del array
    assert holders(region) == set()


def test_what_nobody_has_mapped_is_gone_with_a_lender_that_is_killed(peer):
    lender = peer()
    region = lender.lend(MB, 1)
    assert holders(region) == {lender.process.pid}
    lender.kill()
    assert holders(region) == set()
    with pytest.raises(RegionLost, match=f"1,048,576 bytes in the memory of process {region.pid}"):
        map_region(region, [].append)


def test_what_a_reader_had_mapped_is_abandoned_when_it_is_killed(peer, arena):
    reader = peer()
    block = arena.allocate(MB)
    block.write(b"\1" * MB)
    region = block.region
    reader.ask(f"views.update(one=map_region({region}, released.append))")
    assert holders(region) == {os.getpid(), reader.process.pid}
    block.abandon()
    assert arena.nbytes == 0
    assert holders(region) == {reader.process.pid}
    assert reader.ask("set(views['one'][::512])") == {1}
    reader.kill()
    assert holders(region) == set()


def test_a_number_that_another_memory_has_by_now_is_not_mistaken(peer, arena):
    block, larger = arena.allocate(MB), arena.allocate(65 * MB)
    assert block.region.fd != larger.region.fd
    recycled = replace(block.region, fd=larger.region.fd)
    released = []
    with pytest.raises(RegionLost, match="another"):
        map_region(recycled, released.append)
    assert released == []
    pipe, _ = peer().ask("os.pipe()")
    with pytest.raises(RegionLost):
        map_region(replace(block.region, fd=pipe), released.append)


def test_mappings_leave_descriptors_for_others(peer):
    reader, lender = peer(), peer()
    reader.ask("resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))")
    regions = [lender.lend(MB // 4, value) for value in range(100)]
    for region in regions:
        reader.ask(f"views.update({{ {region.block}: map_region({region}, released.append) }})")
    assert reader.ask("[view[77] for view in views.values()]") == list(range(100))
    assert reader.ask("all(view.readonly for view in views.values())")
    assert reader.ask("len(os.listdir('/proc/self/fd'))") < 40
    reader.ask("views.clear()")
    assert sorted(reader.ask("released")) == sorted(region.block for region in regions)


def test_views_of_many_threads(peer):
    lender = peer()
    regions = [lender.lend(MB // 4, value) for value in range(50)]
    released, wrong = SimpleQueue(), []

    def read(turn):
        for value, region in enumerate(regions):
            array = numpy.frombuffer(map_region(region, released.put), dtype=numpy.uint8)
            if not (array.min() == array.max() == value):
                wrong.append((turn, value))

    threads = [threading.Thread(target=read, args=(turn,)) for turn in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert sorted(released.get_nowait() for _ in range(400)) == sorted(
        region.block for region in regions for _ in range(8)
    )
    assert released.empty()


def test_a_fork_neither_frees_nor_lends(peer):
    lender = peer()
    lender.ask("arena = Arena(kept=0)")  # what it frees, it gives back at once
    region = lender.lend(MB, 1)
    in_child = "[[block.release() for block in blocks.values()], raised(arena.allocate, 1)]"
    released, said = lender.ask(f"forked(lambda: {in_child})")
    assert released == [None]
    assert said == "SharedMemoryFull: no shared memory for 1 bytes: this process cannot lend any"
    assert lender.ask("arena.in_use") == MB
    assert set(map_region(region, [].append)[::512]) == {1}


def test_a_system_that_gives_no_memory_is_told_of(peer):
    lender = peer()
    lender.ask(f"resource.setrlimit(resource.RLIMIT_FSIZE, ({65 * MB}, resource.RLIM_INFINITY))")
    assert lender.ask(f"raised(arena.allocate, {66 * MB})") == (
        "SharedMemoryFull: no shared memory for 69,206,016 bytes: File too large"
    )
    lender.ask(f"one = arena.allocate({MB})")
    lender.ask("resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))")
    assert "1,048,576 bytes: File too large" in lender.ask(f"raised(one.write, bytes({MB}))")
    assert lender.ask("one.release()") is None
    assert lender.ask("arena.in_use") == 0


@needs_root
def test_another_user_cannot_open_it(peer):
    region = peer().lend(MB, 1)
    command = ["cat", f"/proc/{region.pid}/fd/{region.fd}"]
    mine = subprocess.run(command, capture_output=True)
    assert mine.stdout[:MB] == b"\1" * MB
    other = subprocess.run(
        command,
        capture_output=True,
        text=True,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        env={"LC_ALL": "C"},
    )
    assert other.returncode != 0
    assert other.stdout == ""
    assert "Permission denied" in other.stderr


def test_processes_on_one_host_can_share(peer):
    other = peer()
    with contextlib.closing(Probe()) as probe:
        assert other.ask(f"can_share({probe.offer})") is True
        assert can_share(other.ask("(probe := Probe()).offer"))


def test_a_process_that_has_ended_cannot_share(peer):
    other = peer()
    offer = other.ask("(probe := Probe()).offer")
    assert can_share(offer)
    other.kill()
    assert not can_share(offer)


def test_an_offer_that_was_withdrawn_or_is_none_of_ours_is_refused():
    probe = Probe()
    offer = probe.offer
    assert can_share(offer)
    for other in (b"", b"nonsense", offer[:-1], offer + b"1", offer[:-1] + bytes([offer[-1] ^ 1])):
        assert not can_share(other)
    probe.close()
    probe.close()
    assert not can_share(offer)


@needs_root
@pytest.mark.skipif(not shutil.which("unshare"), reason="unshare is not installed")
def test_another_numbering_of_processes_cannot_share(peer):
    if subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "true"], capture_output=True).returncode:
        pytest.skip("this machine gives no namespaces")
    inside = peer("unshare", "--pid", "--fork", "--mount-proc")
    assert inside.ask("os.getpid()") == 1
    with contextlib.closing(Probe()) as probe:
        assert inside.ask(f"can_share({probe.offer})") is False
    assert not can_share(inside.ask("(probe := Probe()).offer"))


def test_a_system_without_such_memory_offers_nothing(monkeypatch):
    monkeypatch.setattr("circuit.runtime.shared_memfd.AVAILABLE", False)
    assert Probe().offer == b""
