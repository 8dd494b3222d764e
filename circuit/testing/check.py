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
from circuit.testing.ledger import Ending, Spawned, number_in
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
        name = host.id.name
        left = ", ".join(str(program.spawned) for program in host.programs.values())
        hold(Promise.STOPPED, not left, "on {} there still run {}", name, left)
        hold(Promise.SCOPES, not host.scopes, "scopes {} of {} are not left", list(host.scopes), name)
        hold(Promise.ENDS, not host.core.made, "{} still has calls {} under way", name, sorted(host.core.made))
        table = host.references.table()
        hold(Promise.REACHABLE, not table, "{} still lists {}", name, table)
        objects = host.core.objects
        hold(Promise.REACHABLE, not objects, "{} still has {}", name, objects)
        hold(Promise.REACHABLE, not host.references.pins, "{} still has {} pins", name, host.references.pins)
        hold(Promise.CREDIT, host.core.is_idle, "{} is not idle", name)
    for host in network.living:
        for node, _ in host.core.peers:
            host.do(host.core.died, Down(node, 1, "ended", fenced=True), network.clock.now)
        hold(Promise.REST, host.core.deadline() is None, "{} has a timer, and no peers", host.id.name)


def _check_sessions(network: Network, host: Host) -> None:
    for node, peer in host.core.peers:
        name = f"{host.id.name}, of its session with {node.name},"
        hold(Promise.REST, peer.session.is_open and not peer.death, "{} says {}", name, peer.session.state)
        kept = peer.session.unacknowledged
        hold(Promise.BOUNDS, kept <= ACK_MESSAGES, "{} keeps {} messages", name, kept)
        other = network.hosts[node]
        hold(Promise.REST, not other.core.downed(host.id), "{} thinks it lives; {} does not", name, node.name)


# Calls.


def _check_call(network: Network, spawned: Spawned) -> None:
    maker, peer = spawned.maker.host, network.hosts[spawned.peer]
    in_contact = maker.is_alive and peer.is_alive and not peer.core.downed(maker.id)
    if spawned.program and spawned.program.host.is_alive:
        wanted = in_contact and spawned.ending in (None, *_ANSWERED)
        hold(Promise.STOPPED, wanted, "{} runs on, and its spawner is gone or has {}", spawned, spawned.ending)
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
    for row in host.references.table():
        ref, name = row.object, f"{host.id.name}'s object {row.object.number} of {row.object.owner.name}"
        hold(Promise.REACHABLE, row.uses == uses.pop(ref, 0), "{} has {} uses, and should have {}", name, row.uses, uses[ref])
        hold(Promise.REACHABLE, row.pins == pins[ref], "{} has {} pins, and should have {}", name, row.pins, pins[ref])
        if ref.owner == host.id:
            holders = {
                other.id
                for other in network.living
                if other is not host and other.references.holds(ref) and not host.core.downed(other.id)
            }
            listed = {node.name for node in row.holders}
            hold(Promise.REACHABLE, holders == set(row.holders), "{} is held by {}, and lists {}", name, sorted(node.name for node in holders), sorted(listed))
            hold(Promise.REACHABLE, row.uses or row.pins or holders, "{} is held by nobody", name)
        else:
            hold(Promise.REACHABLE, row.uses or row.pins, "{} is not used", name)
    for ref, count in uses.items():
        went = network.is_harsh and ref in network.custodies.freed
        hold(Promise.REACHABLE, not count or went, "{} uses {} {} times, and lists it not", host.id.name, ref, count)


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
        count = there[value.number]
        hold(Promise.VALUES, count <= 1, "value {} is {} times in its channel", value.number, count)
        hold(Promise.VALUES, not (count and value.received), "value {} was received, and is still there", value.number)
        owner = network.hosts[value.channel.owner]
        lives = owner.is_alive and value.channel.number in owner.core.objects
        lost = value.accepted and not value.received and not count and lives
        hold(Promise.VALUES, not lost or network.is_harsh, "value {} was accepted, and is lost", value.number)


def close_channels(network: Network) -> None:
    """Close every channel that there still is, so that nobody waits there any longer."""
    for ref, kind in list(network.kinds.items()):
        owner = network.hosts[ref.owner]
        if kind is Kind.CHANNEL and owner.is_alive and owner.references.owns(ref.number):
            while owner.main.close(ref).ending is Ending.OVERLOAD:
                owner.cancel(next(iter(owner.main.pending.values())))
