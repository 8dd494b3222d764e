"""circuitc --watch: builds when sources change, says what came of it, and goes on."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

SPAWN, WRONG = "spawn f() on w\n", "spawn f(x for x in y) on w\n"
BUILT = re.compile(r"circuitc: \d\d:\d\d:\d\d (.*), in \d+\.\d\d s\n")


@contextmanager
def watching(shell: Any, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run circuitc --watch until the end of the block; then Ctrl-C ends it."""
    with shell.start("--watch", *arguments) as running:
        try:
            yield running
            running.send_signal(signal.SIGINT)
            _, rest = running.communicate(timeout=60)
            assert (running.returncode, rest) == (130, "")
        finally:
            running.kill()


def build(running: subprocess.Popen[str]) -> tuple[str, str]:
    """Wait for a build, and return what it said and what came of it."""
    said = ""
    for line in running.stderr or ():
        if found := BUILT.fullmatch(line):
            return said, found[1]
        said += line
    raise AssertionError(said)


def test_a_folder_is_built_again_when_a_source_changes(shell: Any) -> None:
    shell.write({"src/app": SPAWN, "src/other": SPAWN})
    with watching(shell, "src", "-o", "src") as running:
        assert build(running) == ("", "2 compiled")
        shell.write({"src/app": "x = 2\n"})
        assert build(running) == ("", "1 compiled, 1 fresh")
        assert (shell.folder / "src" / "app.py").read_text() == "x = 2\n"
        shell.write({"src/new/part": SPAWN})
        assert build(running) == ("", "1 compiled, 2 fresh")
        assert "new/part.py" in shell.tree("src")


def test_errors_are_shown_and_it_goes_on(shell: Any) -> None:
    shell.write({"src/app": WRONG, "src/other": SPAWN})
    with watching(shell, "src", "-o", "out") as running:
        said, result = build(running)
        assert "error[S005]" in said and result == "1 compiled, 1 failed"
        shell.write({"src/other": SPAWN * 2})
        said, result = build(running)
        assert "error[S005]" in said and result == "1 compiled, 1 failed"
        shell.write({"src/app": SPAWN})
        assert build(running) == ("", "1 compiled, 1 fresh")


def test_the_output_of_a_source_that_is_gone_stays(shell: Any) -> None:
    shell.write({"src/app": SPAWN, "src/old/part": SPAWN, "src/old/wrong": WRONG})
    with watching(shell, "src", "-o", "out") as running:
        assert build(running)[1] == "2 compiled, 1 failed"
        (shell.folder / "src" / "old").rename(shell.folder / "elsewhere")
        said, result = build(running)
        gone = "circuitc: src/old/part.cpy is gone; its output out/old/part.py stays"
        assert (said, result) == (f"{gone}\ncircuitc: src/old/wrong.cpy is gone\n", "1 fresh")
        assert shell.tree("out") == ["app.py", "old/part.py"]


def test_one_file_is_watched_and_its_neighbours_are_not(shell: Any) -> None:
    shell.write({"app": SPAWN, "other": SPAWN})
    with watching(shell, "app.cpy", "-o", "app.py") as running:
        assert build(running) == ("", "1 compiled")
        shell.write({"other": WRONG})
        # As editors save: a new file takes the place of the old one.
        shell.write({"next": "x = 3\n"})
        (shell.folder / "next.cpy").rename(shell.folder / "app.cpy")
        assert build(running) == ("", "1 compiled")
        assert (shell.folder / "app.py").read_text() == "x = 3\n"


def test_check_and_watch_go_together(shell: Any) -> None:
    shell.write({"app": SPAWN})
    with watching(shell, ".", "--check") as running:
        assert build(running) == ("", "1 checked")
        shell.write({"app": WRONG})
        assert "1 failed" in build(running)[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_quietly(shell: Any, number: signal.Signals) -> None:
    shell.write({"app": SPAWN})
    with shell.start("--watch", "app.cpy", "--check") as running:
        assert build(running) == ("", "1 checked")
        # After one more build it waits for changes; before, it may only be about to.
        shell.write({"app": SPAWN * 2})
        assert build(running) == ("", "1 checked")
        running.send_signal(number)
        _, rest = running.communicate(timeout=60)
        assert (running.returncode, rest) == (128 + number, "")


def test_it_ends_if_the_folder_is_gone(shell: Any) -> None:
    shell.write({"src/app": SPAWN})
    with shell.start("--watch", "src", "-o", "out") as running:
        assert build(running) == ("", "1 compiled")
        (shell.folder / "src").rename(shell.folder / "elsewhere")
        _, said = running.communicate(timeout=60)
        assert (running.returncode, said) == (2, "circuitc: src is gone\n")
