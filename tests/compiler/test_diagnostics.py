"""Diagnostics: every code has its golden text, and the marks stand where the eye expects them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from circuit.compiler import compile_bytes, compile_source
from circuit.compiler.diagnostics import TITLES, Diagnostic, Label, in_order
from circuit.compiler.rendering import render, styled
from circuit.compiler.source import Source, Span
from circuit.compiler.splice import apply

GOLDEN = Path(__file__).parent / "golden" / "diagnostics"
PROGRAMS = sorted(GOLDEN.glob("*.cpy"))


def diagnose(text: str, marked: str, **fields: object) -> str:
    """Render a diagnostic whose primary label is at the text `marked`."""
    start = text.index(marked)
    fields.setdefault("primary", Label(Span(start, start + len(marked)), "here"))
    return render(Diagnostic("S000", "no", "a.cpy", **fields), Source.from_text(text, "a.cpy"))  # type: ignore[arg-type]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_golden(program: Path, assert_golden: Callable[[Path, bytes], None]) -> None:
    compilation = compile_bytes(program.read_bytes(), program.name)
    rendered = "\n".join(render(one, compilation.source) for one in compilation.diagnostics)
    assert_golden(program.with_suffix(".txt"), rendered.encode())


def test_every_code_has_a_golden_file() -> None:
    covered = {path.stem.partition("-")[0].upper() for path in PROGRAMS}
    # Whether a Python is new enough depends on the target, so that has tests of its own.
    assert covered == TITLES.keys() - {"S020"}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_fix_mends_what_it_is_for(program: Path) -> None:
    compilation = compile_bytes(program.read_bytes(), program.name)
    for diagnostic in compilation.diagnostics:
        if diagnostic.fix:
            fixed = Source.from_text(apply(compilation.source.text, diagnostic.fix), program.name)
            left = compile_source(fixed).diagnostics
            assert len(left) == len(compilation.diagnostics) - 1
            assert {(one.code, one.message) for one in left} <= {
                (one.code, one.message) for one in compilation.diagnostics
            }


def test_what_can_be_fixed_unseen_is() -> None:
    fixable = {
        diagnostic.code
        for program in PROGRAMS
        for diagnostic in compile_bytes(program.read_bytes(), program.name).diagnostics
        if diagnostic.fix
    }
    assert fixable == {"S002", "S003", "S005", "S007", "S010", "S011", "S015"}


def test_tabs_and_wide_characters_keep_the_marks_in_place() -> None:
    assert diagnose("\tx = '漢字' + é́ + bad", "bad").splitlines() == [
        "error[S000]: no",
        "  ┌─ a.cpy:1:18",
        "1 │     x = '漢字' + é́ + bad",
        "  │                      ^^^ here",
    ]


def test_a_label_of_several_lines_marks_the_first_and_the_last() -> None:
    assert diagnose("f(a,\n  b,\n  c)\n", "a,\n  b,\n  c)").splitlines() == [
        "error[S000]: no",
        "  ┌─ a.cpy:1:3",
        "1 │ f(a,",
        "  │   ^^",
        "  ·",
        "3 │   c)",
        "  │   ^^ here",
    ]


def test_a_label_that_ends_with_a_line_break_marks_one_line() -> None:
    assert diagnose("x +\n  y\n", "+\n  ").splitlines()[2:] == ["1 │ x +", "  │   ^ here"]


def test_labels_notes_and_help_come_in_the_order_of_the_lines() -> None:
    text = "\n" * 8 + "a = 1\nb = 2\n"
    rendered = diagnose(
        text,
        "b",
        labels=(Label(Span(8, 9), "first"), Label(Span(18, 19), "value")),
        notes=("one", "two"),
        help="do\nthis",
    )
    assert rendered.splitlines() == [
        "error[S000]: no",
        "   ┌─ a.cpy:10:1",
        " 9 │ a = 1",
        "   │ - first",
        "10 │ b = 2",
        "   │ ^ here",
        "   │     - value",
        "   = note: one",
        "   = note: two",
        "   = help: do",
        "     this",
    ]


def test_a_place_after_the_last_character_has_a_mark() -> None:
    assert diagnose("ab", "", primary=Label(Span(2, 2), "end")).splitlines()[-1] == "  │   ^ end"


def test_a_warning_says_so() -> None:
    assert diagnose("ab", "a", severity="warning").startswith("warning[S000]: no\n")


def test_the_styled_pieces_are_the_plain_text() -> None:
    source = Source.from_text("ab", "a.cpy")
    diagnostic = Diagnostic("S000", "no", "a.cpy", Label(Span(0, 1), "here"))
    assert "".join(text for _, text in styled(diagnostic, source)) == render(diagnostic, source)


def test_several_labels_on_one_line_have_a_row_each() -> None:
    text = "total += (spawn f(x) on w).result()\n"
    start = text.index("spawn")
    label = Label(Span(start, text.index(" w)") + 2), "started")
    assert diagnose(text, "result()", labels=(label, Label(Span(0, 5), "kept"))).splitlines()[2:] == [
        "1 │ total += (spawn f(x) on w).result()",
        "  │                            ^^^^^^^^ here",
        "  │ ----- kept",
        "  │           --------------- started",
    ]


def test_diagnostics_are_read_from_top_to_bottom() -> None:
    late, early = (Diagnostic("S000", "no", "a.cpy", Label(Span(at, at))) for at in (5, 1))
    assert in_order([late, early]) == (early, late)
