"""Circuit: Python with one more keyword, `spawn <expr> on <worker>`, and the runtime behind it.

Each public name is loaded when it is first used: the compiler, the import hook and a program that
spawns nothing start without the runtime, and a worker without what only drivers need.

PYTEST_DONT_REWRITE: no assertion is here, and pytest would warn whoever imports this before it
begins, as the coverage plugin and a sitecustomize.py do.
"""

from importlib import import_module

TYPE_CHECKING = False  # Not from typing, which takes longer to load than all the rest of the hook.
if TYPE_CHECKING:
    from circuit.runtime.call import (
        Call as Call,
        StreamCall as StreamCall,
        call as call,
    )
    from circuit.runtime.channel import Channel as Channel, channel as channel
    from circuit.runtime.cluster import Cluster as Cluster, cluster as cluster
    from circuit.runtime.errors import (
        Cancelled as Cancelled,
        ChannelClosed as ChannelClosed,
        CircuitError as CircuitError,
        ClusterError as ClusterError,
        NotSendable as NotSendable,
        Overloaded as Overloaded,
        OwnerRestarted as OwnerRestarted,
        RemoteError as RemoteError,
        RemoteTraceback as RemoteTraceback,
        StaleReference as StaleReference,
        WorkerLost as WorkerLost,
    )
    from circuit.runtime.future import CancelledError as CancelledError, Future as Future
    from circuit.runtime.limits import Limits as Limits
    from circuit.runtime.places import (
        Worker as Worker,
        WorkerSet as WorkerSet,
        here as here,
        worker as worker,
        workers as workers,
    )
    from circuit.runtime.ref import Ref as Ref, ref as ref, refs as refs
    from circuit.runtime.several import as_completed as as_completed, gather as gather, wait as wait
    from circuit.runtime.stream import Stream as Stream

_HOMES = {
    "Call": "call",
    "Cancelled": "errors",
    "CancelledError": "future",
    "Channel": "channel",
    "ChannelClosed": "errors",
    "CircuitError": "errors",
    "Cluster": "cluster",
    "ClusterError": "errors",
    "Future": "future",
    "Limits": "limits",
    "NotSendable": "errors",
    "Overloaded": "errors",
    "OwnerRestarted": "errors",
    "Ref": "ref",
    "RemoteError": "errors",
    "RemoteTraceback": "errors",
    "StaleReference": "errors",
    "Stream": "stream",
    "StreamCall": "call",
    "Worker": "places",
    "WorkerLost": "errors",
    "WorkerSet": "places",
    "as_completed": "several",
    "call": "call",
    "channel": "channel",
    "cluster": "cluster",
    "gather": "several",
    "here": "places",
    "ref": "ref",
    "refs": "ref",
    "wait": "several",
    "worker": "places",
    "workers": "places",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'circuit' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"circuit.runtime.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
