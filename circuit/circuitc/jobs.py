"""Jobs: what circuitc is asked to do with one source, and what came of it.

Rules: plain data, which travels to the processes that compile and back. Loading this
file loads no compiler.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from circuit.compiler import Diagnostic, Source


@dataclass(frozen=True, slots=True)
class Job:
    """A source, and where its output goes; None is a standard stream."""

    source: Path | None
    output: Path | None

    @property
    def name(self) -> str:
        """What messages call the source."""
        return str(self.source or "<stdin>")


@dataclass(frozen=True, slots=True)
class Plan:
    """The jobs of a command, in the order of their names, and what stands in the way of more."""

    jobs: tuple[Job, ...]
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """How sources are compiled: all jobs of one command have the same."""

    target: str
    check: bool = False
    map: bool = False
    force: bool = False


class Result(Enum):
    """What can come of a job: the source was wrong, or what was asked for is not possible."""

    COMPILED = "compiled"
    CHECKED = "checked"
    FRESH = "fresh"
    WRONG = "wrong"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job: diagnostics are about the source, `trouble` says what could not be done."""

    result: Result
    source: Source | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    trouble: str = ""
