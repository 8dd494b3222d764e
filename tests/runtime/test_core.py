"""The core of a node: calls and streams between cores, with what can go wrong between them."""

from collections import Counter

from circuit.runtime.actions import Deliver, Interrupt, Lose
from circuit.runtime.code import SentCodes
from circuit.runtime.core import DRAIN_SECONDS, Core
from circuit.runtime.limits import DEFAULT
from circuit.runtime.messages import (
    PROTOCOL,
    Code,
    Down,
    End,
    Forget,
    Hello,
    Item,
    NodeId,
    Payload,
    Refusal,
    Return,
    Welcome,
)

VALUE = Payload((b"value",))


def test_a_call_runs_there_and_its_outcome_comes_back(network):
    net = network("a", "b")
    net.call("a", "b", 1)
    net.settle()
    (run,) = net.hosts["b"].runs
    assert (run.origin, run.call.call, run.code.pickle.buffers) == (net.ids["a"], 1, (b"code",))
    net.answer("b", run, Return(1, VALUE))
    net.settle()
    assert net.hosts["a"].deliveries == [Deliver(Return(1, VALUE))]
    assert not net.hosts["a"].core.made and not net.hosts["b"].core.running


def test_code_is_sent_once(network):
    net = network("a", "b")
    for number in (1, 2, 3):
        net.call("a", "b", number)
    net.settle()
    (session,) = [net.hosts["b"].core.session(net.ids["a"])]
    assert session.received == 4  # one code, three calls


def test_forgotten_code_is_sent_again():
    sent = SentCodes(kept=1)
    one, two = (Code(name, VALUE) for name in (b"1", b"2"))
    assert sent.before_call(one) == [one]
    assert sent.before_call(one) == []
    assert sent.before_call(two) == [Forget(b"1"), two]
    assert sent.before_call(one) == [Forget(b"2"), one]


def test_callees_are_kept_up_to_so_many_bytes():
    sent = SentCodes(nbytes=10)
    small, other, large = (
        Code(name, Payload((bytes(size),))) for name, size in ((b"s", 4), (b"o", 4), (b"l", 11))
    )
    assert [sent.before_call(small), sent.before_call(other), sent.after_call(other)] == [
        [small],
        [other],
        [],
    ]
    assert sent.before_call(large) == [Forget(b"s"), Forget(b"o"), large]
    assert sent.after_call(large) == [Forget(b"l")] and sent.known(large) is None
    assert sent.before_call(small) == [small] and sent.known(Code(b"s", VALUE)) is small


def test_a_call_to_oneself_needs_no_session(network):
    net = network("a")
    net.call("a", "a", 1)
    (run,) = net.hosts["a"].runs
    net.answer("a", run, Return(1, VALUE))
    assert net.hosts["a"].deliveries == [Deliver(Return(1, VALUE))]


def test_a_cancel_interrupts_and_silences(network):
    net = network("a", "b")
    net.call("a", "b", 1)
    net.settle()
    (run,) = net.hosts["b"].runs
    net.do("a", net.hosts["a"].core.cancel(1, net.now))
    net.do("a", net.hosts["a"].core.cancel(1, net.now))  # harmless
    net.settle()
    assert net.hosts["b"].interrupts == [Interrupt(net.ids["a"], 1)]
    net.answer("b", run, Return(1, VALUE))
    net.settle()
    assert net.hosts["a"].deliveries == []


def test_an_outcome_that_crosses_a_cancel_is_ignored(network):
    net = network("a", "b")
    net.call("a", "b", 1)
    net.settle()
    net.answer("b", net.hosts["b"].runs[0], Return(1, VALUE))
    net.do("a", net.hosts["a"].core.cancel(1, net.now))
    net.settle()
    assert net.hosts["a"].deliveries == [] and net.hosts["b"].interrupts == []


def test_stream_items_arrive_in_order_and_credit_returns(network):
    net = network("a", "b")
    net.call("a", "b", 1, window=4)
    net.settle()
    (run,) = net.hosts["b"].runs
    for number in range(4):
        net.answer("b", run, Item(1, Payload((bytes([number]),))))
    net.answer("b", run, End(1))
    net.settle()
    assert [delivery.outcome for delivery in net.hosts["a"].deliveries] == [
        *(Item(1, Payload((bytes([number]),))) for number in range(4)),
        End(1),
    ]


def test_credit_is_given_half_a_window_at_a_time(network):
    net = network("a", "b")
    net.call("a", "b", 1, window=4)
    net.settle()
    (run,) = net.hosts["b"].runs
    for _ in range(4):
        net.answer("b", run, Item(1, VALUE))
    net.settle()
    for _ in range(4):
        net.do("a", net.hosts["a"].core.taken(1, net.now))
    net.settle()
    assert [grant.items for grant in net.hosts["b"].grants] == [2, 2]


