"""A storm of a minute, and that what judges it can tell right from wrong."""

import itertools
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

import circuit
from tests.chaos.blame import Blame
from tests.chaos.complaints import unexplained
from tests.chaos.ledger import RUNS, Fate, Ledger
from tests.chaos.tables import grown
from tests.chaos.trend import trend
from tests.chaos.weather import RECOVERY_SECONDS, Weather

CHECKOUT = Path(__file__).parents[2]
WORKERS = ("w1", "w2", "w3")


@pytest.mark.timeout(240)
def test_a_storm_breaks_no_promise():
    storm = [sys.executable, "-m", "tests.chaos", "--seconds", "60"]
    ran = subprocess.run(storm, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert ran.returncode == 0, ran.stdout


def test_the_same_seed_gives_the_same_faults():
    one, same, other = (Weather(Random(seed), WORKERS).forecast(600) for seed in ("a", "a", "b"))
    assert one == same != other
    kinds = {type(fault).__name__ for fault in one}
    assert kinds == {"Cut", "Freeze", "Kill", "Part", "Sever", "Stall", "Stop", "Truncate"}


def test_a_worker_recovers_from_one_fault_before_the_next():
    forecast = Weather(Random("any"), WORKERS).forecast(600)
    for worker in WORKERS:
        struck = [fault for fault in forecast if worker in fault.touches]
        for before, after in itertools.pairwise(struck):
            assert after.at >= before.at + before.seconds + RECOVERY_SECONDS - 0.02  # each is rounded


@pytest.mark.parametrize("fate", Fate)
@pytest.mark.parametrize("runs", [0, 1, 2])
def test_a_call_that_ran_too_often_or_never_is_found(fate, runs):
    ledger = Ledger()
    token = ledger.open("call")
    ledger.close(token, fate)
    assert bool(list(ledger.settle(Counter({token: runs})))) == (runs not in RUNS[fate])


def test_a_call_that_never_ended_or_ended_twice_or_was_never_made_is_found():
    ledger = Ledger()
    token = ledger.open("call")
    assert list(ledger.settle(Counter())) == ["call-1 never ended"]
    token = ledger.open("call")
    assert ledger.close(token, Fate.RETURNED) is None
    assert ledger.close(token, Fate.RAISED) == "call-2 ended twice: RETURNED and RAISED"
    found = list(ledger.settle(Counter({token: 1, "call-1": 1})))
    assert found == ["call-1 ran, and nobody had called it, or long after it had ended"]


def test_only_a_loss_of_its_time_explains_an_error(monkeypatch):
    blame = Blame()
    monkeypatch.setattr("tests.chaos.blame.time.monotonic", lambda: 100.0)

    def lost(worker, pid, since):
        how = "was killed by SIGKILL"
        return blame.explains(circuit.WorkerLost(worker, pid, how, "f", 0.1, "a.py:1:1", "no"), since)

    def stale(reason):
        return blame.explains(circuit.StaleReference("<Ref>", reason), 0.0)

    assert not lost("w1", 7, 0.0) and not stale("'w1' was killed by SIGKILL")
    blame.lost("w1", 7)
    assert lost("w1", 7, 0.0) and lost("w1", 0, 0.0) and stale("'w1' was killed by SIGKILL")
    assert not lost("w2", 7, 0.0) and not lost("w1", 8, 0.0)
    assert not stale("its owner has freed the object")
    blame.replaced("w1")
    assert lost("w1", 7, 99.0) and not lost("w1", 7, 101.0)


def test_what_no_loss_explains_is_found_on_stderr():
    lost = "circuit: nobody asked for the outcome of f() spawned at a.py:1:1 on 'w1':\n{}\n"
    assert (
        unexplained("[w1] circuit: this worker was out of contact with its driver for too long, and ends\n")
        == ""
    )
    assert unexplained(lost.format("circuit.WorkerLost: worker 'w1' was killed\n  spawned at a.py:1:1")) == ""
    assert unexplained(lost.format("ValueError: 3")) == lost.format("ValueError: 3")
    mixed = "[w1] circuit: nobody asked for the outcome of f():\n[w2] boom\n[w1] circuit.WorkerLost: gone\n"
    assert unexplained(f"{mixed}[w1] Exception in thread\n") == "[w1] Exception in thread\n[w2] boom\n"


def test_a_table_that_grew_is_found():
    before = {"w1": {"node.handles": 2, "node.core.sent.codes": 3}}
    assert grown(before, before) == []
    after = {"w1": {"node.handles": 3, "node.core.sent.codes": 9}}
    assert grown(before, after) == ["w1 has 3 of node.handles, and had 2"]


def test_only_tombstones_are_spared_for_the_lives_that_were_lost():
    before = {"w1": {"node.core.peers.down": 0, "node.core.peers.known": 3}}
    after = {"w1": {"node.core.peers.down": 2, "node.core.peers.known": 4}}
    assert grown(before, after, lost=2) == ["w1 has 4 of node.core.peers.known, and had 3"]


def test_every_kind_of_load_must_come_to_its_end():
    ledger = Ledger()
    ledger.close(ledger.open("call"), Fate.UNKNOWN)
    assert not ledger.completed("call")
    ledger.close(ledger.open("call"), Fate.RETURNED)
    assert ledger.completed("call") and not ledger.completed("stream")


def test_growth_is_told_from_noise():
    dice = Random(1)
    noise = [100 + dice.gauss(0, 5) for _ in range(60)]
    assert not trend(noise).grew(5)
    assert trend([figure + number / 2 for number, figure in enumerate(noise)]).grew(5)
    assert not trend([*noise[:-3], 200, 200, 200]).grew(5)
