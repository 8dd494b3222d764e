"""Calls that this node makes, whoever runs them: from the program's spawn to the end of all that it began.

A call is made by a program, or by a call that runs here and is cancelled with it; it may belong to a
scope. What is too much for its node is held back here, and what is too much for this one is refused.

Rules: this file does no I/O and reads no clock. Every method is part of a turn (see `voice.py`).
"""

from __future__ import annotations

import bisect
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from circuit.runtime.actions import Deliver, Interrupt, Leave, Lose, Ran, Revoke
from circuit.runtime.admission import Key
from circuit.runtime.calls import Made, MadeEvent, MadeState, RunState
from circuit.runtime.lanes import Lane
from circuit.runtime.limits import Limits
from circuit.runtime.messages import (
    Call,
    Cancel,
    Code,
    Credit,
    Down,
    Item,
    NodeId,
    ObjectId,
    Outcome,
    PutBack,
    Raise,
    Return,
    Stale,
)
from circuit.runtime.objects import CLOSE, FETCH, RECEIVE
from circuit.runtime.owning import Owning, refs_of
from circuit.runtime.peers import Peer, Peers
from circuit.runtime.references import References
from circuit.runtime.runs import Runs
from circuit.runtime.scopes import Scope
from circuit.runtime.voice import Voice
from circuit.runtime.windows import Window

WORDS_A_CALL = 4
"""Messages that a call may leave for a node that takes none: itself, its callee, its cancel, a release."""


class Overload(Exception):
    """A call would go beyond a bound: `bound` is its name in Limits, `value` what it is."""

    def __init__(self, bound: str, value: int) -> None:
        super().__init__(bound, value)
        self.bound = bound
        self.value = value


