"""Targets: the Python that a program is compiled for, and what in a source needs a newer one.

A compiled file is as new as its source: what is not a spawn stays as it was
written. So a source for Python 3.11 may not hold a `type` statement, and the
Python that compiles it may not know better: one newer than the target accepts
too much, and one older cannot judge at all. The full grammar knows all of
Python 3.11 to 3.14, so its tree tells; here is what each version added to the
grammar. A target that is the running Python needs nothing of this: CPython
judges its own programs.

Sources: PEP 695 (type parameters), 701 (f-strings), 696 (their defaults), 750
(t-strings), 758 (`except` without parentheses). Rules: nothing is parsed
unless it is asked for, and the caller's tokens stay as they are.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

from circuit.compiler.parser import parse_tokens
from circuit.compiler.source import Source, Span
from circuit.compiler.spawns import ParseError
from circuit.compiler.tokens import Tokens
from circuit.compiler.trees import Child, Leaf, Tree, span


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """A version of Python, 3.minor."""

    minor: int

    @classmethod
    def parse(cls, text: str) -> Target:
        """Read a version as it is written: "3.12".

        Raises:
            ValueError: It is none that a program can be compiled for.
        """
        for target in TARGETS:
            if text == str(target):
                return target
        raise ValueError(f"{text} is not one of {', '.join(map(str, TARGETS))}")

    def __str__(self) -> str:
        return f"3.{self.minor}"


TARGETS = tuple(map(Target, range(11, 15)))
RUNNING = Target(sys.version_info.minor)


@dataclass(frozen=True, slots=True)
class Construct:
    """A part of a source that older Pythons do not know: what it is, since when, and what they do know."""

    since: Target
    what: str
    span: Span
    instead: str


_PEP_695, _PEP_696, _PEP_701, _PEP_750, _PEP_758 = Target(12), Target(13), Target(12), Target(14), Target(14)
_DEEPEST_FORMAT = 2  # before PEP 701 a format could hold fields, whose own formats held none
_BODIES = {"class_def", "function_def", "lambda", "generator", "generator_argument"} | {
    f"{kind}_comprehension" for kind in ("list", "set", "dict")
}
_LINE_END = re.compile(r"[\r\n]")
_COMMENT = re.compile(r"#[^\r\n]*")


def check_target(source: Source, tokens: Tokens, target: Target) -> Iterator[ParseError]:
    """Yield what keeps a source from being a program of the target, where the running Python cannot tell.

    S020 is a construct that is too new for the target. S000 is a fault of the syntax, only for a
    target newer than the running Python: else CPython finds it, and words it. `tokens` are the
    source's, with the words of its spawns marked, as `find_spawns` gives them.
    """
    try:
        tree = parse_tokens(source, tokens)
    except ParseError as error:
        if target > RUNNING:
            yield error
        return
    for construct in constructs(source.text, tree):
        if construct.since > target:
            message = f"{construct.what} needs Python {construct.since}"
            label = f"compiled for Python {target}"
            yield ParseError("S020", message, construct.span, label, construct.instead)


def oldest_for(source: Source, tokens: Tokens) -> Target:
    """Return the oldest Python that can read a source. CPython here can judge it if it is no older.

    Raises:
        ParseError: The source is not Circuit.
    """
    found = constructs(source.text, parse_tokens(source, tokens))
    return max((construct.since for construct in found), default=TARGETS[0])


def check_unjudged(source: Source, tokens: Tokens) -> Iterator[ParseError]:
    """Yield what no Python as old as this one can settle in a source that it cannot read.

    A thunk in the body of a class is passed the names of the class, and which those are
    is read off CPython's tree.
    """
    waiting: list[tuple[Child, bool]] = [(parse_tokens(source, tokens), False)]
    while waiting:
        part, in_class = waiting.pop()
        if isinstance(part, Leaf):
            continue
        if in_class and part.rule == "spawn" and not _is_call(part.children[1]):
            needed = oldest_for(source, tokens)
            message = f"only Python {needed} can tell which names of its class this thunk uses"
            yield ParseError("S020", message, span(part), "", "run circuitc with that Python")
        if part.rule in _BODIES:
            in_class = part.rule == "class_def"
        waiting += [(child, in_class) for child in reversed(part.children)]


def _is_call(operand: Child) -> bool:
    while isinstance(operand, Tree) and operand.rule == "group":
        operand = operand.children[1]
    return isinstance(operand, Tree) and operand.rule == "call"


def constructs(text: str, tree: Tree) -> Iterator[Construct]:
    """Yield the constructs that not every target knows, in the order of the source."""
    for part in tree.walk():
        if isinstance(part, Leaf):
            continue
        children = part.children
        match part.rule:
            case "type_alias":
                place = Span(span(children[0]).start, span(children[1]).end)
                yield Construct(_PEP_695, "a `type` statement", place, "annotate the name with `TypeAlias`")
            case "type_params":
                yield Construct(_PEP_695, "a list of type parameters", span(part), "declare a `TypeVar`")
            case "type_param" if signs := _leaves(children, "="):
                place = Span(signs[0].start, span(part).end)
                yield Construct(_PEP_696, "the default of a type parameter", place, "leave the default out")
            case "except_clause" | "except_star_clause" if _leaves(children, ","):
                caught = [child for child in children[:-2] if not _leaves([child], "except", "*")]
                place = Span(span(caught[0]).start, span(caught[-1]).end)
                what = "a list of exceptions without parentheses"
                yield Construct(_PEP_758, what, place, f"write `({text[place.start : place.end]})`")
            case "fstring":
                yield from _in_formats(text, part, _quotes(text, part))
            case "tstring":
                opening = span(children[0])
                yield Construct(_PEP_750, "a t-string", opening, f"compile it for Python {_PEP_750}")


def _in_formats(text: str, string: Tree, quotes: str, depth: int = 1) -> Iterator[Construct]:
    """Look at the fields of an f-string, or of a field's format in it."""
    for field in string.children:
        if not isinstance(field, Tree) or field.rule != "fstring_field":
            continue
        if depth > _DEEPEST_FORMAT:
            yield Construct(_PEP_701, "a format this deep", span(field), "make the inner format before")
        else:
            yield from islice(_in_field(text, field, quotes), 1)
            yield from _in_formats(text, field, quotes, depth + 1)


