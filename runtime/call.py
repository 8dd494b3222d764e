"""`call(f, x).on(place)`: what `spawn f(x) on place` is lowered to, and a typed API of its own."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Generic, ParamSpec, TypeVar, overload

from circuit.runtime import current, modules
from circuit.runtime.future import Future
from circuit.runtime.handles import Handle
from circuit.runtime.pickling import dumps, dumps_arguments
from circuit.runtime.places import Place, locate
from circuit.runtime.record import Record
from circuit.runtime.site import Site
from circuit.runtime.stream import Stream

P = ParamSpec("P")
T = TypeVar("T")


class Method:
    """A method of an object that lives on some node: spawned there, it is called on the object itself.

    Attributes:
        reference: what the user has of the object.
        handle: the object, for messages.
        name: of the method.
        is_stream: whether it is a generator.
    """

    __slots__ = ("handle", "is_stream", "name", "reference")

    def __init__(self, reference: object, handle: Handle, name: str, *, is_stream: bool) -> None:
        self.reference = reference
        self.handle = handle
        self.name = name
        self.is_stream = is_stream


class _Spawnable:
    """A callee with its arguments, not yet anywhere."""

    __slots__ = ("_args", "_function", "_kwargs")

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._function = function
        self._args = args
        self._kwargs = kwargs

    def _spawn(self, place: Place, site: Site | str, *, stream: bool) -> Any:
        peer = locate(place)
        node = current.node()
        modules.check(self._function)
        name = name_of(self._function)
        arguments = dumps_arguments(self._args, self._kwargs, node.lend)
        function: object = self._function
        if isinstance(function, Method) and function.handle.owner == peer:
            record = Record(name, site, peer, reference=repr(function.reference))
            return node.call_object(function.handle, function.name, record, arguments, stream=stream)
        callee = dumps(self._function, name, node.lend)
        return node.call(peer, Record(name, site, peer), callee, arguments, stream=stream)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {name_of(self._function)}()>"


class Call(_Spawnable, Generic[T]):
    """A call that is to have one result."""

    __slots__ = ()

    def on(self, place: Place) -> Future[T]:
        """Spawn the call on `place` and go on; what it needs has been copied when this returns.

        Raises:
            NotSendable: the callee or an argument cannot travel; nothing was sent.
            Overloaded: more is under way than a bound allows; nothing was sent.
            ClusterError: there is no such worker.
        """
        future: Future[T] = self._spawn(place, Site(sys._getframe(1)), stream=False)
        return future


class StreamCall(_Spawnable, Generic[T]):
    """A call of a generator function."""

    __slots__ = ()

    def on(self, place: Place) -> Stream[T]:
        """Spawn the generator on `place` and go on; as `Call.on`, but the items arrive as a stream."""
        stream: Stream[T] = self._spawn(place, Site(sys._getframe(1)), stream=True)
        return stream


@overload
def call(  # type: ignore[overload-overlap]  # the more special case comes first
    function: Callable[P, Iterator[T] | AsyncIterator[T]], /, *args: P.args, **kwargs: P.kwargs
) -> StreamCall[T]: ...
@overload
def call(function: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs) -> Call[T]: ...
@overload
def call(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Call[T]: ...
def call(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Call[Any] | StreamCall[Any]:
    """Name a call without making it: `call(f, x).on(w)` is `spawn f(x) on w`.

    Raises:
        TypeError: `function` is not callable.
    """
    if not callable(function):
        raise TypeError(f"{function!r} is not callable, so it cannot be spawned")
    kind = StreamCall if is_generator(function) else Call
    return kind(function, args, kwargs)


def name_of(function: Callable[..., Any]) -> str:
    """Return what users call a callee."""
    while isinstance(function, functools.partial):
        function = function.func
    for attribute in ("__qualname__", "__name__"):
        if name := getattr(function, attribute, None):
            return str(name).rpartition("<locals>.")[2]
    return type(function).__qualname__


def is_generator(function: object) -> bool:
    """Tell whether calling it gives a generator, sync or async: then its spawn is a Stream."""
    if isinstance(function, Method):
        return function.is_stream
    if not inspect.isroutine(function) and not isinstance(function, functools.partial):
        function = type(function).__call__
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
