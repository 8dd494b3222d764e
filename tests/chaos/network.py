"""The links between the nodes, as whoever makes them fail sees them: pairs of node names.

Either node of a pair may have dialled, so a command goes to both directions of dialling.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

Pair: TypeAlias = tuple[str, str]


class Network:
    """The relay's process, and what it can be told.

    Args:
        folder: where the cluster makes the folder of its sockets, later than this.
        aside: an empty folder on the same file system.
        pid: gives the process that a node's name stands for now.
    """

    def __init__(self, folder: Path, aside: Path, pid: Callable[[str], int]) -> None:
        self.struck: Counter[str] = Counter()
        """How often a fault met a connection, and how often there was none."""
        self._pid = pid
        self._lock = threading.Lock()
        self._relay = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.relay", folder, aside],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,  # the terminal's Ctrl-C ends the storm, which ends the relay
        )

    def cut(self, pair: Pair) -> None:
        """Break the connections of a pair; they may dial again at once."""
        self._strike(pair, do="cut")

    def refuse(self, pair: Pair, refused: bool) -> None:
        """Break the connections of a pair and refuse new ones, or take new ones again."""
        command = self._strike if refused else self._tell
        command(pair, do="refuse", refused=refused)

    def stall(self, pair: Pair, ways: Sequence[int]) -> None:
        """Let nothing through in the given directions: 0 is the dialler's to the dialled."""
        self._strike(pair, do="stall", ways=ways)

    def flow(self, pair: Pair) -> None:
        """Let all through again, what was held up first."""
        self._tell(pair, do="flow")

    def truncate(self, pair: Pair, way: int, nbytes: int) -> None:
        """Break the connections of a pair after so many more bytes in a direction."""
        self._strike(pair, do="truncate", way=way, nbytes=nbytes)

    def diallers(self, node: str) -> set[int]:
        """Return the processes that have a connection to `node` through the relay."""
        links: list[tuple[int, str]] = self._ask({"do": "list"})
        return {pid for pid, dialled in links if dialled == node}

    def close(self) -> None:
        """End the relay and every connection."""
        assert self._relay.stdin and self._relay.stdout
        with self._lock:
            self._relay.stdin.close()
            self._relay.wait()
            self._relay.stdout.close()

    def _strike(self, pair: Pair, **command: object) -> None:
        self.struck["a connection" if self._tell(pair, **command) else "no connection"] += 1

    def _tell(self, pair: Pair, **command: object) -> Any:
        one, other = pair
        return self._ask({**command, "links": [(self._pid(one), other), (self._pid(other), one)]})

    def _ask(self, command: dict[str, Any]) -> Any:
        assert self._relay.stdin and self._relay.stdout
        with self._lock:
            self._relay.stdin.write(json.dumps(command) + "\n")
            self._relay.stdin.flush()
            return json.loads(self._relay.stdout.readline())
