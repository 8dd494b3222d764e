"""What must be true of a network at rest, and when all its programs have come to their ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from circuit.runtime.admission import Key
from circuit.runtime.calls import MadeState, RunState
from circuit.runtime.channels import Channel
from circuit.runtime.messages import Down, ObjectId, Payload
from circuit.runtime.objects import Keep, Object, Promise as Awaited
from circuit.runtime.session import ACK_MESSAGES
from circuit.runtime.transfers import payload_of
from circuit.testing.host import Host
from circuit.testing.ledger import Ending, Spawned, Value, number_in
from circuit.testing.network import Network
from circuit.testing.objects import Kind
from circuit.testing.promises import Promise, hold


def check_at_rest(network: Network) -> None:
    """Check all that must be true whenever nothing is left to do."""
    for host in network.living:
        _check_sessions(network, host)
        _check_table(network, host)
    for spawned in network.ledger.calls.values():
        _check_call(network, spawned)
    _check_values(network)
    if not network.is_harsh:
        bad = network.ledger.endings[Ending.LOST]
        hold(Promise.HEALED, not bad, "{} calls were lost, and no node was", bad)


def check_at_end(network: Network) -> None:
    """Check that nothing is left of anything, when all programs are over and nobody holds anything."""
    for host in network.living:
        left = ", ".join(str(program) for program in host.programs.values())
        hold(Promise.STOPPED, not left, "on {} there still run {}", host, left)
        scopes = list(host.scopes)
        hold(Promise.SCOPES, not scopes, "scopes {} of {} are not left", scopes, host)
        hold(Promise.ENDS, not host.core.made, "{} still has calls {} under way", host, host.core.made)
        table, objects = host.references.table(), host.core.objects
        hold(Promise.REACHABLE, not (table or objects), "{} still lists {} and has {}", host, table, objects)
        hold(Promise.REACHABLE, not host.references.pins, "{} still has pins", host)
        hold(Promise.CREDIT, host.core.is_idle, "{} is not idle", host)
    for host in network.living:
        for node, _ in host.core.peers:
            host.do(host.core.died, Down(node, 1, "ended", fenced=True), network.clock.now)
        hold(Promise.REST, host.core.deadline() is None, "{} has a timer, and no peers", host)


def _check_sessions(network: Network, host: Host) -> None:
    for node, peer in host.core.peers:
        session = peer.session
        hold(Promise.REST, session.is_open and not peer.death, "{} has no carrier to {}", host, node.name)
        unacknowledged = session.unacknowledged
        hold(Promise.BOUNDS, unacknowledged <= ACK_MESSAGES, "{} keeps {} messages", host, unacknowledged)
        given_up = network.hosts[node].core.downed(host.id)
        hold(Promise.REST, not given_up, "{} has a session with {}, which has given it up", host, node.name)


# Calls.


def _check_call(network: Network, spawned: Spawned) -> None:
    maker, peer = spawned.maker.host, network.hosts[spawned.peer]
    in_contact = network.custodies.in_contact(maker.id, peer.id)
    if spawned.program and spawned.program.host.is_alive:
        wanted = in_contact and spawned.ending in (None, *_ANSWERED)
        hold(
            Promise.STOPPED, wanted, "{} runs on, and its spawner is gone or has {}", spawned, spawned.ending
        )
    if spawned.ending or not maker.is_alive:
        return
    hold(Promise.ENDS, in_contact, "{} is pending, and {} is gone", spawned, spawned.peer.name)
    hold(Promise.ENDS, not spawned.answered, "{} is pending, and was answered", spawned)
    state = maker.core.state(spawned.key.call)
    hold(Promise.ENDS, state, "{} is pending, and its own node does not know it", spawned)
    there = peer.core.runs(*spawned.key)
    hold(Promise.ENDS, there or state is MadeState.HELD, "{} is pending, and not on its way", spawned)
    if spawned.asks_the_core and spawned.target and state is MadeState.SENT:
        waits = _waits(peer.core.objects.get(spawned.target.number), spawned)
        hold(Promise.ENDS, waits, "{} is pending, and does not wait there", spawned)


_ANSWERED = (Ending.RETURNED, Ending.KEPT, Ending.RAISED, Ending.END)


def _waits(target: Object | None, spawned: Spawned) -> bool:
    match target:
        case Channel():
            return target.has(spawned.key)
        case Awaited():
            return spawned.key in target.waiting
    return False


# References.


def _check_table(network: Network, host: Host) -> None:
    uses, pins = _uses(network, host), _pins(network, host)
    for ref, used, pinned, listed in host.references.table():
        name = f"{host}'s row of object {ref.number} of {ref.owner.name}"
        due = uses.pop(ref, 0)
        hold(Promise.REACHABLE, used == due, "{} has {} uses, and should have {}", name, used, due)
        hold(
            Promise.REACHABLE,
            pinned == pins[ref],
            "{} has {} pins, and should have {}",
            name,
            pinned,
            pins[ref],
        )
        holders = {
            other.id
            for other in network.living
            if ref.owner == host.id and other.references.holds(ref) and not host.core.downed(other.id)
        } - {host.id}
        hold(
            Promise.REACHABLE,
            holders == set(listed),
            "{} has not the holders {}, but {}",
            name,
            holders,
            listed,
        )
        hold(Promise.REACHABLE, used or pinned or holders, "{} is there, and nobody holds it", name)
    for ref, count in uses.items():
        went = network.is_harsh and ref in network.custodies.freed
        hold(Promise.REACHABLE, went, "{} uses {} {} times, and does not list it", host, ref, count)


def _uses(network: Network, host: Host) -> Counter[ObjectId]:
    """Return how often each reference is used on a node, by programs and by objects."""
    uses = Counter(host.uses)
    for target in host.core.objects.values():
        for payload in _contents(target):
            uses.update(payload.refs)
    uses.update(spawned.target for spawned in _held_back(network, host) if spawned.target)
    for running in host.core.calls_here:
        if running.state is RunState.WAITING:
            uses.update(running.refs)
        if running.state is not RunState.SETTLING and running.target:
            uses[ObjectId(host.id, running.target)] += 1
    return +uses


def _pins(network: Network, host: Host) -> Counter[ObjectId]:
    """Return how often each reference is in the arguments of a call that is held back."""
    pins: Counter[ObjectId] = Counter()
    for spawned in _held_back(network, host):
        pins.update(spawned.refs)
    return pins


def _held_back(network: Network, host: Host) -> list[Spawned]:
    held = [number for number in sorted(host.core.made) if host.core.state(number) is MadeState.HELD]
    return [network.ledger.calls[Key(host.id, number)] for number in held]


def _contents(target: Object) -> Iterator[Payload]:
    match target:
        case Keep(value):
            yield value
        case Awaited(outcome):
            payload = payload_of(outcome) if outcome else None
            if payload:
                yield payload
        case Channel():
            yield from target.values()


# The values of channels.


def _check_values(network: Network) -> None:
    there: Counter[int] = Counter()
    for host in network.living:
        for target in host.core.objects.values():
            if isinstance(target, Channel):
                there.update(number_in(payload) for payload in target.values())
    for value in network.ledger.values:
        number, count = value.number, there[value.number]
        hold(Promise.VALUES, count <= 1, "value {} is {} times in its channel", number, count)
        hold(Promise.VALUES, not (count and value.received), "value {} was received, and is there", number)
        lost = value.accepted and not (value.received or count) and not _may_be_lost(network, value)
        hold(Promise.VALUES, not lost, "value {} was accepted, and is lost", number)


def _may_be_lost(network: Network, value: Value) -> bool:
    """Tell whether the channel is gone, or a node that may have been given the value."""
    owner = network.hosts[value.channel.owner]
    if not owner.is_alive or value.channel.number not in owner.core.objects:
        return True
    receivers = network.ledger.receivers(value.channel)
    return not all(network.custodies.in_contact(owner.id, node) for node in receivers)


def close_channels(network: Network) -> None:
    """Close every channel that there still is, so that nobody waits there any longer."""
    for ref, kind in list(network.kinds.items()):
        owner = network.hosts[ref.owner]
        if kind is Kind.CHANNEL and owner.is_alive and owner.references.owns(ref.number):
            while owner.main.close(ref).ending is Ending.OVERLOAD:
                owner.cancel(next(iter(owner.main.pending.values())))
