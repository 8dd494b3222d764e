"""F-strings: fields with spawns are found, show the text of the source, and are placed exactly."""

import ast
import sys
import traceback
import warnings
from typing import Any

import pytest
from hypothesis import given, strategies as st

import circuit
from circuit.compiler import compile_source
from circuit.compiler.fstrings import Field, fields_of, keep_shown, spawning_fields
from circuit.compiler.lowering import lower
from circuit.compiler.parser import find_spawns
from circuit.compiler.positions import place_fields, relocate
from circuit.compiler.source import Source
from circuit.compiler.splice import Edit, apply
from circuit.compiler.tokens import tokenize

SINCE_3_12 = pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.11 takes no such f-string")


def lowered(text: str, runtime: str | None = "_circuit") -> tuple[str, list[Edit]]:
    source = Source.from_text(text, "a.cpy")
    found = find_spawns(source)
    assert found.errors == () and found.tokens
    fields = spawning_fields(source, found.tokens, found.spawns)
    shown = keep_shown(source, fields)
    assert shown.errors == ()
    edits = [*shown.edits, *lower(source, found.spawns, runtime, fields=fields)]
    return apply(text, edits), edits


def spawning(text: str) -> tuple[Field, ...]:
    source = Source.from_text(text, "a.cpy")
    found = find_spawns(source)
    assert found.tokens
    return spawning_fields(source, found.tokens, found.spawns)


def test_a_field_is_found_with_its_parts() -> None:
    text = "rf'{a}' T\"b{ f(spawn g() on w) = !r:>{n}}\""
    (field,) = spawning(text)
    parts = (field.span, field.expression, field.equals, field.conversion, field.format)
    assert [part and text[part.start : part.end] for part in parts] == [
        "{ f(spawn g() on w) = !r:>{n}}",
        "f(spawn g() on w)",
        "=",
        "!r",
        ":>{n}",
    ]
    assert field.shown == " f(spawn g() on w) = "
    assert (field.string.prefix, field.string.quotes, field.string.raw, field.in_format) == (
        "T",
        ('"',),
        False,
        False,
    )


def test_a_field_without_parts_has_none() -> None:
    (field,) = spawning('rF"""{spawn f() on w}"""')
    assert (field.equals, field.shown, field.conversion, field.format) == (None, "", None, None)
    assert (field.string.raw, field.string.quotes) == (True, ('"""',))


def test_fields_that_no_spawn_stands_in_are_left_out() -> None:
    text = "f'{a}{spawn f() on w}{b:{spawn g() on w}}{c}'"
    assert [text[field.expression.start : field.expression.end] for field in spawning(text)] == [
        "spawn f() on w",
        "spawn g() on w",
    ]


def test_fields_come_in_the_order_of_the_source() -> None:
    text = "f'{a:{b}}{f\"{c}{d!r}\"}' 'x' f'{ {1: lambda: 2}[e] }' f'{{}}'"
    found = list(fields_of(text, tokenize(Source.from_text(text, "a.py"))))
    expressions = [text[field.expression.start : field.expression.end] for field in found]
    assert expressions == ["a", "b", 'f"{c}{d!r}"', "c", "d", "{1: lambda: 2}[e]"]
    assert [len(field.string.quotes) for field in found] == [1, 1, 1, 2, 2, 1]
    assert [field.in_format for field in found] == [False, True, False, False, False, False]


