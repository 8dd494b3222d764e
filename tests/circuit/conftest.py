"""The command circuitc, run as a shell runs it: in a folder of its own, as a process of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

# Ctrl-C is tested even where the test run itself ignores it, as a shell's background jobs do.
SETUP = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
RUN = "from circuit.circuitc import main; sys.exit(main())"
SECONDS = 60


@dataclass(frozen=True, slots=True)
class Shell:
    """A folder, and circuitc run in it."""

    folder: Path

    def command(self, *arguments: str | Path, first: str = "") -> list[str | Path]:
        """Return the command; `first` is Python that is run before."""
        return [sys.executable, "-B", "-c", f"{SETUP}{first}\n{RUN}", *arguments]

    def circuitc(
        self, *arguments: str | Path, data: bytes = b"", umask: int = -1, first: str = ""
    ) -> subprocess.CompletedProcess[bytes]:
        """Run circuitc to its end."""
        return subprocess.run(
            self.command(*arguments, first=first),
            cwd=self.folder,
            input=data,
            umask=umask,
            capture_output=True,
            timeout=SECONDS,
        )

    def start(self, *arguments: str | Path, first: str = "") -> subprocess.Popen[str]:
        """Start circuitc as the leader of a process group of its own."""
        return subprocess.Popen(
            self.command(*arguments, first=first),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def on_terminal(self, *arguments: str | Path) -> bytes:
        """Run circuitc with a terminal for its stdout and stderr, and return what that shows."""
        outside, inside = os.openpty()
        environment = {**os.environ, "TERM": "xterm-256color"}
        environment.pop("NO_COLOR", None)
        command = self.command(*arguments)
        with subprocess.Popen(command, cwd=self.folder, stdout=inside, stderr=inside, env=environment):
            os.close(inside)
            shown = b""
            while chunk := _read(outside):
                shown += chunk
        os.close(outside)
        return shown

    def write(self, sources: dict[str, str]) -> None:
        """Write sources, named by their paths without the suffix."""
        for name, text in sources.items():
            path = self.folder / f"{name}.cpy"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def tree(self, name: str) -> list[str]:
        """Return the paths of the files below a folder, but for what is kept in `__pycache__`."""
        root = self.folder / name
        files = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
        return sorted(str(file) for file in files if "__pycache__" not in file.parts)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def _read(terminal: int) -> bytes:
    """Read from a terminal; Linux reports its other end closed as an error."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
