"""The automaton: the LALR(1) machine of the language, as the parser runs it.

Lark makes it from grammar/circuit.lark (tables.py), which takes more than a
second, so it ships as grammar/circuit.tables: JSON, a line a rule and a line a
state. The file names its grammar by a hash. Tables made from another text are
not used: the automaton is then built anew in memory, which is right but slow.

Rules: reading the grammar package's own files is the only I/O here.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import circuit.grammar

GRAMMAR = Path(circuit.grammar.__file__).parent
TABLES = GRAMMAR / "circuit.tables"
END = "$END"  # Lark's name for the kind that follows the last token


@dataclass(frozen=True, slots=True)
class Rule:
    """What a reduction does.

    Attributes:
        origin: The nonterminal that the children become.
        size: How many values it takes from the stack.
        name: The tree node's name.
        inlined: The children join those of the node above (`_rule`).
        transparent: An only child stands for the node (`?rule`).
        unit: One value goes in and comes out unchanged: only the state changes.
    """

    origin: str
    size: int
    name: str
    inlined: bool
    transparent: bool
    unit: bool


@dataclass(frozen=True, slots=True)
class Automaton:
    """An LALR(1) automaton.

    `actions[state][kind]` is the next state, or `~rule` for a reduction;
    `gotos[state][origin]` the state after one. A parse begins in
    `starts[name]` and has succeeded when a reduction leads to `finals[name]`.
    `climbs` is the driver's memo of what the rest implies; see trees.py.
    """

    rules: list[Rule]
    actions: list[dict[str, int]]
    gotos: list[dict[str, int]]
    starts: dict[str, int]
    finals: dict[str, int]
    climbs: dict[tuple[int, int, str], int] = field(default_factory=dict, repr=False, compare=False)


@cache
def load_automaton() -> Automaton:
    """Return the automaton of the language, from its file if that is fresh."""
    if TABLES.exists():
        tables = json.loads(TABLES.read_bytes())
        if tables["grammar"] == grammar_hash():
            return _decode(tables)
    # Lark is slow to import, and this path is for those who change the grammar.
    from circuit.compiler.tables import build_automaton

    return build_automaton()


def grammar_hash() -> str:
    """Return the name that tables give to the grammar they were made from."""
    digest = hashlib.sha256()
    for path in sorted(GRAMMAR.glob("*.lark")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _decode(tables: dict[str, Any]) -> Automaton:
    kinds, origins = tables["kinds"], tables["origins"]
    lookaheads = [[kinds[kind] for kind in row] for row in tables["lookaheads"]]
    actions: list[dict[str, int]] = []
    gotos: list[dict[str, int]] = []
    for shifts, reductions, moves in tables["states"]:
        row = {kinds[kind]: state for kind, state in shifts}
        for rule, before in reductions:
            row.update(dict.fromkeys(lookaheads[before], ~rule))
        actions.append(row)
        gotos.append({origins[name]: state for name, state in moves})
    rules = [
        Rule(origins[origin], size, name, bool(inlined), bool(transparent), bool(unit))
        for origin, size, name, inlined, transparent, unit in tables["rules"]
    ]
    return Automaton(rules, actions, gotos, tables["starts"], tables["finals"])
