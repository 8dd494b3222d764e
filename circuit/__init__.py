"""Circuit: Python with one more keyword, `spawn <expr> on <worker>`, and the runtime behind it.

The public names are those of `circuit.runtime`, loaded when the first of them is used: the
compiler, the import hook and a program that spawns nothing start without the runtime.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from circuit.runtime import *  # noqa: F403 (the runtime's public names are circuit's)
    from circuit.runtime import __all__ as __all__


def __getattr__(name: str) -> object:
    runtime = import_module("circuit.runtime")
    if name not in runtime.__all__ and name != "__all__":
        raise AttributeError(f"module 'circuit' has no attribute {name!r}")
    return getattr(runtime, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *import_module("circuit.runtime").__all__])