def test_both_dial_at_once_and_one_carrier_stays(network):
    net = network("a", "b")
    net.call("a", "b", 1)
    net.call("b", "a", 1)
    refusal = net.connect("b", "a")
    assert isinstance(refusal, Refusal) and refusal.crossed
    assert isinstance(net.connect("a", "b"), Welcome)
    assert net.connect("b", "a") is None
    net.settle()
    assert len(net.hosts["a"].runs) == len(net.hosts["b"].runs) == 1


def test_a_dial_that_arrives_after_the_other_won_is_refused(network):
    net = network("a", "b")
    net.call("a", "b", 1)
    net.call("b", "a", 1)
    late = net.hosts["b"].core.hello(net.ids["a"], net.now)
    net.connect("a", "b")
    answer = net.hosts["a"].core.greet(late, net.now)
    assert answer == Refusal("both dialled", crossed=True)


def test_one_who_waits_to_be_dialled_never_dials(network):
    net = network("driver", "w1")
    net.do("driver", net.hosts["driver"].core.expect(net.ids["w1"], net.now))
    net.call("driver", "w1", 1)
    assert not net.hosts["driver"].dials
    net.do("w1", net.hosts["w1"].core.reach(net.ids["driver"], net.now))
    net.settle()
    assert len(net.hosts["w1"].runs) == 1


def test_a_break_within_the_grace_period_is_not_seen(network):
    net = network("a", "b")
    net.call("a", "b", 1)
    net.settle()
    net.break_carrier("a", "b")
    net.tick(DEFAULT.grace - 1)
    net.answer("b", net.hosts["b"].runs[0], Return(1, VALUE))
    net.settle()
    assert net.hosts["a"].deliveries == [Deliver(Return(1, VALUE))]


def test_after_the_grace_period_the_call_is_lost_and_stopped_there(network):
    net = network("a", "b")
    net.call("a", "b", 1)
    net.settle()
    net.break_carrier("a", "b")
    net.tick(DEFAULT.grace)
    (lost,) = net.hosts["a"].deliveries
    assert isinstance(lost, Lose) and lost.ran == "unknown" and "out of contact" in lost.down.how
    assert net.hosts["b"].interrupts == [Interrupt(net.ids["a"], 1)]
    refusal = net.connect("b", "a")
    assert refusal is None  # for b, too, it is over


def test_a_peer_that_was_given_up_is_refused(network):
    net = network("a", "b")
    net.call("a", "b", 1)
    net.settle()
    net.break_carrier("a", "b")
    hello = net.hosts["b"].core.hello(net.ids["a"], net.now) or Hello(
        "test", net.ids["b"], net.ids["a"], 1, net.hosts["a"].core.hello(net.ids["b"], 0).python, resumes=True
    )
    net.do("a", net.hosts["a"].core.tick(DEFAULT.grace))
    answer = net.hosts["a"].core.greet(hello, DEFAULT.grace)
    assert isinstance(answer, Refusal) and "has given b up" in answer.reason


def test_a_worker_that_is_never_reached_is_lost(network):
    net = network("a", "b")
    net.call("a", "b", 1)
    net.tick(DEFAULT.connect)
    (lost,) = net.hosts["a"].deliveries
    assert isinstance(lost, Lose) and lost.ran == "no" and lost.down.how == "could not be reached"


def test_a_death_is_told_once_its_last_words_are_read(network):
    net = network("a", "b")
    for number in (1, 2):
        net.call("a", "b", number)
    net.settle()
    net.answer("b", net.hosts["b"].runs[0], Return(1, VALUE))
    last = net.write("b", "a")
    net.died("a", "b")
    net.read("b", "a", last)
    net.break_carrier("a", "b")
    returned, lost = net.hosts["a"].deliveries
    assert returned == Deliver(Return(1, VALUE))
    assert isinstance(lost, Lose) and (lost.call, lost.ran) == (2, "unknown")


def test_a_death_is_told_even_if_the_carrier_does_not_break(network):
    net = network("a", "b")
    net.call("a", "b", 1)
    net.settle()
    net.died("a", "b")
    assert net.hosts["a"].deliveries == []
    net.tick(DRAIN_SECONDS)
    assert len(net.hosts["a"].deliveries) == 1


def test_calls_to_the_dead_are_lost_at_once_and_did_not_run(network):
    net = network("a", "b")
    net.died("a", "b")
    net.call("a", "b", 1)
    (lost,) = net.hosts["a"].deliveries
    assert isinstance(lost, Lose) and lost.ran == "no"


