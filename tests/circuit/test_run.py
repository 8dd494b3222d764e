"""`circuit run` and `python -m circuit`: programs as a user starts them."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

CIRCUIT = Path(sys.executable).with_name("circuit")

SHAPES = '''
"""A module of the program."""

class Odd(Exception):
    """An odd one out."""

def area(a, b):
    if a < 0:
        raise Odd(a)
    return a * b

def areas(pairs):
    return [spawn area(a, b) on "w2" for a, b in pairs]
'''

APP = """
import os
import sys
from shapes import Odd, area, areas

scale = 10

def scaled(x):
    import parts.late
    return parts.late.half(x) * scale, os.getpid(), __name__

value, pid, name = (spawn scaled(area(2, 3)) on "w1").result()
print(value, pid != os.getpid(), name)
print([future.result() for future in areas([(1, 2), (3, 5)])])
print(__name__, __file__, sys.argv, sys.path[0])
try:
    (spawn area(-1, 0) on "w1").result()
except Odd as odd:
    print("odd", odd)
"""


@pytest.fixture
def program(tmp_path):
    """A program of three `.cpy` files, one of them in a package."""
    (tmp_path / "app.cpy").write_text(APP)
    (tmp_path / "shapes.cpy").write_text(SHAPES)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "__init__.cpy").touch()
    (tmp_path / "parts" / "late.py").write_text("def half(x): return x / 2\n")
    return tmp_path


def run(*command, cwd, **options):
    """Run a command to its end."""
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, **options)


@pytest.mark.parametrize("command", [[CIRCUIT, "run"], [sys.executable, "-m", "circuit"]])
def test_a_program_of_cpy_modules_runs_in_driver_and_workers(program, command):
    ran = run(*command, "app.cpy", "x", "--flag", cwd=program)
    assert ran.stderr == ""
    assert ran.stdout.splitlines() == [
        "30.0 True __main__",
        "[2, 15]",
        f"__main__ {program}/app.cpy ['app.cpy', 'x', '--flag'] {program}",
        "odd -1",
    ]


def test_it_runs_from_another_folder(program, tmp_path):
    ran = run(CIRCUIT, "run", program / "app.cpy", cwd="/")
    assert ran.stderr == "" and ran.stdout.startswith("30.0 True")


def test_what_circuitc_makes_of_it_runs_as_well(program):
    for name in ("app", "shapes"):
        assert (
            run(CIRCUIT.with_name("circuitc"), f"{name}.cpy", "-o", f"{name}.py", cwd=program).returncode == 0
        )
    (program / "parts" / "__init__.cpy").rename(program / "parts" / "__init__.py")
    (program / "shapes.cpy").unlink()
    ran = run(sys.executable, "app.py", "x", cwd=program)
    assert ran.stderr == "" and ran.stdout.startswith("30.0 True __main__\n[2, 15]\n")


def test_a_traceback_names_cpy_lines_in_driver_and_worker_and_no_frame_of_ours(tmp_path):
    (tmp_path / "app.cpy").write_text(
        textwrap.dedent("""
        def divide(a, b):
            return a / b

        def main():
            return (spawn divide(1, 0) on "w1").result()

        main()
        """)
    )
    ran = run(CIRCUIT, "run", "app.cpy", cwd=tmp_path)
    assert ran.returncode == 1
    there, here = ran.stderr.split("The above exception was the direct cause")
    assert 'app.cpy", line 3, in divide\n    return a / b\n           ~~^~~' in there
    assert 'app.cpy", line 8, in <module>\n    main()' in here
    assert 'line 6, in main\n    return (spawn divide(1, 0) on "w1").result()' in here
    assert "ZeroDivisionError: division by zero\nraised on worker 'w1' (pid " in here
    assert "spawned at app.cpy:6:13" in here
    assert "launch.py" not in ran.stderr and "commands.py" not in ran.stderr


def test_a_compile_error_names_the_place_and_runs_nothing(tmp_path):
    (tmp_path / "app.cpy").write_text("print('began')\nh = spawn f(1)\n")
    ran = run(CIRCUIT, "run", "app.cpy", cwd=tmp_path)
    assert ran.returncode == 1 and ran.stdout == ""
    assert f'File "{tmp_path}/app.cpy", line 2' in ran.stderr and "h = spawn f(1)" in ran.stderr
    assert "launch.py" not in ran.stderr


@pytest.mark.parametrize("suffix", ["", "raise SystemExit(3)"])
def test_the_exit_status_is_the_programs(tmp_path, suffix):
    (tmp_path / "app.cpy").write_text(f"spawn print('spawned') on 'w1'\n{suffix}\n")
    ran = run(CIRCUIT, "run", "app.cpy", cwd=tmp_path)
    assert ran.returncode == (3 if suffix else 0)
    assert ran.stdout == "[w1] spawned\n" and ran.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "usage: circuit"),
        (["run"], "usage: circuit run"),
        (["walk"], "invalid choice: 'walk'"),
        (["run", "missing.cpy"], "circuit run: missing.cpy does not exist"),
        (["run", "a" * 300], f"circuit run: cannot read {'a' * 300}: File name too long"),
        (["run", "."], "circuit run: . is a folder without a __main__.cpy; name the program's file in it"),
        (["run", "-m"], "argument -m: expected one argument"),
        (["run", "-m", "no.such"], "circuit run: no module named 'no.such'"),
        (["run", "-m", "json.decoder.x"], "circuit run: no module named 'json.decoder.x'"),
        (
            ["run", "-m", "email"],
            "circuit run: 'email' is a package without a __main__ module, so it cannot be run",
        ),
        (["run", "-m", ".app"], "circuit run: no module named '.app'"),
        (["run", "-m", "_json"], "circuit run: '_json' has no Python code to be run"),
    ],
)
def test_usage_errors_say_what_is_wrong_and_exit_with_2(tmp_path, arguments, text):
    ran = run(CIRCUIT, *arguments, cwd=tmp_path)
    assert ran.returncode == 2 and text in ran.stderr and "Traceback" not in ran.stderr


def test_version():
    ran = run(CIRCUIT, "--version", cwd="/")
    assert ran.returncode == 0 and ran.stdout.startswith("circuit 0.")


# A command that takes SIGINT even if we ignore it.
INTERRUPTIBLE = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_ctrl_c_ends_a_program_that_waits_by_the_signal_with_its_own_frames_only(tmp_path):
    (tmp_path / "app.cpy").write_text(
        "import time, os\n"
        "h = spawn time.sleep(3600) on 'w1'\n"
        "print((spawn os.getpid() on 'w1').result(), flush=True)\n"
        "h.result()\n"
    )
    driver = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE, CIRCUIT, "run", "app.cpy"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    worker = int(driver.stdout.readline())
    driver.send_signal(signal.SIGINT)
    try:
        _, stderr = driver.communicate(timeout=30)
    finally:
        driver.kill()
    assert driver.returncode == -signal.SIGINT
    assert stderr.startswith(f'Traceback (most recent call last):\n  File "{tmp_path}/app.cpy", line ')
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_a_py_program_runs_too(tmp_path):
    (tmp_path / "app.py").write_text("import circuit\nprint(circuit.call(abs, -3).on('w1').result())\n")
    ran = run(CIRCUIT, "run", "app.py", cwd=tmp_path)
    assert ran.stdout == "3\n" and ran.stderr == ""
