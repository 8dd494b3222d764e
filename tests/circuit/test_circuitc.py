"""The command circuitc, as a shell sees it: output, errors, exit status, and files left behind."""

import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest

RUN = "import sys; from circuit.circuitc import main; sys.exit(main())"
CIRCUITC = [sys.executable, "-c", RUN]

SOURCE = 'h = spawn f("é") on w\n'
COMPILED = 'import circuit as _circuit; h = _circuit.call(f, "é").on(w)\n'
WRONG = "h = spawn sum(x for x in xs) on w\nk = spawn [await h] on w\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.cpy").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "wrong.cpy").write_text(WRONG, encoding="utf-8")
    return tmp_path


def circuitc(
    folder: Path, *arguments: str, data: bytes = b"", umask: int = 0o022
) -> subprocess.CompletedProcess[bytes]:
    command = [*CIRCUITC, *arguments]
    return subprocess.run(command, cwd=folder, input=data, umask=umask, capture_output=True, timeout=60)


def test_without_an_output_the_text_goes_to_stdout(folder: Path) -> None:
    done = circuitc(folder, "app.cpy")
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, COMPILED, b"")


def test_stdin_to_stdout(folder: Path) -> None:
    assert circuitc(folder, "-", data=SOURCE.encode()).stdout.decode() == COMPILED