class Spawning:
    """The calls that one node has made and that are not over, and its scopes."""

    def __init__(
        self, voice: Voice, limits: Limits, peers: Peers, references: References, owning: Owning, runs: Runs
    ) -> None:
        self.made: dict[int, Made] = {}
        self.scopes: dict[int, Scope] = {}
        self.loads: Counter[NodeId] = Counter()  # of `made`, by node
        self.streams = 0  # of `made`
        self.total = 0
        """Calls ever made here."""
        self._voice = voice
        self._limits = limits
        self._peers = peers
        self._references = references
        self._owning = owning
        self._runs = runs
        self._scope_numbers = itertools.count(1)
        self._returned: dict[ObjectId, list[Return]] = {}  # values of channels that nobody took, in order

    # What the program does.

    def call(
        self, peer: NodeId, call: Call, code: Code | None, parent: Key | None, scope: int, *, cleanup: bool
    ) -> None:
        """Make a call; see `Core.call`."""
        maker = self._runs.get(parent) if parent else None
        joined = self.scopes.get(scope)
        stopped = maker is not None and maker.state is RunState.CANCELLED and not cleanup
        unwanted = stopped or (joined is not None and joined.is_cancelled)
        down = self._peers.ended(peer)
        found = None if unwanted or down else self._peers.meet(peer, self._voice.now)
        self._admit(found, call, code)
        self.total += 1
        call = replace(call, scoped=bool(joined or (maker and maker.settles)))
        pins: list[int] = []
        if found and peer != self._voice.me:
            call, code = self._pinned(peer, call, code, pins)
        receives = call.method == RECEIVE and not code
        made = Made(
            peer,
            call.target,
            tuple(pins),
            Window(call.window, self._limits.ahead_bytes) if call.window else None,
            parent if maker else None,
            scope if joined else 0,
            call.scoped or receives,
            receives,
        )
        self.made[call.call] = made
        self.loads[peer] += 1
        self.streams += call.window > 0
        if maker:
            maker.made[call.call] = made
        if joined:
            joined.members.add(call.call)
        if stopped and parent:  # before the program goes on: what it did last did not happen
            self._voice.ask(Interrupt(*parent))
        if unwanted:
            self._voice.ask(Revoke(call.call))
            self._over(call.call, MadeEvent.ENDED)
        elif down:
            self._lose((call.call,), down, None)
        elif found:
            self._offer(found, call, code)

    def cancel(self, number: int) -> None:
        """Give a call up, and what it spawned; its outcome, if there will be one, is ignored."""
        made = self.made.get(number)
        if made is None:
            return
        if made.state is MadeState.HELD:
            found = self._peers.meet(made.peer, self._voice.now)
            found.lanes[made.target].withdraw(number)
            found.held_bytes -= made.weight
            self._owning.follow(self._references.unpin(made.peer, made.pins))
            self._owning.drop(made.held)
            self._over(number, MadeEvent.ENDED)
            return
        self._voice.say(made.peer, Cancel(number))
        if made.state is MadeState.SENT:  # if it has ended, what it spawned may go on, and is to stop
            made.move(MadeEvent.ENDED)
            self._credit(number, made)
            if not made.settles:
                self._over(number, MadeEvent.SETTLED)

    def taken(self, number: int) -> None:
        """Note that the program took an item of a stream."""
        made = self.made.get(number)
        credit = made.window.taken() if made and made.window else 0
        if made and credit:
            self._voice.say(made.peer, Credit(number, credit))

    def open_scope(self) -> int:
        """Begin a scope and return its number."""
        number = next(self._scope_numbers)
        self.scopes[number] = Scope()
        return number

    def cancel_scope(self, number: int) -> None:
        """Cancel what was spawned in a scope, and what will be."""
        scope = self.scopes.get(number)
        if scope is not None and scope.failed():
            for member in sorted(scope.members):
                self.revoke(member)

    def leave_scope(self, number: int) -> None:
        """Note that the scope's block is left; Leave follows when all is over."""
        if self.scopes[number].left():
            self._close_scope(number)

    # What the other nodes say.

    def begun(self, numbers: Iterable[int]) -> None:
        """Note that calls have begun."""
        for number in numbers:
            if made := self.made.get(number):
                made.began = True
                self._credit(number, made)

    def outcome(self, outcome: Outcome) -> None:
        """Hand an outcome to the program, if it still waits for it."""
        made = self.made.get(outcome.call)
        if made is None or (made.state is MadeState.ENDED and not made.receives):  # it crossed a cancel
            self._owning.drop(refs_of(outcome))
            return
        source = ObjectId(made.peer, made.target) if made.receives else None
        if source and made.state is MadeState.ENDED:
            if isinstance(outcome, Return):
                self.return_value(source, outcome)
            self._over(outcome.call, MadeEvent.SETTLED)
            return
        made.move(MadeEvent.ENDED)
        self._credit(outcome.call, made)
        self._voice.ask(Deliver(outcome, source))
        if made.scope and isinstance(outcome, Raise | Stale):
            self.cancel_scope(made.scope)
        if not made.settles or made.receives or isinstance(outcome, Stale):
            self._over(outcome.call, MadeEvent.SETTLED)

    def item(self, item: Item) -> None:
        """Hand an item to the program, if it still reads the stream."""
        made = self.made.get(item.call)
        if made is None or made.window is None or made.state is not MadeState.SENT:
            self._owning.drop(item.value.refs)
            return
        made.window.item(item.value.nbytes)
        if not made.began:
            self.begun((item.call,))
        self._voice.ask(Deliver(item))

    def settled(self, number: int) -> None:
        """Note that nothing of a call goes on."""
        made = self.made.get(number)
        if made and made.state is MadeState.ENDED:
            self._over(number, MadeEvent.SETTLED)

    def return_value(self, source: ObjectId, outcome: Return) -> None:
        """Take in a value of a channel whose receiver had given up: for the next one here, else it goes back.

        So the values that come to a node are received there in their order, whoever gives up: none goes
        back as long as another can still come for one who gave up.
        """
        bisect.insort(self._returned.setdefault(source, []), outcome, key=lambda value: value.place)
        self._pass_on(source)

    def _pass_on(self, source: ObjectId) -> None:
        """Hand values that nobody took to those who wait for one here, or back."""
        values = self._returned[source]
        for number in list(self._receives_of(source, MadeState.SENT))[: len(values)]:
            made = self.made[number]
            made.move(MadeEvent.ENDED)  # what comes for it, if anything does, is passed on in turn
            self._voice.say(made.peer, Cancel(number))
            self._credit(number, made)
            self._voice.ask(Deliver(replace(values.pop(0), call=number), source))
        if not values:
            del self._returned[source]
        elif not any(self._receives_of(source, MadeState.ENDED)):
            for value in self._returned.pop(source):
                self._voice.say(source.owner, PutBack(source.number, value.value, value.place))
                self._owning.drop(value.value.refs)

    def _receives_of(self, source: ObjectId, state: MadeState) -> Iterator[int]:
        for number, made in self.made.items():
            if made.receives and made.state is state and (made.peer, made.target) == source:
                yield number

    # What happens to those who make calls, and to those who run them.

    def revoke(self, number: int) -> None:
        """Cancel a call together with what made it; whoever waits for it is told."""
        if self.made[number].state in (MadeState.HELD, MadeState.SENT):
            self._voice.ask(Revoke(number))  # first: it may be what a scope waits for
        self.cancel(number)

    def lose(self, down: Down, peer: Peer | None) -> None:
        """End the calls of a node that is gone."""
        for source in [source for source in self._returned if source.owner == down.node]:
            for value in self._returned.pop(source):
                self._owning.drop(value.value.refs)
        self._lose([number for number, made in self.made.items() if made.peer == down.node], down, peer)

    def _lose(self, numbers: Iterable[int], down: Down, peer: Peer | None) -> None:
        """End calls whose node is gone; their scopes are told when all of them have ended."""
        failed: dict[int, None] = {}
        restarted = self._peers.was_replaced(down.node)
        for number in numbers:
            made = self.made[number]
            if made.state in (MadeState.HELD, MadeState.SENT):
                self._voice.ask(Lose(number, down, _ran(made, peer), restarted))
                failed[made.scope] = None
            if made.state is MadeState.HELD:
                self._owning.drop(made.held)
            self._over(number, MadeEvent.LOST)
        for scope in failed:
            self.cancel_scope(scope)

    # How a call goes.

    def _admit(self, found: Peer | None, call: Call, code: Code | None) -> None:
        """Refuse a call that is too much; never one that gets something out of the way.

        Raises:
            Overload: too much is under way.
        """
        limits = self._limits
        if code is None and call.method in (FETCH, RECEIVE, CLOSE):
            return
        unwritten = found.session.unwritten if found else 0
        if len(self.made) >= limits.pending_calls or unwritten >= limits.pending_calls * WORDS_A_CALL:
            raise Overload("pending_calls", limits.pending_calls)
        waiting = found.held_bytes + found.session.unwritten_bytes if found else 0
        if found and waiting and waiting + _weight(found, call, code) > limits.pending_bytes:
            raise Overload("pending_bytes", limits.pending_bytes)

    def _pinned(
        self, peer: NodeId, call: Call, code: Code | None, pins: list[int]
    ) -> tuple[Call, Code | None]:
        """Return what is to be sent with its references held until it is there."""
        if call.arguments.refs:
            call = replace(call, arguments=self._voice.pinned(peer, call.arguments))
            pins.append(call.arguments.pin)
        if code and code.pickle.refs:
            code = replace(code, pickle=self._voice.pinned(peer, code.pickle))
            pins.append(code.pickle.pin)
        return call, code

    def _offer(self, found: Peer, call: Call, code: Code | None) -> None:
        """Send a call, or hold it back."""
        made = self.made[call.call]
        source = ObjectId(made.peer, made.target)
        if made.receives and source in self._returned:
            self._voice.ask(Deliver(replace(self._returned[source].pop(0), call=call.call), source))
            self._over(call.call, MadeEvent.ENDED)
            return
        if made.peer == self._voice.me:
            self._send(call, code)
            return
        lane = found.lanes.setdefault(call.target, Lane(self._limits))
        if lane.offer(call, code and (found.sent.known(code) or code)):
            self._send(call, code)
            return
        made.weight = _weight(found, call, code)
        found.held_bytes += made.weight
        if call.target:  # the program may forget the object before the call goes
            made.held = (source,)
            self._owning.use(made.held)

    def _send(self, call: Call, code: Code | None) -> None:
        made = self.made[call.call]
        made.move(MadeEvent.SENT)
        sent = self._peers.meet(made.peer, self._voice.now).sent
        for message in sent.before_call(code) if code else ():
            self._voice.say(made.peer, message)
        made.place = self._voice.say(made.peer, call)
        for message in sent.after_call(code) if code else ():
            self._voice.say(made.peer, message)

    def _credit(self, number: int, made: Made) -> None:
        """Let another call go in the place of one that has begun or ended."""
        found = self._peers.get(made.peer)
        lane = found.lanes.get(made.target) if found else None
        if found is None or lane is None:
            return
        ready = lane.credit((number,))
        if lane.is_idle:
            del found.lanes[made.target]
        for call, code in ready:
            found.held_bytes -= self.made[call.call].weight
            self._send(call, code)
            self._owning.drop(self.made[call.call].held)

    def _over(self, number: int, event: MadeEvent) -> None:
        """Forget a call of which nothing goes on."""
        made = self.made.pop(number)
        made.move(event)
        self.loads[made.peer] -= 1
        if not self.loads[made.peer]:
            del self.loads[made.peer]
        if made.window:
            self.streams -= 1
            made.window.end()
        if made.parent:
            self._runs.made_over(made.parent, number)
        if made.scope and self.scopes[made.scope].over(number):
            self._close_scope(made.scope)
        if made.receives and (source := ObjectId(made.peer, made.target)) in self._returned:
            self._pass_on(source)

    def _close_scope(self, number: int) -> None:
        del self.scopes[number]
        self._voice.ask(Leave(number))


def _weight(found: Peer, call: Call, code: Code | None) -> int:
    """Return the bytes of a call that is held back; a callee that the peer holds is held here anyway."""
    if code is None or found.sent.known(code):
        return call.arguments.nbytes
    return call.arguments.nbytes + code.pickle.nbytes


def _ran(made: Made, peer: Peer | None) -> Ran:
    if made.began:
        return "yes"
    return "unknown" if peer and made.place and peer.session.was_written(made.place) else "no"
