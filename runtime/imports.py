"""The program's modules on a worker, which has never seen them: fetched when they are imported.

A module comes as compiled code from the process that runs the program, and is executed here, once.
A call of a newer edition of the program is preceded by the reloads that the program did: in place,
in the program's order, of those modules that this worker has. One whose content is the same is not
fetched again; nor is it executed, unless another was since it last was: it may hold parts of that.
"""

from __future__ import annotations

import importlib
import importlib.util
import marshal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from circuit.runtime.errors import ClusterError
from circuit.runtime.program import Changes, NotServed, ProgramModule

if TYPE_CHECKING:
    from importlib.resources.abc import TraversableResources

_NEVER = frozenset(sys.stdlib_module_names) | {"circuit", "__main__", "__mp_main__"}
_MESSENGERS = frozenset(("importlib", "pickle", "cloudpickle"))
"""Packages that import what others ask for."""


class _Importing(threading.local):
    """The program's modules that the current thread is executing."""

    modules: tuple[str, ...] = ()


_importing = _Importing()


class ProgramFinder(MetaPathFinder):
    """Finds the program's modules by asking for them; first on a worker's `sys.meta_path`.

    Args:
        worker: the name of this one, for users.
        fetch: asks the driver for a module, blocking; None on a thread that must not block.
        changes: asks it what was reloaded after an edition, blocking.
    """

    def __init__(
        self,
        worker: str,
        fetch: Callable[[str], ProgramModule | NotServed | None],
        changes: Callable[[int], Changes],
    ) -> None:
        self._worker = worker
        self._fetch = fetch
        self._changes = changes
        self._catching_up = threading.Lock()
        self.reloads = 0
        """How many times this process executed one of the modules again."""
        self._edition = 0
        self._digests: dict[str, bytes] = {}  # of what was reloaded, as far as is known here
        self._never = _NEVER  # asked for
        self._elsewhere: dict[str, str] = {}  # where the driver has what is installed

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of the program; None leaves it to the installation."""
        parent, _, _ = fullname.rpartition(".")
        if _loader(parent) is None if parent else fullname in self._never:
            return None
        module = self._fetch(fullname)
        if module is None:
            return None
        if isinstance(module, NotServed):
            if module.installed is not None:
                self._elsewhere[fullname] = module.installed
            return None
        if module.code is None and module.locations is None:
            return _extension(fullname, module)
        loader = ProgramLoader(module, self)
        spec = ModuleSpec(fullname, loader, origin=module.origin, is_package=module.locations is not None)
        spec.has_location = module.origin is not None
        if module.locations is not None:
            spec.submodule_search_locations = list(module.locations)
        return spec

    def edition(self) -> int:
        """Return the edition of the program that this process has."""
        return self._edition

    def catch_up(self, edition: int) -> None:
        """Reload what the program reloaded up to `edition`, or later; raises what a module raises."""
        if edition <= self._edition:
            return
        with self._catching_up:
            if edition <= self._edition:  # another call was first
                return
            changes = self._changes(self._edition)
            self._digests |= dict(changes.modules)
            self._cast(changes.shadows)
            for name, digest in changes.modules:
                if (loader := _loader(name)) is not None:
                    before = dict(vars(sys.modules[name]))
                    self._reload(name, digest, loader)
                    if changes.rebinds:
                        _rebind(name, before)
            self._edition = changes.edition

    def check(self, function: Callable[..., object]) -> None:
        """See to it that a spawn does not wait for an import that waits for the spawn.

        Raises:
            ClusterError: this thread imports the module that defines the function.
        """
        module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "<")
        if module in _importing.modules and "<" not in name:  # a lambda goes by value, and imports nothing
            raise ClusterError(
                f"module {module!r} spawns its own {name}() while worker {self._worker!r} imports it, and "
                f"{name}() needs that import to be over; spawn it from a function, or from the main program"
            )

    def newest(self, name: str, module: ProgramModule) -> ProgramModule:
        """Return what is to be executed as `module`: another, if it was reloaded since it was fetched."""
        if self._digests.get(name, module.digest) == module.digest:
            return module
        fetched = self._fetch(name)
        return fetched if isinstance(fetched, ProgramModule) else module

    def explain(self, error: BaseException) -> None:
        """Note on the error of a missing module who asked for it, and what to do."""
        if not isinstance(error, ModuleNotFoundError) or error.name is None:
            return
        place = self._elsewhere.get(error.name.partition(".")[0])
        if place is not None:
            found, remedy = f"the program has it installed, at {place}", ""
        else:
            found, remedy = "the program has none either", ", or put it beside the program"
        error.add_note(
            f"module {error.name!r} is missing on worker {self._worker!r}, where {_asker(error)} needs it, "
            f"and {found}; install it for that worker{remedy}"
        )

    def _cast(self, shadows: frozenset[str]) -> None:
        """Have the program's modules imported where this worker has, or even loaded, the library's."""
        new = shadows & self._never
        self._never -= new
        for name in [name for name in list(sys.modules) if name.partition(".")[0] in new]:
            del sys.modules[name]

    def _reload(self, name: str, digest: bytes, loader: ProgramLoader) -> None:
        if loader.digest != digest:
            importlib.reload(sys.modules[name])  # finds it again, with another loader
            loader = _loader(name) or loader
        elif loader.after != self.reloads:
            loader.exec_module(sys.modules[name])
        else:
            return
        self.reloads += 1
        loader.after = self.reloads


class ProgramLoader(Loader):
    """Executes a module that was served.

    Attributes:
        after: how many reloads this process had done by then.
    """

    def __init__(self, module: ProgramModule, finder: ProgramFinder) -> None:
        self.after = finder.reloads
        self._module = module
        self._finder = finder
        self._failed = False

    @property
    def digest(self) -> bytes | None:
        """The module's content; None if executing it failed, so that it is half of one."""
        return None if self._failed else self._module.digest

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code in it."""
        # Fetched before this process caught up, and not seen by that, for it was not in sys.modules yet.
        self._module = self._finder.newest(module.__name__, self._module)
        if self._module.code is None:
            return
        outer = _importing.modules
        _importing.modules = (*outer, module.__name__)
        try:
            exec(marshal.loads(self._module.code), module.__dict__)
        except BaseException:
            self._failed = True
            raise
        finally:
            _importing.modules = outer

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


def _loader(name: str) -> ProgramLoader | None:
    """Return what loaded a module, if the program's node served it."""
    loader = getattr(getattr(sys.modules.get(name), "__spec__", None), "loader", None)
    return loader if isinstance(loader, ProgramLoader) else None


