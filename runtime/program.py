"""The program's own modules where the program runs: served to workers, and watched for reloads.

What is installed (the standard library, site-packages) is never served: each machine has its own.
The driver compiles, so a worker needs no compiler for `.cpy`, and the source comes along, so
tracebacks there show the lines. Code objects are bound to a minor version of Python; nodes of
different versions refuse each other when they meet.

The program has an edition, a counter. It moves on when a module that a worker has asked for was
reloaded, which sets another `__spec__`. Each call carries the edition that its spawner knows, and
a worker that knows an older one asks what changed before it runs the call.

Rules: all workers get one version, read once and served from memory until a reload is seen. It is
the one that runs here; a file that was edited since is not (see `running.py`), unless IPython's
%autoreload sees to it that it is.
"""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import os
import site
import sys
import sysconfig
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import TypeAlias

import cloudpickle

from circuit.runtime.running import code_in_file, running_code

_AUTORELOAD = "IPython.extensions.autoreload"
"""Once it is loaded, modules whose files were edited are patched, mostly without a reload."""

_LIBRARY = f"{Path(os.__file__).parent}{os.sep}"
"""Where most modules lie, so that a look at the path is enough."""

_State: TypeAlias = tuple[int, int] | None


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
    digest: bytes = field(init=False)

    def __post_init__(self) -> None:
        # The source says it all: marshal gives one code object many forms, by who else refers to its parts.
        content = repr((self.origin, self.locations, self.source or self.code))
        digest = hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        object.__setattr__(self, "digest", digest)


