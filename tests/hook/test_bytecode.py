"""The bytecode cache: when it is used without a look into the source, and whose bytecode is not used."""

import hashlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType

import pytest

from circuit.hook import bytecode
from circuit.hook.bytecode import COMPILER, cached_code
from circuit.version import VERSION

LOWERED = Path(__file__).parents[1] / "compiler" / "golden" / "lowering"

# What each number stands for: the digest of all that the compiler is known to write.
LOWERING, DIGEST = 3, "cae9606446572451"

SECONDS = 30


def test_a_change_of_what_is_written_has_a_number_of_its_own() -> None:
    digest = hashlib.sha256()
    for path in sorted(LOWERED.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    assert digest.hexdigest()[:16] == DIGEST, "raise the number in circuit/bytecode.py, and take it over here"
    assert f"circuitc {VERSION}, lowering {LOWERING}" == COMPILER


@dataclass
class Importer:
    """Takes one module's code from the cache, and notes what that took."""

    path: Path
    steps: list[str] = field(default_factory=list)

    def load(self) -> tuple[object, list[str]]:
        """Return the value in the module, and whether the source was read and compiled."""
        self.steps = []
        code = cached_code(str(self.path), self._read, self._compiled)
        return code.co_consts[0], self.steps

    def _read(self, path: str) -> bytes:
        self.steps.append("read")
        return Path(path).read_bytes()

    def _compiled(self, source: bytes, path: str) -> CodeType:
        self.steps.append("compiled")
        return compile(source, path, "exec")


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Importer:
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    path = tmp_path / "app.cpy"
    path.write_text("x = 1\n")
    return Importer(path)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an hour pass."""
    monkeypatch.setattr(bytecode, "time_ns", lambda: time.time_ns() + 3600 * 10**9)


def test_an_old_source_is_read_once(module: Importer, later: None) -> None:
    assert module.load() == (1, ["read", "compiled"])
    assert module.load() == (1, [])


def test_a_source_that_was_just_written_is_read_until_it_is_old(
    module: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.load() == (1, ["read", "compiled"])
    changed = module.path.stat().st_ctime_ns
    for age, steps in (
        (0, ["read"]),
        (bytecode.SETTLED, ["read"]),
        (bytecode.SETTLED + 1, ["read"]),
        (0, ["read"]),
    ):
        monkeypatch.setattr(bytecode, "time_ns", lambda age=age: changed + age)
        assert module.load() == (1, steps)
    monkeypatch.setattr(bytecode, "time_ns", lambda: changed + bytecode.SETTLED + 1)
    module.load()
    assert module.load() == (1, [])


def test_a_source_that_was_touched_is_read_and_not_compiled(module: Importer, later: None) -> None:
    module.load()
    os.utime(module.path, ns=(0, 0))
    assert module.load() == (1, ["read"])
    assert module.load() == (1, [])


def test_times_that_are_set_back_hide_no_change(module: Importer, later: None) -> None:
    module.load()
    before = module.path.stat()
    changed = before
    deadline = time.monotonic() + SECONDS
    while changed.st_ctime_ns == before.st_ctime_ns and time.monotonic() < deadline:
        module.path.write_text("x = 2\n")
        os.utime(module.path, ns=(before.st_atime_ns, before.st_mtime_ns))
        changed = module.path.stat()
    assert (changed.st_size, changed.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert module.load() == (2, ["read", "compiled"])


def test_another_file_in_its_place_is_read(module: Importer, later: None) -> None:
    module.load()
    other = module.path.with_name("other")
    other.write_text("x = 3\n")
    other.replace(module.path)
    assert module.load() == (3, ["read", "compiled"])


def test_what_is_no_regular_file_is_read_each_time(module: Importer, later: None) -> None:
    module.path.unlink()
    module.path.symlink_to("/dev/null")
    assert [module.load()[1], module.load()[1]] == [["read", "compiled"], ["read"]]


def test_a_damaged_cache_of_an_old_source_is_made_again(module: Importer, later: None) -> None:
    module.load()
    (cache,) = module.path.parent.glob("__pycache__/*")
    cache.write_bytes(cache.read_bytes()[:-9])
    assert module.load() == (1, ["read", "compiled"])
    assert module.load() == (1, [])
