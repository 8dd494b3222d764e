"""The runtime: a sans-IO core (sessions, calls, streams), its gRPC transport, the executor, the API."""

from circuit.runtime.call import Call, StreamCall, call
from circuit.runtime.cluster import Cluster, cluster
from circuit.runtime.errors import (
    Cancelled,
    CircuitError,
    ClusterError,
    NotSendable,
    RemoteError,
    RemoteTraceback,
    WorkerLost,
)
from circuit.runtime.future import CancelledError, Future, as_completed, gather
from circuit.runtime.places import Worker, WorkerSet, here, worker, workers
from circuit.runtime.ref import Ref, ref
from circuit.runtime.stream import Stream

__all__ = [
    "Call",
    "Cancelled",
    "CancelledError",
    "CircuitError",
    "Cluster",
    "ClusterError",
    "Future",
    "NotSendable",
    "Ref",
    "RemoteError",
    "RemoteTraceback",
    "Stream",
    "StreamCall",
    "Worker",
    "WorkerLost",
    "WorkerSet",
    "as_completed",
    "call",
    "cluster",
    "gather",
    "here",
    "ref",
    "worker",
    "workers",
]

# Users meet these under the name by which they are public: in tracebacks, in help(), in pickles.
for _name in __all__:
    if globals()[_name].__module__.startswith("circuit."):
        globals()[_name].__module__ = "circuit"
del _name
