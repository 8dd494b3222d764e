"""Parse tables: Lark turns the grammar into an automaton, and this keeps it as a file.

    python -m circuit.compiler.tables           writes grammar/circuit.tables
    python -m circuit.compiler.tables --check   exits 1 if it is stale

The build is strict: a conflict, even one that a shift would settle, is an
error. States are numbered in the order in which the sorted symbols reach them
from the start, so that one grammar always gives one file. Only this file
imports Lark's grammar tools.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lark import Lark
from lark.lexer import Lexer
from lark.parsers.lalr_analysis import Shift

from circuit.compiler.automaton import GRAMMAR, TABLES, Automaton, Rule, grammar_hash


class NoLexer(Lexer):
    """Stands in for Lark's lexer: the tokens are those of tokens.py."""

    def __init__(self, lexer_conf: object) -> None: ...

    def lex(self, lexer_state: object, parser_state: object) -> Iterator[Any]:
        return iter(())


def build_automaton(
    grammar: Path = GRAMMAR / "circuit.lark", starts: tuple[str, ...] = ("module", "spawn")
) -> Automaton:
    """Have Lark build the automaton of a grammar file.

    Raises:
        lark.exceptions.GrammarError: The grammar is wrong, or has a conflict.
    """
    lark = Lark.open(
        str(grammar), parser="lalr", lexer=NoLexer, start=list(starts), strict=True, keep_all_tokens=True
    )
    table = lark.parser.parser._parse_table
    # An operator's or a keyword's kind is its own text; the declared kinds have none.
    kinds = {terminal.name: str(terminal.pattern.value) for terminal in lark.terminals if terminal.pattern}
    origins = {rule.origin.name for rule in lark.rules}
    order = {rule: number for number, rule in enumerate(lark.rules)}
    numbers = _number_states(table, starts)
    actions: list[dict[str, int]] = []
    gotos: list[dict[str, int]] = []
    for state in numbers:
        entries = table.states[state].items()
        actions.append(
            {
                kinds.get(name, _plain(name)): numbers[arg] if action is Shift else ~order[arg]
                for name, (action, arg) in entries
                if name not in origins
            }
        )
        gotos.append({_plain(name): numbers[arg] for name, (_, arg) in entries if name in origins})
    return Automaton(
        rules=[_rule(rule) for rule in lark.rules],
        actions=actions,
        gotos=gotos,
        starts={name: numbers[table.start_states[name]] for name in starts},
        finals={name: numbers[table.end_states[name]] for name in starts},
    )


def _number_states(table: Any, starts: tuple[str, ...]) -> dict[int, int]:
    """Map Lark's state numbers, which vary from run to run, to ours."""
    reached = [table.start_states[name] for name in starts]
    numbers = {state: number for number, state in enumerate(reached)}
    for state in reached:
        for _, (action, arg) in sorted(table.states[state].items(), key=lambda entry: entry[0]):
            if action is Shift and arg not in numbers:
                numbers[arg] = len(numbers)
                reached.append(arg)
    return numbers


def _rule(rule: Any) -> Rule:
    origin = _plain(rule.origin.name)
    inlined = origin.startswith("_")
    transparent = bool(rule.options.expand1 and not rule.alias)
    alone = rule.expansion[0] if len(rule.expansion) == 1 else None
    takes_list = alone is not None and not alone.is_term and alone.name.startswith("_")
    return Rule(
        origin,
        size=len(rule.expansion),
        name=_plain(rule.alias or origin),
        inlined=inlined,
        transparent=transparent,
        unit=alone is not None and (inlined or (transparent and not takes_list)),
    )


def _plain(name: str) -> str:
    """Take off the prefix that Lark gives to what a grammar imports."""
    return str(name).replace("python__", "")


def encode_automaton(automaton: Automaton) -> str:
    """Write an automaton as JSON; a state's reductions share their lookahead sets."""
    kinds = sorted({kind for row in automaton.actions for kind in row})
    origins = sorted({rule.origin for rule in automaton.rules})
    lookaheads: dict[tuple[int, ...], int] = {}
    states = []
    for row, gotos in zip(automaton.actions, automaton.gotos, strict=True):
        shifts = sorted([kinds.index(kind), action] for kind, action in row.items() if action >= 0)
        reductions = []
        for rule in sorted({~action for action in row.values() if action < 0}):
            kinds_before = tuple(sorted(kinds.index(kind) for kind, action in row.items() if action == ~rule))
            reductions.append([rule, lookaheads.setdefault(kinds_before, len(lookaheads))])
        states.append(
            [shifts, reductions, sorted([origins.index(name), state] for name, state in gotos.items())]
        )
    rules = [
        [
            origins.index(rule.origin),
            rule.size,
            rule.name,
            *map(int, (rule.inlined, rule.transparent, rule.unit)),
        ]
        for rule in automaton.rules
    ]
    parts: dict[str, object] = {
        "grammar": grammar_hash(),
        "kinds": kinds,
        "origins": origins,
        "starts": automaton.starts,
        "finals": automaton.finals,
        "lookaheads": list(lookaheads),
        "rules": rules,
        "states": states,
    }
    lines = []
    for name, part in parts.items():
        if name in ("lookaheads", "rules", "states") and isinstance(part, list):
            rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in part)
            lines.append(f"{json.dumps(name)}:[\n{rows}\n]")
        else:
            lines.append(f"{json.dumps(name)}:{json.dumps(part, separators=(',', ':'))}")
    return "{" + ",\n".join(lines) + "}\n"


def main() -> int:
    """Write the tables, or say whether they are fresh."""
    parser = argparse.ArgumentParser(prog="python -m circuit.compiler.tables", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the tables are stale")
    options = parser.parse_args()
    wanted = encode_automaton(build_automaton())
    if not options.check:
        TABLES.write_text(wanted, encoding="utf-8")
        return 0
    if TABLES.exists() and TABLES.read_text(encoding="utf-8") == wanted:
        return 0
    print(f"{TABLES} is stale: run python -m circuit.compiler.tables", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