# The source of a field, and the text that it shows; `f"{...}"` is around both.
SHOWN = {
    "plain": ("spawn f() on w=", "spawn f() on w={_circuit.call(f).on(w)!r}"),
    "blanks": (" spawn f() on w = ", " spawn f() on w = { _circuit.call(f).on(w)!r}"),
    "conversion": ("spawn f() on w=!s", "spawn f() on w={_circuit.call(f).on(w)!s}"),
    "conversion after a blank": ("spawn f() on w= !a", "spawn f() on w= {_circuit.call(f).on(w)!a}"),
    "format": ("spawn f() on w=:>{n}", "spawn f() on w={_circuit.call(f).on(w):>{n}}"),
    "empty format": ("spawn f() on w=:", "spawn f() on w={_circuit.call(f).on(w):}"),
    "both": ("spawn f() on w =!r:^9", "spawn f() on w ={_circuit.call(f).on(w)!r:^9}"),
    "inside an expression": ("[spawn f() on w][0]=", "[spawn f() on w][0]={[_circuit.call(f).on(w)][0]!r}"),
    "nested spawns": (
        "spawn f(spawn g() on v) on w=",
        "spawn f(spawn g() on v) on w={_circuit.call(f, _circuit.call(g).on(v)).on(w)!r}",
    ),
    "braces": ("spawn f({1: 2}) on w=", "spawn f({{1: 2}}) on w={_circuit.call(f, {1: 2}).on(w)!r}"),
    "other quotes": ("spawn f('a') on w=", "spawn f('a') on w={_circuit.call(f, 'a').on(w)!r}"),
    "a string inside": (
        "f'{spawn f() on w=}'=",
        "f'{{spawn f() on w=}}'={f'spawn f() on w={_circuit.call(f).on(w)!r}'!r}",
    ),
    "in a format": ("x:{spawn f({}) on w=}", "{x:spawn f(\\x7b\\x7d) on w={_circuit.call(f, {}).on(w)!r}}"),
    "no text to show": ("spawn f() on w!r:>{n}", "{_circuit.call(f).on(w)!r:>{n}}"),
}


@pytest.mark.parametrize(("field", "written"), SHOWN.values(), ids=SHOWN.keys())
def test_a_field_that_shows_its_text_shows_the_sources(field: str, written: str) -> None:
    result, _ = lowered(f'f"{{{field}}}"')
    assert result == f'f"{written}"'
    # The literal is the text, as Python reads it, and the rest what stands in the field.
    string = ast.parse(result, mode="eval").body
    assert isinstance(string, ast.JoinedStr)
    if "=" in field.partition(":")[0]:
        literal, value = string.values
        assert isinstance(literal, ast.Constant) and isinstance(value, ast.FormattedValue)
        # Were the spawn a name, this is what CPython would make of it.
        assert literal.value == field[: field.rindex("=") + 1] + " " * ("= " in field)


# Whole strings, where what is around decides how the text has to be written.
AROUND = {
    "lines": (
        'f"""{spawn f(\n  "a",\r\n) on w\n=\n}"""',
        'f"""spawn f(\\n  "a",\\n) on w\\n=\\n{_circuit.call(f,\n  "a",\r\n).on(w)\n\n!r}"""',
    ),
    "an open backslash": ("f'\\{spawn n() on w=}'", "f'\\\\spawn n() on w={_circuit.call(n).on(w)!r}'"),
    "a closed backslash": ("f'\\\\{spawn n() on w=}'", "f'\\\\spawn n() on w={_circuit.call(n).on(w)!r}'"),
    "an octal escape": (
        "f'\\1{2 if [spawn n() on w] else 0=}'",
        "f'\\1\\x32 if [spawn n() on w] else 0={2 if [_circuit.call(n).on(w)] else 0!r}'",
    ),
    "quotes before": (
        '''f""" ""{"" if [spawn n() on w] else 0=}"""''',
        '''f""" ""\\"" if [spawn n() on w] else 0={"" if [_circuit.call(n).on(w)] else 0!r}"""''',
    ),
    "doubled braces before": ("f'{{{spawn n() on w=}}}'", "f'{{spawn n() on w={_circuit.call(n).on(w)!r}}}'"),
    "strings side by side": (
        "'a' f'{spawn n() on w=}' rf'\\{spawn m() on w=}'",
        "'a' f'spawn n() on w={_circuit.call(n).on(w)!r}' rf'\\spawn m() on w={_circuit.call(m).on(w)!r}'",
    ),
}


