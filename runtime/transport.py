"""The gRPC transport: each node serves `circuit.Node/Session`, a bidirectional stream of frames.

One stream a pair of nodes, whoever dialled it. On each end one thread writes, taking as one frame
whatever has queued up since its last write, and one reads. The transport decides nothing: what to
say, whom to welcome and what a break means is the core's business, behind `Host`.

Addresses are unix sockets in a folder that only its owner may enter.
"""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import Any, Protocol

import grpc

from circuit.runtime.frames import Opening, decode, encode
from circuit.runtime.messages import Frame, Hello, NodeId, ProtocolError, Refusal, Welcome
from circuit.runtime.threads import Threads

METHOD = "/circuit.Node/Session"
REDIAL_SECONDS = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
THREADS_A_CARRIER = 2
"""One writes and one reads."""

_OPTIONS = (
    ("grpc.max_receive_message_length", -1),  # frames are bounded by the session
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 20),
    ("grpc.min_reconnect_backoff_ms", 20),
    ("grpc.max_reconnect_backoff_ms", 500),
)

_on_transport_thread = threading.local()


def on_transport_thread() -> bool:
    """Tell whether the current thread carries frames, and so must never wait for one."""
    return getattr(_on_transport_thread, "here", False)


class Reading:
    """The right to bring what a peer wrote, which goes from each of its carriers to the next."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


class Carrier:
    """One gRPC stream in use; replaced by a newer one when it breaks."""

    def __init__(self, peer: NodeId, lock: threading.RLock, reading: Reading) -> None:
        self.peer = peer
        self.reading = reading
        self.writable = threading.Condition(lock)
        self.cancel: Callable[[], object] = _nothing  # ends the stream on both sides


def _nothing() -> None:
    """Do nothing: there is no stream yet."""


class Host(Protocol):
    """What the transport needs from the node."""

    def hello(self, peer: NodeId) -> Hello | None:
        """Return the words to open a carrier with; None: stop dialling."""

    def greet(self, hello: Hello) -> Welcome | Refusal:
        """Answer a peer that opens a carrier."""

    def attach(self, peer: NodeId, received: int, pid: int, *, shares: bool) -> Carrier:
        """Take a carrier into use; `shares`: the peer can map this process's memory."""

    def next_frame(self, carrier: Carrier) -> Frame | None:
        """Wait for what is to be written next; None: the carrier is no longer in use."""

    def receive(self, carrier: Carrier, frame: Frame) -> None:
        """Take in what was read."""

    def detach(self, carrier: Carrier) -> None:
        """Note that the carrier broke."""

    def refused(self, peer: NodeId, refusal: Refusal) -> None:
        """Note that the peer will not have us, or broke the rules."""


