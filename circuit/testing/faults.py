"""What goes wrong between nodes and with them, one fault at a time, by chance.

A mild fault is over before anyone may be given up, and all mild faults of one run together are; so the
programs must not see them. After a harsh one a node may be gone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from circuit.testing.network import Network

Fault: TypeAlias = Callable[[Network], None]
MILD_SECONDS = 0.3
HARSH_SECONDS = (2.0, 10.0)
"""Around the silence and the grace of a simulated network: some are noticed, some are not."""


def cut(network: Network) -> None:
    """Break a carrier; one end knows it, both do, or none."""
    carriers = [(host, carrier) for host in network.living for carrier in host.transport.carriers]
    if carriers:
        host, carrier = network.random.choice(carriers)
        ends = host, carrier.other(host)
        told = network.random.randrange(3)
        network.count(f"cut a carrier, {told} told")
        network.medium.cut(carrier, ends[:told])


def part_briefly(network: Network) -> None:
    """Part the nodes in two, for a moment."""
    _part(network, network.random.random() * MILD_SECONDS)


def part(network: Network) -> None:
    """Part the nodes in two for so long that they may give each other up."""
    network.is_harsh = True
    _part(network, network.random.uniform(*HARSH_SECONDS))


def _part(network: Network, seconds: float) -> None:
    names = network.names
    side = frozenset(network.random.sample(names, network.random.randrange(1, len(names))))
    network.medium.part(side)
    network.clock.after(seconds, network.medium.heal, side)


def stop_briefly(network: Network) -> None:
    """Let a node stand still for a moment."""
    _stop(network, network.random.random() * MILD_SECONDS)


def stop(network: Network) -> None:
    """Let a node stand still for so long that the others may give it up."""
    network.is_harsh = True
    _stop(network, network.random.uniform(*HARSH_SECONDS))


def _stop(network: Network, seconds: float) -> None:
    name = network.random.choice(network.names)
    if not network.host(name).is_stopped:
        network.stop(name)
        network.clock.after(seconds, network.go_on, network.host(name))


def crash(network: Network) -> None:
    """Let a node die; the registrar, if it hits that, rarely."""
    name = network.random.choice(network.names)
    if network.host(name).id == network.registrar and network.random.random() < 0.8:
        return
    network.crash(name)
    if network.random.random() < 0.6:
        network.clock.after(0.1 + network.random.random(), network.restart, name)


def slow_down(network: Network) -> None:
    """Let a node take three times as long for everything, for the rest of the run."""
    host = network.host(network.random.choice(network.names))
    host.slowness = 3.0
    network.count("slowed down")


MILD: tuple[Fault, ...] = (cut, part_briefly, stop_briefly, slow_down)
HARSH: tuple[Fault, ...] = (cut, part, stop, crash, crash)
