"""circuitc on all cores: the same result, each file for itself, and a clean end whoever brings it."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

FILES = 500

# Long enough that two files are worth a crew.
LONG = "x = 1\n" * 12_000

# A compiler that at one file tells that it has begun, and waits to be let go on.
SLOW = """
import circuit.circuitc.compiling as compiling
real = compiling.compile_bytes
def compile_bytes(data, path, *arguments, **options):
    if path.endswith("slow.cpy"):
        print("begun", file=sys.stderr, flush=True)
        open("go on").close()
    return real(data, path, *arguments, **options)
compiling.compile_bytes = compile_bytes
"""

# A user who presses Ctrl-C when all files are handed out, and no outcome is waited for yet.
HASTY = """
from circuit.circuitc.reporting import Report
def progress(*_):
    raise KeyboardInterrupt
Report.progress = progress
"""

# A compiler that dies of one file.
MORTAL = """
import os
import circuit.circuitc.compiling as compiling
real = compiling.compile_bytes
def compile_bytes(data, path, *arguments, **options):
    if path.endswith("deadly.cpy"):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(data, path, *arguments, **options)
compiling.compile_bytes = compile_bytes
"""


@pytest.fixture
def busy(shell: Any) -> Any:
    """A folder with more files than any crew has in hand, of which one keeps a process busy."""
    shell.write({"src/slow": LONG, **{f"src/z{number}": "spawn f() on w\n" for number in range(FILES)}})
    os.mkfifo(shell.folder / "go on")
    return shell


def begin(shell: Any) -> subprocess.Popen[str]:
    """Start to compile, and return when the slow file is being compiled."""
    running: subprocess.Popen[str] = shell.start("src", "-o", "out", first=SLOW)
    assert running.stderr and running.stderr.readline() == "begun\n"
    return running


def go_on(shell: Any) -> None:
    (shell.folder / "go on").write_bytes(b"")


def test_many_files_come_out_as_they_do_one_by_one(shell: Any) -> None:
    names = [f"src/part{number % 10}/file{number}" for number in range(FILES)]
    shell.write({name: f"value = spawn f({name!r}) on w\n" + "# long\n" * 50 for name in names})
    done = shell.circuitc("src", "-o", "out")
    assert (done.returncode, done.stderr) == (0, f"circuitc: {FILES} compiled\n".encode())
    assert len(shell.tree("out")) == FILES
    for name in names[::100]:
        alone = shell.circuitc(f"{name}.cpy").stdout
        assert (shell.folder / name.replace("src", "out", 1)).with_suffix(".py").read_bytes() == alone
    assert shell.circuitc("src", "-o", "out").stderr == f"circuitc: {FILES} fresh\n".encode()


def test_errors_come_in_the_order_of_the_paths(shell: Any) -> None:
    names = sorted(f"src/file{number}" for number in range(40))
    shell.write(dict.fromkeys(names, "spawn f() onn w\n" + "# long\n" * 500))
    done = shell.circuitc("src", "-o", "out", "-q")
    places = [line.split()[-1] for line in done.stderr.decode().splitlines() if "┌─" in line]
    assert done.returncode == 1
    assert [place.split(":")[0] for place in places] == [f"{name}.cpy" for name in names]


def test_a_file_that_the_compiler_dies_of_is_named_and_stops_no_other(shell: Any) -> None:
    shell.write({"src/deadly": LONG, **{f"src/{letter}": LONG for letter in "abcdefghijxyz"}})
    done = shell.circuitc("src", "-o", "out", first=MORTAL)
    trouble, summary = done.stderr.decode().splitlines()
    assert done.returncode == 2
    assert trouble == "circuitc: cannot compile src/deadly.cpy: the process compiling it died"
    assert summary.endswith(" 1 failed")
    assert shell.tree("out") == [f"{letter}.py" for letter in "abcdefghijxyz"]


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_an_interrupted_build_ends_cleanly(busy: Any, number: signal.Signals, status: int) -> None:
    running = begin(busy)
    # Ctrl-C goes to all processes of a terminal's job, a kill to one of them.
    (os.killpg if number == signal.SIGINT else os.kill)(running.pid, number)
    go_on(busy)
    _, said = running.communicate(timeout=60)
    assert (running.returncode, said) == (status, "")
    assert_nothing_is_half_done(busy)


def test_a_build_that_is_interrupted_at_once_goes_no_further(shell: Any) -> None:
    shell.write({f"src/file{number}": "spawn f() on w\n" + "# long\n" * 50 for number in range(FILES)})
    done = shell.circuitc("src", "-o", "out", first=HASTY)
    assert (done.returncode, done.stderr) == (130, b"")
    assert len(shell.tree("out")) < FILES


def test_nobody_outlives_a_build_that_is_killed(busy: Any) -> None:
    running = begin(busy)
    running.kill()
    go_on(busy)
    # Whoever is left holds stderr open: this would end with a timeout.
    _, said = running.communicate(timeout=60)
    assert (running.returncode, said) == (-signal.SIGKILL, "")
    assert_nothing_is_half_done(busy)


def assert_nothing_is_half_done(shell: Any) -> None:
    written = [Path(name) for name in shell.tree("out")]
    assert [path.name for path in written if path.name.startswith(".")] == []
    assert len(written) < FILES
    # What is done stays done.
    assert f"{FILES + 1 - len(written)} compiled" in shell.circuitc("src", "-o", "out").stderr.decode()