@pytest.mark.parametrize(("text", "written"), AROUND.values(), ids=AROUND.keys())
def test_the_text_is_written_so_that_the_string_stays_one(text: str, written: str) -> None:
    assert lowered(text)[0] == written
    ast.parse(written)


@SINCE_3_12
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('f"{spawn f("a") on w=}"', 'spawn f("a") on w='),
        ("f'{spawn f('\\n') on w=}'", "spawn f('\\n') on w="),
        ("rf'{spawn f(\"\\n\") on w=}'", 'spawn f("\\n") on w='),
        ('f"{spawn f( # why "" {}\n) on w # here\n= # there\n}"', "spawn f( \n) on w \n= \n"),
        ("f'''{spawn f('''a\nb''') on w=}'''", "spawn f('''a\nb''') on w="),
        ("f'{spawn f('#') on w=}'", "spawn f('#') on w="),
        ("f'{spawn f() \\\n on w=}'", "spawn f() \\\n on w="),
        ("f'{spawn f(a != b) on w=}'", "spawn f(a != b) on w="),
    ],
)
def test_what_only_newer_pythons_take_is_shown_too(text: str, shown: str) -> None:
    string = ast.parse(lowered(text)[0], mode="eval").body
    assert isinstance(string, ast.JoinedStr)
    assert isinstance(string.values[0], ast.Constant)
    assert string.values[0].value == shown


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "rf'''{spawn f(\n) on w=}'''",
            "its text has a line break, which a raw string cannot write on one line",
        ),
        ("fr'{spawn f('a') on w=}'", "its text has the string's own quotes, which a raw string cannot hold"),
        ("rf'{x:{spawn f({}) on w=}}'", "its text has a brace, which the format of a raw string cannot hold"),
        (
            "f'''{f\"\"\"{spawn f(\n) on w=}\"\"\"}'''",
            "its text has a line break, which a string inside of another cannot write on one line",
        ),
    ],
)
def test_a_text_that_a_string_cannot_show_is_an_error(text: str, why: str) -> None:
    source = Source.from_text(text, "a.cpy")
    shown = keep_shown(source, spawning(text))
    (error,) = shown.errors
    assert (error.code, error.label, shown.edits) == ("S019", why, ())
    assert "spawn" in text[error.span.start : error.span.end]


INLINE = {
    "f'{spawn f() on w}'": "f'{__import__(\"circuit\").call(f).on(w)}'",
    'f"{spawn f() on w}"': "f\"{__import__('circuit').call(f).on(w)}\"",
    "f'''{spawn f() on w}'''": "f'''{__import__(\"circuit\").call(f).on(w)}'''",
    "f'{f\"{spawn f() on w}\"}'": "f'{f\"{__import__(*dict(circuit=0)).call(f).on(w)}\"}'",
    "spawn f('x') on f'{w}'": "__import__(\"circuit\").call(f, 'x').on(f'{w}')",
}


@pytest.mark.parametrize(("text", "written"), INLINE.items())
def test_an_import_of_its_own_takes_no_quote_of_the_strings_around(text: str, written: str) -> None:
    result, _ = lowered(text, runtime=None)
    assert result == written
    ast.parse(result)


def test_the_import_without_quotes_imports() -> None:
    written, _ = lowered("f'{f\"{spawn f() on w}\"}'", runtime=None)
    assert eval(written[written.index("__import__") : written.index(".call")]) is circuit


PLACED = [
    # Python 3.11 itself misplaces `f` and what it is called with here.
    "x = (f'''é\n{a.b} {f\"\"\"{c} {spawn f(d,\n e) on w}\"\"\"}''', g)",
    "x = f'{spawn f(a) on w}'",
    "x = f'é{é}{spawn fé(é, b) on w!r:>{n + é}}' f'{c.d}'",
    'x = f"""\n{a + b}\n  {spawn f(a +\n b, c) on w[0]:{n\n}}\n{c.d(e)}""" "é" f"{spawn g(x) on w}"',
    "def f():\n  return (f'{a}'\n    f'{[spawn f(b + c) on w]}' # é\n    f'{d.e}', f.g)\n",
    "x = f'{f\"{spawn f(a.b) on w} {c.d}\" + e.f}'; y = f'{a.b, spawn f(c.d) on w,}'",
    "x = f'{spawn f(a) on w=}', f'é{spawn g(b.c) on é=!r:{spawn h(d.e) on w}}'",
    "x = f'{ {a: [spawn b(c.d) on w]}[e] }'\r\ny = f'{lambda_(spawn f(a.b) on w)}'\rz = 1\n",
]


