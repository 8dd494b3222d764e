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
from tests.chaos.faults import RECOVERY_SECONDS, Weather
from tests.chaos.ledger import RUNS, Fate, Ledger
from tests.chaos.tables import grown
from tests.chaos.trend import trend

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


def test_only_a_loss_that_was_before_and_is_not_made_good_explains_an_error():
    blame = Blame()

    def explained(worker, pid, spawned):
        how = "was killed by SIGKILL"
        return blame.explains(circuit.WorkerLost(worker, pid, how, "f", 0.1, "a.py:1:1", "no"), spawned)

    assert not explained("w1", 7, 0.0)
    blame.lost("w1", 7)
    assert explained("w1", 7, 0.0) and explained("w1", 0, 0.0) and explained("w1", 7, None)
    assert not explained("w2", 7, 0.0) and not explained("w1", 8, 0.0)
    blame.replaced("w1")
    assert explained("w1", 7, 0.0) and not explained("w1", 7, float("inf"))


def test_a_table_that_grew_is_found():
    before = {"w1": {"node.handles": 2, "node.core.sent.digests": 3}}
    assert grown(before, before) == []
    after = {"w1": {"node.handles": 3, "node.core.sent.digests": 9}}
    assert grown(before, after) == ["on w1, table node.handles has 3 entries, and had 2"]


def test_growth_is_told_from_noise():
    dice = Random(1)
    noise = [100 + dice.gauss(0, 5) for _ in range(60)]
    assert not trend(noise).grew(5)
    assert trend([figure + number / 2 for number, figure in enumerate(noise)]).grew(5)
    assert not trend([*noise[:-3], 200, 200, 200]).grew(5)
