"""Every bound of the runtime, with its default: how long, how many, how large.

Rules: this file imports nothing of the runtime.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds that all nodes of a cluster keep; give them to `cluster(limits=...)`.

    Attributes:
        connect: seconds for the first carrier between two nodes to come up.
        grace: seconds that a session outlives its broken carrier; then its peer is lost.
        heartbeat: seconds after which a node that has nothing to say says so.
        silence: seconds without a word from a peer after which its carrier counts as broken.
        window: items of a stream that may be on their way to a consumer who has not asked for them; of
            `ahead_bytes` together, or one that is larger.
        running: calls that run in threads of one node at once; one that waits for another does not count.
        threads: threads that calls of one node may have, waiting or not; a call that finds none fails.
        ahead_calls: calls that may wait at a node for their turn, per spawner and object called.
        ahead_bytes: the same in bytes of their arguments.
        pending_calls: calls that a node may have under way, wherever they are.
        pending_bytes: bytes that may wait at the spawner for one node to take them.
        inline_bytes: an outcome up to this size comes along at once, a larger one when it is asked for.
        shared_bytes: memory that a node shares with others of its host; 0 means half of the machine's.
    """

    connect: float = 60.0
    grace: float = 10.0
    heartbeat: float = 2.0
    silence: float = 30.0
    window: int = 64
    running: int = 1000
    threads: int = 10_000
    ahead_calls: int = 1024
    ahead_bytes: int = 64 * 1024 * 1024
    pending_calls: int = 1_000_000
    pending_bytes: int = 1024 * 1024 * 1024
    inline_bytes: int = 256 * 1024
    shared_bytes: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < (0 if field.name in ("inline_bytes", "shared_bytes") else 1e-3):
                raise ValueError(f"{field.name} must be positive, not {getattr(self, field.name)}")


DEFAULT = Limits()
