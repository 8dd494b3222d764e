"""The contenders, all with the same few methods: Circuit and the two pools of the standard library.

Each is used as its documentation says, with its defaults, on the same number of processes; every
call may go to any of them. The pools have no streams: the nearest they offer is a task an item, in
order, as lazily as they can. They fork, which shares the parent's imports; Circuit starts afresh.
"""

from __future__ import annotations

import multiprocessing
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType
from typing import Any, ClassVar, TypeVar

import circuit
from benchmarks.tasks import numbers, same

T = TypeVar("T")
WORKERS = 2


class Contender(ABC):
    """A way to call functions on other processes; a context manager that ends them."""

    name: ClassVar[str]
    program: ClassVar[str]
    """A whole program that makes one call and then says "done"."""

    @abstractmethod
    def call(self, function: Callable[..., T], *args: Any) -> T:
        """Make one call and wait for its result."""

    @abstractmethod
    def call_many(self, function: Callable[[], object], count: int) -> None:
        """Start many calls without waiting, then wait for all of them."""

    @abstractmethod
    def stream(self, count: int) -> Iterable[int]:
        """Return numbers that come from another process one by one."""

    @abstractmethod
    def close(self) -> None:
        """End the processes."""

    def __enter__(self) -> Contender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self.close()


class Circuit(Contender):
    """Circuit's embedded cluster."""

    name = "Circuit"
    program = f"""
import circuit
with circuit.cluster(workers={WORKERS}) as cluster:
    circuit.call(abs, -1).on(cluster.workers).result()
    print("done", flush=True)
"""

    def __init__(self) -> None:
        self._cluster = circuit.cluster(workers=WORKERS)
        self._workers = self._cluster.workers

    def call(self, function: Callable[..., T], *args: Any) -> T:
        return circuit.call(function, *args).on(self._workers).result()

    def call_many(self, function: Callable[[], object], count: int) -> None:
        calls = [circuit.call(function).on(self._workers) for _ in range(count)]
        circuit.gather(*calls).result()

    def stream(self, count: int) -> Iterable[int]:
        return circuit.call(numbers, count).on(self._workers)

    def close(self) -> None:
        self._cluster.close()


class Pool(Contender):
    """multiprocessing.Pool."""

    name = "Pool"
    program = f"""
import multiprocessing
with multiprocessing.Pool({WORKERS}) as pool:
    pool.apply(abs, [-1])
    print("done", flush=True)
"""

    def __init__(self) -> None:
        self._pool = multiprocessing.Pool(WORKERS)

    def call(self, function: Callable[..., T], *args: Any) -> T:
        return self._pool.apply(function, args)

    def call_many(self, function: Callable[[], object], count: int) -> None:
        for result in [self._pool.apply_async(function) for _ in range(count)]:
            result.get()

    def stream(self, count: int) -> Iterable[int]:
        return self._pool.imap(same, range(count))

    def close(self) -> None:
        self._pool.close()
        self._pool.join()


class Executor(Contender):
    """concurrent.futures.ProcessPoolExecutor."""

    name = "ProcessPoolExecutor"
    program = f"""
from concurrent.futures import ProcessPoolExecutor
with ProcessPoolExecutor({WORKERS}) as executor:
    executor.submit(abs, -1).result()
    print("done", flush=True)
"""

    def __init__(self) -> None:
        self._executor = ProcessPoolExecutor(WORKERS)

    def call(self, function: Callable[..., T], *args: Any) -> T:
        return self._executor.submit(function, *args).result()

    def call_many(self, function: Callable[[], object], count: int) -> None:
        for future in [self._executor.submit(function) for _ in range(count)]:
            future.result()

    def stream(self, count: int) -> Iterable[int]:
        return self._executor.map(same, range(count))

    def close(self) -> None:
        self._executor.shutdown()


CONTENDERS: tuple[type[Contender], ...] = (Circuit, Pool, Executor)
