"""Channels on real processes: order, room, closing, and that no value is lost or doubled."""

import asyncio
import contextlib
import pickle
import threading

import numpy
import pytest

import circuit
from circuit.runtime import current
from tests.runtime.things import SECONDS, kill, make_on, wait_until

PLACES = ["driver", "w1", "w2"]
"""Where a channel may live, and its two ends may be."""


@pytest.fixture(scope="module")
def cluster():
    with circuit.cluster(workers=3) as started:
        yield started


@pytest.fixture
def mortal(cluster):
    """The name of a worker that the test may kill."""
    yield "w3"
    cluster.restart("w3")
    assert circuit.call(abs, -1).on("w3").result(timeout=SECONDS) == 1


def channel_on(name, capacity=0):
    return circuit.call(circuit.channel, capacity).on(name).result(timeout=SECONDS)


def send(channel, *values):
    for value in values:
        channel.send(value)


def receive(channel, number):
    return [channel.recv() for _ in range(number)]


def receive_all(channel):
    return list(channel)


def try_to(method, *args):
    """Tell what a method of a channel gives, or how it fails."""
    try:
        return method(*args)
    except circuit.CircuitError as error:
        return type(error).__name__


def calls_at(channel, home):
    """Return how many wait at a channel, at either end."""
    return circuit.call(count_calls_of, channel).on(home).result(timeout=SECONDS)


def count_calls_of(channel):
    return sum(call.target == channel._handle.number for call in current.node()._core.calls_here)


@pytest.fixture(params=[0, 1, 7], ids="capacity {}".format)
def capacity(request):
    return request.param


# Order and room.


@pytest.mark.parametrize("home", PLACES)
@pytest.mark.parametrize("sender", PLACES)
@pytest.mark.parametrize("receiver", PLACES)
def test_what_one_sends_another_receives_in_that_order(cluster, capacity, home, sender, receiver):
    channel = channel_on(home, capacity)
    sending = circuit.call(send, channel, *range(50)).on(sender)
    assert circuit.call(receive, channel, 50).on(receiver).result(timeout=SECONDS) == list(range(50))
    sending.result(timeout=SECONDS)


@pytest.mark.parametrize("home", PLACES)
def test_a_send_waits_when_there_is_no_room(cluster, capacity, home):
    channel = channel_on(home, capacity)
    for number in range(capacity):
        channel.send(number, timeout=SECONDS)
    with pytest.raises(TimeoutError, match=rf"^<Channel \d+ of capacity {capacity} on '{home}'> had no room"):
        channel.send("too much", timeout=0.02)
    waiting = circuit.call(send, channel, "later").on("w3")
    assert not circuit.wait([waiting], timeout=0.02).done
    assert receive(channel, capacity + 1) == [*range(capacity), "later"]
    waiting.result(timeout=SECONDS)
    with pytest.raises(TimeoutError, match=r"> had no value within 0.02 s$"):
        channel.recv(timeout=0.02)


def test_with_capacity_0_a_send_ends_when_its_value_is_taken(cluster):
    channel = channel_on("w1")
    sending = [circuit.call(send, channel, number).on("w2") for number in range(3)]
    for _ in range(3):
        taken = channel.recv(timeout=SECONDS)
        sending[taken].result(timeout=SECONDS)
        sending[taken] = None
        assert not circuit.wait([left for left in sending if left], timeout=0.02).done


def test_values_are_copies(cluster):
    channel = circuit.channel(1)
    value = [1]
    channel.send(value)
    value.append(2)
    received = channel.recv(timeout=SECONDS)
    assert received == [1] and received is not value


@pytest.mark.parametrize("home", PLACES)
def test_many_senders_and_receivers_on_three_processes_lose_and_double_nothing(cluster, capacity, home):
    channel = channel_on(home, capacity)
    names = ["driver", "w1", "w2", "w3"]
    senders = [
        circuit.call(send, channel, *[(name, turn, number) for number in range(25)]).on(name)
        for name in names
        for turn in range(2)
    ]
    receivers = [circuit.call(receive_all, channel).on(name) for name in names for _ in range(2)]
    circuit.gather(*senders).result(timeout=SECONDS)
    channel.close()
    received = circuit.gather(*receivers).result(timeout=SECONDS)
    assert sorted(value for each in received for value in each) == sorted(
        (name, turn, number) for name in names for turn in range(2) for number in range(25)
    )
    for each in received:  # a receiver sees what a sender sent in its order
        for name in names:
            for turn in range(2):
                numbers = [number for sender, which, number in each if (sender, which) == (name, turn)]
                assert numbers == sorted(numbers)


