"""Ten thousand schedules of the simulated network, of all kinds: no promise is broken, and none is idle.

`make simulate` runs a million. One that fails is run again by its seed: see `python -m circuit.testing -h`.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import pytest

from circuit.testing.__main__ import BATCH, collect_rarely, main, run_batch
from circuit.testing.schedule import KINDS, run

SCHEDULES = 10_000
INTERESTING = (
    "a frame was doubled",
    "a frame was lost",
    "a frame was overtaken",
    "a hello came late",
    "a value came back",
    "an opening went astray",
    "broke a carrier itself",
    "crashed",
    "cut a carrier, 0 told",
    "cut a carrier, 1 told",
    "cut a carrier, 2 told",
    "dialled at once",
    "ended: CANCELLED",
    "ended: END",
    "ended: KEPT",
    "ended: LOST",
    "ended: OVERLOAD",
    "ended: RAISED",
    "ended: RETURNED",
    "ended: REVOKED",
    "fenced",
    "freed an object",
    "granted items",
    "interrupted a program",
    "lost, ran: no",
    "lost, ran: unknown",
    "lost, ran: yes",
    "parted",
    "references handed on",
    "refused a carrier",
    "restarted",
    "resumed a session",
    "slowed down",
    "stopped",
)
"""What must have happened often enough for the promises about it to mean something."""


@pytest.mark.timeout(900)
def test_no_schedule_breaks_a_promise() -> None:
    seen: Counter[str] = Counter()
    broken = []
    spawn = multiprocessing.get_context("spawn")  # whatever threads the suite has left
    with ProcessPoolExecutor(os.cpu_count(), spawn, collect_rarely) as processes:
        batches = [range(start, start + BATCH) for start in range(0, SCHEDULES, BATCH)]
        for batch, faulty in processes.map(run_batch, batches):
            seen += batch
            broken += faulty
    assert not broken, "\n".join(f"schedule {report.seed}: {report.broken}" for report in broken)
    assert [what for what in INTERESTING if not seen[what]] == []


@pytest.mark.parametrize("seed", range(len(KINDS)), ids=lambda seed: KINDS[seed].name)
def test_a_schedule_is_the_same_each_time(seed: int) -> None:
    assert run(seed, traced=True) == run(seed, traced=True)


def test_a_schedule_does_not_depend_on_the_hashes_of_strings() -> None:
    traces = set()
    for salt in ("0", "1"):
        command = (sys.executable, "-m", "circuit.testing", "--schedules", "1", "--seed", "39", "--trace")
        told = subprocess.run(
            command, env=os.environ | {"PYTHONHASHSEED": salt}, capture_output=True, text=True, check=True
        )
        traces.add(told.stdout.partition("1 schedules in")[0])
    assert len(traces) == 1


def test_a_broken_promise_is_told_with_its_seed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # No call ever gives its credit back.
    monkeypatch.setattr("circuit.runtime.spawning.Spawning._credit", lambda *_: None)
    assert main(["--schedules", "1", "--seed", "1", "--trace"]) == 1
    told = capsys.readouterr().out
    assert "again: python -m circuit.testing --seed 1 --schedules 1 --trace" in told
    assert "but driver" in told or "is pending" in told
