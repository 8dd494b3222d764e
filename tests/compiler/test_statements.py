"""The words that begin statements, told from names, and the parenthesis of `with` items."""

import pytest

from circuit.compiler.source import Source
from circuit.compiler.statements import mark_statements
from circuit.compiler.tokens import Tokens, tokenize


def capitals(text: str, tokens: Tokens, kinds: set[str]) -> str:
    letters = list(text)
    for kind, start, end in zip(tokens.kinds, tokens.starts, tokens.ends, strict=True):
        if kind in kinds:
            letters[start:end] = text[start:end].upper()
    return "".join(letters)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("match x:\n case y: pass\n", "MATCH x:\n CASE y: pass\n"),
        ("match(x)\nmatch[x]: int\nmatch.x", "match(x)\nmatch[x]: int\nmatch.x"),
        ("match (x):\n case [y]: case[x]: int\n", "MATCH (x):\n CASE [y]: case[x]: int\n"),
        ("match lambda: x:\n case _: pass\n", "MATCH lambda: x:\n CASE _: pass\n"),
        ("match x:\n case y:\n  case(z)\ncase(z)", "MATCH x:\n CASE y:\n  case(z)\ncase(z)"),
        ("match match:\n case case: pass\n", "MATCH match:\n CASE case: pass\n"),
        ("match not in x", "match not in x"),
        ("match not x:\n case y: pass\n", "MATCH not x:\n CASE y: pass\n"),
        ("match -x:\n case y: pass\nmatch - x", "MATCH -x:\n CASE y: pass\nmatch - x"),
        ("type x = int; type y = x\ntype(x)", "TYPE x = int; TYPE y = x\ntype(x)"),
        ("if x: type y = z\n", "if x: TYPE y = z\n"),
        ("type = 1\ntype[x]: int", "type = 1\ntype[x]: int"),
    ],
)
def test_the_words_of_statements_are_marked(text: str, expected: str) -> None:
    tokens = tokenize(Source.from_text(text, "a.cpy"))
    mark_statements(tokens, text)
    assert capitals(text, tokens, {"match", "case", "type"}) == expected


@pytest.mark.parametrize(
    ("text", "is_items"),
    [
        ("with (a as b): pass", True),
        ("with (a, b,): pass", True),
        ("with (a): pass", True),
        ("with (a if b else c, [x for x in y] as d): pass", True),
        ("with (lambda a, *b: (yield)): pass", True),
        ("with (a, b) as c: pass", False),
        ("with (a), b: pass", False),
        ("with (a := b): pass", False),
        ("with (*a, b): pass", False),
        ("with (yield): pass", False),
        ("with (x for x in y): pass", False),
        ("with (): pass", False),
    ],
)
def test_the_parenthesis_of_with_items_is_told_from_an_expression(text: str, is_items: bool) -> None:
    tokens = tokenize(Source.from_text(text, "a.cpy"))
    mark_statements(tokens, text)
    assert (tokens.kinds[1] == "WITH_LPAR") is is_items
