"""The two halves of a call: made by its spawner, run by another node. Their states and tables.

    made:  HELD ──sent──> SENT ──ended──> ENDED ──settled──> OVER
    run:   WAITING ──begin──> RUNNING ──answer──> ANSWERED ──end──> SETTLING ──settle──> OVER
                                 └────cancel────> CANCELLED ──end────────┘

A call ends for its spawner once: with an outcome, lost with its node, or cancelled. It is over
when nothing of it goes on: most calls when they end; one that was made in a scope, when the other
node says that the calls which it made are over too.

Rules: this file imports nothing but messages, and windows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from circuit.runtime.admission import Key
from circuit.runtime.messages import Call, Code, NodeId, ObjectId
from circuit.runtime.windows import Window


class MadeState(Enum):
    """What its spawner knows of a call."""

    HELD = auto()  # back: too many are ahead of it
    SENT = auto()
    ENDED = auto()  # the program has its outcome, or gave it up; something of it may go on
    OVER = auto()


class MadeEvent(Enum):
    """What moves a call on its spawner's side."""

    SENT = auto()
    ENDED = auto()
    SETTLED = auto()
    LOST = auto()


MADE: dict[tuple[MadeState, MadeEvent], MadeState] = {
    (MadeState.HELD, MadeEvent.SENT): MadeState.SENT,
    (MadeState.HELD, MadeEvent.ENDED): MadeState.OVER,
    (MadeState.HELD, MadeEvent.LOST): MadeState.OVER,
    (MadeState.SENT, MadeEvent.ENDED): MadeState.ENDED,
    (MadeState.SENT, MadeEvent.LOST): MadeState.OVER,
    (MadeState.ENDED, MadeEvent.SETTLED): MadeState.OVER,
    (MadeState.ENDED, MadeEvent.LOST): MadeState.OVER,
}


class RunState(Enum):
    """Where a call is on the node that runs it."""

    WAITING = auto()  # for its turn
    RUNNING = auto()
    ANSWERED = auto()  # some of its code still runs, as a `finally` of a generator
    CANCELLED = auto()  # its code is being stopped
    SETTLING = auto()  # its code has ended, and calls that it made go on
    OVER = auto()


class RunEvent(Enum):
    """What moves a call on the node that runs it."""

    BEGIN = auto()
    ANSWER = auto()
    CANCEL = auto()
    END = auto()
    SETTLE = auto()


RUN: dict[tuple[RunState, RunEvent], RunState] = {
    (RunState.WAITING, RunEvent.BEGIN): RunState.RUNNING,
    (RunState.WAITING, RunEvent.CANCEL): RunState.SETTLING,
    (RunState.RUNNING, RunEvent.ANSWER): RunState.ANSWERED,
    (RunState.RUNNING, RunEvent.CANCEL): RunState.CANCELLED,
    (RunState.ANSWERED, RunEvent.CANCEL): RunState.ANSWERED,
    (RunState.ANSWERED, RunEvent.END): RunState.SETTLING,
    (RunState.CANCELLED, RunEvent.CANCEL): RunState.CANCELLED,
    (RunState.CANCELLED, RunEvent.END): RunState.SETTLING,
    (RunState.SETTLING, RunEvent.CANCEL): RunState.SETTLING,
    (RunState.SETTLING, RunEvent.SETTLE): RunState.OVER,
}


@dataclass(slots=True)
class Made:
    """A call that this node made and that is not over."""

    peer: NodeId
    target: int
    pins: tuple[int, ...]  # of its arguments and its code
    window: Window | None
    parent: Key | None  # the call that made it
    scope: int
    settles: bool  # its end is told apart from its outcome
    receives: bool  # its outcome is a value that must not be lost
    state: MadeState = MadeState.HELD
    held: tuple[ObjectId, ...] = ()  # the object that it is of, used until it is sent
    place: int = 0  # in the session
    weight: int = 0  # the bytes that it takes while it is held
    began: bool = False  # the peer said so, or sent an item

    def move(self, event: MadeEvent) -> None:
        """Go to the next state."""
        self.state = MADE[self.state, event]


@dataclass(slots=True)
class Running:
    """A call that this node runs, or is to run, and that is not over."""

    call: Call | None  # until it begins: what it needs is its executor's from then on
    code: Code | None
    target: int
    refs: tuple[ObjectId, ...]  # used until it begins
    stream: bool
    settles: bool
    serial: int = 0  # the object whose turn it needs
    state: RunState = RunState.WAITING
    made: dict[int, Made] = field(default_factory=dict)  # the calls that it made and that are not over

    @property
    def is_wanted(self) -> bool:
        """Whether somebody still waits for its outcome."""
        return self.state in (RunState.WAITING, RunState.RUNNING)

    def move(self, event: RunEvent) -> None:
        """Go to the next state."""
        self.state = RUN[self.state, event]