class GrpcTransport:
    """The server and the outgoing streams of one node.

    Args:
        host: the node.
        address: where to serve, as `unix:/path`; the folder must be 0700.
        awaited: how many peers will dial this node.
    """

    def __init__(self, host: Host, address: str, awaited: int) -> None:
        self._host = host
        self._threads = Threads(reserve=THREADS_A_CARRIER * awaited)
        self._closing = threading.Event()
        self._channels: dict[NodeId, grpc.Channel] = {}
        # grpc only ever submits to what it calls a ThreadPoolExecutor.
        self._server = grpc.server(_Executor(self._threads), options=_OPTIONS)  # type: ignore[arg-type]
        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_stream_rpc_method_handler(self._serve)
        service, method = METHOD.strip("/").split("/")
        handlers = grpc.method_handlers_generic_handler(service, {method: handler})
        self._server.add_generic_rpc_handlers((handlers,))
        local = grpc.local_server_credentials(grpc.LocalConnectionType.UDS)
        self._server.add_secure_port(address, local)

    def start(self) -> None:
        """Begin to serve."""
        self._server.start()

    def dial(self, peer: NodeId, address: str) -> None:
        """Open a carrier to `peer`, and again whenever it breaks, until the host has had enough."""
        self._threads.start(lambda: self._keep_dialling(peer, address))

    def close(self) -> None:
        """End all streams and stop serving."""
        self._closing.set()
        for channel in list(self._channels.values()):
            channel.close()
        self._server.stop(None)
        self._threads.close()

    # The side that was dialled.

    def _serve(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        _on_transport_thread.here = True
        hello = _opening(next(requests, b""))
        if not isinstance(hello, Hello):
            yield encode(Refusal("a carrier begins with a hello"))
            return
        answer = self._host.greet(hello)
        yield encode(answer)
        if isinstance(answer, Refusal):
            return
        carrier = self._host.attach(hello.sender, hello.received, hello.pid, shares=answer.shares)
        carrier.cancel = context.cancel
        self._threads.start(lambda: self._read(carrier, requests))
        yield from self._frames(carrier)

    # The side that dials.

    def _keep_dialling(self, peer: NodeId, address: str) -> None:
        _on_transport_thread.here = True
        local = grpc.local_channel_credentials(grpc.LocalConnectionType.UDS)
        channel = self._channels[peer] = grpc.secure_channel(address, local, options=_OPTIONS)
        open_stream: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(METHOD)
        failures = 0
        while not self._closing.is_set() and (hello := self._host.hello(peer)):
            came_up = self._carry(peer, hello, open_stream)
            self._closing.wait(REDIAL_SECONDS[min(failures, len(REDIAL_SECONDS) - 1)])
            failures = 0 if came_up else failures + 1
        self._channels.pop(peer, None)
        channel.close()

    def _carry(self, peer: NodeId, hello: Hello, open_stream: Any) -> bool:
        """Open one carrier and use it until it breaks; tell whether it ever came up."""
        welcomed: SimpleQueue[Carrier | None] = SimpleQueue()

        def write() -> Iterator[bytes]:
            _on_transport_thread.here = True
            yield encode(hello)
            if carrier := welcomed.get():
                yield from self._frames(carrier)

        came_up = False
        try:
            stream = open_stream(write(), wait_for_ready=True)
            answer = _opening(next(stream, b""))
            if isinstance(answer, Welcome):
                came_up = True
                carrier = self._host.attach(peer, answer.received, answer.pid, shares=answer.shares)
                carrier.cancel = stream.cancel
                welcomed.put(carrier)
                self._read(carrier, stream)
            elif isinstance(answer, Refusal):
                self._host.refused(peer, answer)
        except (grpc.RpcError, ValueError):  # broken, or the channel was closed
            return came_up
        finally:
            welcomed.put(None)
        return came_up

    # Both sides.

    def _frames(self, carrier: Carrier) -> Iterator[bytes]:
        while (frame := self._host.next_frame(carrier)) is not None:
            try:
                data = encode(frame)
            except Exception as error:  # noqa: BLE001 (written again and again, it would block the session)
                self._host.refused(carrier.peer, Refusal(f"a message to it cannot be encoded: {error}"))
                return
            del frame  # or its references would live until there is more to say
            yield data

    def _read(self, carrier: Carrier, stream: Iterator[bytes]) -> None:
        _on_transport_thread.here = True
        try:
            for data in stream:
                frame = decode(data)
                if not isinstance(frame, Frame):
                    raise ProtocolError("a second opening")
                self._host.receive(carrier, frame)
        except ProtocolError as error:
            self._host.refused(carrier.peer, Refusal(f"it broke the protocol: {error}"))
            carrier.cancel()
        except grpc.RpcError:  # the carrier broke; `detach` says so to the host
            return
        except Exception as error:
            self._host.refused(carrier.peer, Refusal(f"its messages could not be dealt with: {error!r}"))
            carrier.cancel()
            raise
        finally:
            self._host.detach(carrier)


class _Executor(concurrent.futures.Executor):
    """What grpc runs its handlers on: threads that no interpreter exit waits for."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()

        def run() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 (as every executor: the future has it)
                future.set_exception(error)

        self._threads.start(run)
        return future


def _opening(data: bytes) -> Opening | Frame | None:
    try:
        return decode(data) if data else None
    except ProtocolError:
        return None
