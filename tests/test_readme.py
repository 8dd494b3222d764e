"""The README's example is examples/hello.cpy, and prints what the README says."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def block(mark):
    """Return the fenced block that follows a mark."""
    found = re.search(rf"<!-- {re.escape(mark)} -->\n```\w*\n(.*?)```", README, re.DOTALL)
    assert found, f"README has no block {mark!r}"
    return found[1]


def normal(text):
    """Return the text without what differs from run to run: process ids, blanks, the checkout's place."""
    text = text.replace(str(ROOT), "/home/you/circuit")
    text = re.sub(r"(pid |, )\d{2,}\b", r"\1PID", text)
    lines = [line.rstrip() for line in text.splitlines()]
    if sys.version_info >= (3, 13):  # which points at calls, and words some errors, in its own way
        lines = [line for line in lines if line.strip(" ~^") or not line]
        lines = [re.sub(r"^ValueError: .*", "ValueError", line) for line in lines]
    return "\n".join(lines)


def test_the_example_is_the_file():
    assert block("hello.cpy") == (ROOT / "examples" / "hello.cpy").read_text()


def test_the_example_prints_what_the_readme_says():
    ran = subprocess.run(
        [Path(sys.executable).with_name("circuit"), "run", "examples/hello.cpy"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0
    stdout, stderr = normal(ran.stdout), normal(ran.stderr)
    expected = normal(block("hello.cpy's output"))
    told, report = expected.split("circuit: nobody asked", 1)
    assert sorted(stdout.splitlines()) == sorted(told.splitlines())
    assert stderr == "circuit: nobody asked" + report


def test_the_commands_stand_at_the_top():
    top = README.splitlines()[:15]
    assert any(line.strip().startswith("make demo") for line in top)
    assert any(line.strip().startswith("make test") for line in top)
