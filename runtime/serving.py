"""Calls that this node runs, whoever made them: from their arrival to the end of the last of their code.

A call is of a function, or of an object of this node's. Functions and the program's objects are run by
the executor, when admission says so; outcomes that are kept, promises and channels answer by
themselves.

Rules: this file does no I/O and reads no clock. Every method is part of a turn (see `voice.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from circuit.runtime.actions import Grant, Interrupt, Run
from circuit.runtime.admission import Admission, Key
from circuit.runtime.calls import RunEvent, Running, RunState
from circuit.runtime.channels import Answer as ChannelAnswer, Channel, Received, Refused, Sent
from circuit.runtime.lanes import WaitingRoom
from circuit.runtime.limits import Limits
from circuit.runtime.messages import (
    Answer,
    Begun,
    Call,
    End,
    Item,
    Kept,
    NodeId,
    ObjectId,
    Outcome,
    Payload,
    PutBack,
    Raise,
    Return,
    Settled,
    Stale,
)
from circuit.runtime.objects import CLOSE, RECEIVE, SEND, Keep, Plain, Promise, Serial
from circuit.runtime.owning import Owning, refs_of
from circuit.runtime.peers import Peers
from circuit.runtime.runs import Runs
from circuit.runtime.spawning import Spawning
from circuit.runtime.voice import Voice


class Serving:
    """The calls that one node runs, or is to run, and how its objects answer them."""

    def __init__(
        self, voice: Voice, limits: Limits, peers: Peers, owning: Owning, runs: Runs, spawning: Spawning
    ) -> None:
        self.admission = Admission(limits.running)
        self.wanted = 0
        """How many calls run here whose outcome is waited for, streams not counted."""
        self._voice = voice
        self._limits = limits
        self._peers = peers
        self._owning = owning
        self._runs = runs
        self._spawning = spawning

    # What the spawner says.

    def arrived(self, origin: NodeId, call: Call) -> None:
        """Take a call in, whose arguments came with one use of each of their references."""
        key, peer = Key(origin, call.call), self._peers.meet(origin, self._voice.now)
        target = self._owning.objects.get(call.target)
        if call.target and target is None:
            self._owning.drop(call.arguments.refs)
            self._voice.say(origin, Stale(call.call))
            return
        code = None if call.target else peer.held[call.digest]
        refs = call.arguments.refs
        if code:
            self._owning.use(code.pickle.refs)
            refs += code.pickle.refs
        if origin == self._voice.me:
            peer.held_bytes += call.arguments.nbytes
        else:
            peer.rooms.setdefault(call.target, WaitingRoom(self._limits)).enter(call)
        running = self._runs[key] = Running(call, code, call.target, refs, call.window > 0, call.scoped)
        self.wanted += not running.stream
        self._owning.use(self._target_of(running))
        match target:
            case None | Plain():
                self._begin(self.admission.arrived(key))
            case Serial():
                running.serial = call.target
                self._begin(self.admission.arrived(key, call.target))
            case _:
                self._begins(key, running)
                self._answer(target, key, call)

    def granted(self, key: Key, items: int) -> None:
        """Let a stream go on."""
        running = self._runs.get(key)
        if running and running.state is RunState.RUNNING:
            self._voice.ask(Grant(*key, items))

    def cancelled(self, key: Key) -> None:
        """Stop a call, and what it made: its spawner gave it up, or is gone."""
        running = self._runs.get(key)
        if running is None:
            return
        state, target = running.state, self._owning.objects.get(running.target)
        own_code = not isinstance(target, Promise | Channel)
        self._unwanted(key, running, RunEvent.CANCEL)
        if state is RunState.RUNNING and own_code:
            self._voice.ask(Interrupt(*key))  # first: it is stopped, and not what it waits for
        if state is not RunState.CANCELLED:
            for number in sorted(running.made):
                self._spawning.revoke(number)
        if state is RunState.WAITING:
            self._leave_queue(key, running)
            self._owning.drop((*running.refs, *self._target_of(running)))
            begin = self.admission.over(key, running.serial)
            self._runs.settle(key)
            self._begin(begin)
        elif state is RunState.RUNNING and isinstance(target, Promise):
            target.waiting.pop(key, None)
            self.ended(key)
        elif state is RunState.RUNNING and isinstance(target, Channel):
            offered = target.withdraw(key)
            self._owning.drop(offered.refs if offered else ())
            self._voice.say(key.origin, Settled(key.call))
            self.ended(key)

    def lose(self, origin: NodeId) -> None:
        """Stop what runs for a node that is gone."""
        for key in [key for key in self._runs if key.origin == origin]:
            self.cancelled(key)

    def put_back(self, back: PutBack) -> None:
        """Take a value back that nobody wanted where it went."""
        target = self._owning.objects.get(back.target)
        if isinstance(target, Channel):
            self._channel_says(target.put_back(back.place, back.value))
        else:
            self._owning.drop(back.value.refs)

    # What the executor says.

    def answered(self, key: Key, answer: Answer) -> None:
        """Send an outcome or an item to the spawner, unless it gave the call up."""
        running = self._runs.get(key)
        if running is None or running.state is not RunState.RUNNING:
            return
        if isinstance(answer, Item):
            self._voice.say(key.origin, answer)
            return
        self._unwanted(key, running, RunEvent.ANSWER)
        is_large = isinstance(answer, Return) and answer.value.nbytes > self._limits.inline_bytes
        if isinstance(answer, Return) and is_large and key.origin != self._voice.me:
            kept = self._owning.own(Keep(answer.value))
            self._owning.use(answer.value.refs)
            self._voice.say(key.origin, Kept(answer.call, Payload(refs=(kept,))))
            self._owning.drop((kept,))
        else:
            self._voice.say(key.origin, answer)

    def ended(self, key: Key) -> None:
        """Note that no more of a call's code will run."""
        running = self._runs.get(key)
        if running is None:
            return
        running.move(RunEvent.END)
        begin = self.admission.over(key, running.serial)
        self._owning.drop(self._target_of(running))
        self._runs.settle(key)
        self._begin(begin)

    def paused(self, key: Key) -> None:
        """Note that a call waits for another one, or needs no thread: its place is the next one's."""
        self._begin(self.admission.paused(key))

    def resumed(self, key: Key) -> None:
        """Note that a call that was paused goes on."""
        running = self._runs.get(key)
        if running and running.state is not RunState.SETTLING:
            self.admission.resumed(key)

    # How a call begins, and stops being waited for.

    def _begin(self, keys: Iterable[Key]) -> None:
        """Begin calls whose turn has come."""
        for key in keys:
            running = self._runs[key]
            call, code = running.call, running.code
            assert call is not None
            begun = self._begins(key, running)
            if begun:
                self._voice.say(key.origin, begun)
            self._voice.ask(Run(key.origin, call, code))

    def _begins(self, key: Key, running: Running) -> Begun | None:
        self._leave_queue(key, running)
        running.move(RunEvent.BEGIN)
        running.call = running.code = None
        running.refs = ()  # the executor's from now on
        peer = self._peers.get(key.origin)
        return peer.rooms[running.target].begin(key.call) if peer else None

    def _leave_queue(self, key: Key, running: Running) -> None:
        """Give the room back that the arguments of a call of this node to itself took."""
        if key.origin == self._voice.me and running.call:
            self._peers.own.held_bytes -= running.call.arguments.nbytes

    def _unwanted(self, key: Key, running: Running, event: RunEvent) -> None:
        """Note that a call's outcome is told, or not wanted."""
        if running.is_wanted:
            self.wanted -= not running.stream
        running.move(event)
        peer = self._peers.get(key.origin)
        room = peer.rooms.get(running.target) if peer else None
        if peer and room:
            room.leave(key.call)
            if room.is_empty:
                del peer.rooms[running.target]

    def _target_of(self, running: Running) -> tuple[ObjectId, ...]:
        """Return the object that a call is of, which lives as long as the call does."""
        return (ObjectId(self._voice.me, running.target),) if running.target else ()

    # Objects that answer by themselves.

    def resolve(self, promise: int, outcome: Return | Kept | Raise) -> None:
        """Tell the outcome of a promise to all who wait for it, and who will ask."""
        found = self._owning.objects.get(promise)
        if not isinstance(found, Promise):
            return
        found.outcome = outcome
        self._owning.use(refs_of(outcome))
        for key in found.waiting:
            self._reply(key, replace(outcome, call=key.call))
        found.waiting.clear()

    def _answer(self, target: Keep | Promise | Channel, key: Key, call: Call) -> None:
        match target:
            case Keep(value):
                self._reply(key, Return(call.call, value))
            case Promise(outcome=None):
                target.waiting[key] = None
            case Promise(outcome=outcome) if outcome:
                self._reply(key, replace(outcome, call=call.call))
            case Channel():
                self._asked(target, key, call)

    def _reply(self, key: Key, outcome: Outcome) -> None:
        self._unwanted(key, self._runs[key], RunEvent.ANSWER)
        self._voice.say(key.origin, outcome)
        self.ended(key)

    def _asked(self, channel: Channel, key: Key, call: Call) -> None:
        if call.method == SEND:
            self._channel_says(channel.send(key, call.arguments))
            return
        self._owning.drop(call.arguments.refs)
        if call.method == RECEIVE:
            self._channel_says(channel.receive(key))
        elif call.method == CLOSE:
            self._channel_says(channel.close())
            self._reply(key, Return(call.call, Payload()))
        else:
            self._reply(key, Stale(call.call))

    def _channel_says(self, answers: Iterable[ChannelAnswer]) -> None:
        for answer in answers:
            match answer:
                case Received(key, value, place):
                    self._reply(key, Return(key.call, value, place))
                    self._owning.drop(value.refs)
                case Sent(key):
                    self._reply(key, Return(key.call, Payload()))
                case Refused(key, value):
                    self._reply(key, End(key.call))
                    self._owning.drop(value.refs if value else ())
