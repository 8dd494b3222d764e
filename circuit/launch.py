"""Run a program as `python` would run it, with `.cpy` understood: as `__main__`, in this process.

    circuit run app.cpy     as  python app.py
    circuit run app.zip     as  python app.zip: the `__main__` in an archive or a folder
    circuit run -m app      as  python -m app

Workers get the program's functions and modules from this process, so the hook is needed here only.
"""

from __future__ import annotations

import builtins
import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, ModuleType

from circuit import importer
from circuit.hook.loader import SUFFIX, SpawnLoader
from circuit.uncaught import show


class NotRunnable(Exception):
    """What is to be run is no program; the text says why."""


def run_path(path: Path, arguments: list[str]) -> None:
    """Run the program in a file, or in a folder or archive; `arguments` are the rest of its `sys.argv`.

    What it raises comes out of here; an uncaught error is later printed without our frames.

    Raises:
        NotRunnable: it is a folder without a `__main__`.
        OSError: the file cannot be read.
        SyntaxError: it does not compile.
    """
    _prepare()
    place = str(path.absolute())
    spec = None if path.suffix in (".py", SUFFIX) else PathFinder.find_spec("__main__", [place])
    if spec is not None and spec.loader is not None:
        _begin(str(path), arguments, folder=place)
        _run_spec(spec)
    elif path.is_dir():
        raise NotRunnable(f"{path} is a folder without a __main__{SUFFIX}; name the program's file in it")
    else:
        code, loader = _script(place)
        _begin(str(path), arguments, folder=str(path.resolve().parent))
        _execute(code, __file__=place, __cached__=None, __loader__=loader)


def run_module(name: str, arguments: list[str]) -> None:
    """Run a module, or the `__main__` of a package, found as `import` finds it.

    Raises:
        NotRunnable: there is no such module.
        SyntaxError: it does not compile.
    """
    _prepare()
    _begin("-m", arguments, folder=str(Path.cwd()))
    spec = _find(name)
    sys.argv[0] = str(spec.origin)
    _run_spec(spec)


def _prepare() -> None:
    importer.install()
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = show


def _begin(name: str, arguments: list[str], folder: str) -> None:
    """Set what a program finds in `sys`. A Python that was told to trust no folder puts none in front."""
    sys.argv = [name, *arguments]
    if not sys.flags.safe_path:
        sys.path[0] = folder


def _script(path: str) -> tuple[CodeType, SourceFileLoader]:
    """Compile a program's file. Python caches none; a cached `.cpy` spares the start of the compiler."""
    if path.endswith(SUFFIX):
        spawning = SpawnLoader("__main__", path)
        return spawning.get_code("__main__"), spawning
    loader = SourceFileLoader("__main__", path)
    return loader.source_to_code(loader.get_data(path), path), loader


def _find(name: str) -> ModuleSpec:
    """Find the module to be run; what its packages raise when they are imported comes out of here."""
    try:
        spec = None if name.startswith(".") or name == "__main__" else find_spec(name)
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):
            raise
        spec = None
    if spec is None:
        raise NotRunnable(f"no module named {name!r}")
    if spec.submodule_search_locations is None:
        return spec
    main = None if name.endswith("__main__") else find_spec(f"{name}.__main__")
    if main is None:
        raise NotRunnable(f"{name!r} is a package without a __main__ module, so it cannot be run")
    return main


def _run_spec(spec: ModuleSpec) -> None:
    get_code = getattr(spec.loader, "get_code", None)
    code = get_code(spec.name) if get_code else None
    if code is None:
        raise NotRunnable(f"{spec.name!r} has no Python code to be run")
    _execute(
        code,
        __file__=spec.origin,
        __cached__=spec.cached,
        __loader__=spec.loader,
        __package__=spec.parent,
        __spec__=spec,
    )


def _execute(code: CodeType, **attributes: object) -> None:
    program = ModuleType("__main__")
    program.__dict__.update(attributes, __builtins__=builtins)
    sys.modules["__main__"] = program
    exec(code, program.__dict__)
