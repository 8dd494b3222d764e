"""A project of `.cpy` files in a folder of its own, and Python run in it as a user runs it."""

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

SECONDS = 100
# What of the test run's own surroundings would change what a program does or prints.
UNWANTED = (
    "PYTHONDONTWRITEBYTECODE",
    "PYTEST_ADDOPTS",
    "PYTEST_PLUGINS",
    "COVERAGE_PROCESS_START",
    "FORCE_COLOR",
)


@dataclass(frozen=True, slots=True)
class Project:
    """A folder of sources."""

    folder: Path

    def write(self, name: str, text: str) -> Path:
        """Write a file; the text may be indented."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    def python(
        self, *arguments: str | Path, typed: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run Python to its end, with something typed into it."""
        kept = {name: value for name, value in os.environ.items() if name not in UNWANTED}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**kept, **environment},
            input=typed,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def circuit(self, *arguments: str | Path, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program, as `circuit run` does."""
        return self.python("-m", "circuit", *arguments, typed=typed)

    def hooked(self, program: str) -> subprocess.CompletedProcess[str]:
        """Run Python text in an interpreter with the hook."""
        return self.python(
            "-c", f"import circuit.importer; circuit.importer.install()\n{textwrap.dedent(program)}"
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)