def test_a_stream_that_gave_an_item_had_begun(network):
    net = network("a", "b")
    net.call("a", "b", 1, window=4)
    net.settle()
    net.answer("b", net.hosts["b"].runs[0], Item(1, VALUE))
    net.settle()
    net.died("a", "b")
    net.tick(DRAIN_SECONDS)
    lost = net.hosts["a"].deliveries[-1]
    assert isinstance(lost, Lose) and lost.ran == "yes"


def test_the_registrar_tells_the_others(network):
    net = network("driver", "w1", "w2", registrar="driver")
    net.call("driver", "w1", 1)
    net.call("w1", "w2", 1)
    net.settle()
    net.died("driver", "w2")
    net.break_carrier("w1", "w2")
    net.settle()
    net.tick(DRAIN_SECONDS)
    (lost,) = net.hosts["w1"].deliveries
    assert isinstance(lost, Lose) and lost.down.how == "was killed by SIGKILL"


def test_what_runs_for_the_dead_is_stopped(network):
    net = network("a", "b")
    net.call("a", "b", 1)
    net.settle()
    net.died("b", "a")
    net.tick(DRAIN_SECONDS)
    assert net.hosts["b"].interrupts == [Interrupt(net.ids["a"], 1)]


def test_strangers_are_refused_with_the_reason(network):
    net = network("a", "b")
    good = net.hosts["b"].core.hello(net.ids["a"], net.now)
    core = net.hosts["a"].core

    def reason(**changes):
        fields = {name: getattr(good, name) for name in good.__dataclass_fields__} | changes
        answer = core.greet(Hello(**fields), net.now)
        assert isinstance(answer, Refusal)
        return answer.reason

    assert "another cluster" in reason(cluster="other")
    assert f"version {PROTOCOL}" in reason(protocol=PROTOCOL + 1)
    assert "a was restarted" in reason(receiver=NodeId("a", "0"))
    assert "this is a" in reason(receiver=NodeId("c", "1"))
    assert "Python" in reason(python="2.7")
    assert "no session to resume" in reason(resumes=True)
    assert isinstance(core.greet(good, net.now), Welcome)


def test_under_faults_each_call_runs_at_most_once_and_ends_exactly_once(network, seeds):
    for seed, random in enumerate(seeds):
        net = network("a", "b", "c")
        names = list(net.hosts)
        calls = Counter()
        answered = set()
        for number in range(random.randrange(1, 40)):
            caller, peer = random.choice(names), random.choice(names)
            calls[caller] += 1
            net.call(caller, peer, number)
            for _ in range(random.randrange(4)):
                one, other = random.sample(names, 2)
                step = random.randrange(5)
                if step == 0 and (one, other) in net.carriers:
                    net.write(one, other)  # lost with its carrier
                    net.break_carrier(one, other)
                elif (
                    step == 1 and net.ids[other] in net.hosts[one].dials and (one, other) not in net.carriers
                ):
                    net.connect(one, other)
                elif step == 2 and (frame := net.write(one, other)):
                    net.read(one, other, frame)
                    net.read(one, other, frame)  # doubled
                elif step == 3 and (runs := net.hosts[one].runs):
                    run = random.choice(runs)
                    if (run.origin, run.call.call) not in answered:
                        answered.add((run.origin, run.call.call))
                        net.answer(one, run, Return(run.call.call, VALUE))
        net.settle()
        for name in names:
            for run in net.hosts[name].runs:
                if (run.origin, run.call.call) not in answered:
                    net.answer(name, run, Return(run.call.call, VALUE))
        net.settle()
        runs = Counter((run.origin, run.call.call) for host in net.hosts.values() for run in host.runs)
        assert set(runs.values()) == {1}, f"seed {seed}"
        ends = Counter(
            (name, delivery.outcome.call) for name in names for delivery in net.hosts[name].deliveries
        )
        assert set(ends.values()) == {1} and len(ends) == sum(calls.values()), f"seed {seed}"
        assert not any(host.core.made or host.core.running for host in net.hosts.values()), f"seed {seed}"


def test_a_refusal_in_the_name_of_a_node_that_is_known_to_be_gone_changes_nothing():
    core, peer = Core(NodeId("w1", "a"), "cluster"), NodeId("w2", "b")
    core.died(Down(peer, 7, "was killed by SIGKILL"), 0.0)
    core.refused(peer, Refusal("w2 was restarted"), 0.0)
    assert list(core.peers) == [] and core.deadline() is None
