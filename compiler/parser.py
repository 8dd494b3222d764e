"""The parser: from a source to its tree, or only to its spawns.

A module is parsed whole only to be looked at (`parse_module`). The compiler
wants the spawns and parses nothing else: a text without the word is not even
cut into tokens, and each outermost spawn is parsed from its own word on, as far
as the grammar goes (`find_spawns`).

What stands around a spawn is checked by its two neighbours. Before it, an
operator binds tighter than a spawn, which stands where a lambda may. After it,
an operator shows a place that is no primary; behind `await` it is the awaited
result's, since await binds to the whole spawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from circuit.compiler.keywords import OPERATORS, WORD, is_operand, mark_spawns
from circuit.compiler.source import Source, Span
from circuit.compiler.spawns import Argument, ArgumentKind, CallParts, ParseError, Spawn
from circuit.compiler.splice import Edit
from circuit.compiler.statements import at_depth, mark_statements
from circuit.compiler.tokens import Tokens, tokenize
from circuit.compiler.trees import Child, Leaf, StuckError, Tree, parse_prefix, span

_DEEPEST_SPAWN = 100  # CPython, too, takes no more than some hundred nested brackets
_AFTER_PLACE = {",", ";", ":", "=", "!", "for", "as", "if", "else"}
# What begins or ends a string, or a field of one.
_IN_OR_OUT = re.compile(r"['\"{}]")
_PREFIXES = {"-", "+", "~", "not", "await", "lambda", "spawn"}
_ARGUMENTS = {
    "keyword_argument": ArgumentKind.KEYWORD,
    "star_argument": ArgumentKind.STAR,
    "double_star_argument": ArgumentKind.DOUBLE_STAR,
    "generator_argument": ArgumentKind.GENERATOR,
}


def parse_module(source: Source) -> Tree:
    """Parse a whole source into a tree with every token in it; the rest of the text is the gaps between them.

    Raises:
        ParseError: The source is not Circuit.
    """
    tokens = tokenize(source)
    errors = mark_spawns(tokens, source.text)
    if errors:
        raise errors[0]
    return parse_tokens(source, tokens)


def parse_tokens(source: Source, tokens: Tokens) -> Tree:
    """Parse the tokens of a whole source, in which the words of spawns are marked. They stay as they are.

    Raises:
        ParseError: The source is not Circuit.
    """
    tokens = Tokens(tokens.kinds.copy(), tokens.starts, tokens.ends)
    mark_statements(tokens, source.text)
    try:
        tree, end = parse_prefix(tokens, 0, "module")
    except StuckError as stuck:
        end = stuck.index
    else:
        if end == len(tokens):
            return tree
    raise _invalid_syntax(tokens, source, end)


class Findings(NamedTuple):
    """What was found in a source: the outermost spawns and the errors, in source order.

    `tokens` are those of the whole source, with the construct's words marked; None
    if the source has no such word, or cannot be cut into tokens.
    """

    spawns: tuple[Spawn, ...] = ()
    errors: tuple[ParseError, ...] = ()
    tokens: Tokens | None = None


def find_spawns(source: Source) -> Findings:
    """Find the outermost spawns, and every error in or about a spawn.

    After an error the search goes on with the next logical line. What is wrong
    outside the spawns is not seen, unless it keeps the text from being cut into
    tokens: that is then the only error.
    """
    if not _may_spawn(source.text):
        return Findings()
    try:
        tokens = tokenize(source)
    except ParseError as error:
        return Findings(errors=(error,))
    errors = mark_spawns(tokens, source.text)
    spawns = []
    index = 0
    while (index := _next_spawn(tokens, index)) < len(tokens):
        try:
            tree, end = _parse_spawn(tokens, source, index)
            spawns.append(_spawn(tree))
        except ParseError as error:
            errors.append(error)
            index = tokens.kinds.index("NEWLINE", index)
        else:
            index = end
    return Findings(tuple(spawns), tuple(sorted(errors, key=lambda error: error.span.start)), tokens)


def _may_spawn(text: str) -> bool:
    """Tell, without a look at its tokens, whether a text may hold a spawn.

    What follows a `#` is a comment or stays inside a string, if no quote and no brace comes before.
    """
    if "spawn" not in text:  # the fastest search that Python has; the pattern then leaves out `respawned`
        return False
    for word in WORD.finditer(text):
        before = text[text.rfind("\n", 0, word.start()) + 1 : word.start()].rpartition("\r")[2]
        is_comment = "#" in before and not _IN_OR_OUT.search(before)
        if not is_comment and not before.endswith("."):
            return True
    return False


def _next_spawn(tokens: Tokens, index: int) -> int:
    try:
        return tokens.kinds.index("spawn", index)
    except ValueError:
        return len(tokens)


def _parse_spawn(tokens: Tokens, source: Source, index: int) -> tuple[Tree, int]:
    kinds = tokens.kinds
    try:
        tree, end = parse_prefix(tokens, index, "spawn")
    except StuckError as stuck:
        raise _explain(tokens, source, index, stuck.index) from None
    before = kinds[index - 1] if index else "NEWLINE"
    if is_operand(kinds, index):
        message = f"a spawn after `{before}` needs parentheses"
        place = span(tree)
        fix = f"write `{before} ({source.text[place.start : place.end]})`"
        label = "binds looser than the operator before it"
        raise ParseError("S003", message, place, label, fix, _in_parentheses(place))
    if kinds[end] in OPERATORS and before != "await":
        raise _loose_place(tokens, source, span(tree.children[-1]).start, end)
    return tree, end


def _explain(tokens: Tokens, source: Source, spawn: int, stuck: int) -> ParseError:
    """Say why a spawn cannot be parsed past a token."""
    kind = tokens.kinds[stuck]
    here = tokens.span(stuck)
    if tokens.kinds[stuck - 1] == "on":
        if kind in _PREFIXES:
            return _loose_place(tokens, source, here.start, stuck)
        message = "no place after `on`"
        return ParseError(
            "S003", message, tokens.span(stuck - 1), "on which worker?", "name a worker: `on w`"
        )
    if stuck == spawn + 1 and kind == "*":
        label = "this is several values, and a spawn runs one expression"
        help = "spawn a tuple of them: `spawn (*values,) on w`"
        return ParseError("S009", "a starred expression cannot be spawned", here, label, help)
    if kind == "yield":
        label = "this would suspend the thunk, not the function around it"
        help = "take the value before the spawn"
        return ParseError("S006", "a `yield` cannot be moved to a worker", here, label, help)
    if kind == ":=":
        label = "this would bind a name on the worker, not here"
        message = "an assignment expression cannot be moved to a worker"
        return ParseError("S008", message, here, label, "assign before the spawn")
    return _invalid_syntax(tokens, source, stuck)


def _loose_place(tokens: Tokens, source: Source, start: int, index: int) -> ParseError:
    """Point at a place that is looser than a primary, from where it starts to the end of its expression."""
    end = start
    for last in at_depth(tokens.kinds, index):
        if tokens.kinds[last] in _AFTER_PLACE:
            break
        end = tokens.ends[last]
    place = Span(start, end)
    label = "only a name, a call, a subscript or an attribute goes without"
    help = f"write `on ({source.text[place.start : place.end]})`"
    fix = _in_parentheses(place)
    if start != tokens.starts[index]:  # what begins as a primary may be all of the place
        help, fix = f"{help}, or put the whole spawn in parentheses", ()
    return ParseError("S002", "the place of a spawn needs parentheses", place, label, help, fix)


def _in_parentheses(span: Span) -> tuple[Edit, ...]:
    return Edit(Span(span.start, span.start), "("), Edit(Span(span.end, span.end), ")")


def _invalid_syntax(tokens: Tokens, source: Source, index: int) -> ParseError:
    if index == len(tokens):
        return ParseError("S000", "unexpected end of file", Span(len(source.text), len(source.text)))
    messages = {"INDENT": "unexpected indent", "DEDENT": "unexpected unindent"}
    return ParseError("S000", messages.get(tokens.kinds[index], "invalid syntax"), tokens.span(index))


def _spawn(tree: Tree, depth: int = 1) -> Spawn:
    """Read a spawn off its tree: the word, the operand, `on`, the place."""
    _, operand, on, place = tree.children
    if depth > _DEEPEST_SPAWN:
        raise ParseError("S003", "too many nested spawns", span(tree))
    nested = chain(_outermost_spawns(operand), _outermost_spawns(place))
    inner = tuple(_spawn(node, depth + 1) for node in nested)
    return Spawn(span(tree), span(operand), span(on), span(place), _call_parts(operand), inner)


def _outermost_spawns(child: Child) -> Iterator[Tree]:
    waiting = [child]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Tree):
            if node.rule == "spawn":
                yield node
            else:
                waiting += reversed(node.children)


def _call_parts(operand: Child) -> CallParts | None:
    while isinstance(operand, Tree) and operand.rule == "group":
        operand = operand.children[1]
    if not isinstance(operand, Tree) or operand.rule != "call":
        return None
    callee, opening, *arguments, closing = operand.children
    return CallParts(
        span(callee),
        span(opening),
        span(closing),
        tuple(_argument(child) for child in arguments if not (isinstance(child, Leaf) and child.kind == ",")),
    )


def _argument(child: Child) -> Argument:
    kind = ArgumentKind.POSITIONAL
    value = child
    if isinstance(child, Tree):
        kind = _ARGUMENTS.get(child.rule, kind)
        if kind not in (ArgumentKind.POSITIONAL, ArgumentKind.GENERATOR):
            value = child.children[-1]
    return Argument(kind, span(child), span(value))
