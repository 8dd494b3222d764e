"""Where in the program a spawn stands: kept as a code object and an offset, told as file:line:column."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from types import CodeType, FrameType


class Site:
    """The place of one spawn. Cheap to make: the line and column are looked up when asked for."""

    __slots__ = ("_code", "_offset")

    def __init__(self, frame: FrameType) -> None:
        self._code: CodeType = frame.f_code
        self._offset = frame.f_lasti

    def __str__(self) -> str:
        positions = itertools.islice(self._code.co_positions(), self._offset // 2, None)
        line, _, column, _ = next(positions, (None, None, None, None))
        path = _short(self._code.co_filename)
        return f"{path}:{line}" if column is None else f"{path}:{line}:{column + 1}"


def _short(path: str) -> str:
    """Return the path as a user in the current folder would type it."""
    absolute = Path(path)
    try:
        here = Path.cwd()
    except OSError:  # the folder was deleted
        return path
    if absolute.is_absolute() and absolute.is_relative_to(here):
        return os.fspath(absolute.relative_to(here))
    return path
