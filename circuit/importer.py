"""The import hook: `.cpy` modules and packages, imported as if Python knew them.

    import circuit.importer
    circuit.importer.install()
    import app                     # app.cpy, or app/__init__.cpy

In one folder a package comes before a module, as always in Python, and of two
files of one name `app.cpy` comes before `app.py` (which may well be its
compiled form). Between folders the order of `sys.path` decides.

The hook is one entry of `sys.path_hooks`. It finds modules in folders, in zip
archives, and, for `runpy.run_path("app.cpy")`, the `__main__` that a program's file
is. What else Python has to be told about `.cpy` files stands in `adaptations`.

Rules: this file and what it loads start a program, so they load next to nothing.
"""

from __future__ import annotations

import sys
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from importlib.util import spec_from_file_location

from circuit.hook.adaptations import adapt, unadapt
from circuit.hook.archives import ArchiveImporter
from circuit.hook.loader import SUFFIX, ProgramLoader, SpawnLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from _typeshed.importlib import PathEntryFinderProtocol


def install() -> None:
    """Make `.cpy` modules and packages importable from now on; doing it twice changes nothing."""
    if not is_installed():
        sys.path_hooks.insert(0, _find_in)
        sys.path_importer_cache.clear()
        adapt()


def uninstall() -> None:
    """Take the hook out again. Modules already imported stay."""
    if is_installed():
        sys.path_hooks.remove(_find_in)
        sys.path_importer_cache.clear()
        unadapt()


def is_installed() -> bool:
    """Tell whether `.cpy` modules can be imported."""
    return _find_in in sys.path_hooks


# The standard finder of folders, with one more kind of source, which comes first.
_find_in_folder = FileFinder.path_hook(
    (SpawnLoader, [SUFFIX]),
    (ExtensionFileLoader, EXTENSION_SUFFIXES),
    (SourceFileLoader, SOURCE_SUFFIXES),
    (SourcelessFileLoader, BYTECODE_SUFFIXES),
)


def _find_in(entry: str) -> PathEntryFinderProtocol:
    """Return the finder of an entry of `sys.path`. Raises ImportError if it is for others to know."""
    try:
        return _find_in_folder(entry)
    except ImportError:
        return _ProgramFinder(entry) if entry.endswith(SUFFIX) else ArchiveImporter(entry)


class _ProgramFinder:
    """Finds `__main__`, and nothing else, in a `.cpy` file: it is to runpy what a zip application is."""

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        self._path = path

    def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != "__main__":
            return None
        return spec_from_file_location(fullname, self._path, loader=ProgramLoader(fullname, self._path))
