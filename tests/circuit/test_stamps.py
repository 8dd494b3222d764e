"""Stamps: circuitc knows its own work again, leaves it alone while it is fresh, and any other file always."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from circuit.circuitc.stamps import Stamp, digest, stamp_in, with_stamp

SPAWN, PLAIN = "spawn f() on w\n", "x = 1\n"
WANTED = Stamp.of(b"the source", "app.cpy", "3.12")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def compile_to(shell: Any, source: str, output: str, *options: str) -> str:
    """Compile one file, and return what was said: nothing if all is well."""
    done = shell.circuitc(source, "-o", output, *options)
    said: str = done.stderr.decode()
    assert done.returncode == (2 if said else 0)
    return said


@pytest.mark.parametrize("text", [SPAWN, PLAIN], ids=["spawn", "no spawn"])
def test_what_circuitc_wrote_it_overwrites(shell: Any, text: str) -> None:
    shell.write({"app": text})
    assert compile_to(shell, "app.cpy", "app.py") == ""
    before = text_of(shell.folder / "app.py")
    shell.write({"app": text + "y = 2\n"})
    assert compile_to(shell, "app.cpy", "app.py") == ""
    assert "y = 2" in text_of(shell.folder / "app.py") != before


@pytest.mark.parametrize("text", [SPAWN, PLAIN], ids=["spawn", "no spawn"])
def test_what_somebody_else_wrote_it_leaves_alone(shell: Any, text: str) -> None:
    shell.write({"app": text})
    (shell.folder / "app.py").write_text("mine = True\n")
    said = compile_to(shell, "app.cpy", "app.py")
    assert said == "circuitc: app.py is not known as circuitc's work; --force overwrites it\n"
    assert text_of(shell.folder / "app.py") == "mine = True\n"
    assert compile_to(shell, "app.cpy", "app.py", "--force") == ""
    assert "mine" not in text_of(shell.folder / "app.py")


@pytest.mark.parametrize("text", [SPAWN, PLAIN], ids=["spawn", "no spawn"])
@pytest.mark.parametrize("change", ["above", "below"])
def test_what_was_changed_since_it_leaves_alone(shell: Any, text: str, change: str) -> None:
    shell.write({"app": text})
    output = shell.folder / "app.py"
    compile_to(shell, "app.cpy", "app.py")
    mine = {"above": "mine = 1; " + text_of(output), "below": text_of(output) + "mine = 1\n"}[change]
    output.write_text(mine)
    said = compile_to(shell, "app.cpy", "app.py")
    assert said == "circuitc: app.py was changed since circuitc wrote it; --force overwrites it\n"
    assert text_of(output) == mine


def test_what_went_to_stdout_is_known_as_well(shell: Any) -> None:
    shell.write({"app": SPAWN})
    (shell.folder / "app.py").write_bytes(shell.circuitc("app.cpy").stdout)
    shell.write({"app": SPAWN + PLAIN})
    assert compile_to(shell, "app.cpy", "app.py") == ""
    assert "x = 1" in text_of(shell.folder / "app.py")


def test_an_output_that_is_right_already_is_fresh_whoever_wrote_it(shell: Any) -> None:
    shell.write({"app": PLAIN})
    (shell.folder / "app.py").write_text(PLAIN)
    assert compile_to(shell, "app.cpy", "app.py") == ""
    # It is not circuitc's own for that.
    shell.write({"app": "x = 2\n"})
    assert "is not known as circuitc" in compile_to(shell, "app.cpy", "app.py")


def test_a_source_may_lose_its_spawns_and_get_new_ones(shell: Any) -> None:
    for text in (SPAWN, PLAIN, SPAWN, PLAIN + "y = 2\n", PLAIN):
        shell.write({"app": text})
        assert compile_to(shell, "app.cpy", "app.py") == ""
        assert ("_circuit" in text_of(shell.folder / "app.py")) is ("spawn" in text)


def test_a_source_may_be_a_compiled_file_once_more(shell: Any) -> None:
    shell.write({"app": SPAWN})
    compiled = shell.circuitc("app.cpy").stdout.decode()
    for text in (compiled, f"y = 2; {compiled}", f"y = 3; {compiled}"):
        shell.write({"again": text})
        assert compile_to(shell, "again.cpy", "again.py") == ""
        assert text_of(shell.folder / "again.py") == text


@pytest.mark.parametrize("text", [SPAWN, PLAIN], ids=["spawn", "no spawn"])
def test_a_fresh_output_is_not_written_again(shell: Any, text: str) -> None:
    shell.write({"app": text})
    compile_to(shell, "app.cpy", "app.py")
    os.utime(shell.folder / "app.cpy")
    output = shell.folder / "app.py"
    before = output.stat().st_mtime_ns
    assert compile_to(shell, "app.cpy", "app.py") == ""
    assert output.stat().st_mtime_ns == before
    assert compile_to(shell, "app.cpy", "app.py", "--force") == ""
    assert output.stat().st_mtime_ns > before


@pytest.mark.parametrize("options", [["--map"], ["--target", "3.14"], ["--force"]], ids=" ".join)
def test_other_options_make_an_output_stale(shell: Any, options: list[str]) -> None:
    shell.write({"src/app": SPAWN})
    first = ("--target", "3.13")
    assert shell.circuitc("src", "-o", "out", *first).stderr == b"circuitc: 1 compiled\n"
    assert shell.circuitc("src", "-o", "out", *first).stderr == b"circuitc: 1 fresh\n"
    assert shell.circuitc("src", "-o", "out", *first, *options).stderr == b"circuitc: 1 compiled\n"


def test_another_version_makes_an_output_stale(shell: Any) -> None:
    shell.write({"src/app": SPAWN})
    shell.circuitc("src", "-o", "out")
    newer = "import circuit.version; circuit.version.VERSION = '9.9'"
    assert shell.circuitc("src", "-o", "out", first=newer).stderr == b"circuitc: 1 compiled\n"
    assert "# circuitc 9.9: compiled" in text_of(shell.folder / "out" / "app.py")


def test_a_folder_that_cannot_keep_stamps_compiles_all_the_same(shell: Any) -> None:
    shell.write({"app": PLAIN})
    (shell.folder / "__pycache__").write_text("a file, and no folder")
    assert compile_to(shell, "app.cpy", "app.py") == ""
    assert compile_to(shell, "app.cpy", "app.py") == ""
    assert text_of(shell.folder / "app.py") == PLAIN


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CR LF", "CR"])
@pytest.mark.parametrize("ended", [True, False], ids=["ended", "not ended"])
def test_the_stamp_ends_as_the_file_does(shell: Any, line_end: str, ended: bool) -> None:
    text = line_end.join(("x = 1", "spawn f() on w", line_end if ended else ""))
    data = with_stamp(text.encode(), WANTED, "utf-8")
    *_, last, nothing = re.split(line_end, data.decode())
    assert (last[:2], nothing) == ("# ", "")
    assert set(re.findall(r"\r\n|\r|\n", data.decode())) == {line_end}
    found = stamp_in(data)
    assert found and found.is_of(WANTED)


@pytest.mark.parametrize(
    ("name", "encoding", "shown"),
    [
        ("app.cpy", "ascii", b"app.cpy"),
        ("été.cpy", "latin-1", b"\xe9t\xe9.cpy"),
        ("été.cpy", "ascii", rb"\xe9t\xe9.cpy"),
        ("a\nb.cpy", "utf-8", rb"a\nb.cpy"),
        (os.fsdecode(b"\xff.cpy"), "utf-8", rb"\udcff.cpy"),
        ("a+b.cpy", "utf-7", b"a+-b.cpy"),
    ],
)
def test_a_name_is_spelled_in_the_encoding_of_the_file(name: str, encoding: str, shown: bytes) -> None:
    data = with_stamp(b"x = 1\n", Stamp.of(b"", name, "3.12"), encoding)
    assert b"compiled from " + shown + b" for Python 3.12" in data
    data.decode(encoding)
    found = stamp_in(data)
    assert found and found.intact


def test_a_stamp_read_back_is_the_stamp() -> None:
    stamp = Stamp.of(b"the source", "for Python 3.cpy", "3.12", "app, map.py.map")
    found = stamp_in(with_stamp(b"x = 1\n", stamp, "utf-8"))
    assert found and found.stamp == stamp.on(b"x = 1\n")
    assert found.body == b"x = 1\n"


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"x = 1", b"# circuitc\n", b"x # circuitc 0.1.0: compiled from a"]
)
def test_other_files_have_no_stamp(data: bytes) -> None:
    assert stamp_in(data) is None
    assert stamp_in(b"x = 0; " + WANTED.on(b"").line()) is None


def test_a_digest_is_the_beginning_of_sha256() -> None:
    assert digest(b"") == "e3b0c44298fc1c14"
