"""Payloads too large for one message: sent ahead in parts, put together on arrival.

A frame stays small whatever a value weighs, so no default limit of a transport is ever met.
Rules: this file does no I/O and reads no clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeVar

from circuit.runtime.messages import (
    Block,
    Buffer,
    Bytes,
    Call,
    Code,
    Item,
    Kept,
    Message,
    Part,
    Payload,
    ProtocolError,
    PutBack,
    Raise,
    Region,
    Return,
    size_of,
)

M = TypeVar("M", bound=Message)

PART_BYTES = 512 * 1024
"""The largest payload that a message carries itself, and the size of a part."""

_PAYLOAD_FIELD: dict[type, str] = {
    Code: "pickle",
    Call: "arguments",
    Return: "value",
    PutBack: "value",
    Kept: "value",
    Raise: "exception",
    Item: "value",
}


class IncompleteTransfer(ProtocolError):
    """A message names a transfer whose parts did not arrive; the peer broke the protocol."""


def payload_of(message: Message) -> Payload | None:
    """Return the payload that the message carries, if it carries one."""
    name = _PAYLOAD_FIELD.get(type(message))
    payload: Payload | None = getattr(message, name) if name else None
    return payload


def split(message: Message, transfer: int) -> Iterator[Message]:
    """Yield the parts of the message's payload, numbered `transfer`, then the message without them."""
    payload = payload_of(message)
    assert payload is not None, "only a message with a payload is split"
    for buffer in payload.buffers:
        if not isinstance(buffer, Region):
            view = view_of(buffer)
            for start in range(0, view.nbytes, PART_BYTES):
                yield Part(transfer, view[start : start + PART_BYTES])
    left = tuple(buffer if isinstance(buffer, Region) else b"" for buffer in payload.buffers)
    sizes = tuple(map(size_of, payload.buffers))
    yield with_payload(message, replace(payload, buffers=left, transfer=transfer, sizes=sizes))


def view_of(buffer: Bytes) -> memoryview:
    """Return the bytes of a buffer that this process has."""
    assert not isinstance(buffer, Region), "a region is the memory of another process"
    if isinstance(buffer, (bytes, bytearray, memoryview)):
        return memoryview(buffer).cast("B")
    return buffer.view


def blocks_of(payload: Payload) -> list[Block]:
    """Return the buffers that lie in memory which others can map."""
    inline = (bytes, bytearray, memoryview, Region)
    return [buffer for buffer in payload.buffers if not isinstance(buffer, inline)]


def as_regions(message: Message) -> Message:
    """Return the message with its blocks told by their place."""
    payload = payload_of(message)
    assert payload is not None, "only a message with a payload has blocks"
    inline = (bytes, bytearray, memoryview, Region)
    buffers = (buffer if isinstance(buffer, inline) else buffer.region for buffer in payload.buffers)
    return with_payload(message, replace(payload, buffers=tuple(buffers)))


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
        if len(payload.sizes) != len(payload.buffers):
            raise IncompleteTransfer(f"{len(payload.sizes)} sizes of {len(payload.buffers)} buffers")
        parts = iter(self._parts.pop(payload.transfer, []))
        buffers = tuple(
            buffer if isinstance(buffer, Region) else _take(parts, size)
            for buffer, size in zip(payload.buffers, payload.sizes, strict=True)
        )
        return with_payload(message, replace(payload, buffers=buffers, transfer=0, sizes=()))


def with_payload(message: M, payload: Payload) -> M:
    """Return the message with another payload."""
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
