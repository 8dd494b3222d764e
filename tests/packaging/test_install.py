"""Every way to install Circuit gives the commands, the compiler, workers and the importer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(600)  # the first test of a way waits for it to be installed

APP = '''"""Runs on a worker what another module defines, which spawns in turn."""

import os

import circuit
from parts import triple

with circuit.cluster(workers=1) as cluster:
    worker = cluster.workers[0]
    tripled = spawn triple(14) on worker
    pid = spawn os.getpid() on worker
    print(tripled.result(), worker.name, pid.result() != os.getpid())
'''

PARTS = '''"""A module that only the importer can load."""

import circuit


def triple(number):
    doubled = spawn number + number on circuit.here()
    return doubled.result() + number
'''

PRINTED = "42 w1 True\n"

IMPORT = "import circuit.importer; circuit.importer.install(); import parts; print(parts.__file__)"


@pytest.fixture(
    scope="module",
    params=["pip install .", "pip install -e .", "wheel, 3.11", "wheel, 3.12", "wheel, 3.13"],
)
def environment(request: pytest.FixtureRequest, installed: Callable[[str], Any]) -> Any:
    """Circuit, installed in one of the ways."""
    return installed(request.param)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program of two files, in a folder outside the checkout."""
    (tmp_path / "app.cpy").write_text(APP)
    (tmp_path / "parts.cpy").write_text(PARTS)
    return tmp_path


@pytest.mark.parametrize("command", ["circuit", "circuitc"])
def test_the_commands_are_there(environment: Any, command: str, tmp_path: Path) -> None:
    assert environment.run(command, "--version", cwd=tmp_path) == f"{command} 0.1.0\n"


def test_a_program_runs(environment: Any, program: Path) -> None:
    assert environment.run("circuit", "run", "app.cpy", cwd=program) == PRINTED
    assert environment.run("python", "-m", "circuit", "app.cpy", cwd=program) == PRINTED


def test_a_compiled_program_runs(environment: Any, program: Path) -> None:
    for name in ("app", "parts"):
        environment.run("circuitc", f"{name}.cpy", "-o", f"{name}.py", cwd=program)
        (program / f"{name}.cpy").unlink()
    assert environment.run("python", "app.py", cwd=program) == PRINTED


def test_the_importer_loads_a_module(environment: Any, program: Path) -> None:
    assert environment.run("python", "-c", IMPORT, cwd=program) == f"{program / 'parts.cpy'}\n"
