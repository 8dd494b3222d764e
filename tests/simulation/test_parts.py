"""The small machines of the core, each against a model of it: references, lanes, channels, sessions."""

from __future__ import annotations

from collections import deque

from hypothesis import given, strategies as st

from circuit.runtime.admission import Key
from circuit.runtime.channels import Channel, Received, Refused, Sent
from circuit.runtime.lanes import Lane, WaitingRoom
from circuit.runtime.limits import Limits
from circuit.runtime.messages import Call, Clean, Code, Dirty, End, Frame, Message, NodeId, Payload
from circuit.runtime.references import Freed, References
from circuit.runtime.session import Gap, Session

OWNER, HOLDER, OTHER = NodeId("o", "1"), NodeId("h", "1"), NodeId("x", "1")
CODE = Code(b"f", Payload((b"f",)))


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.data())
def test_what_a_holder_said_last_counts_however_it_arrives(said: list[bool], data: st.DataObject) -> None:
    """Statements arrive doubled and in any order; the owner lists the holder as the newest one says."""
    owner = References(OWNER)
    ref = owner.own()
    numbered = list(enumerate(said, 1))
    doubled = data.draw(st.lists(st.sampled_from(numbered), max_size=8))
    for seq, dirty in data.draw(st.permutations(numbered + doubled)):
        if dirty:
            owner.heard_dirty(HOLDER, Dirty((ref.number,), seq))
        else:
            owner.heard_clean(HOLDER, Clean((ref.number,), seq))
    (row,) = owner.table()
    assert row.holders == ((HOLDER,) if said[-1] else ())
    freed = Freed(ref.number)
    assert (freed in owner.drop((ref,))) is not said[-1]
    assert (freed in owner.gone(HOLDER)) is said[-1]


@given(st.lists(st.sampled_from(["offer", "begin", "end", "withdraw"]), max_size=60), st.integers(1, 4))
def test_a_lane_never_overfills_its_room_and_gets_all_its_credit_back(steps: list[str], ahead: int) -> None:
    limits = Limits(ahead_calls=ahead)
    lane, room = Lane(limits), WaitingRoom(limits)
    held: deque[int] = deque()
    waiting: deque[int] = deque()
    running: list[int] = []
    went: list[int] = []

    def arrive(calls: list[tuple[Call, Code | None]]) -> None:
        for call, _ in calls:
            if call.call in held:
                held.remove(call.call)
            room.enter(call)
            waiting.append(call.call)
            went.append(call.call)

    def end(number: int) -> None:
        room.leave(number)
        arrive(lane.credit((number,)))

    for number, step in enumerate(steps):
        call = Call(number, Payload((bytes(number),)))
        if step == "offer":
            if lane.offer(call, CODE):
                arrive([(call, CODE)])
            else:
                held.append(number)
        elif step == "begin" and waiting:
            running.append(waiting.popleft())
            if begun := room.begin(running[-1]):
                arrive(lane.credit(begun.calls))
        elif step == "end" and running:
            end(running.pop(0))
        elif step == "withdraw" and held:
            lane.withdraw(held.pop())
        assert len(waiting) <= ahead
    while waiting or running:
        while waiting:
            running.append(waiting.popleft())
            if begun := room.begin(running[-1]):
                arrive(lane.credit(begun.calls))
        end(running.pop(0))
    assert went == sorted(went)
    assert lane.is_idle and room.is_empty


@given(
    st.lists(st.sampled_from(["send", "receive", "withdraw", "put back", "close"]), max_size=40),
    st.integers(0, 3),
)
def test_a_channel_keeps_each_value_and_their_order(steps: list[str], capacity: int) -> None:
    """One receiver takes values, and puts some back; it ends up with all that were accepted, in order."""
    channel = Channel(capacity)
    accepted: list[int] = []
    taken: deque[tuple[int, Payload]] = deque()
    got: list[int] = []
    senders: dict[Key, int] = {}
    receivers: list[Key] = []

    def hear(answers: list[Sent | Received | Refused]) -> None:
        for answer in answers:
            match answer:
                case Sent(key):
                    accepted.append(senders.pop(key))
                case Received(key, value, place):
                    receivers.remove(key)
                    taken.append((place, value))
                case Refused(key, value):
                    senders.pop(key, None)
                    if key in receivers:
                        receivers.remove(key)

    for number, step in enumerate(steps):
        sender, receiver = Key(OTHER, number), Key(HOLDER, number)
        if step == "send":
            senders[sender] = number
            hear(channel.send(sender, Payload((b"%d" % number,))))
        elif step == "receive":
            receivers.append(receiver)
            hear(channel.receive(receiver))
        elif step == "withdraw" and (receivers or senders):
            key = receivers.pop() if receivers else senders.popitem()[0]
            channel.withdraw(key)
        elif step == "put back":
            while taken and not receivers:  # all that is on its way to one who wants none of it
                hear(channel.put_back(*taken.popleft()))
        elif step == "close":
            hear(channel.close())
        assert len(channel) <= capacity + len(steps) and not (receivers and len(channel))
    hear(channel.close())
    got += [int(value.buffers[0]) for _, value in taken]  # type: ignore[arg-type]
    got += [int(value.buffers[0]) for value in channel.values()]  # type: ignore[arg-type]
    assert got == accepted


@given(st.lists(st.sampled_from(["send", "write", "read", "lose", "double", "swap", "break"]), max_size=80))
def test_a_session_brings_everything_once_and_in_order(steps: list[str]) -> None:
    sender, receiver = Session(HOLDER, 0.0), Session(OWNER, 0.0)
    sender.opened(0, 0.0)
    receiver.opened(0, 0.0)
    carrier: deque[Frame] = deque()
    arrived: list[Message] = []
    sent = 0

    def resume() -> None:
        carrier.clear()
        for session in (sender, receiver):
            session.broke(0.0)
        sender.opened(receiver.received, 0.0)
        receiver.opened(sender.received, 0.0)

    def read() -> None:
        try:
            arrived.extend(receiver.receive(carrier.popleft(), 0.0))
        except Gap:
            resume()

    for step in [*steps, "send", "break", "write"]:
        if step == "send":
            sender.send(End(sent))
            sent += 1
        elif step == "write" and (frame := sender.next_frame(0.0)):
            carrier.append(frame)
        elif step == "read" and carrier:
            read()
        elif step == "lose" and carrier:
            carrier.pop()
        elif step == "double" and carrier:
            carrier.append(carrier[0])
        elif step == "swap":
            carrier.rotate()
        elif step == "break":
            resume()
    while carrier:
        read()
        if not carrier and (frame := sender.next_frame(0.0)):
            carrier.append(frame)
    assert arrived == [End(number) for number in range(sent)]
