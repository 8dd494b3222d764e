"""The command circuitc with one file, as a shell sees it: output, errors, status, and files left behind."""

import hashlib
import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from circuit.circuitc import command
from circuit.compiler import targets
from circuit.version import VERSION

SOURCE = 'h = spawn f("é") on w\n'
COMPILED = 'import circuit as _circuit; h = _circuit.call(f, "é").on(w)\n'
WRONG = "h = spawn sum(x for x in xs) on w\nk = spawn [await h] on w\n"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def stamped(source: bytes, text: bytes, name: str) -> bytes:
    """Return an output with the line that circuitc ends it with."""
    target = f"{sys.version_info.major}.{sys.version_info.minor}"
    stamp = f"# circuitc {VERSION}: compiled from {name} for Python {target}"
    return text + f"{stamp}, source {digest(source)}, text {digest(text)}\n".encode()


WRITTEN = stamped(SOURCE.encode(), COMPILED.encode(), "app.cpy")


@pytest.fixture
def folder(shell: Any) -> Path:
    shell.write({"app": SOURCE, "wrong": WRONG})
    return Path(shell.folder)


def test_without_an_output_the_text_goes_to_stdout(shell: Any, folder: Path) -> None:
    done = shell.circuitc("app.cpy")
    assert (done.returncode, done.stdout, done.stderr) == (0, WRITTEN, b"")


def test_stdin_to_stdout(shell: Any) -> None:
    done = shell.circuitc("-", data=SOURCE.encode())
    assert done.stdout == stamped(SOURCE.encode(), COMPILED.encode(), "stdin")