def test_the_output_file_gets_the_text(folder: Path) -> None:
    done = circuitc(folder, "app.cpy", "-o", "app.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (folder / "app.py").read_text(encoding="utf-8") == COMPILED
    assert sorted(path.name for path in folder.iterdir()) == ["app.cpy", "app.py", "wrong.cpy"]


def test_a_file_without_a_spawn_comes_out_byte_for_byte(folder: Path) -> None:
    data = b"\xef\xbb\xbf# coding: utf-8\r\nx = 'spawn'\x0c\n\ry = (\t1)"
    assert circuitc(folder, "-", data=data).stdout == data


def test_the_encoding_of_the_source_is_kept(folder: Path) -> None:
    done = circuitc(folder, "-", data=b"# coding: latin-1\nspawn f('\xe9') on w\n")
    assert done.stdout == b"# coding: latin-1\nimport circuit as _circuit; _circuit.call(f, '\xe9').on(w)\n"


def test_errors_are_shown_and_nothing_is_written(folder: Path) -> None:
    done = circuitc(folder, "wrong.cpy", "-o", "out.py")
    errors = done.stderr.decode()
    assert done.returncode == 1
    assert "error[S005]" in errors and "wrong.cpy:1:15" in errors
    assert "error[S007]" in errors and "wrong.cpy:2:12" in errors
    assert not (folder / "out.py").exists()


def test_an_old_output_survives_errors(folder: Path) -> None:
    (folder / "out.py").write_text("old")
    assert circuitc(folder, "wrong.cpy", "-o", "out.py").returncode == 1
    assert (folder / "out.py").read_text() == "old"


def test_errors_of_stdin_name_it(folder: Path) -> None:
    assert "<stdin>:1:15" in circuitc(folder, "-", data=WRONG.encode()).stderr.decode()


def test_bytes_that_are_no_text_are_a_compile_error(folder: Path) -> None:
    done = circuitc(folder, "-", data=b"x = 1\ny = '\xff'\n")
    assert done.returncode == 1
    assert "error[S004]" in done.stderr.decode() and "<stdin>:2:6" in done.stderr.decode()


@pytest.mark.parametrize(("name", "status"), [("app.cpy", 0), ("wrong.cpy", 1)])
def test_check_only_reports(folder: Path, name: str, status: int) -> None:
    done = circuitc(folder, "--check", name)
    assert (done.returncode, done.stdout) == (status, b"")
    assert bool(done.stderr) == bool(status)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: FILE"),
        (["app.cpy", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["absent.cpy"], "circuitc: cannot read absent.cpy: No such file or directory"),
        (["folder"], "circuitc: cannot read folder: Is a directory"),
        (["app.cpy", "-o", "folder"], "circuitc: cannot write folder: Is a directory"),
        (["app.cpy", "-o", "no/app.py"], "circuitc: cannot write no/app.py: No such file or directory"),
        (["app.cpy", "-o", "./app.cpy"], "error: the output ./app.cpy is the source itself"),
        (["--check", "app.cpy", "-o", "app.py"], "error: --check writes nothing, so it takes no -o"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_said_in_one_line(folder: Path, arguments: list[str], message: str) -> None:
    (folder / "folder").mkdir()
    done = circuitc(folder, *arguments)
    *usage, last = done.stderr.decode().splitlines()
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in last
    assert all(line.startswith(("usage:", " ")) for line in usage)
    assert (folder / "app.cpy").read_text(encoding="utf-8") == SOURCE


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_said_in_one_line(folder: Path) -> None:
    (folder / "app.cpy").chmod(0)
    done = circuitc(folder, "app.cpy")
    assert (done.returncode, done.stderr) == (2, b"circuitc: cannot read app.cpy: Permission denied\n")


def test_a_full_disk_leaves_the_old_file_and_nothing_else(folder: Path) -> None:
    (folder / "out.py").write_text("old")
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (5, 5)); "
    arguments = [sys.executable, "-B", "-c", limit + RUN, "app.cpy", "-o", "out.py"]
    done = subprocess.run(arguments, cwd=folder, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, b"circuitc: cannot write out.py: File too large\n")
    assert (folder / "out.py").read_text() == "old"
    assert sorted(path.name for path in folder.iterdir()) == ["app.cpy", "out.py", "wrong.cpy"]


def test_a_new_file_has_the_mode_of_the_umask_and_an_old_one_keeps_its_own(folder: Path) -> None:
    circuitc(folder, "app.cpy", "-o", "new.py", umask=0o027)
    (folder / "old.py").touch(mode=0o755)
    (folder / "old.py").chmod(0o755)
    circuitc(folder, "app.cpy", "-o", "old.py", umask=0o027)
    modes = [stat.S_IMODE((folder / name).stat().st_mode) for name in ("new.py", "old.py")]
    assert modes == [0o640, 0o755]


def test_a_link_stays_a_link_and_a_device_a_device(folder: Path) -> None:
    (folder / "real.py").touch()
    (folder / "link.py").symlink_to("real.py")
    assert circuitc(folder, "app.cpy", "-o", "link.py").returncode == 0
    assert (folder / "link.py").is_symlink()
    assert (folder / "real.py").read_text(encoding="utf-8") == COMPILED
    assert circuitc(folder, "app.cpy", "-o", os.devnull).returncode == 0
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.parametrize(
    ("shell", "message"),
    [
        ("- <&-", "circuitc: cannot read stdin: Bad file descriptor"),
        ("app.cpy >&-", "circuitc: cannot write stdout: Bad file descriptor"),
        ("app.cpy >/dev/full", "circuitc: cannot write stdout: No space left on device"),
    ],
)
def test_standard_files_that_fail_are_said_in_one_line(folder: Path, shell: str, message: str) -> None:
    command = f"{shlex.join(CIRCUITC)} {shell}"
    done = subprocess.run(["sh", "-c", command], cwd=folder, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, message + "\n")


def test_a_reader_that_goes_away_is_no_error(folder: Path) -> None:
    (folder / "long.cpy").write_text("x = 1\n" * 100_000)
    command = f"{shlex.join(CIRCUITC)} long.cpy | head -1"
    done = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, timeout=60)
    assert (done.stdout, done.stderr) == (b"x = 1\n", b"")


def test_the_version_is_that_of_the_distribution(folder: Path) -> None:
    done = circuitc(folder, "--version")
    assert done.returncode == 0
    assert done.stdout.startswith(b"circuitc 0.")


def test_help_names_every_option(folder: Path) -> None:
    shown = circuitc(folder, "-h").stdout.decode()
    assert all(option in shown for option in ("--output", "--check", "--version", "exit status"))


def test_a_terminal_has_colours_and_a_pipe_has_none(folder: Path) -> None:
    outside, inside = os.openpty()
    environment = {**os.environ, "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    command = [*CIRCUITC, "wrong.cpy"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=inside, env=environment):
        os.close(inside)
        shown = b""
        while chunk := _read(outside):
            shown += chunk
    os.close(outside)
    assert b"\x1b[1;31merror[S005]" in shown
    assert b"\x1b" not in circuitc(folder, "wrong.cpy").stderr


def _read(terminal: int) -> bytes:
    """Read from a terminal; Linux reports its other end closed as an error."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
