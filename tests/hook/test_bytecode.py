"""Bytecode that another compiler made is not used: its stamp names who made it."""

import hashlib
from pathlib import Path

from circuit.hook.bytecode import COMPILER
from circuit.version import VERSION

LOWERED = Path(__file__).parents[1] / "compiler" / "golden" / "lowering"

# What each number stands for: the digest of all that the compiler is known to write.
LOWERING, DIGEST = 3, "cae9606446572451"


def test_a_change_of_what_is_written_has_a_number_of_its_own() -> None:
    digest = hashlib.sha256()
    for path in sorted(LOWERED.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    assert digest.hexdigest()[:16] == DIGEST, "raise the number in circuit/bytecode.py, and take it over here"
    assert f"circuitc {VERSION}, lowering {LOWERING}" == COMPILER