@dataclass(frozen=True, slots=True)
class NotServed:
    """A module that is not the program's own; `installed` says where this machine has it, if it has it."""

    installed: str | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What `edition` of the program has other than an earlier one.

    `modules` has the names and digests of those that were reloaded, in the order of the reloads;
    `rebinds` tells whether other modules got what they had imported from these anew, too. `shadows`
    has the names of all the modules that the program has where others have one of the library.
    """

    edition: int
    modules: tuple[tuple[str, bytes], ...]
    rebinds: bool = False
    shadows: frozenset[str] = frozenset()


class Program:
    """The program's modules in this process, which runs it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._served: dict[str, ProgramModule] = {}
        # Of those, both replaced and never changed: as they are loaded here (None: not yet), and their files.
        self._watched: dict[str, ModuleSpec | None] = {}
        self._states: dict[str, _State] = {}
        self._reloaded: dict[str, int] = {}  # in the order of the last reloads; since which edition
        self._edition = 0
        self._library: set[str] = set()  # names of the standard library that were looked at here
        self._shadows: set[str] = set()  # and are the program's
        self._loaded = 0
        # What a child of multiprocessing calls the main program: a module that no worker could import.
        if (main := sys.modules.get("__mp_main__")) is not None:
            cloudpickle.register_pickle_by_value(main)

    def edition(self) -> int:
        """Return the edition of now; takes 0.1 us for each module that was served."""
        modules = sys.modules
        for name, spec in self._watched.items():
            now = getattr(modules.get(name), "__spec__", None)
            if now is not spec and now is not None:
                return self._next_edition()
        if _AUTORELOAD in modules and any(map(self._is_edited, self._watched)):
            return self._next_edition()
        if self._loaded != len(modules):
            self._look_for_shadows()
        return self._edition

    def catch_up(self, edition: int) -> None:
        """Do nothing: no call that comes here knows an edition that is newer."""

    def check(self, function: Callable[..., object]) -> None:
        """Do nothing: what is imported here is imported once, and workers do not wait for it."""

    def explain(self, error: BaseException) -> None:
        """Do nothing: what is missing here is missing as in any program."""

    def serve(self, name: str) -> ProgramModule | NotServed:
        """Return the module if it is the program's own."""
        served = self._served.get(name)
        if served is not None:
            return served
        spec = _find(name)  # imports the parents; so without the lock
        if spec is None:
            return NotServed()
        if not _is_programs(spec):
            return NotServed(spec.origin or spec.name)
        loaded, state = _loaded_spec(name), _state_of(spec.origin)
        module = _read(spec, edited=False)
        with self._lock:
            if name not in self._served:
                self._served[name] = module
                self._states = {**self._states, name: state}
                self._watched = {**self._watched, name: loaded}
            return self._served[name]

    def changes(self, since: int) -> Changes:
        """Return what was reloaded after the edition `since`."""
        with self._lock:
            changed = [name for name, edition in self._reloaded.items() if edition > since]
            digests = tuple((name, self._served[name].digest) for name in changed)
            return Changes(self._edition, digests, _AUTORELOAD in sys.modules, frozenset(self._shadows))

    def _next_edition(self) -> int:
        with self._lock:
            # A reload moves its module to the end of sys.modules: their order is that of the reloads.
            names = [name for name in list(sys.modules) if name in self._watched]
            specs = {name: spec for name in names if (spec := _loaded_spec(name)) is not None}
            changed = [
                name for name in specs if specs[name] is not self._watched[name] or self._is_edited(name)
            ]
            self._edition += bool(changed)
            for name in changed:
                self._renew(name, specs[name])
            return self._edition

    def _is_edited(self, name: str) -> bool:
        """Tell whether %autoreload has patched a module, if it is in use."""
        if _AUTORELOAD not in sys.modules or self._watched[name] is None:
            return False
        return _state_of(self._served[name].origin) != self._states[name]

    def _renew(self, name: str, spec: ModuleSpec) -> None:
        before, edited = self._watched[name], self._is_edited(name)
        self._watched = {**self._watched, name: spec}
        self._states = {**self._states, name: _state_of(spec.origin)}
        try:
            module = _read(spec, edited=edited)
        except (SyntaxError, ValueError, OSError, ImportError):
            return  # neither could the reload: the program still runs what was served
        served = self._served[name]
        if before is None and module.digest == served.digest:
            return  # imported, not reloaded
        if module.source is None and _have_one_code(module, served):
            return  # left behind by an import, for the reload found nothing that it could read
        self._served[name] = module
        self._reloaded.pop(name, None)
        self._reloaded[name] = self._edition

    def _look_for_shadows(self) -> None:
        with self._lock:
            self._loaded = len(sys.modules)
            names = (sys.stdlib_module_names & set(sys.modules)) - self._library
            shadows = {name for name in names if (spec := _loaded_spec(name)) and _is_programs(spec)}
            self._library |= names
            self._shadows |= shadows
            self._edition += bool(shadows)


def _state_of(file: str | None) -> _State:
    try:
        found = os.stat(file or "")  # noqa: PTH116 (twice as fast, and %autoreload has it done at each spawn)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _loaded_spec(name: str) -> ModuleSpec | None:
    return getattr(sys.modules.get(name), "__spec__", None)


def _find(name: str) -> ModuleSpec | None:
    try:
        return _loaded_spec(name) or importlib.util.find_spec(name)
    except (ImportError, ValueError):  # a parent that is missing, or is no package
        return None


def _read(spec: ModuleSpec, *, edited: bool) -> ProgramModule:
    locations = None if spec.submodule_search_locations is None else tuple(spec.submodule_search_locations)
    code, source = code_in_file(spec) if edited else running_code(spec)
    return ProgramModule(marshal.dumps(code) if code else None, source, spec.origin, locations)


def _have_one_code(one: ProgramModule, other: ProgramModule) -> bool:
    return bool(one.code and other.code) and marshal.loads(one.code or b"") == marshal.loads(
        other.code or b""
    )


def _is_programs(spec: ModuleSpec) -> bool:
    if spec.origin is not None and spec.has_location:
        return not spec.origin.startswith(_LIBRARY) and not _is_installed(spec.origin)
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
