"""Frames to bytes and back, as proto/session.proto says.

Every message type has its encoder and its decoder in one table each; an unknown message is a
ProtocolError, never skipped, since skipping one would break the numbering that resume rests on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from google.protobuf.message import DecodeError

from circuit.proto import session_pb2 as pb
from circuit.runtime.messages import (
    Begun,
    Bytes,
    Call,
    Cancel,
    Clean,
    Code,
    Credit,
    Dirtied,
    Dirty,
    Down,
    End,
    Forget,
    Frame,
    Hello,
    Item,
    Kept,
    Message,
    NodeId,
    ObjectId,
    Part,
    Payload,
    ProtocolError,
    PutBack,
    Raise,
    Refusal,
    Region,
    Release,
    Return,
    Settled,
    Stale,
    Unpin,
    Up,
    Welcome,
)

Opening: TypeAlias = Hello | Welcome | Refusal


def encode(frame: Frame | Opening) -> bytes:
    """Return the bytes of one frame."""
    wire = pb.Frame()
    match frame:
        case Frame():
            wire.first = frame.first
            wire.received = frame.received
            for message in frame.messages:
                _ENCODERS[type(message)](wire.messages.add(), message)
        case Hello():
            wire.hello.protocol = frame.protocol
            wire.hello.cluster = frame.cluster
            wire.hello.sender.CopyFrom(_node_to_wire(frame.sender))
            wire.hello.receiver.CopyFrom(_node_to_wire(frame.receiver))
            wire.hello.pid = frame.pid
            wire.hello.python = frame.python
            wire.hello.received = frame.received
            wire.hello.resumes = frame.resumes
            wire.hello.memory = frame.memory
        case Welcome():
            wire.welcome.received = frame.received
            wire.welcome.pid = frame.pid
            wire.welcome.shares = frame.shares
        case Refusal():
            wire.refusal.reason = frame.reason
            wire.refusal.crossed = frame.crossed
    return wire.SerializeToString()


def decode(data: bytes) -> Frame | Opening:
    """Read one frame.

    Raises:
        ProtocolError: the bytes are no frame, or hold a message of an unknown kind.
    """
    try:
        wire = pb.Frame.FromString(data)
    except DecodeError as error:
        raise ProtocolError(f"{len(data)} bytes that are no frame") from error
    match wire.WhichOneof("opening"):
        case "hello":
            hello = wire.hello
            return Hello(
                cluster=hello.cluster,
                sender=_node_from_wire(hello.sender),
                receiver=_node_from_wire(hello.receiver),
                pid=hello.pid,
                python=hello.python,
                received=hello.received,
                resumes=hello.resumes,
                memory=hello.memory,
                protocol=hello.protocol,
            )
        case "welcome":
            welcome = wire.welcome
            return Welcome(welcome.received, welcome.pid, welcome.shares)
        case "refusal":
            return Refusal(wire.refusal.reason, wire.refusal.crossed)
    return Frame(wire.first, wire.received, tuple(map(_message_from_wire, wire.messages)))


def _message_from_wire(wire: pb.Message) -> Message:
    kind = wire.WhichOneof("body")
    if kind is None:
        raise ProtocolError("a message of a kind that this version does not know")
    return _DECODERS[kind](getattr(wire, kind))


def _node_to_wire(node: NodeId) -> pb.NodeId:
    return pb.NodeId(name=node.name, incarnation=node.incarnation)


def _node_from_wire(wire: pb.NodeId) -> NodeId:
    return NodeId(wire.name, wire.incarnation)


def _fill(wire: pb.Payload, payload: Payload) -> None:
    for index, buffer in enumerate(payload.buffers):
        if isinstance(buffer, Region):
            wire.buffers.append(b"")
            wire.regions.add(
                pid=buffer.pid,
                fd=buffer.fd,
                offset=buffer.offset,
                nbytes=buffer.nbytes,
                block=buffer.block,
                index=index,
            )
        else:
            wire.buffers.append(_contiguous(buffer))
    if payload.refs:
        wire.refs.extend(pb.ObjectId(owner=_node_to_wire(owner), number=n) for owner, n in payload.refs)
        wire.pin = payload.pin
    if payload.transfer:
        wire.transfer = payload.transfer
        wire.sizes.extend(payload.sizes)


def _contiguous(buffer: Bytes) -> bytes:
    if type(buffer) is bytes:
        return buffer
    if isinstance(buffer, (bytearray, memoryview)):
        return bytes(buffer)
    raise TypeError("a block is written as a region or as parts")


def _payload(wire: pb.Payload) -> Payload:
    buffers: tuple[Bytes, ...] = tuple(wire.buffers)
    if wire.regions:
        placed = list(buffers)
        for region in wire.regions:
            if region.index >= len(placed):
                raise ProtocolError(f"region {region.index} of {len(placed)} buffers")
            placed[region.index] = Region(region.pid, region.fd, region.offset, region.nbytes, region.block)
        buffers = tuple(placed)
    refs = tuple(ObjectId(_node_from_wire(ref.owner), ref.number) for ref in wire.refs)
    return Payload(buffers, refs, wire.pin, wire.transfer, tuple(wire.sizes))


def _encode_part(wire: pb.Message, message: Part) -> None:
    wire.part.transfer = message.transfer
    wire.part.data = bytes(message.data)


def _encode_code(wire: pb.Message, message: Code) -> None:
    wire.code.digest = message.digest
    _fill(wire.code.pickle, message.pickle)


def _encode_forget(wire: pb.Message, message: Forget) -> None:
    wire.forget.digest = message.digest


def _encode_call(wire: pb.Message, message: Call) -> None:
    call = wire.call
    call.call = message.call
    call.digest = message.digest
    call.window = message.window
    call.target = message.target
    call.method = message.method
    call.edition = message.edition
    call.scoped = message.scoped
    _fill(call.arguments, message.arguments)


def _encode_begun(wire: pb.Message, message: Begun) -> None:
    wire.begun.calls.extend(message.calls)


def _encode_return(wire: pb.Message, message: Return) -> None:
    wire.returned.call = message.call
    wire.returned.place = message.place
    _fill(wire.returned.value, message.value)


def _encode_put_back(wire: pb.Message, message: PutBack) -> None:
    wire.put_back.target = message.target
    wire.put_back.place = message.place
    _fill(wire.put_back.value, message.value)


def _encode_kept(wire: pb.Message, message: Kept) -> None:
    wire.kept.call = message.call
    _fill(wire.kept.value, message.value)


def _encode_stale(wire: pb.Message, message: Stale) -> None:
    wire.stale.call = message.call


def _encode_raise(wire: pb.Message, message: Raise) -> None:
    raised = wire.raised
    raised.call = message.call
    raised.type_name = message.type_name
    raised.text = message.text
    raised.traceback = message.traceback
    raised.pid = message.pid
    if message.exception is not None:
        _fill(raised.exception, message.exception)


def _encode_item(wire: pb.Message, message: Item) -> None:
    wire.item.call = message.call
    _fill(wire.item.value, message.value)


def _encode_end(wire: pb.Message, message: End) -> None:
    wire.end.call = message.call


def _encode_credit(wire: pb.Message, message: Credit) -> None:
    wire.credit.call = message.call
    wire.credit.items = message.items


def _encode_cancel(wire: pb.Message, message: Cancel) -> None:
    wire.cancel.call = message.call


def _encode_settled(wire: pb.Message, message: Settled) -> None:
    wire.settled.call = message.call


def _encode_dirty(wire: pb.Message, message: Dirty) -> None:
    wire.dirty.numbers.extend(message.numbers)
    wire.dirty.seq = message.seq


def _encode_dirtied(wire: pb.Message, message: Dirtied) -> None:
    wire.dirtied.seq = message.seq
    wire.dirtied.missing.extend(message.missing)


def _encode_clean(wire: pb.Message, message: Clean) -> None:
    wire.clean.numbers.extend(message.numbers)
    wire.clean.seq = message.seq


def _encode_unpin(wire: pb.Message, message: Unpin) -> None:
    wire.unpin.pins.extend(message.pins)


def _encode_release(wire: pb.Message, message: Release) -> None:
    wire.release.blocks.extend(message.blocks)


def _encode_up(wire: pb.Message, message: Up) -> None:
    wire.up.node.CopyFrom(_node_to_wire(message.node))


def _encode_down(wire: pb.Message, message: Down) -> None:
    wire.down.node.CopyFrom(_node_to_wire(message.node))
    wire.down.pid = message.pid
    wire.down.how = message.how
    wire.down.stderr.extend(message.stderr)
    wire.down.fenced = message.fenced


_ENCODERS: dict[type, Callable[[pb.Message, Any], None]] = {
    Part: _encode_part,
    Code: _encode_code,
    Forget: _encode_forget,
    Call: _encode_call,
    Return: _encode_return,
    PutBack: _encode_put_back,
    Raise: _encode_raise,
    Item: _encode_item,
    End: _encode_end,
    Credit: _encode_credit,
    Cancel: _encode_cancel,
    Down: _encode_down,
    Begun: _encode_begun,
    Kept: _encode_kept,
    Stale: _encode_stale,
    Settled: _encode_settled,
    Dirty: _encode_dirty,
    Dirtied: _encode_dirtied,
    Clean: _encode_clean,
    Unpin: _encode_unpin,
    Release: _encode_release,
    Up: _encode_up,
}

_DECODERS: dict[str, Callable[[Any], Message]] = {
    "part": lambda wire: Part(wire.transfer, wire.data),
    "code": lambda wire: Code(wire.digest, _payload(wire.pickle)),
    "forget": lambda wire: Forget(wire.digest),
    "call": lambda wire: Call(
        wire.call,
        _payload(wire.arguments),
        wire.digest,
        wire.target,
        wire.method,
        wire.window,
        wire.edition,
        wire.scoped,
    ),
    "begun": lambda wire: Begun(tuple(wire.calls)),
    "kept": lambda wire: Kept(wire.call, _payload(wire.value)),
    "stale": lambda wire: Stale(wire.call),
    "settled": lambda wire: Settled(wire.call),
    "dirty": lambda wire: Dirty(tuple(wire.numbers), wire.seq),
    "dirtied": lambda wire: Dirtied(wire.seq, tuple(wire.missing)),
    "clean": lambda wire: Clean(tuple(wire.numbers), wire.seq),
    "unpin": lambda wire: Unpin(tuple(wire.pins)),
    "release": lambda wire: Release(tuple(wire.blocks)),
    "up": lambda wire: Up(_node_from_wire(wire.node)),
    "returned": lambda wire: Return(wire.call, _payload(wire.value), wire.place),
    "put_back": lambda wire: PutBack(wire.target, _payload(wire.value), wire.place),
    "raised": lambda wire: Raise(
        wire.call,
        _payload(wire.exception) if wire.HasField("exception") else None,
        wire.type_name,
        wire.text,
        wire.traceback,
        wire.pid,
    ),
    "item": lambda wire: Item(wire.call, _payload(wire.value)),
    "end": lambda wire: End(wire.call),
    "credit": lambda wire: Credit(wire.call, wire.items),
    "cancel": lambda wire: Cancel(wire.call),
    "down": lambda wire: Down(
        _node_from_wire(wire.node), wire.pid, wire.how, tuple(wire.stderr), wire.fenced
    ),
}
