"""Test doubles of Circuit: a simulated network of nodes in virtual time, which proves the runtime's core.

    from circuit.testing import Network, conclude

    network = Network(seed=7, names=("driver", "w1", "w2"), registrar="driver")
    call = network.host("driver").main.spawn(network.host("w1").id)
    network.crash("w1")
    network.settle()
    assert call.ending is Ending.LOST
    conclude(network)

`python -m circuit.testing` runs schedules: seeded runs with programs and faults by chance.
"""

from circuit.testing.check import check_at_end as check_at_end, check_at_rest as check_at_rest
from circuit.testing.faults import HARSH as HARSH, MILD as MILD
from circuit.testing.host import Host as Host
from circuit.testing.ledger import Ending as Ending, Spawned as Spawned
from circuit.testing.medium import Medium as Medium
from circuit.testing.network import LIMITS as LIMITS, Network as Network
from circuit.testing.objects import Kind as Kind
from circuit.testing.programs import Program as Program
from circuit.testing.promises import BrokenPromise as BrokenPromise, Promise as Promise
from circuit.testing.schedule import Report as Report, conclude as conclude, run as run
from circuit.testing.weather import FAIR as FAIR, Weather as Weather
