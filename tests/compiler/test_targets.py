"""What needs a newer Python than the target, told by the tree, and held against the running CPython."""

import ast
import warnings

import pytest

from circuit.compiler.parser import find_spawns
from circuit.compiler.source import Source
from circuit.compiler.spawns import ParseError
from circuit.compiler.targets import RUNNING, TARGETS, Target, check_target, oldest_for
from circuit.compiler.tokens import tokenize

# The program, the version that knows it, what is said of it, and the part that is pointed at.
NEWER = [
    ("type x = int", "3.12", "a `type` statement", "type x"),
    ("def f[T, *U, **P](x: T): pass", "3.12", "a list of type parameters", "[T, *U, **P]"),
    ("class c[T: (int, str)](d): pass", "3.12", "a list of type parameters", "[T: (int, str)]"),
    ("class c[T: int = bool]: pass", "3.13", "the default of a type parameter", "= bool"),
    ("def f[*T = *(int, str)](): pass", "3.13", "the default of a type parameter", "= *(int, str)"),
    ("try: pass\nexcept a, b: pass", "3.14", "a list of exceptions without parentheses", "a, b"),
    ("try: pass\nexcept* a, b.c,: pass", "3.14", "a list of exceptions without parentheses", "a, b.c,"),
    ("t'{x}'", "3.14", "a t-string", "t'"),
    ("f'{x['a']}'", "3.12", "a field with its f-string's own quotes", "'"),
    ("f'''{'''a'''}'''", "3.12", "a field with its f-string's own quotes", "'''"),
    ("f'{x:{'a'}}'", "3.12", "a field with its f-string's own quotes", "'"),
    ("f'{f'{x}'}'", "3.12", "a field with its f-string's own quotes", "'"),
    ("f'''{\"'''\"}'''", "3.12", "a field with its f-string's own quotes", "'''"),
    ("f'{\"\\n\"}'", "3.12", "a backslash in a field", "\\"),
    ("f'''{f\"{x}\\n\"}'''", "3.12", "a backslash in a field", "\\"),
    ("f'{x\n}'", "3.12", "a line break in a field", "{x\n}"),
    ("f'{x!r\n:5}'", "3.12", "a line break in a field", "{x!r\n:"),
    ("f'''{x # c\n}'''", "3.12", "a comment in a field", "# c"),
    ("f'''{( # c\nx)}'''", "3.12", "a comment in a field", "# c"),
    ("f'{x!r }'", "3.12", "a blank after a conversion", " "),
    ("f'{x!r :5}'", "3.12", "a blank after a conversion", " "),
    ("f'{x:{y:{z}}}'", "3.12", "a format this deep", "{z}"),
]

FOR_ALL = [
    "try: pass\nexcept (a, b): pass\nexcept c as d: pass",
    "try: pass\nexcept* a: pass",
    "with (a as b, c): pass",
    "x[*a]",
    "def f(*a: *b): pass",
    "type = type(x)",
    "f'{x[\"a\"]:{y!r}} \\n {x=!r}'",
    "f'''{'a'}{\nx}\"\n'''",
    "f'{x:\\n}{x:\\'}#'",
    "f'{\"#\"}{x:#x}{x !r}{x = }'",
    "rf'{x}\\d'",
    "f'\\N{EM DASH}{{x'",
]


def needed(text: str) -> Target:
    source = Source.from_text(text, "a.cpy")
    return oldest_for(source, tokenize(source))


def accepted(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except SyntaxError:
            return False
    return True


def faults(text: str, target: Target) -> list[ParseError]:
    source = Source.from_text(text, "a.cpy")
    tokens = find_spawns(source).tokens or tokenize(source)
    return list(check_target(source, tokens, target))


@pytest.mark.parametrize(("text", "since", "what", "place"), NEWER, ids=[row[0] for row in NEWER])
def test_what_is_too_new_is_an_error_at_its_place(text: str, since: str, what: str, place: str) -> None:
    version = Target.parse(since)
    assert needed(text) == version
    before = Target(version.minor - 1)
    error = faults(text, before)[0]
    assert (error.code, error.message) == ("S020", f"{what} needs Python {since}")
    assert error.label == f"compiled for Python {before}"
    assert error.help
    assert text[error.span.start : error.span.end] == place
    assert faults(text, version) == []


@pytest.mark.parametrize("text", FOR_ALL)
def test_what_is_not_new_needs_nothing(text: str) -> None:
    assert needed(text) == TARGETS[0]
    assert accepted(text)


@pytest.mark.parametrize(("text", "since"), [row[:2] for row in NEWER], ids=[row[0] for row in NEWER])
def test_the_running_python_agrees(text: str, since: str) -> None:
    assert accepted(text) is (Target.parse(since) <= RUNNING)


def test_each_construct_is_an_error_of_its_own() -> None:
    text = "type x = int\nspawn f(f'{a['b']}{\"\\n\"}') on w\nclass c[T = int]: pass\n"
    assert [error.message for error in faults(text, Target.parse("3.11"))] == [
        "a `type` statement needs Python 3.12",
        "a field with its f-string's own quotes needs Python 3.12",
        "a backslash in a field needs Python 3.12",
        "a list of type parameters needs Python 3.12",
        "the default of a type parameter needs Python 3.13",
    ]
    assert len(faults(text, Target.parse("3.12"))) == 1


def test_the_grammar_judges_only_what_the_running_python_cannot() -> None:
    newer = Target(RUNNING.minor + 1)
    (error,) = faults("x = = 1", newer)
    assert (error.code, error.message) == ("S000", "invalid syntax")
    assert faults("x = = 1", RUNNING) == []
    assert faults("x = = 1", TARGETS[0]) == []


def test_the_tokens_stay_as_they_are() -> None:
    source = Source.from_text("with (spawn f() on w as x): pass\nmatch x:\n case y: pass\n", "a.cpy")
    tokens = find_spawns(source).tokens
    assert tokens
    before = tokens.kinds.copy()
    assert list(check_target(source, tokens, TARGETS[0])) == []
    assert tokens.kinds == before


def test_targets_are_written_and_ordered_as_versions() -> None:
    assert [str(target) for target in TARGETS] == ["3.11", "3.12", "3.13", "3.14"]
    assert Target.parse("3.11") < Target.parse("3.12") <= Target.parse("3.12")
    assert all(Target.parse(str(target)) == target for target in TARGETS)
    with pytest.raises(ValueError, match=r"^3.10 is not one of 3.11, 3.12, 3.13, 3.14$"):
        Target.parse("3.10")
