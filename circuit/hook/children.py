"""Children of multiprocessing: they get the import hook before they prepare `__main__`.

A child of the start methods spawn and forkserver is a new interpreter, which gets its
`sys.path` from the parent and then runs the parent's main file, or imports its main
module, under another name. Both need the hook. So the last entry of that path is a
text that, when it is unpickled, installs the hook and is the text alone from then on.
The fork server gets the path as an expression in Python instead, and `repr` is that
expression.

coverage.py has its measurement started in the same children in the same way.
"""

from __future__ import annotations

import sys
from typing import Any

from circuit import importer
from circuit.hook.loader import ProgramLoader


class Carrier(str):
    """A text that brings the import hook to whoever unpickles it, or evaluates its repr."""

    __slots__ = ()

    def __reduce__(self) -> tuple[object, ...]:
        return arrive, (str(self),)

    def __repr__(self) -> str:
        return f"__import__({__name__!r}, fromlist=['']).arrive({str(self)!r})"


def arrive(text: str) -> str:
    """Install the hook, in the child."""
    importer.install()
    return text


def adapt(spawn: Any) -> None:
    """Have `multiprocessing.spawn` send the hook along, wherever it is installed."""
    prepare = spawn.get_preparation_data
    if hasattr(prepare, "__wrapped__"):
        return

    def get_preparation_data(name: str) -> dict[str, Any]:
        prepared: dict[str, Any] = prepare(name)
        if importer.is_installed() and prepared.get("sys_path"):
            *others, last = prepared["sys_path"]
            prepared["sys_path"] = [*others, Carrier(last)]
            _name_main_by_path(prepared)
        return prepared

    get_preparation_data.__wrapped__ = prepare  # type: ignore[attr-defined]
    spawn.get_preparation_data = get_preparation_data


def _name_main_by_path(prepared: dict[str, Any]) -> None:
    """Let the child of a child find the main file too, which runpy took for a module called `__main__`."""
    spec = sys.modules["__main__"].__spec__
    if spec is not None and isinstance(spec.loader, ProgramLoader):
        del prepared["init_main_from_name"]
        prepared["init_main_from_path"] = spec.origin
