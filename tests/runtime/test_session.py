"""Sessions: everything in order, once, across broken carriers."""

import pytest
from hypothesis import given, strategies as st

from circuit.runtime.limits import DEFAULT
from circuit.runtime.messages import Cancel, End, Frame, Item, NodeId, Payload, Return
from circuit.runtime.session import (
    ACK_MESSAGES,
    FRAME_MESSAGES,
    TRANSITIONS,
    Event,
    Gap,
    Session,
    SessionError,
    State,
)
from circuit.runtime.transfers import PART_BYTES, IncompleteTransfer, view_of

PEER = NodeId("w1", "life")
NOW = 0.0


def opened() -> Session:
    session = Session(PEER, now=0.0)
    session.opened(0, NOW)
    return session


def test_what_was_queued_goes_out_as_one_frame() -> None:
    session = Session(PEER, now=0.0)
    for number in range(3):
        session.send(End(number))
    assert session.next_frame(NOW) is None  # no carrier
    session.opened(0, NOW)
    assert session.next_frame(NOW) == Frame(0, 0, (End(0), End(1), End(2)))
    assert session.next_frame(NOW) is None


def test_a_frame_is_bounded_in_messages_and_bytes() -> None:
    session = opened()
    for number in range(FRAME_MESSAGES + 1):
        session.send(End(number))
    frame = session.next_frame(NOW)
    assert frame is not None and len(frame.messages) == FRAME_MESSAGES
    session = opened()
    for number in range(4):
        session.send(Item(number, Payload((bytes(PART_BYTES - 100),))))
    frame = session.next_frame(NOW)
    assert frame is not None and len(frame.messages) == 2


def test_a_broken_carrier_loses_and_doubles_nothing() -> None:
    left, right = opened(), opened()
    for number in range(3):
        left.send(End(number))
    seen = []
    frame = left.next_frame(NOW)
    assert frame is not None
    seen += right.receive(frame, NOW)
    left.send(End(3))
    lost = left.next_frame(NOW)  # written, never read
    assert lost is not None
    left.broke(now=1.0)
    right.broke(now=1.0)
    left.opened(right.received, NOW)
    right.opened(left.received, NOW)
    again = left.next_frame(NOW)
    assert again is not None
    seen += right.receive(again, NOW)
    seen += right.receive(frame, NOW)  # a late copy from the old carrier
    assert seen == [End(0), End(1), End(2), End(3)]


def test_a_gap_shows_that_the_carrier_lost_something() -> None:
    with pytest.raises(Gap, match="0 to 2 are missing"):
        opened().receive(Frame(2, 0, (End(1),)), NOW)


def test_an_acknowledgement_of_the_unwritten_is_an_error() -> None:
    with pytest.raises(SessionError, match="5 acknowledged of 0 written"):
        opened().receive(Frame(0, 5, ()), NOW)


def test_a_peer_that_resumes_where_it_never_was_is_refused() -> None:
    session = opened()
    session.send(End(0))
    session.next_frame(NOW)
    with pytest.raises(SessionError, match="resumes at 9"):
        session.opened(9, NOW)


def test_an_acknowledgement_is_owed_after_silence_only() -> None:
    session = opened()
    session.receive(Frame(0, 0, tuple(End(number) for number in range(ACK_MESSAGES - 1))), NOW)
    assert session.next_frame(NOW) is None
    session.receive(Frame(ACK_MESSAGES - 1, 0, (End(99),)), NOW)
    assert session.next_frame(NOW) == Frame(0, ACK_MESSAGES, ())
    assert session.next_frame(NOW) is None


def test_a_message_is_written_once_a_carrier_took_it() -> None:
    session = Session(PEER, now=0.0)
    number = session.send(End(0))
    assert not session.was_written(number)
    session.opened(0, NOW)
    session.next_frame(NOW)
    assert session.was_written(number)


def test_the_grace_period_ends_the_session() -> None:
    session = opened()
    session.broke(now=5.0)
    assert session.deadline == 5.0 + DEFAULT.grace
    assert not session.tick(5.0 + DEFAULT.grace - 0.001)
    assert session.tick(5.0 + DEFAULT.grace)
    assert session.state is State.CLOSED


def test_a_peer_that_never_comes_expires() -> None:
    session = Session(PEER, now=1.0)
    assert not session.tick(DEFAULT.connect)
    assert session.tick(1.0 + DEFAULT.connect)


def test_a_closed_session_stays_closed() -> None:
    assert not [state for (state, _), _ in TRANSITIONS.items() if state is State.CLOSED]
    session = opened()
    session.end()
    session.end()
    assert session.state is State.CLOSED and session.next_frame(NOW) is None
    with pytest.raises(KeyError):
        session.opened(0, NOW)


def test_every_event_is_known_in_some_state() -> None:
    assert {event for _, event in TRANSITIONS} == set(Event)


@given(st.lists(st.integers(0, 3 * PART_BYTES), max_size=3))
def test_a_payload_of_any_size_arrives_whole(sizes: list[int]) -> None:
    left, right = opened(), opened()
    buffers = tuple(bytes([index + 1]) * size for index, size in enumerate(sizes))
    left.send(Return(7, Payload(buffers)))
    arrived = []
    while (frame := left.next_frame(NOW)) is not None:
        arrived += right.receive(frame, NOW)
    (message,) = arrived
    assert isinstance(message, Return)
    assert tuple(bytes(view_of(buffer)) for buffer in message.value.buffers) == buffers


def test_a_transfer_that_is_not_there_is_an_error() -> None:
    with pytest.raises(IncompleteTransfer, match="0 of 10 bytes"):
        opened().receive(Frame(0, 0, (Return(1, Payload((b"",), transfer=4, sizes=(10,))),)), NOW)


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
        frame = left.next_frame(NOW)
        if frame is not None and step in ("deliver", "copy"):
            for _ in range(2 if step == "copy" else 1):
                seen += right.receive(frame, NOW)
        if step == "lose":  # with what was written on it
            left.broke(0.0)
            right.broke(0.0)
            left.opened(right.received, NOW)
            right.opened(left.received, NOW)
        if step == "answer":
            if frame is not None:
                seen += right.receive(frame, NOW)
            right.send(End(0))
            answer = right.next_frame(NOW)
            assert answer is not None
            left.receive(answer, NOW)
    left.broke(0.0)
    left.opened(right.received, NOW)
    while (frame := left.next_frame(NOW)) is not None:
        seen += right.receive(frame, NOW)
    assert seen == [End(number) for number in range(sent)]


def test_what_an_old_carrier_brought_after_all_is_not_written_again():
    """The peer counted what it had when it was greeted, and read more from the old carrier afterwards."""
    session = Session(PEER, 0.0)
    session.opened(0, 0.0)
    for number in range(3):
        session.send(Cancel(number))
    assert session.next_frame(0.0)
    session.broke(0.0)
    session.send(Cancel(3))
    session.opened(1, 0.0)
    session.receive(Frame(0, 3, ()), 0.0)
    assert session.next_frame(0.0) == Frame(3, 0, (Cancel(3),))
    assert session.unwritten == session.unwritten_bytes == 0