def test_the_output_file_gets_the_text(shell: Any, folder: Path) -> None:
    done = shell.circuitc("app.cpy", "-o", "app.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (folder / "app.py").read_bytes() == WRITTEN
    assert sorted(path.name for path in folder.iterdir()) == ["app.cpy", "app.py", "wrong.cpy"]


def test_the_folder_of_the_output_is_made(shell: Any, folder: Path) -> None:
    assert shell.circuitc("app.cpy", "-o", "build/now/app.py").returncode == 0
    assert (folder / "build" / "now" / "app.py").read_bytes() == WRITTEN


def test_a_file_without_a_spawn_comes_out_byte_for_byte(shell: Any) -> None:
    data = b"\xef\xbb\xbf# coding: utf-8\r\nx = 'spawn'\x0c\n\ry = (\t1)"
    assert shell.circuitc("-", data=data).stdout == data


def test_the_encoding_of_the_source_is_kept(shell: Any) -> None:
    source = b"# coding: latin-1\nspawn f('\xe9') on w\n"
    text = b"# coding: latin-1\nimport circuit as _circuit; _circuit.call(f, '\xe9').on(w)\n"
    assert shell.circuitc("-", data=source).stdout == stamped(source, text, "stdin")


def test_errors_are_shown_and_nothing_is_written(shell: Any, folder: Path) -> None:
    done = shell.circuitc("wrong.cpy", "-o", "out.py")
    errors = done.stderr.decode()
    assert done.returncode == 1
    assert "error[S005]" in errors and "wrong.cpy:1:15" in errors
    assert "error[S007]" in errors and "wrong.cpy:2:12" in errors
    assert not (folder / "out.py").exists()


def test_an_old_output_survives_errors(shell: Any, folder: Path) -> None:
    (folder / "out.py").write_text("old")
    assert shell.circuitc("wrong.cpy", "-o", "out.py", "--force").returncode == 1
    assert (folder / "out.py").read_text() == "old"


def test_errors_of_stdin_name_it(shell: Any) -> None:
    assert "<stdin>:1:15" in shell.circuitc("-", data=WRONG.encode()).stderr.decode()


def test_bytes_that_are_no_text_are_a_compile_error(shell: Any) -> None:
    done = shell.circuitc("-", data=b"spawn f() on w\ny = '\xff'\n")
    assert done.returncode == 1
    assert "error[S004]" in done.stderr.decode() and "<stdin>:2:6" in done.stderr.decode()


def test_bytes_that_are_no_text_have_no_source_map(shell: Any) -> None:
    (shell.folder / "latin.cpy").write_bytes(b"x = '\xff'\n")
    done = shell.circuitc("--map", "latin.cpy", "-o", "latin.py")
    assert done.returncode == 1
    assert done.stderr.decode().startswith("error[S004]: 'utf-8' codec cannot decode byte 0xff")
    assert "latin.cpy:1:6" in done.stderr.decode() and shell.tree(".") == ["latin.cpy"]


@pytest.mark.parametrize(("name", "status"), [("app.cpy", 0), ("wrong.cpy", 1)])
def test_check_only_reports(shell: Any, folder: Path, name: str, status: int) -> None:
    done = shell.circuitc("--check", name)
    assert (done.returncode, done.stdout) == (status, b"")
    assert bool(done.stderr) == bool(status)


def test_check_reads_a_file_without_a_spawn_too(shell: Any) -> None:
    assert shell.circuitc("-", data=b"def f(:\n").returncode == 0
    done = shell.circuitc("--check", "-", data=b"def f(:\n")
    assert done.returncode == 1
    assert b"error[S000]: invalid syntax" in done.stderr


@pytest.mark.parametrize(("target", "status"), [("3.11", 1), ("3.12", 0), ("3.14", 0)])
def test_a_program_is_compiled_for_the_target_whichever_python_compiles_it(
    shell: Any, target: str, status: int
) -> None:
    done = shell.circuitc("-", "--target", target, data=b"type Pair[T] = tuple[T, T]\nspawn f() on w\n")
    assert done.returncode == status
    assert (f" for Python {target}, " in done.stdout.decode()) is (status == 0)
    assert ("<stdin>:1:" in done.stderr.decode()) is (status == 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: FILE"),
        (["app.cpy", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["long" * 99], f"circuitc: cannot read {'long' * 99}: File name too long"),
        (["app.cpy", "-o", "long" * 99], f"circuitc: cannot write {'long' * 99}: File name too long"),
        (["absent.cpy"], "circuitc: cannot read absent.cpy: No such file or directory"),
        (
            ["folder"],
            "folder is a folder: -o must name a folder for the outputs (-o folder: beside the sources)",
        ),
        (["folder", "-o", "app.py"], "folder is a folder, and app.py is a file"),
        (["app.cpy", "-o", "folder"], "folder is a folder; name the file in it: -o folder/app.py"),
        (["app.cpy", "-o", "new/"], "new/ is a folder; name the file in it: -o new/app.py"),
        (["-", "-o", "folder"], "folder is a folder; name the file in it: -o folder/out.py"),
        (["app.cpy", "-o", "app.py/app.py"], "circuitc: cannot write app.py/app.py: Not a directory"),
        (["app.cpy", "-o", "./app.cpy"], "circuitc: the output app.cpy is the source itself"),
        (["app.cpy", "-o", "./app.cpy", "--force"], "circuitc: the output app.cpy is the source itself"),
        (["app.cpy", "-o", "link.py", "--force"], "circuitc: the output link.py is the source itself"),
        (["--check", "app.cpy", "-o", "new.py"], "--check writes nothing, so it takes no -o"),
        (["--check", "app.cpy", "--map"], "--check writes nothing, so it takes no --map"),
        (["app.cpy", "--map"], "--map needs -o: the map is written beside the output"),
        (["-", "--map", "-o", "new.py"], "--map needs a file or a folder, not stdin"),
        (["app.cpy", "--watch"], "--watch needs -o or --check"),
        (["-", "--watch", "--check"], "--watch needs a file or a folder, not stdin"),
        (["absent.cpy", "--watch", "--check"], "there is no absent.cpy to watch"),
        (["app.cpy", "--target", "3.10"], "invalid choice: '3.10'"),
        (["app.cpy", "--explain", "S005"], "--explain compiles nothing, so it takes no FILE"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_said_in_one_line(
    shell: Any, folder: Path, arguments: list[str], message: str
) -> None:
    (folder / "folder").mkdir()
    (folder / "app.py").touch()
    (folder / "link.py").symlink_to("app.cpy")
    done = shell.circuitc(*arguments)
    *usage, last = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in last
    assert all(line.startswith(("usage:", " ")) for line in usage)
    assert (folder / "app.cpy").read_text(encoding="utf-8") == SOURCE


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_said_in_one_line(shell: Any, folder: Path) -> None:
    (folder / "app.cpy").chmod(0)
    done = shell.circuitc("app.cpy")
    assert (done.returncode, done.stderr) == (2, b"circuitc: cannot read app.cpy: Permission denied\n")


def test_a_full_disk_leaves_the_old_file_and_nothing_else(shell: Any, folder: Path) -> None:
    (folder / "out.py").write_text("old")
    limit = "import resource; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (5, 5))"
    done = shell.circuitc("app.cpy", "-o", "out.py", "--force", first=limit)
    assert (done.returncode, done.stderr) == (2, b"circuitc: cannot write out.py: File too large\n")
    assert (folder / "out.py").read_text() == "old"
    assert sorted(path.name for path in folder.iterdir()) == ["app.cpy", "out.py", "wrong.cpy"]


def test_a_new_file_has_the_mode_of_the_umask_and_an_old_one_keeps_its_own(shell: Any, folder: Path) -> None:
    shell.circuitc("app.cpy", "-o", "new.py", umask=0o027)
    (folder / "old.py").touch(mode=0o755)
    (folder / "old.py").chmod(0o755)
    shell.circuitc("app.cpy", "-o", "old.py", "--force", umask=0o027)
    modes = [stat.S_IMODE((folder / name).stat().st_mode) for name in ("new.py", "old.py")]
    assert modes == [0o640, 0o755]


def test_a_link_stays_a_link_and_a_device_a_device(shell: Any, folder: Path) -> None:
    (folder / "real.py").touch()
    (folder / "link.py").symlink_to("real.py")
    assert shell.circuitc("app.cpy", "-o", "link.py", "--force").returncode == 0
    assert (folder / "link.py").is_symlink()
    assert (folder / "real.py").read_bytes() == WRITTEN
    assert shell.circuitc("app.cpy", "-o", os.devnull).returncode == 0
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.parametrize(
    ("redirection", "message"),
    [
        ("- <&-", "circuitc: cannot read stdin: Bad file descriptor"),
        ("app.cpy >&-", "circuitc: cannot write stdout: Bad file descriptor"),
        ("app.cpy >/dev/full", "circuitc: cannot write stdout: No space left on device"),
    ],
)
def test_standard_files_that_fail_are_said_in_one_line(
    shell: Any, folder: Path, redirection: str, message: str
) -> None:
    command = f"{shlex.join(shell.command())} {redirection}"
    done = subprocess.run(["sh", "-c", command], cwd=folder, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, message + "\n")


def test_a_reader_that_goes_away_is_no_error(shell: Any, folder: Path) -> None:
    (folder / "long.cpy").write_text("x = 1\n" * 100_000)
    command = f"{shlex.join(shell.command())} long.cpy | head -1"
    done = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, timeout=60)
    assert (done.stdout, done.stderr) == (b"x = 1\n", b"")


def test_the_version_is_that_of_the_distribution(shell: Any) -> None:
    done = shell.circuitc("--version")
    assert (done.returncode, done.stdout) == (0, f"circuitc {VERSION}\n".encode())


def test_help_and_the_manual_name_every_option(shell: Any) -> None:
    options = "--output --check --watch --map --error-format --explain --target --force --quiet --version"
    shown = shell.circuitc("-h").stdout.decode()
    assert all(option in shown for option in (*options.split(), "exit status"))
    manual = (Path(__file__).parents[2] / "docs" / "circuitc.md").read_text(encoding="utf-8")
    assert [option for option in re.findall(r"--[a-z-]+", shown) if option not in manual] == []


def test_the_targets_that_can_be_asked_for_are_those_of_the_compiler() -> None:
    """The command line is read before the compiler is loaded, so it has names of its own for them."""
    assert tuple(map(str, targets.TARGETS)) == command.TARGETS
    assert str(targets.RUNNING) == command.RUNNING


@pytest.mark.parametrize("arguments", [["-h"], ["app.cpy", "-o", "app.py"]], ids=["help", "fresh output"])
def test_the_compiler_is_loaded_only_to_compile(shell: Any, folder: Path, arguments: list[str]) -> None:
    assert shell.circuitc("app.cpy", "-o", "app.py").returncode == 0
    assert loaded({"circuit.compiler"}, shell, *arguments) == set()


def test_a_small_file_loads_nothing_but_the_compiler(shell: Any, folder: Path) -> None:
    others = {"rich", "watchfiles", "concurrent.futures", "multiprocessing", "circuit.runtime"}
    assert loaded(others | {"circuit.compiler"}, shell, "app.cpy", "-o", "app.py") == {"circuit.compiler"}


def loaded(names: set[str], shell: Any, *arguments: str) -> set[str]:
    """Run circuitc, and return which of the named modules it loaded."""
    told = f"import atexit; atexit.register(lambda: print(*({names!r} & set(sys.modules))))"
    done = shell.circuitc(*arguments, first=told)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.decode().splitlines()[-1].split())