def _rebind(name: str, before: dict[str, object]) -> None:
    """Give the program's modules what they had imported from a module anew, as %autoreload does."""
    after = vars(sys.modules[name])
    renewed = {
        id(old): after[key]
        for key, old in before.items()
        if getattr(old, "__module__", None) == name and after.get(key, old) is not old
    }
    for other in [other for other in list(sys.modules) if _loader(other) is not None]:
        holder = vars(sys.modules[other])
        holder.update({key: renewed[id(held)] for key, held in list(holder.items()) if id(held) in renewed})


def _asker(error: ImportError) -> str:
    """Return the place in the program that asked for a module."""
    asker = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        file, (top, _, rest) = frame.f_code.co_filename, str(frame.f_globals.get("__name__")).partition(".")
        if top in _MESSENGERS or file.startswith("<frozen importlib"):
            continue
        asker = None if top == "circuit" and rest.startswith("runtime.") else f"{file}:{line}"
    return asker or "what was sent there"


def _extension(name: str, module: ProgramModule) -> ModuleSpec | None:
    if module.origin is None or not Path(module.origin).exists():
        raise ImportError(
            f"{name} is an extension module of the program ({module.origin}), "
            "and this worker has no such file; install it there",
            name=name,
            path=module.origin,
        )
    return importlib.util.spec_from_file_location(name, module.origin)
