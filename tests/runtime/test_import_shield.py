"""A cancel that comes during an import strikes after it."""

import threading
import time

import pytest

import circuit

SLOW = """
import pathlib
folder = pathlib.Path({folder!r})
(folder / "begun").touch()
while not (folder / "go").exists():
    pass
(folder / "done").touch()
"""


def import_slow(folder):
    import slow_to_import  # noqa: F401

    (folder / "went on").touch()


def import_nothing():
    import no_such_module_anywhere  # noqa: F401


def nothing():
    return None


def wait_until(condition):
    """Wait for what another process brings about, at most 30 s."""
    pause = threading.Event()
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until, "it did not come about in 30 s"
        pause.wait(0.005)


@pytest.fixture
def w1():
    with circuit.cluster(workers=1) as started:
        yield started.workers[0]


def test_a_cancel_waits_for_the_import_that_a_function_makes(w1, tmp_path, monkeypatch):
    (tmp_path / "slow_to_import.py").write_text(SLOW.format(folder=str(tmp_path)))
    monkeypatch.syspath_prepend(str(tmp_path))
    future = circuit.call(import_slow, tmp_path).on(w1)
    wait_until((tmp_path / "begun").exists)
    assert future.cancel()
    circuit.call(nothing).on(w1).result(timeout=30)  # behind the cancel, in order
    (tmp_path / "go").touch()
    wait_until((tmp_path / "done").exists)
    circuit.call(__import__, "colorsys").on(w1).exception(timeout=30)  # imports go on
    assert not (tmp_path / "went on").exists()


def test_the_shield_does_not_show_in_tracebacks(w1):
    error = circuit.call(import_nothing).on(w1).exception(timeout=30)
    assert isinstance(error, ModuleNotFoundError)
    assert "import no_such_module_anywhere" in str(error.__cause__)
    assert "in shield" not in str(error.__cause__)
