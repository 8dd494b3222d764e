"""Soft keywords: which NAMEs called spawn and on are words of the construct.

In valid Python, on one logical line, a NAME straight after the end of an
operand occurs only after a soft keyword that begins its statement. So an `on`
that follows an operand's end, with a `spawn` earlier at the same bracket depth
and no separator between, is never valid Python, and is the construct. Likewise
a `spawn` that a name, a literal, `{` or `lambda` follows is never an identifier:
it must have its `on`. A `spawn` before `(`, `[` or a sign may be either; it is
the construct if an `on` needs it, and else an identifier. Each `on` takes the
nearest `spawn` that leaves none without one. grammar/README.md argues the rule
and lists the nasty cases.

Rules: only kinds are marked, in the caller's list; nothing is parsed here.
Look-ahead is unbounded, but never past the logical line. Lines without the
word are not looked at.
"""

from __future__ import annotations

import keyword
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from enum import Enum

from circuit.compiler.source import Span
from circuit.compiler.spawns import ParseError
from circuit.compiler.tokens import Tokens

WORD = re.compile(r"spawn\b(?<!\wspawn)")  # `\b` in front would keep re from leaping to the letters
_CONSTANTS = {"None", "True", "False", "..."}
ATOM_STARTS = _CONSTANTS | {"NAME", "NUMBER", "STRING", "FSTRING_START", "TSTRING_START"}
OPERAND_ENDS = _CONSTANTS | {"NAME", "NUMBER", "STRING", "FSTRING_END", "TSTRING_END", ")", "]", "}"}
# After an identifier these begin nothing that Python knows, so a `spawn` before them is the keyword.
_ONLY_AFTER_KEYWORD = ATOM_STARTS | {"{", "lambda", "await", "yield", "~"}
# These go on with an identifier (a call, a subscript, arithmetic), and begin an operand after the keyword.
AFTER_EITHER = {"(", "[", "+", "-", "*"}
_IN_EXPRESSIONS = _CONSTANTS | {"and", "or", "not", "in", "is", "if", "else", "lambda", "await", "yield"}
OPERATORS = {"+", "-", "*", "/", "//", "%", "@", "**", "|", "&", "^", "<<", ">>"} | {
    *("<", ">", "==", "!=", "<=", ">="),
    *("and", "or", "not", "in", "is"),
}
_ASSIGNMENTS = {"=", "+=", "-=", "*=", "@=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "**=", "//="}
_SEPARATORS = (
    (set(keyword.kwlist) - _IN_EXPRESSIONS)
    | _ASSIGNMENTS
    | {",", ";", ":", "->", "!", "NEWLINE", "INDENT", "DEDENT"}
)


class _Role(Enum):
    """What a NAME may be in the matching of a stretch."""

    MUST_OPEN = "a spawn that cannot be an identifier"
    MAY_OPEN = "a spawn, or an identifier called spawn"
    CLOSE = "an on that cannot be an identifier"


@dataclass(slots=True)
class _Stretch:
    """The candidates at one bracket depth since the last separator."""

    opener: str
    candidates: list[tuple[int, _Role]] = field(default_factory=list)

    def waits(self) -> bool:
        """Whether more spawns than ons have been seen."""
        closed = sum(role is _Role.CLOSE for _, role in self.candidates)
        return len(self.candidates) > 2 * closed

    def goes_on_after(self, index: int) -> bool:
        """Whether there is a candidate, and the token here is no candidate but an operand's end."""
        return bool(self.candidates) and self.candidates[-1][0] != index


def mark_spawns(tokens: Tokens, text: str) -> list[ParseError]:
    """Give the kinds "spawn" and "on" to the NAMEs that are the construct's words.

    Returns:
        The errors: a spawn without an `on` (S001), or an `on` too many (S003).
    """
    errors: list[ParseError] = []
    done = 0
    for word in WORD.finditer(text):
        index = bisect_right(tokens.starts, word.start()) - 1  # past empty INDENTs and DEDENTs
        if index < done or tokens.starts[index] != word.start() or not _is_name(tokens, text, index, "spawn"):
            continue
        first = last = index
        while first and tokens.kinds[first - 1] != "NEWLINE":
            first -= 1
        while tokens.kinds[last] != "NEWLINE":
            last += 1
        done = last + 1
        errors += _LineMarker(tokens, text).mark(first, done)
    return errors


class _LineMarker:
    """Marks one logical line. Brackets, and `lambda` up to its colon, hold stretches of their own."""

    def __init__(self, tokens: Tokens, text: str) -> None:
        self.tokens = tokens
        self.kinds = tokens.kinds
        self.text = text
        self.errors: list[ParseError] = []

    def mark(self, first: int, last: int) -> list[ParseError]:
        stretches = [_Stretch("")]
        for index in range(first, last):
            kind = self.kinds[index]
            if kind in ("(", "[", "{", "lambda"):
                stretches.append(_Stretch(kind))
            elif kind in (")", "]", "}"):
                while stretches[-1].opener == "lambda":  # its colon is missing
                    self.settle(stretches.pop(), index)
                self.settle(stretches.pop(), index)
            elif kind == ":" and stretches[-1].opener == "lambda":
                self.settle(stretches.pop(), index)
            elif kind == "NEWLINE":
                for stretch in stretches:
                    self.settle(stretch, index)
            elif kind in _SEPARATORS and not (kind == "from" and self.kinds[index - 1] == "yield"):
                self.settle(stretches[-1], index)
            elif kind == "NAME":
                self.consider(stretches[-1], index)
        return self.errors

    def consider(self, stretch: _Stretch, index: int) -> None:
        """Note the NAME's role if it has one."""
        word = self.text[self.tokens.starts[index] : self.tokens.ends[index]]
        before = self.kinds[index - 1] if index else "NEWLINE"
        if word == "spawn" and before != ".":
            if (role := self.spawn_role(stretch, index)) is not None:
                stretch.candidates.append((index, role))
        elif word == "on" and before in OPERAND_ENDS and stretch.goes_on_after(index - 1):
            stretch.candidates.append((index, _Role.CLOSE))

    def spawn_role(self, stretch: _Stretch, index: int) -> _Role | None:
        after = self.kinds[index + 1]
        if after in AFTER_EITHER:
            return _Role.MAY_OPEN
        if self.is_on(index + 1) and not self.is_on(index + 2):
            if not stretch.waits():
                spot = Span(self.tokens.starts[index], self.tokens.ends[index + 1])
                self.errors.append(ParseError("S003", "nothing to spawn between `spawn` and `on`", spot))
            return None
        if after in _ONLY_AFTER_KEYWORD or (after == "not" and self.kinds[index + 2] != "in"):
            return _Role.MUST_OPEN
        return None

    def is_on(self, index: int) -> bool:
        return index < len(self.tokens) and _is_name(self.tokens, self.text, index, "on")

    def settle(self, stretch: _Stretch, end: int) -> None:
        """Match the stretch's spawns and ons, mark the pairs, and empty it."""
        candidates = stretch.candidates
        if not candidates:
            return
        spare = _spare_closers([role for _, role in candidates])
        waiting: list[tuple[int, _Role]] = []
        must = 0
        for number, (index, role) in enumerate(candidates):
            if role is not _Role.CLOSE:
                waiting.append((index, role))
                must += role is _Role.MUST_OPEN
                continue
            # Pass over a spawn that may be an identifier if those before it would go short,
            # or if it is an operator's operand, as a spawn cannot be, and another is at hand.
            while waiting and waiting[-1][1] is _Role.MAY_OPEN:
                if must <= spare[number + 1] and not (waiting[1:] and is_operand(self.kinds, waiting[-1][0])):
                    break
                waiting.pop()
            if waiting:
                spawn, opened_as = waiting.pop()
                must -= opened_as is _Role.MUST_OPEN
                self.kinds[spawn] = "spawn"
                self.kinds[index] = "on"
            else:
                message = "this `on` belongs to no `spawn`"
                self.errors.append(ParseError("S003", message, self.tokens.span(index)))
        self.errors += [self.without_on(index, end) for index, role in waiting if role is _Role.MUST_OPEN]
        candidates.clear()

    def without_on(self, spawn: int, end: int) -> ParseError:
        span = Span(self.tokens.starts[spawn], self.tokens.ends[end - 1])
        help = "say where it runs: `spawn f(x) on worker`"
        in_next_line = self.is_on(end + 1) or self.is_on(end + 2)  # perhaps indented
        if self.kinds[end] == "NEWLINE" and in_next_line:
            help = "put the spawn in parentheses, or end its line with a backslash, to go on in the next line"
        return ParseError("S001", "a spawn has no `on`", span, "where does this run?", help)


def is_operand(kinds: list[str], index: int) -> bool:
    """Say whether the token before this one is an operator that takes it for an operand."""
    before = kinds[index - 1] if index else "NEWLINE"
    if before in ("*", "**", "@"):  # a star or a decorator, or else an operator
        return index > 1 and kinds[index - 2] in OPERAND_ENDS
    if before != "in":
        return before in OPERATORS or before == "~"
    # The `in` of a `for` is no operator.
    depth = 0
    for kind in reversed(kinds[: index - 1]):
        depth += (kind in (")", "]", "}")) - (kind in ("(", "[", "{"))
        if depth < 0 or kind == "NEWLINE":
            break
        if depth == 0 and kind in ("for", "in"):
            return kind == "in"
    return True


def _spare_closers(roles: list[_Role]) -> list[int]:
    """Count, at each position, the closers from there on that later MUST_OPENs leave over."""
    spare = [0]
    for role in reversed(roles):
        left = spare[-1]
        if role is _Role.CLOSE:
            left += 1
        elif role is _Role.MUST_OPEN:
            left = max(0, left - 1)
        spare.append(left)
    return spare[::-1]


def _is_name(tokens: Tokens, text: str, index: int, word: str) -> bool:
    return tokens.kinds[index] == "NAME" and text[tokens.starts[index] : tokens.ends[index]] == word
