"""Sessions: everything in order, once, across broken carriers."""

import pytest
from hypothesis import given, strategies as st

from circuit.runtime.messages import End, Frame, Item, NodeId, Payload, Return
from circuit.runtime.session import (
    ACK_MESSAGES,
    CONNECT_SECONDS,
    FRAME_MESSAGES,
    GRACE_SECONDS,
    TRANSITIONS,
    Event,
    Session,
    SessionError,
    State,
)
from circuit.runtime.transfers import PART_BYTES, IncompleteTransfer

PEER = NodeId("w1", "life")


def opened() -> Session:
    session = Session(PEER, now=0.0)
    session.opened(0)
    return session


def test_what_was_queued_goes_out_as_one_frame() -> None:
    session = Session(PEER, now=0.0)
    for number in range(3):
        session.send(End(number))
    assert session.next_frame() is None  # no carrier
    session.opened(0)
    assert session.next_frame() == Frame(0, 0, (End(0), End(1), End(2)))
    assert session.next_frame() is None


def test_a_frame_is_bounded_in_messages_and_bytes() -> None:
    session = opened()
    for number in range(FRAME_MESSAGES + 1):
        session.send(End(number))
    frame = session.next_frame()
    assert frame is not None and len(frame.messages) == FRAME_MESSAGES
    session = opened()
    for number in range(4):
        session.send(Item(number, Payload((bytes(PART_BYTES - 100),))))
    frame = session.next_frame()
    assert frame is not None and len(frame.messages) == 2


def test_a_broken_carrier_loses_and_doubles_nothing() -> None:
    left, right = opened(), opened()
    for number in range(3):
        left.send(End(number))
    seen = []
    frame = left.next_frame()
    assert frame is not None
    seen += right.receive(frame)
    left.send(End(3))
    lost = left.next_frame()  # written, never read
    assert lost is not None
    left.broke(now=1.0)
    right.broke(now=1.0)
    left.opened(right.received)
    right.opened(left.received)
    again = left.next_frame()
    assert again is not None
    seen += right.receive(again)
    seen += right.receive(frame)  # a late copy from the old carrier
    assert seen == [End(0), End(1), End(2), End(3)]


def test_a_gap_is_an_error() -> None:
    with pytest.raises(SessionError, match="0 to 2 are missing"):
        opened().receive(Frame(2, 0, (End(1),)))


def test_an_acknowledgement_of_the_unwritten_is_an_error() -> None:
    with pytest.raises(SessionError, match="5 acknowledged of 0 written"):
        opened().receive(Frame(0, 5, ()))


def test_a_peer_that_resumes_where_it_never_was_is_refused() -> None:
    session = opened()
    session.send(End(0))
    session.next_frame()
    with pytest.raises(SessionError, match="resumes at 9"):
        session.opened(9)


def test_an_acknowledgement_is_owed_after_silence_only() -> None:
    session = opened()
    session.receive(Frame(0, 0, tuple(End(number) for number in range(ACK_MESSAGES - 1))))
    assert session.next_frame() is None
    session.receive(Frame(ACK_MESSAGES - 1, 0, (End(99),)))
    assert session.next_frame() == Frame(0, ACK_MESSAGES, ())
    assert session.next_frame() is None


def test_a_message_is_written_once_a_carrier_took_it() -> None:
    session = Session(PEER, now=0.0)
    number = session.send(End(0))
    assert not session.was_written(number)
    session.opened(0)
    session.next_frame()
    assert session.was_written(number)


def test_the_grace_period_ends_the_session() -> None:
    session = opened()
    session.broke(now=5.0)
    assert session.deadline == 5.0 + GRACE_SECONDS
    assert not session.tick(5.0 + GRACE_SECONDS - 0.001)
    assert session.tick(5.0 + GRACE_SECONDS)
    assert session.state is State.CLOSED


def test_a_peer_that_never_comes_expires() -> None:
    session = Session(PEER, now=1.0)
    assert not session.tick(CONNECT_SECONDS)
    assert session.tick(1.0 + CONNECT_SECONDS)


def test_a_closed_session_stays_closed() -> None:
    assert not [state for (state, _), _ in TRANSITIONS.items() if state is State.CLOSED]
    session = opened()
    session.end()
    session.end()
    assert session.state is State.CLOSED and session.next_frame() is None
    with pytest.raises(KeyError):
        session.opened(0)


def test_every_event_is_known_in_some_state() -> None:
    assert {event for _, event in TRANSITIONS} == set(Event)


@given(st.lists(st.integers(0, 3 * PART_BYTES), max_size=3))
def test_a_payload_of_any_size_arrives_whole(sizes: list[int]) -> None:
    left, right = opened(), opened()
    buffers = tuple(bytes([index + 1]) * size for index, size in enumerate(sizes))
    left.send(Return(7, Payload(buffers)))
    arrived = []
    while (frame := left.next_frame()) is not None:
        arrived += right.receive(frame)
    (message,) = arrived
    assert isinstance(message, Return)
    assert tuple(map(bytes, message.value.buffers)) == buffers


def test_a_transfer_that_is_not_there_is_an_error() -> None:
    with pytest.raises(IncompleteTransfer, match="0 of 10 bytes"):
        opened().receive(Frame(0, 0, (Return(1, Payload((), transfer=4, sizes=(10,))),)))


@given(st.data())
def test_any_mix_of_breaks_copies_and_losses_keeps_order_and_count(data: st.DataObject) -> None:
    left, right = opened(), opened()
    seen = []
    sent = 0
    for _ in range(data.draw(st.integers(1, 30))):
        for _ in range(data.draw(st.integers(0, 3))):
            left.send(End(sent))
            sent += 1
        step = data.draw(st.sampled_from(["deliver", "copy", "lose", "answer"]))
        frame = left.next_frame()
        if frame is not None and step in ("deliver", "copy"):
            for _ in range(2 if step == "copy" else 1):
                seen += right.receive(frame)
        if step == "lose":  # with what was written on it
            left.broke(0.0)
            right.broke(0.0)
            left.opened(right.received)
            right.opened(left.received)
        if step == "answer":
            if frame is not None:
                seen += right.receive(frame)
            right.send(End(0))
            answer = right.next_frame()
            assert answer is not None
            left.receive(answer)
    left.broke(0.0)
    left.opened(right.received)
    while (frame := left.next_frame()) is not None:
        seen += right.receive(frame)
    assert seen == [End(number) for number in range(sent)]
