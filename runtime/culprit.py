"""Find what in a value cannot be sent, and name the way to it as a user would write it.

Walks down from the value: the first part that cannot be sent alone is the next step, until a
thing has no such part: that is the culprit. Only run when sending has failed, so it may be slow.
"""

from __future__ import annotations

import functools
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping

DEPTH = 50

WhyNot = Callable[[object], str | None]


def find_culprit(value: object, name: str, why_not: WhyNot) -> tuple[str, object, str | None]:
    """Return the path to the culprit from `name`, the culprit, and the reason; see the file's head.

    Args:
        value: what could not be sent.
        name: what the user calls it.
        why_not: says why a value cannot be sent, None if it can.
    """
    path, reason = name, why_not(value)
    seen = {id(value)}
    for _ in range(DEPTH):
        for label, part in _parts(value):
            if id(part) not in seen and (why := why_not(part)) is not None:
                seen.add(id(part))
                path, value, reason = path + label, part, why
                break
        else:
            break
    return path, value, reason


def _parts(value: object) -> Iterator[tuple[str, object]]:
    """Yield what a value is made of, each part with the label that leads to it."""
    if isinstance(value, types.FunctionType):
        yield from _function_parts(value)
    elif isinstance(value, types.MethodType):
        yield ".__self__", value.__self__
        yield ".__func__", value.__func__
    elif isinstance(value, functools.partial):
        yield ".func", value.func
        yield from ((f".args[{index}]", part) for index, part in enumerate(value.args))
        yield from ((f".keywords[{key!r}]", part) for key, part in value.keywords.items())
    elif isinstance(value, Mapping):
        yield from ((f"[{key!r}]", part) for key, part in value.items())
        yield from ((f".keys()[{index}]", key) for index, key in enumerate(value))
    elif isinstance(value, (list, tuple, deque, set, frozenset)):
        yield from ((f"[{index}]", part) for index, part in enumerate(value))
    if not isinstance(value, (type, types.FunctionType, types.ModuleType)) and not _refuses(value):
        yield from _attributes(value)


def _refuses(value: object) -> bool:
    """Tell whether the value itself will not be pickled, whatever it is made of."""
    try:
        return type(value).__reduce__ is not object.__reduce__ and not value.__reduce__()
    except Exception:  # noqa: BLE001 (a refusal may be of any type)
        return True


def _function_parts(function: types.FunctionType) -> Iterator[tuple[str, object]]:
    code = function.__code__
    for variable, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield f".{variable}", cell.cell_contents
        except ValueError:  # not yet assigned
            continue
    for variable in _global_names(code):
        if variable in function.__globals__:
            yield f".{variable}", function.__globals__[variable]
    for index, default in enumerate(function.__defaults__ or ()):
        yield f".__defaults__[{index}]", default
    for key, default in (function.__kwdefaults__ or {}).items():
        yield f".__kwdefaults__[{key!r}]", default


def _global_names(code: types.CodeType) -> Iterable[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _global_names(constant)


def _attributes(value: object) -> Iterator[tuple[str, object]]:
    yield from ((f".{key}", part) for key, part in getattr(value, "__dict__", {}).items())
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if slot not in ("__dict__", "__weakref__") and hasattr(value, slot):
                yield f".{slot}", getattr(value, slot)
