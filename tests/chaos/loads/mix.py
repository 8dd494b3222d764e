"""All the loads: what a storm and a soak run."""

from __future__ import annotations

from tests.chaos.field import Load
from tests.chaos.journal import Journal
from tests.chaos.loads.calls import Calls, Coroutines, Errors
from tests.chaos.loads.cancels import Cancels
from tests.chaos.loads.channels import Channels
from tests.chaos.loads.futures import Futures
from tests.chaos.loads.nested import Nested
from tests.chaos.loads.objects import Handed, Serial
from tests.chaos.loads.payloads import Payloads
from tests.chaos.loads.streams import Readers, Streams

LOADS: tuple[Load, ...] = (
    Calls(),
    Coroutines(),
    Errors(),
    Streams(),
    Readers(),
    Cancels(),
    Nested(),
    Payloads(),
    Serial(),
    Handed(),
    Futures(),
    Channels(),
)


def ready(journal: Journal) -> None:
    """Import all the loads in this process, and have it dump its stacks when it is asked to."""
    journal.enter()
