"""The arena: blocks that do not overlap, memory that is used again, and nothing kept beyond a bound."""

import mmap
import os
import subprocess
import threading
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from circuit.runtime import shared_bound
from circuit.runtime.shared import Arena, SharedMemoryFull
from circuit.runtime.shared_segment import label_of

MB = 1 << 20


def descriptors(*labels):
    """Return the descriptors of this process for memory with these labels, or with any of Circuit's."""
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        try:
            name = str(entry.readlink())
        except FileNotFoundError:  # that of the listing itself
            continue
        if name.startswith("/memfd:circuit-") and (not labels or any(label in name for label in labels)):
            found[int(entry.name)] = name
    return found


def kernel_bytes(labels):
    """Return what the kernel says that memory with these labels takes."""
    states = [os.fstat(descriptor) for descriptor in descriptors(*labels)] if labels else []
    return sum({state.st_ino: state.st_blocks * 512 for state in states}.values())


def span(block):
    """Return the memory that a block is in, and where in it."""
    region = block.region
    return label_of(region.block), region.offset, region.offset + region.nbytes


@pytest.fixture
def arena():
    """Make an arena and close it."""
    arenas = []

    def make(*args, **kwargs):
        arenas.append(Arena(*args, **kwargs))
        return arenas[-1]

    yield make
    for one in arenas:
        one.close()


def filled(arena, nbytes, value=1):
    block = arena.allocate(nbytes)
    block.write(bytes([value]) * nbytes)
    return block


