"""A storm of a minute: `make chaos SECONDS=60`."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.timeout(180)
def test_a_storm_breaks_no_promise():
    storm = [sys.executable, "-m", "tests.chaos", "--seconds", "60"]
    ran = subprocess.run(storm, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert ran.returncode == 0, ran.stdout
