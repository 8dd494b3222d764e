"""circuitc with a folder: a tree of the same shape, and each file for itself."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from circuit.circuitc.building import build
from circuit.circuitc.folders import Folder
from circuit.circuitc.jobs import Result, Settings
from circuit.circuitc.reporting import Report

SPAWN, PLAIN, WRONG = "spawn f() on w\n", "x = 1\n", "spawn f(x for x in y) on w\n"


def test_only_cpy_files_are_compiled_into_a_tree_of_the_same_shape(shell: Any) -> None:
    shell.write({"src/app": SPAWN, "src/package/__init__": PLAIN, "src/package/deep/part": SPAWN})
    (shell.folder / "src" / "package" / "note.py").write_text("import this")
    (shell.folder / "src" / "package" / "note.txt").write_text("spawn f() on w")
    done = shell.circuitc("src", "-o", "build/out")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"circuitc: 3 compiled\n")
    assert shell.tree("build") == ["out/app.py", "out/package/__init__.py", "out/package/deep/part.py"]
    assert "_circuit.call(f).on(w)" in (shell.folder / "build/out/package/deep/part.py").read_text()


def test_a_folder_compiles_in_place_too(shell: Any) -> None:
    shell.write({"app": SPAWN, "package/part": PLAIN})
    assert shell.circuitc(".", "-o", ".").stderr == b"circuitc: 2 compiled\n"
    assert shell.circuitc(".", "-o", ".").stderr == b"circuitc: 2 fresh\n"
    assert shell.tree(".") == ["app.cpy", "app.py", "package/part.cpy", "package/part.py"]


def test_an_output_folder_inside_and_what_is_hidden_is_left_out(shell: Any) -> None:
    names = ("app", "build/old", ".git/x", "__pycache__/x", "a/.x", "a/b")
    shell.write(dict.fromkeys(names, SPAWN))
    (shell.folder / "a" / "circle").symlink_to("..")
    (shell.folder / "a" / "linked.cpy").symlink_to("b.cpy")
    os.mkfifo(shell.folder / "a" / "endless.cpy")
    assert shell.circuitc(".", "-o", "build").stderr == b"circuitc: 3 compiled\n"
    assert shell.tree("build") == ["a/b.py", "a/linked.py", "app.py", "old.cpy"]


def test_one_bad_file_stops_no_other(shell: Any) -> None:
    shell.write({"src/a": SPAWN, "src/b": WRONG, "src/c": SPAWN, "src/d": WRONG, "src/e": PLAIN})
    done = shell.circuitc("src", "-o", "out")
    said = done.stderr.decode()
    assert done.returncode == 1
    assert said.index("src/b.cpy:1:9") < said.index("src/d.cpy:1:9")
    assert said.endswith("\ncircuitc: 3 compiled, 2 failed\n")
    assert shell.tree("out") == ["a.py", "c.py", "e.py"]
    # What is wrong is said each time, what is right is done once.
    assert shell.circuitc("src", "-o", "out").stderr.decode().endswith("circuitc: 3 fresh, 2 failed\n")


def test_what_cannot_be_read_or_written_stops_no_other_and_exits_with_2(shell: Any) -> None:
    shell.write({"src/a": SPAWN, "src/bad": WRONG, "src/pkg/b": SPAWN, "src/z": SPAWN})
    (shell.folder / "src" / "nowhere.cpy").symlink_to("nothing")
    (shell.folder / "out").mkdir()
    (shell.folder / "out" / "pkg").write_text("a file")
    (shell.folder / "out" / "z.py").write_text("mine")
    done = shell.circuitc("src", "-o", "out")
    said = [line for line in done.stderr.decode().splitlines() if line.startswith("circuitc:")]
    assert done.returncode == 2
    assert said == [
        "circuitc: cannot read src/nowhere.cpy: No such file or directory",
        "circuitc: cannot write out/pkg/b.py: Not a directory",
        "circuitc: out/z.py is not known as circuitc's work; --force overwrites it",
        "circuitc: 1 compiled, 4 failed",
    ]
    assert (shell.folder / "out" / "z.py").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_folder_is_said(shell: Any) -> None:
    shell.write({"src/a": SPAWN, "src/secret/b": SPAWN})
    (shell.folder / "src" / "secret").chmod(0)
    done = shell.circuitc("src", "-o", "out")
    assert done.returncode == 2
    assert (
        done.stderr
        == b"circuitc: cannot read src/secret: Permission denied\ncircuitc: 1 compiled, 1 failed\n"
    )


def test_a_file_and_a_folder_cannot_share_a_name(shell: Any) -> None:
    shell.write({"src/a": SPAWN, "src/a/inside": SPAWN, "src/b": SPAWN, "src/b.py/inside": SPAWN})
    done = shell.circuitc("src", "-o", "out")
    assert done.returncode == 2
    assert done.stderr == b"circuitc: cannot write out/b.py: Is a directory\ncircuitc: 3 compiled, 1 failed\n"
    assert shell.tree("out") == ["a.py", "a/inside.py", "b.py/inside.py"]


def test_a_source_is_never_written_over(shell: Any) -> None:
    shell.write({"app": SPAWN})
    (shell.folder / "app.py").symlink_to("app.cpy")
    done = shell.circuitc(".", "-o", ".", "--force")
    assert done.returncode == 2
    assert done.stderr.startswith(b"circuitc: the output app.py is the source itself\n")
    assert (shell.folder / "app.cpy").read_text() == SPAWN


def test_a_file_that_vanishes_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.cpy").write_text(SPAWN)
    plan = Folder(tmp_path, tmp_path).plan()
    (tmp_path / "a.cpy").unlink()
    results = build(plan, Settings("3.12"), Report(quiet=False, as_json=False))
    assert (results[Result.IMPOSSIBLE], results[Result.COMPILED]) == (1, 1)
    assert capsys.readouterr().err == f"circuitc: cannot read {tmp_path}/a.cpy: No such file or directory\n"


def test_check_writes_nothing(shell: Any) -> None:
    shell.write({"src/a": SPAWN, "src/b": WRONG, "src/c": "def f(:\n"})
    done = shell.circuitc("--check", "src")
    said = done.stderr.decode()
    assert done.returncode == 1
    assert "src/b.cpy:1:9" in said and "src/c.cpy:1:7" in said
    assert said.endswith("circuitc: 1 checked, 2 failed\n")
    assert [path.name for path in shell.folder.iterdir()] == ["src"]


def test_a_folder_without_sources_is_said(shell: Any) -> None:
    (shell.folder / "src").mkdir()
    done = shell.circuitc("src", "-o", "out")
    assert (done.returncode, done.stderr) == (0, b"circuitc: src has no .cpy files\n")


@pytest.mark.parametrize("name", [b"\xff\xfe", "naïve ☃".encode(), b"a\nb", b"-o", b"%41 #?"], ids=repr)
def test_any_name_that_linux_takes_is_a_name(shell: Any, name: bytes) -> None:
    source = Path(shell.folder, "src", os.fsdecode(name) + ".cpy")
    shell.write({"src/app": SPAWN})
    source.write_text(SPAWN)
    done = shell.circuitc("src", "-o", "out", "--map")
    assert (done.returncode, done.stderr) == (0, b"circuitc: 2 compiled\n")
    assert shell.circuitc("src", "-o", "out", "--map").stderr == b"circuitc: 2 fresh\n"
    source.write_text(WRONG)
    assert shell.circuitc("src", "-o", "out", "--error-format", "json").returncode == 1


def test_each_output_has_a_map_to_its_source(shell: Any) -> None:
    shell.write({"src/pkg/my app": SPAWN, "src/plain": PLAIN})
    assert shell.circuitc("src", "-o", "out", "--map").stderr == b"circuitc: 2 compiled\n"
    assert shell.tree("out") == ["pkg/my app.py", "pkg/my app.py.map", "plain.py", "plain.py.map"]
    described = json.loads((shell.folder / "out/pkg/my app.py.map").read_text())
    assert (described["version"], described["file"]) == (3, "my app.py")
    assert described["sources"] == ["../../src/pkg/my%20app.cpy"]
    assert (shell.folder / "out/pkg/my app.py").read_text().endswith(", map my app.py.map\n")
    # A map that was lost is made again.
    (shell.folder / "out/plain.py.map").unlink()
    assert shell.circuitc("src", "-o", "out", "--map").stderr == b"circuitc: 1 compiled, 1 fresh\n"
    assert "plain.py.map" in shell.tree("out")


@pytest.mark.parametrize(
    "text",
    ["my treasure", "[]", "[" * 100_000, '{"version": 3, "file": "other.py"}'],
    ids=lambda text: text[:11],
)
def test_a_file_that_is_no_map_of_the_output_is_left_alone(shell: Any, text: str) -> None:
    shell.write({"app": SPAWN})
    (shell.folder / "app.py.map").write_text(text)
    done = shell.circuitc("app.cpy", "-o", "app.py", "--map")
    said = b"circuitc: app.py.map is not a source map of app.py; --force overwrites it\n"
    assert (done.returncode, done.stderr) == (2, said)
    assert (shell.folder / "app.py.map").read_text() == text
    assert not (shell.folder / "app.py").exists()
    assert shell.circuitc("app.cpy", "-o", "app.py", "--map", "--force").returncode == 0


def test_what_comes_out_runs(shell: Any) -> None:
    shell.write({"src/app": "import part\nprint(part.value)\n", "src/part": "value = 42"})
    shell.circuitc("src", "-o", "out")
    ran = subprocess.run([sys.executable, shell.folder / "out" / "app.py"], capture_output=True, timeout=60)
    assert ran.stdout == b"42\n"
