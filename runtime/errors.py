"""What goes wrong, as users see it: fields first, the text made once, in `__str__`.

    CircuitError
    ├── NotSendable        you did it: a value that cannot travel
    ├── ClusterError       you did it: no such worker, a cluster within a cluster, ...
    ├── RemoteError        an exception that could not travel, told in words
    ├── Overloaded         you did it: more under way than a bound allows
    ├── ChannelClosed      somebody closed the channel
    ├── WorkerLost         it broke: the process that had the call is gone
    ├── StaleReference     it broke: the object is gone, or its owner gave this process up
        └── OwnerRestarted it broke: another life of the owner is there, without the object

Every one of them can be pickled, since each may cross from worker to worker.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Literal


class CircuitError(Exception):
    """Base of all that Circuit itself raises."""


class ClusterError(CircuitError):
    """The cluster cannot do what was asked; the message says what to do instead."""


class NotSendable(CircuitError):
    """A value cannot be sent to another process.

    Attributes:
        path: where in what was sent the culprit is, as `args[0].config.lock`.
        type_name: its type.
        reason: what the pickler said.
    """

    def __init__(self, path: str, type_name: str, reason: str) -> None:
        super().__init__(path, type_name, reason)
        self.path = path
        self.type_name = type_name
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.type_name} cannot be sent to another process ({self.reason})"


class RemoteError(CircuitError):
    """An exception of a spawned call that could not travel itself.

    Attributes:
        type_name: its type, with the module.
        text: what its `str()` gave there.
    """

    def __init__(self, type_name: str, text: str) -> None:
        super().__init__(type_name, text)
        self.type_name = type_name
        self.text = text

    def __str__(self) -> str:
        return f"{self.type_name}: {self.text}" if self.text else self.type_name


class WorkerLost(CircuitError):
    """The process that had the call is gone.

    Attributes:
        worker: its name.
        pid: its process, 0 if it was never reached.
        how: what ended it, as `was killed by SIGKILL`.
        call: the function that was called.
        seconds: from the spawn to the loss.
        site: `file:line:column` of the spawn.
        ran: whether the call began there: "no", "yes" or "unknown".
        stderr: the last lines that the process wrote there.
    """

    def __init__(
        self,
        worker: str,
        pid: int,
        how: str,
        call: str,
        seconds: float,
        site: str,
        ran: Literal["no", "yes", "unknown"],
        stderr: tuple[str, ...] = (),
    ) -> None:
        super().__init__(worker, pid, how, call, seconds, site, ran, stderr)
        self.worker = worker
        self.pid = pid
        self.how = how
        self.call = call
        self.seconds = seconds
        self.site = site
        self.ran = ran
        self.stderr = stderr

    def __str__(self) -> str:
        begun = {"no": "it did not run", "yes": "it had begun", "unknown": "it may or may not have run"}
        pid = f" (pid {self.pid})" if self.pid else ""
        text = (
            f"worker {self.worker!r}{pid} {self.how}, {self.seconds:.2f} s into {self.call}()\n"
            f"  spawned at {self.site}; {begun[self.ran]}; it was not retried"
        )
        if self.stderr:
            text += "\n  its last words on stderr:" + "".join(f"\n    {line}" for line in self.stderr)
        return text


class Overloaded(CircuitError):
    """More is under way than a bound of the cluster allows; the call does not run.

    Attributes:
        worker: where it was to go.
        bound: the field of `Limits`.
        value: what that is.
    """

    def __init__(self, worker: str, bound: str, value: int) -> None:
        super().__init__(worker, bound, value)
        self.worker = worker
        self.bound = bound
        self.value = value

    def __str__(self) -> str:
        return (
            f"a call on {self.worker!r} would go beyond {self.bound} = {self.value:,}: let earlier ones end "
            f"first, or start the cluster with limits=Limits({self.bound}=...)"
        )


class ChannelClosed(CircuitError):
    """The channel is closed: nothing more can be sent, and all that was sent has been received.

    Attributes:
        channel: how it is shown.
    """

    def __init__(self, channel: str) -> None:
        super().__init__(channel)
        self.channel = channel

    def __str__(self) -> str:
        return f"{self.channel} is closed"


class StaleReference(CircuitError):
    """The object that a reference meant is gone, or its owner no longer listens to this process.

    Attributes:
        reference: how it is shown.
        reason: why it is stale.
    """

    def __init__(self, reference: str, reason: str) -> None:
        super().__init__(reference, reason)
        self.reference = reference
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.reference} is stale: {self.reason}"


class OwnerRestarted(StaleReference):
    """The worker that owned the object was restarted, and what lived on it is gone."""


class RemoteTraceback(Exception):
    """The frames of an exception in the process where it was raised: its `__cause__` here."""

    def __init__(self, frames: str) -> None:
        super().__init__(frames)
        self.frames = frames

    def __str__(self) -> str:
        return "\n" + self.frames.rstrip()


class Cancelled(BaseException):
    """Raised inside a spawned function whose spawner cancelled it, at the next bytecode.

    Like `asyncio.CancelledError` it is no `Exception`, so that `except Exception` lets it pass.
    """


# Users meet these under their public names: in tracebacks, and in pickles.
for _public in (
    CircuitError,
    ClusterError,
    NotSendable,
    RemoteError,
    Overloaded,
    ChannelClosed,
    WorkerLost,
    StaleReference,
    OwnerRestarted,
    RemoteTraceback,
    Cancelled,
):
    _public.__module__ = "circuit"


def describe(error: BaseException) -> tuple[str, str, str]:
    """Return the type's full name, the text and the traceback of an exception, in words.

    It never raises, whatever the exception is made of, and the words can be encoded.
    """
    kind = type(error)
    module = "" if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}."
    text = _told(lambda: str(error))
    frames = _told(lambda: "".join(traceback.format_exception(error)))
    return _encodable(f"{module}{kind.__qualname__}"), _encodable(text), _encodable(frames)


def _told(tell: Callable[[], str]) -> str:
    try:
        return tell()
    except Exception as broken:  # noqa: BLE001 (a user's __str__, __notes__ and the like may raise anything)
        return f"<not to be told: it raised {type(broken).__name__}>"


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
