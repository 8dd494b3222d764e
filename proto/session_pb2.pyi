from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NodeId(_message.Message):
    __slots__ = ("name", "incarnation")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    name: str
    incarnation: str
    def __init__(self, name: _Optional[str] = ..., incarnation: _Optional[str] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("protocol", "cluster", "sender", "receiver", "python", "received", "resumes", "pid")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    PYTHON_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    RESUMES_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    protocol: int
    cluster: str
    sender: NodeId
    receiver: NodeId
    python: str
    received: int
    resumes: bool
    pid: int
    def __init__(self, protocol: _Optional[int] = ..., cluster: _Optional[str] = ..., sender: _Optional[_Union[NodeId, _Mapping]] = ..., receiver: _Optional[_Union[NodeId, _Mapping]] = ..., python: _Optional[str] = ..., received: _Optional[int] = ..., resumes: _Optional[bool] = ..., pid: _Optional[int] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("received", "pid")
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    received: int
    pid: int
    def __init__(self, received: _Optional[int] = ..., pid: _Optional[int] = ...) -> None: ...

class Refusal(_message.Message):
    __slots__ = ("reason", "crossed")
    REASON_FIELD_NUMBER: _ClassVar[int]
    CROSSED_FIELD_NUMBER: _ClassVar[int]
    reason: str
    crossed: bool
    def __init__(self, reason: _Optional[str] = ..., crossed: _Optional[bool] = ...) -> None: ...

class Frame(_message.Message):
    __slots__ = ("hello", "welcome", "refusal", "first", "received", "messages")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    welcome: Welcome
    refusal: Refusal
    first: int
    received: int
    messages: _containers.RepeatedCompositeFieldContainer[Message]
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., welcome: _Optional[_Union[Welcome, _Mapping]] = ..., refusal: _Optional[_Union[Refusal, _Mapping]] = ..., first: _Optional[int] = ..., received: _Optional[int] = ..., messages: _Optional[_Iterable[_Union[Message, _Mapping]]] = ...) -> None: ...

class Payload(_message.Message):
    __slots__ = ("buffers", "transfer", "sizes")
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    buffers: _containers.RepeatedScalarFieldContainer[bytes]
    transfer: int
    sizes: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, buffers: _Optional[_Iterable[bytes]] = ..., transfer: _Optional[int] = ..., sizes: _Optional[_Iterable[int]] = ...) -> None: ...

class Message(_message.Message):
    __slots__ = ("part", "code", "forget", "call", "returned", "raised", "item", "end", "credit", "cancel", "down")
    PART_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    FORGET_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    RETURNED_FIELD_NUMBER: _ClassVar[int]
    RAISED_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    DOWN_FIELD_NUMBER: _ClassVar[int]
    part: Part
    code: Code
    forget: Forget
    call: Call
    returned: Return
    raised: Raise
    item: Item
    end: End
    credit: Credit
    cancel: Cancel
    down: Down
    def __init__(self, part: _Optional[_Union[Part, _Mapping]] = ..., code: _Optional[_Union[Code, _Mapping]] = ..., forget: _Optional[_Union[Forget, _Mapping]] = ..., call: _Optional[_Union[Call, _Mapping]] = ..., returned: _Optional[_Union[Return, _Mapping]] = ..., raised: _Optional[_Union[Raise, _Mapping]] = ..., item: _Optional[_Union[Item, _Mapping]] = ..., end: _Optional[_Union[End, _Mapping]] = ..., credit: _Optional[_Union[Credit, _Mapping]] = ..., cancel: _Optional[_Union[Cancel, _Mapping]] = ..., down: _Optional[_Union[Down, _Mapping]] = ...) -> None: ...

class Part(_message.Message):
    __slots__ = ("transfer", "data")
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    transfer: int
    data: bytes
    def __init__(self, transfer: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class Code(_message.Message):
    __slots__ = ("digest", "pickle")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    PICKLE_FIELD_NUMBER: _ClassVar[int]
    digest: bytes
    pickle: Payload
    def __init__(self, digest: _Optional[bytes] = ..., pickle: _Optional[_Union[Payload, _Mapping]] = ...) -> None: ...

class Forget(_message.Message):
    __slots__ = ("digest",)
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    digest: bytes
    def __init__(self, digest: _Optional[bytes] = ...) -> None: ...

class Call(_message.Message):
    __slots__ = ("call", "digest", "arguments", "window")
    CALL_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    call: int
    digest: bytes
    arguments: Payload
    window: int
    def __init__(self, call: _Optional[int] = ..., digest: _Optional[bytes] = ..., arguments: _Optional[_Union[Payload, _Mapping]] = ..., window: _Optional[int] = ...) -> None: ...

class Return(_message.Message):
    __slots__ = ("call", "value")
    CALL_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    call: int
    value: Payload
    def __init__(self, call: _Optional[int] = ..., value: _Optional[_Union[Payload, _Mapping]] = ...) -> None: ...

class Raise(_message.Message):
    __slots__ = ("call", "exception", "type_name", "text", "traceback", "pid")
    CALL_FIELD_NUMBER: _ClassVar[int]
    EXCEPTION_FIELD_NUMBER: _ClassVar[int]
    TYPE_NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TRACEBACK_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    call: int
    exception: Payload
    type_name: str
    text: str
    traceback: str
    pid: int
    def __init__(self, call: _Optional[int] = ..., exception: _Optional[_Union[Payload, _Mapping]] = ..., type_name: _Optional[str] = ..., text: _Optional[str] = ..., traceback: _Optional[str] = ..., pid: _Optional[int] = ...) -> None: ...

class Item(_message.Message):
    __slots__ = ("call", "value")
    CALL_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    call: int
    value: Payload
    def __init__(self, call: _Optional[int] = ..., value: _Optional[_Union[Payload, _Mapping]] = ...) -> None: ...

class End(_message.Message):
    __slots__ = ("call",)
    CALL_FIELD_NUMBER: _ClassVar[int]
    call: int
    def __init__(self, call: _Optional[int] = ...) -> None: ...

class Credit(_message.Message):
    __slots__ = ("call", "items")
    CALL_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    call: int
    items: int
    def __init__(self, call: _Optional[int] = ..., items: _Optional[int] = ...) -> None: ...

class Cancel(_message.Message):
    __slots__ = ("call",)
    CALL_FIELD_NUMBER: _ClassVar[int]
    call: int
    def __init__(self, call: _Optional[int] = ...) -> None: ...

class Down(_message.Message):
    __slots__ = ("node", "pid", "how", "stderr")
    NODE_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    HOW_FIELD_NUMBER: _ClassVar[int]
    STDERR_FIELD_NUMBER: _ClassVar[int]
    node: NodeId
    pid: int
    how: str
    stderr: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, node: _Optional[_Union[NodeId, _Mapping]] = ..., pid: _Optional[int] = ..., how: _Optional[str] = ..., stderr: _Optional[_Iterable[str]] = ...) -> None: ...
