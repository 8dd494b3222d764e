"""Splices and positions: what an edit changes, what it leaves, and the way back."""

import ast
import re

import pytest
from hypothesis import given, strategies as st

from circuit.compiler.positions import LineTable, relocate
from circuit.compiler.source import Source, Span
from circuit.compiler.splice import Edit, OffsetMap, apply

LINE_BREAK = re.compile(r"\r\n|\r|\n")
LINE_FREE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=6)


@st.composite
def edited_texts(draw: st.DrawFn) -> tuple[str, list[Edit]]:
    """Draw a text and edits that do not overlap, in any order."""
    text, edits = "", []
    for _ in range(draw(st.integers(0, 5))):
        text += draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
        replaced, replacement = draw(LINE_FREE), draw(LINE_FREE)
        edits.append(Edit(Span(len(text), len(text) + len(replaced)), replacement))
        text += replaced + "."
    return text, draw(st.permutations(edits))


def test_edits_replace_their_spans_and_nothing_else() -> None:
    edits = [Edit(Span(6, 8), "-"), Edit(Span(0, 0), "> "), Edit(Span(0, 2), "two")]
    assert apply("ab cd ef", edits) == "> two cd -"


def test_a_part_is_edited_alone() -> None:
    edits = [Edit(Span(0, 1), "x"), Edit(Span(4, 4), "+")]
    assert apply("ab cd ef", edits, within=Span(3, 5)) == "c+d"


@pytest.mark.parametrize(
    "edits",
    [
        pytest.param([Edit(Span(0, 3), ""), Edit(Span(2, 4), "")], id="overlap"),
        pytest.param([Edit(Span(1, 3), "")], id="a line break removed"),
        pytest.param([Edit(Span(0, 1), "\r")], id="a line break added"),
    ],
)
def test_an_edit_that_breaks_a_rule_is_refused(edits: list[Edit]) -> None:
    with pytest.raises(ValueError):
        apply("a\nbcd", edits)


@given(edited_texts())
def test_every_character_that_stays_is_found_again(drawn: tuple[str, list[Edit]]) -> None:
    text, edits = drawn
    edited, origins = apply(text, edits), OffsetMap(edits)
    found = [origins.origin(offset) for offset in range(len(edited) + 1)]
    assert found == sorted(found)
    assert found[-1] == len(text)
    replaced = {offset for edit in edits for offset in range(edit.span.start, edit.span.end)}
    kept = [offset for offset in range(len(text)) if offset not in replaced]
    pairs = set(zip(found, edited, strict=False))
    assert all((offset, text[offset]) in pairs for offset in kept)
    assert LINE_BREAK.findall(edited) == LINE_BREAK.findall(text)


def test_a_replacement_comes_from_the_text_it_replaced() -> None:
    origins = OffsetMap([Edit(Span(2, 4), "12345")])
    assert [origins.origin(offset) for offset in range(9)] == [0, 1, 2, 3, 4, 4, 4, 4, 5]


def test_columns_in_bytes_become_code_points() -> None:
    table = LineTable("é = 1\r\nü += é\rx")
    assert table.offset_of_bytes(1, 2) == 1
    assert table.offset_of_bytes(2, 6) == 7 + 5
    assert table.offset_of_bytes(3, 0) == 14
    assert table.offset(9, 9) == 15


def test_a_relocated_tree_has_the_columns_of_the_source() -> None:
    source = Source.from_text("é = 1\nŋ = go f(é) + é\n", "a.cpy")
    edits = [Edit(Span(10, 13), "_runtime.call("), Edit(Span(14, 15), ", "), Edit(Span(0, 0), "import sys; ")]
    lowered = apply(source.text, edits)
    assert lowered == "import sys; é = 1\nŋ = _runtime.call(f, é) + é\n"
    tree = ast.parse(lowered)
    relocate(tree, lowered, source, edits)
    _, first, second = tree.body
    assert isinstance(first, ast.Assign) and isinstance(second, ast.Assign)
    assert isinstance(second.value, ast.BinOp)
    nodes = (first, second, second.value.left, second.value.right)
    segments = [ast.get_source_segment(source.text, node) for node in nodes]
    assert segments == ["é = 1", "ŋ = go f(é) + é", "go f(é)", "é"]
    compile(tree, "a.cpy", "exec")
