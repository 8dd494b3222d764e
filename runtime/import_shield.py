"""Imports on a worker that no cancel strikes.

A cancel is an exception at any bytecode. Struck between taking the lock of a module and the `try`
that gives it back, Python's import machinery keeps that lock for ever, and every later import in the
process hangs. So a cancel waits until the import is done.

CPython's C code calls these two functions of the machinery by their names, for each import of what
is not loaded yet (Python/import.c, PyImport_ImportModuleLevelObject); the rest is within them.
"""

from __future__ import annotations

import importlib._bootstrap
from types import FunctionType
from typing import Any

from circuit.runtime.threads import shielded

ENTRIES = ("_find_and_load", "_lock_unlock_module")


def shield_imports() -> None:
    """Make this process one whose imports are never struck."""
    for name in ENTRIES:
        setattr(importlib._bootstrap, name, _shielding(getattr(importlib._bootstrap, name)))


def _shielding(function: FunctionType) -> Any:
    def shield(*args: Any) -> Any:
        with shielded():
            return function(*args)

    # A traceback leaves the frames of the machinery out, by the name of its file.
    shield.__code__ = shield.__code__.replace(co_filename=function.__code__.co_filename)
    return shield
