"""Statement words: where `match`, `case`, `type` and the parenthesis of `with` begin their statements.

`match`: a NAME at the start of a line; the first colon of the line ends it.
`case`: a NAME at the start of a line straight inside a match block.
`type`: a NAME at the start of a statement, with a name after it.
`with (`: the parenthesis of items, and not of an expression, if the colon
follows its end and what it holds can be items.
(`_` needs no marking: as a pattern it is written like any capture.)

With these told apart the grammar has no conflict. Only a parse of a whole
module needs them. Rules: only kinds are marked, in the caller's list;
look-ahead is unbounded, but never past the logical line.
"""

from __future__ import annotations

from collections.abc import Iterator

from circuit.compiler.keywords import AFTER_EITHER, ATOM_STARTS
from circuit.compiler.tokens import Tokens

_SUBJECT_STARTS = ATOM_STARTS | AFTER_EITHER | {"{", "lambda", "await", "~", "not", "spawn"}


def mark_statements(tokens: Tokens, text: str) -> None:
    """Give their own kinds to `match`, `case`, `type` and the parenthesis of `with` items."""
    kinds = tokens.kinds
    blocks = [""]  # the word that opened each block, if that is `match`
    opened = ""
    after = "NEWLINE"
    for index, kind in enumerate(kinds):
        if kind == "INDENT":
            blocks.append(opened)
            opened = ""
        elif kind == "DEDENT":
            blocks.pop()
        elif kind == "with":
            if kinds[index + 1] == "(" and _holds_items(kinds, index + 1):
                kinds[index + 1] = "WITH_LPAR"
        elif kind == "NAME" and after in ("NEWLINE", "INDENT", "DEDENT", ";", ":"):
            word = text[tokens.starts[index] : tokens.ends[index]]
            if word == "type" and kinds[index + 1] == "NAME":
                kinds[index] = "type"
            elif after in (";", ":"):
                pass  # a compound statement begins its line
            elif word == "case" and blocks[-1] == "match":
                kinds[index] = "case"
            elif word == "match" and _is_match(kinds, index):
                kinds[index] = opened = "match"
        after = kind


def _is_match(kinds: list[str], index: int) -> bool:
    after = kinds[index + 1]
    if after not in _SUBJECT_STARTS:
        return False
    if after == "not" and kinds[index + 2] == "in":
        return False
    for place in at_depth(kinds, index + 1):
        if kinds[place] == ":":
            return kinds[place + 1] == "NEWLINE"
    return False


def _holds_items(kinds: list[str], opening: int) -> bool:
    closing = _closing(kinds, opening)
    if kinds[closing + 1] != ":" or closing == opening + 1:
        return False
    before = ","
    for index in at_depth(kinds, opening + 1):
        kind = kinds[index]
        if kind in ("yield", "for", ":=") or (kind == "*" and before == ","):
            return False
        before = kind
    return True


def at_depth(kinds: list[str], index: int) -> Iterator[int]:
    """Walk the tokens of this depth, lambdas' parameters left out, to the end of the line or bracket."""
    depth = 0
    lambdas = 0
    while kinds[index] != "NEWLINE":
        kind = kinds[index]
        if kind in (")", "]", "}"):
            depth -= 1
            if depth < 0:
                return
        if depth == 0:
            if not lambdas:
                yield index
            if kind == "lambda":
                lambdas += 1
            elif kind == ":" and lambdas:
                lambdas -= 1
        if kind in ("(", "[", "{"):
            depth += 1
        index += 1


def _closing(kinds: list[str], opening: int) -> int:
    depth = 0
    for index in range(opening, len(kinds)):
        if kinds[index] in ("(", "[", "{"):
            depth += 1
        elif kinds[index] in (")", "]", "}"):
            depth -= 1
            if depth == 0:
                return index
    raise AssertionError("the tokenizer closes every bracket")
