"""Circuit as users install it: from a checkout, editable, or as a wheel, each in an empty environment."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
LEFT_OUT = (".*", "build", "dist", "*.egg-info", "__pycache__")
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
VARIABLES = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
SECONDS = 300  # for packages that may have to be fetched


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment, as a shell sees it."""

    folder: Path

    def run(self, command: str, *arguments: str | Path, cwd: Path) -> str:
        """Run a command that must succeed, and return what it printed."""
        done = subprocess.run(
            [self.folder / "bin" / command, *arguments],
            cwd=cwd,
            env=VARIABLES,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@dataclass(frozen=True, slots=True)
class Built:
    """What `python -m build` made: a source archive, the wheel made from that archive, and its words."""

    archive: Path
    wheel: Path
    output: str


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the sources, without what earlier builds left behind: setuptools would ship that too."""
    copy = tmp_path_factory.mktemp("checkout") / "circuit"
    shutil.copytree(CHECKOUT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    return copy


@pytest.fixture(scope="session")
def built(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build the source archive and the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    command: list[str | Path] = [sys.executable, "-m", "build", "--outdir", folder, checkout]
    done = subprocess.run(command, env=VARIABLES, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    (archive,) = folder.glob("*.tar.gz")
    (wheel,) = folder.glob("*.whl")
    return Built(archive, wheel, done.stdout + done.stderr)


@pytest.fixture(scope="session")
def installed(
    checkout: Path, built: Built, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Environment]]:
    """Install in every way, as many at a time as there are cores; gives each environment by its way."""
    ways: dict[str, tuple[str, list[str | Path]]] = {
        "pip install .": (RUNNING, [checkout]),
        "pip install -e .": (RUNNING, ["-e", checkout]),
        "wheel, 3.11": ("3.11", [built.wheel]),
        "wheel, 3.12": ("3.12", [built.wheel]),
        "wheel, 3.13": ("3.13", [built.wheel]),
    }
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        under_way = {
            way: pool.submit(_install, tmp_path_factory.mktemp("environment"), version, arguments)
            for way, (version, arguments) in ways.items()
        }
        yield lambda way: under_way[way].result()


def _install(folder: Path, version: str, arguments: list[str | Path]) -> Environment:
    """Make an empty environment, and let its own pip install Circuit with all that it needs."""
    environment = Environment(folder / "venv")
    command: list[str | Path] = [_interpreter(version), "-m", "venv", environment.folder]
    subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
    environment.run("python", "-m", "pip", "install", "--disable-pip-version-check", *arguments, cwd=folder)
    return environment


def _interpreter(version: str) -> str:
    """Find the Python of this version that can make environments; skip where there is none."""
    if version == RUNNING:
        return sys.executable
    pyenv = Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python")
    for python in (f"python{version}", *map(str, pyenv)):
        try:  # a shim of pyenv is there even if the version behind it is not
            subprocess.run([python, "-c", "import ensurepip"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    pytest.skip(f"this machine has no Python {version} that can make environments")