# Closing.


@pytest.mark.parametrize("home", PLACES)
def test_what_was_sent_before_the_close_is_received_and_nothing_more_is_sent(cluster, home):
    channel = channel_on(home, 3)
    send(channel, 1, 2)
    channel.close()
    channel.close()
    told = rf"^<Channel \d+ of capacity 3 on '{home}'> is closed$"
    with pytest.raises(circuit.ChannelClosed, match=told):
        channel.send(3, timeout=SECONDS)
    assert circuit.call(receive_all, channel).on("w3").result(timeout=SECONDS) == [1, 2]
    with pytest.raises(circuit.ChannelClosed, match=told):
        channel.recv(timeout=SECONDS)
    assert list(channel) == []


@pytest.mark.parametrize("home", PLACES)
def test_a_close_ends_every_wait_at_both_ends(cluster, home):
    channel = channel_on(home)
    waiting = [circuit.call(try_to, channel.recv).on(name) for name in ("w1", "w2", "w3")]
    others = channel_on(home)
    waiting += [circuit.call(try_to, others.send, 1).on(name) for name in ("w1", "w2", "w3")]
    assert not circuit.wait(waiting, timeout=0.05).done
    circuit.call(channel.close).on("w2").result(timeout=SECONDS)
    others.close()
    assert circuit.gather(*waiting).result(timeout=SECONDS) == ["ChannelClosed"] * 6
    assert list(others) == []  # what was refused is received never


# Who gives up.


def test_a_receive_that_gave_up_takes_nothing_later(cluster, capacity):
    def give_up(channel):
        try:
            channel.recv(timeout=0.01)
        except TimeoutError:
            return "gave up"

    channel = channel_on("w1", capacity)
    for name in ("w1", "w2", "w3", "driver"):
        assert circuit.call(give_up, channel).on(name).result(timeout=SECONDS) == "gave up"
    sending = circuit.call(send, channel, *range(20)).on("w2")
    assert receive(channel, 20) == list(range(20))
    sending.result(timeout=SECONDS)


def test_receives_that_give_up_lose_nothing_and_keep_the_order(cluster, capacity):
    channel = channel_on("w1", capacity)
    sending = circuit.call(send, channel, *range(200)).on("w2")
    received = []
    while not sending.done():
        with contextlib.suppress(TimeoutError):
            received.append(channel.recv(timeout=0.0005))
    with contextlib.suppress(TimeoutError):
        while True:
            received.append(channel.recv(timeout=1))
    assert received == list(range(200))


def test_a_send_that_gave_up_is_received_once_or_never(cluster):
    channel = channel_on("w1")
    receiving = circuit.call(receive_all, channel).on("w2")
    accepted = []
    for number in range(200):
        with contextlib.suppress(TimeoutError):
            channel.send(number, timeout=0.001)
            accepted.append(number)
    channel.close()
    received = receiving.result(timeout=SECONDS)
    assert received == sorted(set(received)) and set(accepted) <= set(received)


def test_a_cancelled_receiver_that_waits_takes_nothing(cluster, capacity):
    channel = channel_on("w1", capacity)
    receiving = []
    for number, name in enumerate(["w2", "w3", "w1", "driver"], 1):
        receiving.append(circuit.call(channel.recv).on(name))
        wait_until(lambda number=number: calls_at(channel, "w1") == number)
    receiving[0].cancel()
    receiving[2].cancel()
    wait_until(lambda: calls_at(channel, "w1") == 2)
    send(channel, "first", "second")
    assert [receiving[1].result(timeout=SECONDS), receiving[3].result(timeout=SECONDS)] == ["first", "second"]


def test_coroutines_send_and_receive_through_threads(cluster):
    async def talk(ask, answer):
        for _ in range(5):
            await asyncio.to_thread(answer.send, await asyncio.to_thread(ask.recv) * 2)

    ask, answer = circuit.channel(), circuit.channel()
    talking = circuit.call(talk, ask, answer).on("w1")
    for number in range(5):
        ask.send(number, timeout=SECONDS)
        assert answer.recv(timeout=SECONDS) == 2 * number
    talking.result(timeout=SECONDS)


# What is lost with a process.