def _in_field(text: str, field: Tree, quotes: str) -> Iterator[Construct]:
    """Look at a field up to its format: what Python 3.11 does not see as part of a string."""
    opening, _, *rest = field.children
    end = _leaves(rest, ":", "}")[0]
    start, stop = span(opening).end, end.start
    if (at := text.find(quotes, start, stop)) >= 0:
        place = Span(at, at + len(quotes))
        yield Construct(
            _PEP_701, "a field with its f-string's own quotes", place, "use the other quotes inside"
        )
    if (at := text.find("\\", start, stop)) >= 0:
        place = Span(at, at + 1)
        yield Construct(_PEP_701, "a backslash in a field", place, "give what it stands for a name before")
    if len(quotes) == 1 and _LINE_END.search(text, start, stop):
        place = Span(span(opening).start, end.end)
        yield Construct(_PEP_701, "a line break in a field", place, "use triple quotes for the f-string")
    tokens = [leaf for leaf in field.leaves() if leaf.start <= stop]
    for before, after in pairwise(tokens):
        if comment := _COMMENT.search(text, before.end, after.start):
            place = Span(*comment.span())
            yield Construct(_PEP_701, "a comment in a field", place, "put it before the f-string")
    for conversion in _leaves(rest, "NAME"):
        if (blank := Span(conversion.end, stop)).start < stop:
            yield Construct(_PEP_701, "a blank after a conversion", blank, "leave it out")


def _leaves(children: list[Child], *kinds: str) -> list[Leaf]:
    return [child for child in children if isinstance(child, Leaf) and child.kind in kinds]


def _quotes(text: str, string: Tree) -> str:
    opening = span(string.children[0])
    return text[opening.start : opening.end].lstrip("fFrR")
