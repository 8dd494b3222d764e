"""What is measured: each a function that takes a started contender and returns a figure.

A round starts a contender, warms it up, and takes every figure once; rounds of the contenders take
turns, so that what the machine does meanwhile hits all of them. Shown is the median of the rounds.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.contenders import Contender
from benchmarks.tasks import nothing, size

ALONE = 500
PIPELINED = 5_000
ITEMS = 20_000
MEBIBYTES = 50


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure: what it is, its unit, and whether more of it is better."""

    title: str
    unit: str
    more_is_better: bool
    take: Callable[[Contender], float]


def first_result(contender: Contender) -> float:
    """Start the contender's own program, and wait until it has its first result; milliseconds."""
    began = time.perf_counter()
    command = [sys.executable, "-c", contender.program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as program:
        assert program.stdout
        line = program.stdout.readline()
        seconds = time.perf_counter() - began
    if line != b"done\n":
        raise RuntimeError(f"{contender.name} came to no first result")
    return seconds * 1e3


def call_alone(contender: Contender) -> float:
    """Make one call after the other; microseconds, the median."""
    return _median_seconds(ALONE, lambda: contender.call(nothing)) * 1e6


def calls_pipelined(contender: Contender) -> float:
    """Start many calls, then wait for them; calls a second."""
    began = time.perf_counter()
    contender.call_many(nothing, PIPELINED)
    return PIPELINED / (time.perf_counter() - began)


def stream_items(contender: Contender) -> float:
    """Take the items of a stream; items a second."""
    began = time.perf_counter()
    arrived = sum(1 for _ in contender.stream(ITEMS))
    if arrived != ITEMS:
        raise RuntimeError(f"{contender.name} streamed {arrived} items, not {ITEMS}")
    return ITEMS / (time.perf_counter() - began)


def mebibyte_argument(contender: Contender) -> float:
    """Make calls with 1 MiB of bytes as the argument; microseconds, the median."""
    data = bytes(2**20)
    return _median_seconds(MEBIBYTES, lambda: contender.call(size, data)) * 1e6


def _median_seconds(times: int, action: Callable[[], object]) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


MEASURES = (
    Measure("fresh interpreter to the first result", "ms", False, first_result),
    Measure("a call that does nothing, waited for", "µs", False, call_alone),
    Measure("calls that do nothing, pipelined", "/s", True, calls_pipelined),
    Measure("items of a stream", "/s", True, stream_items),
    Measure("a call with 1 MiB of bytes, waited for", "µs", False, mebibyte_argument),
)