def test_the_death_of_its_owner_is_an_error_at_each_end(cluster, mortal):
    channel = channel_on(mortal)
    full = channel_on(mortal, 1)
    full.send(1)
    waiting = [
        *[circuit.call(try_to, channel.recv).on(name) for name in ("driver", "w1")],
        *[circuit.call(try_to, full.send, 2).on(name) for name in ("driver", "w2")],
    ]
    wait_until(lambda: calls_at(channel, mortal) == calls_at(full, mortal) == 2)
    pid = kill(cluster, mortal)
    assert circuit.gather(*waiting).result(timeout=SECONDS) == ["WorkerLost"] * 4
    told = rf"^worker 'w3' \(pid {pid}\) was killed by SIGKILL, .* into Channel.{{}}\(\)"
    with pytest.raises(circuit.WorkerLost, match=told.format("send")):
        channel.send(1)
    with pytest.raises(circuit.WorkerLost, match=told.format("recv")):
        list(channel)
    with pytest.raises(circuit.WorkerLost, match=told.format("close")):
        channel.close()
    cluster.restart(mortal)
    with pytest.raises(
        circuit.OwnerRestarted, match=r"^<Channel \d+ of capacity 0 on 'w3'> is stale: 'w3' was killed"
    ):
        channel.recv(timeout=SECONDS)


def test_the_death_of_a_receiver_that_waits_costs_no_value(cluster, mortal):
    channel = channel_on("w1")
    waiting = circuit.call(channel.recv).on(mortal)
    wait_until(lambda: calls_at(channel, "w1") == 1)
    kill(cluster, mortal)
    assert type(waiting.exception(timeout=SECONDS)) is circuit.WorkerLost
    wait_until(lambda: calls_at(channel, "w1") == 0)
    sending = circuit.call(send, channel, "kept").on("w2")
    assert channel.recv(timeout=SECONDS) == "kept"
    sending.result(timeout=SECONDS)


def test_a_sender_that_is_killed_while_it_waits_has_sent_nothing(cluster, mortal):
    channel = channel_on("w1")
    circuit.call(send, channel, "never").on(mortal)
    wait_until(lambda: calls_at(channel, "w1") == 1)
    kill(cluster, mortal)
    wait_until(lambda: calls_at(channel, "w1") == 0)
    sending = circuit.call(send, channel, "next").on("w2")
    assert channel.recv(timeout=SECONDS) == "next"
    sending.result(timeout=SECONDS)


# What it carries, and what users try.


def test_references_futures_and_channels_go_through_channels(cluster):
    freed, gate = circuit.channel(1), circuit.channel()
    channel = channel_on("w1", 3)
    send(channel, make_on("w2", freed), circuit.call(gate.recv).on("w2"), gate)

    def use(channel):
        thing, future, gate = receive(channel, 3)
        gate.send("open")
        return thing.where(), future.result()

    assert circuit.call(use, channel).on("w3").result(timeout=SECONDS) == ("w2", "open")
    assert freed.recv(timeout=SECONDS) == "w2"


def add_up(channel):
    array, held = receive(channel, 2)
    return array.sum(), held["a"][0].sum()


@pytest.mark.parametrize("home", PLACES)
def test_large_arrays_go_through_channels(cluster, home):
    array = numpy.arange(1_000_000)
    channel = channel_on(home, 2)
    send(channel, array, {"a": [array[::2]]})
    added = circuit.call(add_up, channel).on("w3").result(timeout=SECONDS)
    assert added == (array.sum(), array[::2].sum())


def test_a_channel_is_one_wherever_it_went(cluster):
    channel = channel_on("w1", 2)
    back = circuit.call(lambda: channel).on("w2").result(timeout=SECONDS)
    assert back == channel and hash(back) == hash(channel) and back.capacity == 2
    assert repr(back) == repr(channel) and repr(channel).endswith("of capacity 2 on 'w1'>")
    assert channel != channel_on("w1", 2) and {channel: 1}[back] == 1
    assert circuit.call(circuit.here).on(channel).result(timeout=SECONDS).name == "w1"


def test_what_cannot_be_is_told(cluster):
    with pytest.raises(TypeError, match=r"^a Channel travels only with a spawn, .* and through a channel$"):
        pickle.dumps(circuit.channel())
    with pytest.raises(circuit.NotSendable, match=r"^value\['a'\]: _thread.lock cannot be sent"):
        circuit.channel(1).send({"a": threading.Lock()})
    with pytest.raises(ValueError, match=r"^a channel's capacity cannot be negative, as -1 is$"):
        circuit.channel(-1)
    for capacity in ("7", 1.5, None):
        with pytest.raises(TypeError, match=rf"^a channel's capacity is a whole number, not {capacity!r}$"):
            circuit.channel(capacity)