@pytest.mark.parametrize("text", PLACED)
def test_what_stands_in_a_field_has_its_exact_place(text: str) -> None:
    """Each part of an expression is found at its place: read there, it gives the part."""
    source = Source.from_text(text, "a.cpy")
    result, edits = lowered(text)
    tree = ast.parse(result)
    if sys.version_info < (3, 12):
        place_fields(tree, result, source, spawning(text))
    lines = result.replace("\r\n", "\n").replace("\r", "\n")
    checked = 0
    for string in ast.walk(tree):
        if isinstance(string, ast.FormattedValue):
            for node in ast.walk(string.value):
                if isinstance(node, ast.expr) and not isinstance(
                    node, ast.JoinedStr | ast.FormattedValue | ast.Constant
                ):
                    segment = ast.get_source_segment(lines, node)
                    assert ast.dump(ast.parse(f"({segment})", mode="eval").body) == ast.dump(node)
                    checked += 1
    assert checked > 5
    relocate(tree, result, source, edits)
    assert_names_stand_where_they_are_written(tree, text)
    assert_names_stand_where_they_are_written(compile_source(source).tree(), text)


def assert_names_stand_where_they_are_written(tree: ast.Module, text: str) -> None:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    names = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id not in ("_circuit", "__import__")
    ]
    assert [ast.get_source_segment(lines, name) for name in names] == [name.id for name in names]


def test_carets_are_under_what_failed_in_a_field() -> None:
    text = 'def g(w):\n    return f"""é {w}\n  é {spawn f(w, 1 / 0) on w}"""\n'
    names: dict[str, Any] = {"f": None}
    exec(compile_source(Source.from_text(text, "a.cpy")).code(), names)
    with pytest.raises(ZeroDivisionError) as caught:
        names["g"](1)
    frame = traceback.extract_tb(caught.value.__traceback__)[-1]
    line = text.splitlines()[(frame.lineno or 0) - 1].encode()
    assert (frame.lineno, line[frame.colno : frame.end_colno].decode()) == (3, "1 / 0")


SPAWN, STAND_IN = "spawn f() on w", "spawn_f_on_w"
PIECES = [
    f"{{{SPAWN}=}}",
    f"{{{SPAWN} = !s}}",
    f"{{1 if [{SPAWN}] else 2=}}",
    f"{{'a' + [{SPAWN}, {{}}][0]=:{{n}}}}",
]
PIECES += ["{x}", "{{", "}}", "\\", "\\\\", "\\1", "\\n", "n", "1", "é", f"{{x:{{[{SPAWN}]=}}}}"]


@given(st.sampled_from(["f", "rf"]), st.lists(st.sampled_from(PIECES), max_size=6))
def test_what_is_shown_is_what_cpython_would_show(prefix: str, pieces: list[str]) -> None:
    """Were the spawn a name, CPython itself would show its text."""
    text = f'{prefix}"{"".join(pieces)}{{{SPAWN}}}"'
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = ast.parse(text.replace(SPAWN, STAND_IN), mode="eval").body
        except (SyntaxError, ValueError):  # ValueError: 3.12.1 cannot show a text in a format
            return
        result = ast.parse(lowered(text)[0], mode="eval").body
    assert literals(result) == [literal.replace(STAND_IN, SPAWN) for literal in literals(expected)]


def literals(string: ast.expr) -> list[str]:
    found = [node.value for node in ast.walk(string) if isinstance(node, ast.Constant)]
    return [value for value in found if isinstance(value, str)]
