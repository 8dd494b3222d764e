"""The rules, for a caller that has lowered nothing yet; see `rules.review`."""

import warnings
from collections.abc import Iterator, Sequence

from circuit.compiler.diagnostics import Diagnostic
from circuit.compiler.lowering import lower
from circuit.compiler.parser import find_spawns
from circuit.compiler.rules import Program, check
from circuit.compiler.source import Source
from circuit.compiler.spawns import Spawn
from circuit.compiler.syntax import Blanks, parse


def faults_of(source: Source, spawns: Sequence[Spawn], runtime: str) -> Iterator[Diagnostic]:
    """Yield what the rules have to say of spawns; `runtime` is a name that the source does not have."""
    found = find_spawns(source)
    if found.tokens is None:
        return
    blanks = Blanks(source, found.tokens)
    for error in found.errors:
        blanks = blanks.adding(error.span.start)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whoever compiles the program hears of them
        parsed = parse(lower(source, spawns, runtime), blanks)
    if parsed.tree:
        yield from check(
            Program(source, spawns, parsed.text, parsed.edits, parsed.tree, runtime, not parsed.blanks.lines)
        )