class ArenaModel(RuleBasedStateMachine):
    """Whatever is allocated, held, released and abandoned, in whatever order."""

    blocks = Bundle("blocks")
    bound = 4 * MB
    kept = MB // 2
    segment = MB

    def __init__(self):
        super().__init__()
        self.arena = Arena(self.bound, kept=self.kept, segment=self.segment)
        self.held = {}
        self.abandoned = set()
        self.labels = set()

    @rule(target=blocks, pages=st.integers(1, 96), spare=st.integers(0, mmap.PAGESIZE - 1))
    def allocate(self, pages, spare):
        return self._allocated(pages * mmap.PAGESIZE - spare)

    @rule(target=blocks)
    def allocate_more_than_a_segment(self):
        return self._allocated(self.segment + 1)

    def _allocated(self, nbytes):
        try:
            block = self.arena.allocate(nbytes)
        except SharedMemoryFull as full:
            assert self.arena.in_use + nbytes > self.bound - mmap.PAGESIZE
            assert (full.nbytes, full.in_use, full.bound) == (nbytes, self.arena.in_use, self.bound)
            return multiple()
        assert len(block.view) == nbytes == block.region.nbytes
        assert block.number not in {other.number for other in self.held}
        block.write(bytes([self._value(block)]) * nbytes)
        self.held[block] = 1
        self.labels.add(label_of(block.number))
        return block

    def _value(self, block):
        return block.number % 251

    @rule(block=blocks)
    def hold(self, block):
        if block in self.held:
            block.hold()
            self.held[block] += 1

    @rule(block=blocks, abandon=st.sampled_from([False, False, False, True]))
    def let_go(self, block, abandon):
        let_go = block.abandon if abandon else block.release
        if block not in self.held:
            with pytest.raises(ValueError, match="let go"):
                let_go()
            return
        assert set(block.view[:: mmap.PAGESIZE // 2]) == {self._value(block)}
        let_go()
        if abandon:
            self.abandoned.add(block)
        self.held[block] -= 1
        if not self.held[block]:
            del self.held[block]

    @rule()
    def trim(self):
        self.arena.trim()
        assert self.arena.nbytes == self.arena.in_use

    @invariant()
    def no_block_is_written_by_another(self):
        for block in self.held:
            view = block.view
            assert view[0] == view[-1] == self._value(block)

    @invariant()
    def no_two_blocks_overlap_nor_one_with_what_was_abandoned(self):
        spans = sorted(span(block) for block in {*self.held, *self.abandoned})
        for (label, _, end), (other, start, _) in pairwise(spans):
            assert label != other or end <= start
        assert all(start % mmap.PAGESIZE == 0 for _, start, _ in spans)

    @invariant()
    def the_account_is_the_kernels(self):
        assert self.arena.nbytes == kernel_bytes(self.labels)

    @invariant()
    def the_bounds_hold(self):
        assert self.arena.nbytes <= self.bound
        assert self.arena.nbytes - self.arena.in_use <= self.kept
        if not self.abandoned:
            assert (
                self.arena.in_use == sum(-(-len(b.view) // mmap.PAGESIZE) for b in self.held) * mmap.PAGESIZE
            )

    def teardown(self):
        for block, holders in self.held.items():
            for _ in range(holders):
                block.release()
        assert self.arena.in_use == 0
        self.arena.trim()
        assert self.arena.nbytes == 0
        assert not self.labels or not descriptors(*self.labels)
        self.arena.close()


TestArena = ArenaModel.TestCase
TestArena.settings = settings(max_examples=40, stateful_step_count=30)


def test_memory_that_was_released_is_used_again(arena):
    lending = arena()
    first = filled(lending, MB)
    where = (first.region.fd, first.region.offset)
    first.release()
    second = lending.allocate(MB)
    assert (second.region.fd, second.region.offset) == where
    assert lending.nbytes == MB


def test_memory_is_used_again_only_after_all_holders_have_let_go(arena):
    lending = arena()
    block = filled(lending, MB, 7)
    block.hold()
    block.release()
    others = [filled(lending, MB, 9) for _ in range(20)]
    assert set(block.view[::4096]) == {7}
    assert block.region.offset not in {other.region.offset for other in others}
    block.release()
    assert lending.allocate(MB).region.offset == block.region.offset


def test_ten_thousand_blocks_cost_few_descriptors(arena):
    lending = arena(kept=8 * MB)
    before = len(descriptors())
    random = Random(4)
    held = [filled(lending, MB // 4) for _ in range(100)]
    most = 0
    for _ in range(10_000):
        held.append(lending.allocate(random.randint(1, 2 * MB)))
        held.pop(random.randrange(len(held))).release()
        most = max(most, lending.nbytes)
    # A segment has one, and its mapping a second before Python 3.13; one segment more is for what is
    # between the blocks.
    assert len(descriptors()) - before <= 2 * (most // (64 * MB) + 2)
    for block in held:
        block.release()
    assert lending.in_use == 0
    lending.trim()
    assert len(descriptors()) == before


def test_a_burst_gives_back_what_it_took(arena):
    lending = arena(kept=4 * MB)
    blocks = [filled(lending, 3 * MB) for _ in range(40)]
    labels = {label_of(block.number) for block in blocks}
    assert kernel_bytes(labels) == lending.nbytes == 120 * MB
    for block in blocks:
        block.release()
    assert kernel_bytes(labels) == lending.nbytes == 4 * MB


def test_the_error_names_the_bound(arena):
    lending = arena(3 * MB)
    block = lending.allocate(2 * MB)
    with pytest.raises(
        SharedMemoryFull, match="no shared memory for 2,000,000 bytes: 2,097,152 of at most 3,145"
    ):
        lending.allocate(2_000_000)
    block.release()
    assert lending.allocate(2_000_000).region.nbytes == 2_000_000


def test_what_is_kept_makes_room_when_the_bound_is_near(arena):
    lending = arena(4 * MB)
    parts = [filled(lending, MB) for _ in range(4)]
    for block in parts[::2]:
        block.release()
    whole = filled(lending, 2 * MB)  # neither of the two holes is large enough
    assert lending.nbytes <= 4 * MB
    assert kernel_bytes({label_of(block.number) for block in (*parts, whole)}) == lending.nbytes


def test_a_segment_of_an_abandoned_block_ends_with_its_last_block(arena):
    lending = arena()
    lost, other = filled(lending, MB, 1), filled(lending, MB, 2)
    label = label_of(lost.number)
    lost.abandon()
    assert (lending.in_use, kernel_bytes({label})) == (2 * MB, 2 * MB)
    assert label_of(lending.allocate(MB).number) != label
    assert set(other.view[::4096]) == {2}
    other.release()
    assert lending.in_use == MB  # that of the third
    assert not descriptors(label)


def test_a_block_that_one_abandons_is_there_for_the_others(arena):
    lending = arena()
    block = filled(lending, MB, 5)
    block.hold()
    block.abandon()
    assert set(block.view[::4096]) == {5}
    block.release()
    assert lending.nbytes == 0
    assert not descriptors(label_of(block.number))


def test_a_view_outlives_the_arena(arena):
    lending = arena()
    view = filled(lending, MB, 3).view
    lending.close()
    assert set(view[::4096]) == {3}
    with pytest.raises(SharedMemoryFull, match="closed"):
        lending.allocate(1)


def test_a_block_takes_as_many_bytes_as_it_has(arena):
    lending = arena()
    block = lending.allocate(10)
    for data in (b"", b"123456789", b"12345678901"):
        with pytest.raises(ValueError, match="for a block of 10"):
            block.write(data)
    block.write(memoryview(bytes(range(10))))
    assert block.view == bytes(range(10))


def test_a_fresh_block_and_a_warm_one_are_written_alike(arena):
    lending = arena()
    content = Random(1).randbytes(40 * MB + 5)
    for _ in range(2):
        block = lending.allocate(len(content))
        block.write(bytearray(content))
        assert block.view == content
        block.release()


def test_many_threads_allocate_at_once(arena):
    lending = arena(kept=2 * MB, segment=8 * MB)
    wrong = []

    def work(seed):
        random = Random(seed)
        held = []
        for turn in range(200):
            block = lending.allocate(random.randint(1, MB // 4))
            value = (seed * 200 + turn) % 251
            block.write(bytes([value]) * block.region.nbytes)
            held.append((block, value))
            if len(held) > 8:
                block, value = held.pop(random.randrange(len(held)))
                if set(block.view[::512]) != {value}:
                    wrong.append((seed, turn))
                (block.abandon if random.random() < 0.01 else block.release)()
        for block, _ in held:
            block.release()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert lending.in_use == 0
    assert lending.nbytes <= 2 * MB


def test_a_program_that_is_started_gets_none_of_the_memory(arena):
    filled(arena(), MB)
    run = subprocess.run(["ls", "-l", "/proc/self/fd"], close_fds=False, capture_output=True, text=True)
    assert "pipe" in run.stdout
    assert "memfd" not in run.stdout


def test_no_reader_can_lose_its_pages(arena):
    block = filled(arena(), MB)
    with pytest.raises(PermissionError):
        os.ftruncate(block.region.fd, 0)


def test_the_bound_is_that_of_the_container(tmp_path, monkeypatch):
    physical = shared_bound.machine_memory()
    monkeypatch.setattr(shared_bound, "CGROUPS", tmp_path)
    (tmp_path / "memory.max").write_text("max\n")
    assert shared_bound.machine_memory() == physical
    (tmp_path / "memory.max").write_text("268435456\n")
    assert shared_bound.machine_memory() == 256 * MB
    assert Arena()._bound == 128 * MB
