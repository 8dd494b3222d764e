"""Values to payloads and back: by value, with buffers out of band (PEP 574).

cloudpickle takes functions, classes and lambdas of the main program by value; what a module
defines travels as the module's name. Buffers are copied here, at the spawn: what the program
does to them afterwards does not change what it sent.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

import cloudpickle

from circuit.runtime.culprit import find_culprit
from circuit.runtime.errors import NotSendable
from circuit.runtime.messages import Payload


def dumps(value: object, name: str) -> Payload:
    """Pickle a value; `name` is what a user calls it (`args`, `result`).

    Raises:
        NotSendable: it cannot travel; the error has the path to the culprit.
    """
    try:
        return _pickle(value)
    except Exception as error:  # noqa: BLE001 (a user's __reduce__ may raise anything)
        try:
            path, culprit, reason = find_culprit(value, name, _why_not)
        except Exception:  # noqa: BLE001 (nor is looking into a user's value sure to go well)
            path, culprit, reason = name, value, None
        raise NotSendable(path, _type_name(culprit), reason or str(error)) from None


def dumps_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Payload:
    """Pickle the arguments of a call; `loads` gives the pair back.

    Raises:
        NotSendable: one of them cannot travel.
    """
    try:
        return _pickle((args, kwargs))
    except Exception:
        dumps(args, "args")
        dumps(kwargs, "kwargs")
        raise


def loads(payload: Payload) -> Any:
    """Rebuild the value; buffers are writable, as those that were sent."""
    pickled, *buffers = payload.buffers
    return pickle.loads(pickled, buffers=[_writable(buffer) for buffer in buffers])


def _pickle(value: object) -> Payload:
    file = io.BytesIO()
    buffers: list[pickle.PickleBuffer] = []
    cloudpickle.Pickler(file, protocol=5, buffer_callback=buffers.append).dump(value)
    return Payload((file.getvalue(), *(buffer.raw().tobytes() for buffer in buffers)))


def _writable(buffer: bytes | bytearray | memoryview) -> bytearray:
    return buffer if isinstance(buffer, bytearray) else bytearray(buffer)


def _why_not(value: object) -> str | None:
    try:
        _pickle(value)
    except Exception as error:  # noqa: BLE001 (as above: the answer is the reason)
        return str(error) or type(error).__name__
    return None


def _type_name(value: object) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
