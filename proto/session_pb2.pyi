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
    __slots__ = ("protocol", "cluster", "sender", "receiver", "python", "received", "resumes", "pid", "memory")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    PYTHON_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    RESUMES_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    MEMORY_FIELD_NUMBER: _ClassVar[int]
    protocol: int
    cluster: str
    sender: NodeId
    receiver: NodeId
    python: str
    received: int
    resumes: bool
    pid: int
    memory: bytes
    def __init__(self, protocol: _Optional[int] = ..., cluster: _Optional[str] = ..., sender: _Optional[_Union[NodeId, _Mapping]] = ..., receiver: _Optional[_Union[NodeId, _Mapping]] = ..., python: _Optional[str] = ..., received: _Optional[int] = ..., resumes: _Optional[bool] = ..., pid: _Optional[int] = ..., memory: _Optional[bytes] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("received", "pid", "shares")
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    SHARES_FIELD_NUMBER: _ClassVar[int]
    received: int
    pid: int
    shares: bool
    def __init__(self, received: _Optional[int] = ..., pid: _Optional[int] = ..., shares: _Optional[bool] = ...) -> None: ...

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

class ObjectId(_message.Message):
    __slots__ = ("owner", "number")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    owner: NodeId
    number: int
    def __init__(self, owner: _Optional[_Union[NodeId, _Mapping]] = ..., number: _Optional[int] = ...) -> None: ...

class Region(_message.Message):
    __slots__ = ("pid", "fd", "offset", "nbytes", "block", "index")
    PID_FIELD_NUMBER: _ClassVar[int]
    FD_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    NBYTES_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    pid: int
    fd: int
    offset: int
    nbytes: int
    block: int
    index: int
    def __init__(self, pid: _Optional[int] = ..., fd: _Optional[int] = ..., offset: _Optional[int] = ..., nbytes: _Optional[int] = ..., block: _Optional[int] = ..., index: _Optional[int] = ...) -> None: ...

class Payload(_message.Message):
    __slots__ = ("buffers", "transfer", "sizes", "refs", "pin", "regions")
    BUFFERS_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_FIELD_NUMBER: _ClassVar[int]
    SIZES_FIELD_NUMBER: _ClassVar[int]
    REFS_FIELD_NUMBER: _ClassVar[int]
    PIN_FIELD_NUMBER: _ClassVar[int]
    REGIONS_FIELD_NUMBER: _ClassVar[int]
    buffers: _containers.RepeatedScalarFieldContainer[bytes]
    transfer: int
    sizes: _containers.RepeatedScalarFieldContainer[int]
    refs: _containers.RepeatedCompositeFieldContainer[ObjectId]
    pin: int
    regions: _containers.RepeatedCompositeFieldContainer[Region]
    def __init__(self, buffers: _Optional[_Iterable[bytes]] = ..., transfer: _Optional[int] = ..., sizes: _Optional[_Iterable[int]] = ..., refs: _Optional[_Iterable[_Union[ObjectId, _Mapping]]] = ..., pin: _Optional[int] = ..., regions: _Optional[_Iterable[_Union[Region, _Mapping]]] = ...) -> None: ...

class Message(_message.Message):
    __slots__ = ("part", "code", "forget", "call", "returned", "raised", "item", "end", "credit", "cancel", "down", "begun", "kept", "stale", "settled", "dirty", "dirtied", "clean", "unpin", "release", "up", "put_back")
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
    BEGUN_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    SETTLED_FIELD_NUMBER: _ClassVar[int]
    DIRTY_FIELD_NUMBER: _ClassVar[int]
    DIRTIED_FIELD_NUMBER: _ClassVar[int]
    CLEAN_FIELD_NUMBER: _ClassVar[int]
    UNPIN_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    UP_FIELD_NUMBER: _ClassVar[int]
    PUT_BACK_FIELD_NUMBER: _ClassVar[int]
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
    begun: Begun
    kept: Kept
    stale: Stale
    settled: Settled
    dirty: Dirty
    dirtied: Dirtied
    clean: Clean
    unpin: Unpin
    release: Release
    up: Up
    put_back: PutBack
    def __init__(self, part: _Optional[_Union[Part, _Mapping]] = ..., code: _Optional[_Union[Code, _Mapping]] = ..., forget: _Optional[_Union[Forget, _Mapping]] = ..., call: _Optional[_Union[Call, _Mapping]] = ..., returned: _Optional[_Union[Return, _Mapping]] = ..., raised: _Optional[_Union[Raise, _Mapping]] = ..., item: _Optional[_Union[Item, _Mapping]] = ..., end: _Optional[_Union[End, _Mapping]] = ..., credit: _Optional[_Union[Credit, _Mapping]] = ..., cancel: _Optional[_Union[Cancel, _Mapping]] = ..., down: _Optional[_Union[Down, _Mapping]] = ..., begun: _Optional[_Union[Begun, _Mapping]] = ..., kept: _Optional[_Union[Kept, _Mapping]] = ..., stale: _Optional[_Union[Stale, _Mapping]] = ..., settled: _Optional[_Union[Settled, _Mapping]] = ..., dirty: _Optional[_Union[Dirty, _Mapping]] = ..., dirtied: _Optional[_Union[Dirtied, _Mapping]] = ..., clean: _Optional[_Union[Clean, _Mapping]] = ..., unpin: _Optional[_Union[Unpin, _Mapping]] = ..., release: _Optional[_Union[Release, _Mapping]] = ..., up: _Optional[_Union[Up, _Mapping]] = ..., put_back: _Optional[_Union[PutBack, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("call", "digest", "arguments", "window", "target", "method", "edition", "scoped")
    CALL_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    EDITION_FIELD_NUMBER: _ClassVar[int]
    SCOPED_FIELD_NUMBER: _ClassVar[int]
    call: int
    digest: bytes
    arguments: Payload
    window: int
    target: int
    method: str
    edition: int
    scoped: bool
    def __init__(self, call: _Optional[int] = ..., digest: _Optional[bytes] = ..., arguments: _Optional[_Union[Payload, _Mapping]] = ..., window: _Optional[int] = ..., target: _Optional[int] = ..., method: _Optional[str] = ..., edition: _Optional[int] = ..., scoped: _Optional[bool] = ...) -> None: ...

class Begun(_message.Message):
    __slots__ = ("calls",)
    CALLS_FIELD_NUMBER: _ClassVar[int]
    calls: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, calls: _Optional[_Iterable[int]] = ...) -> None: ...

class Return(_message.Message):
    __slots__ = ("call", "value", "place")
    CALL_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    call: int
    value: Payload
    place: int
    def __init__(self, call: _Optional[int] = ..., value: _Optional[_Union[Payload, _Mapping]] = ..., place: _Optional[int] = ...) -> None: ...

class PutBack(_message.Message):
    __slots__ = ("target", "value", "place")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    target: int
    value: Payload
    place: int
    def __init__(self, target: _Optional[int] = ..., value: _Optional[_Union[Payload, _Mapping]] = ..., place: _Optional[int] = ...) -> None: ...

class Kept(_message.Message):
    __slots__ = ("call", "value")
    CALL_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    call: int
    value: Payload
    def __init__(self, call: _Optional[int] = ..., value: _Optional[_Union[Payload, _Mapping]] = ...) -> None: ...

class Stale(_message.Message):
    __slots__ = ("call",)
    CALL_FIELD_NUMBER: _ClassVar[int]
    call: int
    def __init__(self, call: _Optional[int] = ...) -> None: ...

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

class Settled(_message.Message):
    __slots__ = ("call",)
    CALL_FIELD_NUMBER: _ClassVar[int]
    call: int
    def __init__(self, call: _Optional[int] = ...) -> None: ...

class Dirty(_message.Message):
    __slots__ = ("numbers", "seq")
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    numbers: _containers.RepeatedScalarFieldContainer[int]
    seq: int
    def __init__(self, numbers: _Optional[_Iterable[int]] = ..., seq: _Optional[int] = ...) -> None: ...

class Dirtied(_message.Message):
    __slots__ = ("seq", "missing")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    seq: int
    missing: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, seq: _Optional[int] = ..., missing: _Optional[_Iterable[int]] = ...) -> None: ...

class Clean(_message.Message):
    __slots__ = ("numbers", "seq")
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    numbers: _containers.RepeatedScalarFieldContainer[int]
    seq: int
    def __init__(self, numbers: _Optional[_Iterable[int]] = ..., seq: _Optional[int] = ...) -> None: ...

class Unpin(_message.Message):
    __slots__ = ("pins",)
    PINS_FIELD_NUMBER: _ClassVar[int]
    pins: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, pins: _Optional[_Iterable[int]] = ...) -> None: ...

class Release(_message.Message):
    __slots__ = ("blocks",)
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    blocks: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, blocks: _Optional[_Iterable[int]] = ...) -> None: ...

class Up(_message.Message):
    __slots__ = ("node",)
    NODE_FIELD_NUMBER: _ClassVar[int]
    node: NodeId
    def __init__(self, node: _Optional[_Union[NodeId, _Mapping]] = ...) -> None: ...

class Down(_message.Message):
    __slots__ = ("node", "pid", "how", "stderr", "fenced")
    NODE_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    HOW_FIELD_NUMBER: _ClassVar[int]
    STDERR_FIELD_NUMBER: _ClassVar[int]
    FENCED_FIELD_NUMBER: _ClassVar[int]
    node: NodeId
    pid: int
    how: str
    stderr: _containers.RepeatedScalarFieldContainer[str]
    fenced: bool
    def __init__(self, node: _Optional[_Union[NodeId, _Mapping]] = ..., pid: _Optional[int] = ..., how: _Optional[str] = ..., stderr: _Optional[_Iterable[str]] = ..., fenced: _Optional[bool] = ...) -> None: ...
