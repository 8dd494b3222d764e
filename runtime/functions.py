"""The callees of a process: rebuilt from their pickles, once where that is the same as each time.

A callee travels by value, so no call may see what another call did to it. One that a module
defines is the module's, as it is everywhere. One that came by value is kept only if nothing in it
can change: its captured values, defaults and globals are immutable, or functions of that kind.
"""

from __future__ import annotations

import dis
import re
import sys
import threading
import types
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from circuit.runtime.messages import Code
from circuit.runtime.pickling import loads

FUNCTIONS_KEPT = 1024
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


class Functions:
    """The callees that can be kept; the least recently called goes first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, Callable[..., Any] | None] = OrderedDict()  # None: cannot be kept

    def load(self, code: Code) -> Callable[..., Any]:
        """Return the callee, rebuilding it (and importing its module) if need be."""
        with self._lock:
            known = code.digest in self._known
            if known:
                self._known.move_to_end(code.digest)
                kept = self._known[code.digest]
                if kept is not None:
                    return kept
        function: Callable[..., Any] = loads(code.pickle)
        if not known:
            kept = function if is_unchanging(function) else None
            with self._lock:
                self._known[code.digest] = kept
                if len(self._known) > FUNCTIONS_KEPT:
                    self._known.popitem(last=False)
        return function


def is_unchanging(value: object) -> bool:
    """Tell whether no call can leave a trace in the value that a later call would see."""
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if id(part) in seen or type(part) in IMMUTABLE or _is_a_modules(part):
            continue
        seen.add(id(part))
        if isinstance(part, (tuple, frozenset)) and type(part) in (tuple, frozenset):
            waiting += part
        elif isinstance(part, types.FunctionType) and not part.__dict__ and not _assigns(part.__code__):
            waiting += _captured(part)
        else:
            return False
    return True


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
