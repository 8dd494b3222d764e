"""Payloads too large for one message: sent ahead in parts, put together on arrival.

A frame stays small whatever a value weighs, so no default limit of a transport is ever met.
Rules: this file does no I/O and reads no clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from circuit.runtime.messages import Buffer, Call, Code, Item, Message, Part, Payload, Raise, Return

PART_BYTES = 512 * 1024
"""The largest payload that a message carries itself, and the size of a part."""

_PAYLOAD_FIELD: dict[type, str] = {
    Code: "pickle",
    Call: "arguments",
    Return: "value",
    Raise: "exception",
    Item: "value",
}


class IncompleteTransfer(Exception):
    """A message names a transfer whose parts did not arrive; the peer broke the protocol."""


def payload_of(message: Message) -> Payload | None:
    """Return the payload that the message carries, if it carries one."""
    name = _PAYLOAD_FIELD.get(type(message))
    payload: Payload | None = getattr(message, name) if name else None
    return payload


def split(message: Message, transfer: int) -> Iterator[Message]:
    """Yield the parts of the message's payload, numbered `transfer`, then the message without it."""
    payload = payload_of(message)
    assert payload is not None, "only a message with a payload is split"
    for buffer in payload.buffers:
        view = memoryview(buffer).cast("B")
        for start in range(0, view.nbytes, PART_BYTES):
            yield Part(transfer, view[start : start + PART_BYTES])
    sizes = tuple(memoryview(buffer).nbytes for buffer in payload.buffers)
    yield _with_payload(message, Payload((), transfer, sizes))


class Assembly:
    """The transfers that are on their way in on one session."""

    def __init__(self) -> None:
        self._parts: dict[int, list[Buffer]] = {}

    def add(self, part: Part) -> None:
        """Keep a part until the message that it belongs to arrives."""
        self._parts.setdefault(part.transfer, []).append(part.data)

    def complete(self, message: Message) -> Message:
        """Return the message with its payload in it.

        Raises:
            IncompleteTransfer: parts of it are missing.
        """
        payload = payload_of(message)
        if payload is None or not payload.transfer:
            return message
        parts = iter(self._parts.pop(payload.transfer, []))
        buffers = tuple(_take(parts, size) for size in payload.sizes)
        return _with_payload(message, Payload(buffers))


def _with_payload(message: Message, payload: Payload) -> Message:
    changes: dict[str, Any] = {_PAYLOAD_FIELD[type(message)]: payload}
    return replace(message, **changes)


def _take(parts: Iterator[Buffer], size: int) -> Buffer:
    whole = bytearray(size)
    filled = 0
    while filled < size:
        part = next(parts, None)
        if part is None or filled + len(part) > size:
            raise IncompleteTransfer(f"{filled} of {size} bytes arrived")
        whole[filled : filled + len(part)] = part
        filled += len(part)
    return whole
