"""Values to payloads and back: by value, with buffers out of band (PEP 574).

cloudpickle takes functions, classes and lambdas of the main program by value; what a module
defines travels as the module's name. Buffers are copied here, at the spawn: what the program
does to them afterwards does not change what it sent. Large ones are copied into memory that
others of this host can map, and there they are read-only. References travel beside the pickle.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any, TypeAlias

import cloudpickle

from circuit.runtime.culprit import find_culprit
from circuit.runtime.errors import NotSendable
from circuit.runtime.handles import inward, outward
from circuit.runtime.memory import SHARED_BYTES
from circuit.runtime.messages import Buffer, Bytes, Payload
from circuit.runtime.transfers import view_of

Lend: TypeAlias = Callable[[Buffer], Bytes | None]
"""Copies a large buffer into memory that others can map; None if there is none."""


def _lend_nothing(data: Buffer) -> None:
    return None


def dumps(value: object, name: str, lend: Lend = _lend_nothing) -> Payload:
    """Pickle a value; `name` is what a user calls it (`args`, `result`).

    Raises:
        NotSendable: it cannot travel; the error has the path to the culprit.
    """
    try:
        return _pickle(value, lend)
    except Exception as error:  # noqa: BLE001 (a user's __reduce__ may raise anything)
        try:
            path, culprit, reason = find_culprit(value, name, _why_not)
        except Exception:  # noqa: BLE001 (nor is looking into a user's value sure to go well)
            path, culprit, reason = name, value, None
        raise NotSendable(path, _type_name(culprit), reason or str(error)) from None


def dumps_arguments(args: tuple[Any, ...], kwargs: dict[str, Any], lend: Lend = _lend_nothing) -> Payload:
    """Pickle the arguments of a call; `loads` gives the pair back.

    Raises:
        NotSendable: one of them cannot travel.
    """
    try:
        return _pickle((args, kwargs), lend)
    except Exception:
        dumps(args, "args")
        dumps(kwargs, "kwargs")
        raise


def loads(payload: Payload) -> Any:
    """Rebuild the value; its buffers are writable, but for those in the memory of another process."""
    pickled, *buffers = payload.buffers
    assert isinstance(pickled, (bytes, bytearray, memoryview)), "only buffers beside a pickle are shared"
    with inward(payload.refs):
        return pickle.loads(pickled, buffers=[_own(buffer) for buffer in buffers])


def _pickle(value: object, lend: Lend = _lend_nothing) -> Payload:
    file = io.BytesIO()
    buffers: list[pickle.PickleBuffer] = []
    with outward() as handles:
        cloudpickle.Pickler(file, protocol=5, buffer_callback=buffers.append).dump(value)
    return Payload((file.getvalue(), *(_copy(buffer.raw(), lend) for buffer in buffers)), tuple(handles))


def _copy(data: memoryview, lend: Lend) -> Bytes:
    lent = lend(data) if data.nbytes >= SHARED_BYTES else None
    return data.tobytes() if lent is None else lent


def _own(buffer: Bytes) -> Buffer:
    if isinstance(buffer, (bytearray, memoryview)):  # put together here, or mapped
        return buffer
    return bytearray(view_of(buffer))


def _why_not(value: object) -> str | None:
    try:
        _pickle(value)
    except Exception as error:  # noqa: BLE001 (as above: the answer is the reason)
        return str(error) or type(error).__name__
    return None


def _type_name(value: object) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
