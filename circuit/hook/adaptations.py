"""What the standard library has to be told about `.cpy` files, beside how to import them.

* multiprocessing: a child that does not begin as a copy of its parent (start methods
  spawn and forkserver) needs the hook before it prepares the program's `__main__`.
* inspect, before Python 3.13: to find a class it parses the file, as Python. Since
  then a class knows its first line.
* pdb, since Python 3.13: it takes the name of a file for that of a module.

No module is loaded for that. One that is loaded already is adapted at once, any
other when the program imports it: a finder that is asked first waits for that name,
and leaves everything else to the finders behind it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

# The module that is adapted, and ours whose `adapt` does it.
ADAPTED = {"multiprocessing.spawn": "circuit.hook.children"}
if sys.version_info < (3, 13):
    ADAPTED["inspect"] = "circuit.hook.classes"
else:
    ADAPTED["pdb"] = "circuit.hook.breakpoints"


def adapt() -> None:
    """Adapt what is loaded, and wait for the rest."""
    for name in ADAPTED:
        if name in sys.modules:
            _adapt(sys.modules[name])
    sys.meta_path.insert(0, _WAITING)


def unadapt() -> None:
    """Wait no longer. What is adapted stays so: it asks whether the hook is installed."""
    sys.meta_path.remove(_WAITING)


def _adapt(module: ModuleType) -> None:
    import_module(ADAPTED[module.__name__]).adapt(module)


class _Waiting:
    """Finds the modules to be adapted, as Python finds them, and adapts them when they have been executed."""

    @staticmethod
    def find_spec(
        fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in ADAPTED:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Adapting(spec.loader)  # type: ignore[assignment]  # it is one in all that Python asks of one
        return spec


class _Adapting:
    """Lets the standard loader load a module, then adapts it."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        # Whoever runs the module, as `python -m pdb` does, asks for its code and loads nothing.
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__loader__ = module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _adapt(module)


_WAITING = _Waiting()
