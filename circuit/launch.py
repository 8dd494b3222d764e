"""Run a program as `python` would run it, with `.cpy` understood: as `__main__`, in this process.

Workers get the program's functions and modules from this process, so the hook is needed here only.
A program's error is shown as Python shows it, from the program's first frame on.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path
from types import TracebackType

from circuit import importer


def run(path: Path, arguments: list[str]) -> None:
    """Execute the program file with `arguments` as the rest of its `sys.argv`.

    What it raises comes out of here; an uncaught error is later printed without our frames.

    Raises:
        OSError: the file cannot be read.
        SyntaxError: it does not compile.
    """
    importer.install()
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _show
    code = importer.load_code(path)
    program = types.ModuleType("__main__")
    program.__dict__.update(__file__=str(path), __builtins__=__builtins__, __cached__=None)
    sys.modules["__main__"] = program
    sys.argv = [str(path), *arguments]
    sys.path[0] = str(path.resolve().parent)
    _execute(code, program)


def _execute(code: types.CodeType, program: types.ModuleType) -> None:
    exec(code, program.__dict__)


def _show(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
    """Print an uncaught error from the program's first frame on; one in its syntax has no frames."""
    below = frames
    while below is not None and below.tb_frame.f_code is not _execute.__code__:
        below = below.tb_next
    if below is not None:
        frames = below.tb_next
    elif isinstance(error, SyntaxError):
        frames = None
    sys.__excepthook__(kind, error.with_traceback(frames), frames)
