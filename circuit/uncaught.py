"""An uncaught error, shown as Python shows it: with the program's own frames.

Python leaves out the frames that found the program's main file, and those of importlib
in a failed import. Here the same is done with ours: what stands above the program, and
what stood between an `import` and a `.cpy` file that does not compile.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import TracebackType

STARTERS = ("circuit.launch", "importlib.")
IMPORTERS = ("circuit.", "importlib.")


def show(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
    """Print an uncaught error; a `sys.excepthook`."""
    frames = _program_frames(frames)
    error.with_traceback(frames)
    for one in _chain(error):
        if isinstance(one, SyntaxError):
            one.with_traceback(_without_import(one.__traceback__))
    sys.__excepthook__(kind, error, error.__traceback__)


def _program_frames(frames: TracebackType | None) -> TracebackType | None:
    """Return the frames below those that started the program; all of them if they did not."""
    below = frames
    for entry in _entries(frames):
        if _is_of(entry, STARTERS[:1]):
            below = entry.tb_next
    while below is not frames and below is not None and _is_of(below, STARTERS):
        below = below.tb_next
    return below


def _without_import(frames: TracebackType | None) -> TracebackType | None:
    """Cut off the frames at the end that were looking for a module, or compiling it."""
    entries = list(_entries(frames))
    while entries and _is_of(entries[-1], IMPORTERS):
        entries.pop()
    if not entries:
        return None
    entries[-1].tb_next = None
    return frames


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those that it came from."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += (one.__cause__, one.__context__)


def _entries(frames: TracebackType | None) -> Iterator[TracebackType]:
    while frames is not None:
        yield frames
        frames = frames.tb_next


def _is_of(entry: TracebackType, modules: tuple[str, ...]) -> bool:
    name = entry.tb_frame.f_globals.get("__name__")
    return isinstance(name, str) and f"{name}.".startswith(modules)
