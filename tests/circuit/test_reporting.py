"""What circuitc says: to people, to programs, to terminals, and to nobody."""

import json
import shlex
import subprocess
from typing import Any

import pytest

WRONG = "h = spawn sum(x for x in xs) on w\nk = spawn [await h] on w\n"
WARNED = "def g(): pass\nh = spawn g on w\n"


@pytest.fixture(autouse=True)
def sources(shell: Any) -> None:
    shell.write({"wrong": WRONG, "warned": WARNED})


def test_a_terminal_has_colours_and_a_pipe_has_none(shell: Any) -> None:
    assert b"\x1b[1;31merror[S005]" in shell.on_terminal("--check", "wrong.cpy")
    assert b"\x1b" not in shell.circuitc("--check", "wrong.cpy").stderr


def test_a_terminal_has_a_progress_bar_while_many_files_compile(shell: Any) -> None:
    shell.write({f"src/file{number}": "spawn f() on w\n" + "# long\n" * 500 for number in range(40)})
    shell.write({"src/wrong": WRONG})
    shown = shell.on_terminal("src", "-o", "out").decode()
    assert "compiling" in shown and "41/41" in shown
    assert "src/wrong.cpy:1:15" in shown
    assert shown.splitlines()[-1].endswith("circuitc: 40 compiled, 1 failed")
    assert "compiling" not in shell.on_terminal("src", "-o", "again", "-q").decode()
    assert b"compiling" not in shell.circuitc("src", "-o", "third").stderr


def test_json_is_one_object_a_line_and_nothing_else(shell: Any) -> None:
    done = shell.circuitc("--check", ".", "--error-format", "json")
    found = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 1
    assert [(one["code"], one["severity"], one["path"]) for one in found] == [
        ("S010", "warning", "warned.cpy"),
        ("S005", "error", "wrong.cpy"),
        ("S007", "error", "wrong.cpy"),
    ]


def test_what_cannot_be_done_is_text_among_json_too(shell: Any) -> None:
    done = shell.circuitc("absent.cpy", "--error-format", "json")
    said = b"circuitc: cannot read absent.cpy: No such file or directory\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_warnings_alone_are_no_failure(shell: Any) -> None:
    done = shell.circuitc("--check", "warned.cpy")
    assert done.returncode == 0
    assert done.stderr.startswith(b"warning[S010]")


def test_quiet_leaves_the_errors(shell: Any) -> None:
    done = shell.circuitc(".", "-o", "out", "-q")
    said = done.stderr.decode()
    assert done.returncode == 1
    assert "error[S005]" in said and "error[S007]" in said
    assert "warning" not in said and "circuitc:" not in said


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "2>&1 >/dev/null | true"])
def test_nobody_need_listen(shell: Any, redirection: str) -> None:
    shell.write({"fine": "x = 1\n"})
    status = "echo $? >status"
    command = f"{{ {shlex.join(shell.command('.', '-o', 'out'))}; {status}; }} {redirection}"
    done = subprocess.run(["sh", "-c", command], cwd=shell.folder, stdout=subprocess.PIPE, timeout=60)
    assert done.stdout == b""
    assert (shell.folder / "status").read_text() == "1\n"
    assert "fine.py" in shell.tree("out")


def test_a_code_is_explained(shell: Any) -> None:
    done = shell.circuitc("--explain", "s005")
    said = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert "generator" in said and "```" in said
    shown = shell.on_terminal("--explain", "S005").decode()
    assert "\x1b[" in shown and "```" not in shown


def test_a_code_that_is_none_gets_those_that_are(shell: Any) -> None:
    done = shell.circuitc("--explain", "S999")
    said = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b"")
    assert said.startswith("circuitc: ") and "S999" in said and "S000" in said and "S020" in said


def test_warnings_of_python_are_left_to_whoever_runs_the_result(shell: Any) -> None:
    shell.write({"odd": "spawn f() on w\nif x is 1: pass\ny = '\\d'\n"})
    done = shell.circuitc("--check", "odd.cpy")
    assert (done.returncode, done.stderr) == (0, b"")
