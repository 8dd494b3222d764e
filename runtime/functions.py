"""The callees of a process: rebuilt from their pickles, once where that is the same as each time.

A callee travels by value, so no call may see what another call did to it. One that a module
defines is the module's, as it is everywhere. One that came by value is kept only if nothing in it
can change: its captured values, defaults and globals are immutable, or functions of that kind.
It is rebuilt once a module that defines part of it defines something else by that name: a reload.
"""

from __future__ import annotations

import dis
import re
import sys
import threading
import types
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from circuit.runtime.messages import Code
from circuit.runtime.pickling import loads

FUNCTIONS_KEPT = 1024
FUNCTION_BYTES = 64 * 1024
"""The largest pickle of a callee that is kept rebuilt: what it captured is kept with it."""
ASSIGNMENTS = frozenset(("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_ATTR", "DELETE_ATTR"))
IMMUTABLE = (
    int,
    float,
    complex,
    bool,
    str,
    bytes,
    type(None),
    type(...),
    range,
    types.ModuleType,
    re.Pattern,
)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A callee that calls share, and what of it modules define."""

    function: Callable[..., Any]
    definitions: tuple[object, ...]

    def is_current(self) -> bool:
        """Tell whether rebuilding the callee would give the same one."""
        return all(_is_a_modules(definition) for definition in self.definitions)


class Functions:
    """The callees that can be kept; the least recently called goes first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, _Kept | None] = OrderedDict()  # None: cannot be kept

    def load(self, code: Code) -> Callable[..., Any]:
        """Return the callee, rebuilding it (and importing its module) if need be."""
        with self._lock:
            known = code.digest in self._known
            kept = self._known.get(code.digest)
            if known:
                self._known.move_to_end(code.digest)
        if kept is not None and kept.is_current():
            return kept.function
        function: Callable[..., Any] = loads(code.pickle)
        if code.pickle.nbytes <= FUNCTION_BYTES and (kept is not None or not known):
            parts = definitions(function)
            with self._lock:
                self._known[code.digest] = None if parts is None else _Kept(function, parts)
                if len(self._known) > FUNCTIONS_KEPT:
                    self._known.popitem(last=False)
        return function


def definitions(value: object) -> tuple[object, ...] | None:
    """Return the parts of the value that modules define.

    None: calls can leave a trace in the value that a later call would see.
    """
    found: list[object] = []
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if id(part) in seen or type(part) in IMMUTABLE:
            continue
        seen.add(id(part))
        if _is_a_modules(part):
            found.append(part)
        elif isinstance(part, (tuple, frozenset)) and type(part) in (tuple, frozenset):
            waiting += part
        elif isinstance(part, types.FunctionType) and not part.__dict__ and not _assigns(part.__code__):
            waiting += _captured(part)
        else:
            return None
    return tuple(found)


def _assigns(code: types.CodeType) -> bool:
    """Tell whether code assigns to what outlives a call: a global, a captured variable, an attribute."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ASSIGNMENTS:
            return True
        if instruction.opname in ("STORE_DEREF", "DELETE_DEREF") and instruction.argval in code.co_freevars:
            return True
    return any(_assigns(inner) for inner in code.co_consts if isinstance(inner, types.CodeType))


def _captured(function: types.FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not assigned yet; whatever it will be, it can change
            yield cell
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    for name, value in function.__globals__.items():
        if name != "__builtins__":
            yield value


def _is_a_modules(value: object) -> bool:
    """Tell whether a module of this process holds the value under its own name."""
    module = sys.modules.get(getattr(value, "__module__", None) or "")
    found: object = module
    for name in str(getattr(value, "__qualname__", "")).split("."):
        found = getattr(found, name, None)
    return found is value and found is not None
