"""The program's own modules, imported on workers that have never seen them.

A worker asks the program's node for a module that its own installation cannot have: `serve`, an
ordinary spawned call, answers with the compiled code and its source. What is installed (the
standard library, site-packages) is never served: each machine has its own.

The driver compiles, so a worker needs no compiler for `.cpy`, and the source comes along, so
tracebacks there show the lines. Code objects are bound to a minor version of Python; nodes of
different versions refuse each other when they meet.
"""

from __future__ import annotations

import importlib.util
import marshal
import site
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.abc import InspectLoader, Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING
from zipimport import zipimporter

if TYPE_CHECKING:
    from importlib.resources.abc import TraversableResources


@dataclass(frozen=True, slots=True)
class ProgramModule:
    """A module of the program, ready to be executed elsewhere.

    `code` is marshalled; None for a namespace package and for an extension module, which only
    `origin` can give.
    """

    code: bytes | None
    source: str | None
    origin: str | None
    locations: tuple[str, ...] | None  # a package's __path__


def serve(name: str) -> ProgramModule | None:
    """Return the module if it is the program's own; runs on the program's node."""
    spec = _find(name)
    if spec is None or not _is_programs(spec):
        return None
    locations = None if spec.submodule_search_locations is None else tuple(spec.submodule_search_locations)
    code, source = _code(spec)
    return ProgramModule(marshal.dumps(code) if code else None, source, spec.origin, locations)


class ProgramFinder(MetaPathFinder):
    """Finds the program's modules by asking for them; first on a worker's `sys.meta_path`.

    Args:
        fetch: asks the program's node, blocking; None on a thread that must not block.
    """

    def __init__(self, fetch: Callable[[str], ProgramModule | None]) -> None:
        self._fetch = fetch

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of the program; None leaves it to the installation."""
        top, _, rest = fullname.partition(".")
        if top in _NEVER or (rest and not self._is_ours(fullname.rpartition(".")[0])):
            return None
        module = self._fetch(fullname)
        if module is None:
            return None
        if module.code is None and module.locations is None:
            return _extension(fullname, module)
        loader = ProgramLoader(module)
        spec = ModuleSpec(fullname, loader, origin=module.origin, is_package=module.locations is not None)
        spec.has_location = module.origin is not None
        if module.locations is not None:
            spec.submodule_search_locations = list(module.locations)
        return spec

    @staticmethod
    def _is_ours(parent: str) -> bool:
        spec = getattr(sys.modules.get(parent), "__spec__", None)
        return isinstance(getattr(spec, "loader", None), ProgramLoader)


class ProgramLoader(Loader):
    """Executes a module that was served."""

    def __init__(self, module: ProgramModule) -> None:
        self._module = module

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code in it."""
        if self._module.code is not None:
            exec(marshal.loads(self._module.code), module.__dict__)

    def get_source(self, fullname: str) -> str | None:
        """Return the source, which tracebacks show (PEP 302)."""
        return self._module.source

    def get_data(self, path: str) -> bytes:
        """Return a file that the program keeps beside its modules, for pkgutil (PEP 302)."""
        return Path(path).read_bytes()

    def get_resource_reader(self, fullname: str) -> TraversableResources | None:
        """Return what reads such files, for importlib.resources; None if the module is no file."""
        # Not loaded above: few programs have such files, and each worker would take the time.
        from importlib.readers import FileReader

        origin = self._module.origin
        return FileReader(SourceFileLoader(fullname, origin)) if origin else None


_NEVER = frozenset(sys.stdlib_module_names) | {"circuit", "__main__", "__mp_main__"}


def _find(name: str) -> ModuleSpec | None:
    loaded = sys.modules.get(name)
    if loaded is not None and getattr(loaded, "__spec__", None) is not None:
        return loaded.__spec__
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):  # a parent that is missing, or is no package
        return None


def _is_programs(spec: ModuleSpec) -> bool:
    if spec.origin is not None and spec.has_location:
        return not _is_installed(spec.origin)
    locations = spec.submodule_search_locations
    return locations is not None and not any(_is_installed(location) for location in locations)


def _is_installed(path: str) -> bool:
    found = Path(path).resolve()
    return any(found.is_relative_to(folder) for folder in _installed_folders())


def _installed_folders() -> list[Path]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = [sysconfig.get_path(name) for name in names]
    folders += [*site.getsitepackages(), site.getusersitepackages()]
    return [Path(folder).resolve() for folder in folders if folder]


def _code(spec: ModuleSpec) -> tuple[CodeType | None, str | None]:
    loader = spec.loader
    if isinstance(loader, (InspectLoader, zipimporter)):
        return loader.get_code(spec.name), loader.get_source(spec.name)
    if spec.origin is not None and spec.origin.endswith(".py"):  # a loader that shows no code (pytest's)
        data = Path(spec.origin).read_bytes()
        code = compile(data, spec.origin, "exec", dont_inherit=True)
        return code, importlib.util.decode_source(data)
    return None, None


def _extension(name: str, module: ProgramModule) -> ModuleSpec | None:
    if module.origin is None or not Path(module.origin).exists():
        raise ImportError(
            f"{name} is an extension module of the program ({module.origin}), "
            "and this worker has no such file; install it there",
            name=name,
            path=module.origin,
        )
    return importlib.util.spec_from_file_location(name, module.origin)
