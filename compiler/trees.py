"""Trees: tokens put together, by the automaton that Lark made of the grammar.

Lark's own driver climbs twenty levels of precedence for every name. Most of
these reductions are units, an only child that stands for its node, so that all
they change is the state. This driver remembers where such a climb ends, for
each state, rule and next kind, and does it in one step.

Every token is in the tree, as a `Leaf`. The children of an inlined rule travel
up the stack as a list, which the next node takes in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from circuit.compiler.automaton import END, Automaton, load_automaton
from circuit.compiler.source import Span
from circuit.compiler.tokens import Tokens


class Leaf(NamedTuple):
    """A token in a tree."""

    kind: str
    start: int
    end: int


class Tree:
    """A construct: the name of its rule in the grammar, and its parts in the order of the source."""

    __slots__ = ("children", "rule")

    def __init__(self, rule: str, children: list[Child]) -> None:
        self.rule = rule
        self.children = children

    def walk(self) -> Iterator[Child]:
        """Yield this tree and all that is in it, in the order of the source."""
        waiting: list[Child] = [self]
        while waiting:
            child = waiting.pop()
            yield child
            if isinstance(child, Tree):
                waiting += reversed(child.children)

    def find(self, rule: str) -> Iterator[Tree]:
        """Yield the trees of one rule, in the order of the source."""
        return (child for child in self.walk() if isinstance(child, Tree) and child.rule == rule)

    def leaves(self) -> Iterator[Leaf]:
        """Yield the tokens, in the order of the source."""
        return (child for child in self.walk() if isinstance(child, Leaf))


Child: TypeAlias = Tree | Leaf
_Value: TypeAlias = Child | list[Child]


class StuckError(Exception):
    """No tree: the grammar knows no way on at a token, and what came before is not complete."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


def parse_prefix(tokens: Tokens, index: int, goal: str) -> tuple[Tree, int]:
    """Parse a goal of the grammar from a token on, as far as it goes.

    Returns:
        The tree, and the index of the token after it.

    Raises:
        StuckError: The tokens do not begin with the goal.
    """
    automaton = load_automaton()
    actions, gotos, rules, final = automaton.actions, automaton.gotos, automaton.rules, automaton.finals[goal]
    climbs = automaton.climbs
    kinds, starts, ends = tokens.kinds, tokens.starts, tokens.ends
    new = tuple.__new__  # a named tuple's own constructor takes twice as long
    state = automaton.starts[goal]
    states = [state]
    values: list[_Value] = []
    count = len(kinds)
    kind = kinds[index] if index < count else END
    while True:
        action = actions[state].get(kind)
        if action is None:
            if state == final:
                tree = values[0]
                assert isinstance(tree, Tree)  # a goal is a rule that is neither inlined nor transparent
                return tree, index
            if kind == END:
                raise StuckError(index)
            kind = END  # what the token cannot go on with may be complete
        elif action >= 0:
            values.append(new(Leaf, (kind, starts[index], ends[index])))
            state = action
            states.append(state)
            index += 1
            kind = kinds[index] if index < count else END
        else:
            rule = rules[~action]
            if rule.unit:
                climb = (states[-2], action, kind)
                found = climbs.get(climb)
                if found is None:
                    found = climbs[climb] = _climb(automaton, *climb)
                state = states[-1] = found
            else:
                below = len(values) - rule.size
                value = _reduce(rule.name, values[below:], inlined=rule.inlined, transparent=rule.transparent)
                del values[below:], states[below + 1 :]
                values.append(value)
                state = gotos[states[-1]][rule.origin]
                states.append(state)


def _reduce(name: str, values: list[_Value], *, inlined: bool, transparent: bool) -> _Value:
    children: list[Child] = []
    first = values[0] if values else None
    if inlined and isinstance(first, list):
        children, values = first, values[1:]  # a growing list grows in place
    for value in values:
        if isinstance(value, list):
            children += value
        else:
            children.append(value)
    if inlined:
        return children
    if transparent and len(children) == 1:
        return children[0]
    return Tree(name, children)


def _climb(automaton: Automaton, below: int, action: int, kind: str) -> int:
    """Return the state that a unit reduction, and those that follow it, leave on top of `below`."""
    while True:
        state = automaton.gotos[below][automaton.rules[~action].origin]
        following = automaton.actions[state].get(kind)
        if following is None or following >= 0 or not automaton.rules[~following].unit:
            return state
        action = following


def span(child: Child) -> Span:
    """Return the place of a tree, which has at least one token."""
    first = last = child
    while isinstance(first, Tree):
        first = first.children[0]
    while isinstance(last, Tree):
        last = last.children[-1]
    return Span(first.start, last.end)
