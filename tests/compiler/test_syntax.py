"""Python's own errors: CPython's words at CPython's places, several a run, and none that come of others."""

import ast
import doctest
import inspect
import sys
import warnings
from collections.abc import Iterator

import pytest

from circuit.compiler.compilation import compile_source
from circuit.compiler.source import Source

SPAWN = "spawn f() on w\n"
# As many tokens, and the same places: what CPython is asked about.
STAND_IN = "spawn .f() .w\n"


def told(text: str, *, check: bool = False) -> list[tuple[str, int, int]]:
    """Return the message, line and column (from 1) of each error."""
    source = Source.from_text(text, "a.cpy")
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        diagnostics = compile_source(source, check=check).errors
    for one in diagnostics:
        line, column = source.position(one.primary.span.start)
        found.append((one.message, line, column + 1))
    return found


def python_says(text: str) -> tuple[str, int, int] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "a.cpy", "exec")
    except SyntaxError as error:
        return error.msg, error.lineno or 1, max(error.offset or 1, 1)
    except (ValueError, RecursionError, MemoryError):
        pass
    return None


def refused_by_python() -> Iterator[str]:
    """Yield the programs that CPython's own tests expect to be refused."""
    test_syntax = pytest.importorskip("test.test_syntax")
    for example in doctest.DocTestParser().get_examples(test_syntax.__doc__):
        yield example.source
    for name in ("test_syntax", "test_exceptions", "test_fstring", "test_grammar"):
        module = pytest.importorskip(f"test.{name}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(inspect.getsource(module))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                for argument in node.args:
                    listed = argument.elts if isinstance(argument, ast.List | ast.Tuple) else [argument]
                    for one in listed:
                        if isinstance(one, ast.Constant) and isinstance(one.value, str):
                            yield one.value + "\n"


@pytest.mark.parametrize("spawn_first", [True, False])
def test_what_python_refuses_is_refused_in_its_words_at_its_place(spawn_first: bool) -> None:
    tried = 0
    different = []
    for program in dict.fromkeys(refused_by_python()):
        text = SPAWN + program if spawn_first else program + "\n" + SPAWN
        expected = python_says(text.replace(SPAWN, STAND_IN))
        if expected is None:
            continue
        if sys.version_info < (3, 12) and expected[0].startswith("f-string: "):
            continue  # CPython gives places in the field then, not in the file
        tried += 1
        found = told(text)
        if expected not in found:
            different.append((program, expected, found))
    assert tried > 300
    # Behind the import a `match` that has no colon is no statement any more.
    assert [one for one in different if not one[0].startswith("match x\n")] == []


def test_several_errors_are_told_and_each_once() -> None:
    program = (
        SPAWN
        + "x = = 1\n"
        + "if x y:\n    spawn f(z) on w\n    a b\nelse:\n    ok()\n"
        + "def g(a b):\n    return spawn (await x) on w\n"
        + "for i on x:\n    break\n"
        + "async for i on x:\n    continue\n"
        + "async with a b:\n    pass\n"
        + "@a b\nclass C(a b):\n    x = (1,\n      2 3)\n"
        + "try:\n    a b\nexcept a b:\n    pass\nfinally:\n    pass\n"
        + "match a b:\n    case a b:\n        pass\n    case _:\n        a b\n"
        + "if a b: pass\nelse: pass\n"
        + "spawn f() on w + 1\n"
    )
    lines = [line for _, line, _ in told(program)]
    expected = [
        number
        for number, line in enumerate(program.splitlines(), start=1)
        if any(part in line for part in ("= =", "x y", "a b", "2 3", "await", " i on x", "+ 1"))
    ]
    assert lines == expected


def test_errors_behind_the_parser_are_told_too() -> None:
    assert told(SPAWN + "return 1\nok()\nbreak\ndef f(a, a): pass\n") == [
        ("'return' outside function", 2, 1),
        ("'break' outside loop", 4, 1),
        ("duplicate argument 'a' in function definition", 5, 10),
    ]


def test_there_is_an_end_to_errors() -> None:
    assert len(told(SPAWN + "a b\n" * 1000)) == 20


def test_a_spawn_is_called_a_spawn() -> None:
    for text, message in (
        ("spawn f() on w = 3\n", "cannot assign to spawn here. Maybe you meant '==' instead of '='?"),
        ("del spawn f() on w\n", "cannot delete spawn"),
        ("spawn f() on w += 1\n", "'spawn' is an illegal expression for augmented assignment"),
    ):
        assert [one[0] for one in told(text)] == [message]


@pytest.mark.parametrize(
    ("operand", "column"),
    [
        ("f(1=2)", 3),
        ("f(True=1)", 3),
        ("f(x for x in y, 1)", 3),
        ("f(x, y for x in y)", 6),
        ("[x, y for x in z]", 2),
        ("{a: }", 3),
        ("{**a for a in b}", 2),
        ("lambda (a, b): a", 8),
        ("a b", 3),
        ("print 'x'", 1),
    ],
)
def test_an_operand_that_is_no_python_is_told_in_cpythons_words(operand: str, column: int) -> None:
    says = python_says(f"{operand}\n")
    assert says is not None
    assert says[1:] == (1, column)
    others = "spawn f(a b) on w\nx = = 1\nif spawn f() on w:\n    "
    assert told(f"{others}spawn {operand} on w\n")[2:] == [(says[0], 4, 10 + column)]


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ('y = f"{spawn f() on w!x}"', "f-string: invalid conversion character 'x': expected", 23),
        ('y = f"{spawn f() on w"', "f-string: expecting '}'", 22),
    ],
)
def test_a_field_that_is_no_python_is_pointed_at_where_it_is(text: str, message: str, column: int) -> None:
    ((said, *place),) = told(f"x = 1\n{text}\n")
    assert said.startswith(message)
    assert place == [2, column]


def test_a_file_without_a_spawn_is_checked_only_on_demand() -> None:
    assert told("x = = 1\n") == []
    assert told("x = = 1\n", check=True) == [("invalid syntax", 1, 5)]
    assert told("return\n", check=True) == [("'return' outside function", 1, 1)]
    assert told("x = 'abc\n", check=True) == [("unterminated string literal (detected at line 1)", 1, 5)]
    assert told("x = 1\n", check=True) == []


def test_too_deep_a_program_is_pointed_at_where_it_is_deepest() -> None:
    ((message, line, column),) = told(
        SPAWN + "x = 1\ny = " + "[" * 150 + "-" * 100_000 + "1" + "]" * 150 + "\n"
    )
    assert (line, column) == (3, 154)
    assert "nested" in message or "stack overflow" in message


@pytest.mark.parametrize("deep", ["y" + ".a()" * 600, "1" + " + 1" * 1500])
def test_what_python_can_compile_is_not_too_deep_beside_a_spawn(deep: str) -> None:
    compilation = compile_source(Source.from_text(f"{SPAWN}x = {deep}\n", "a.cpy"))
    assert compilation.errors == ()
    assert compilation.code().co_filename == "a.cpy"


@pytest.mark.parametrize(
    "before", ["", "if 1:\nx = 1\n", "x = = 1\n" * 30], ids=["alone", "unindented", "many"]
)
def test_a_spawn_in_a_block_that_the_text_ends_in_is_told_once(before: str) -> None:
    ending = before + "if 1:\n  x = spawn f() on w."
    assert told(ending) == told(ending + "\n")
    assert told(ending)[-1] == ("invalid syntax", ending.count("\n") + 1, 22)


def test_errors_by_the_thousand_are_told() -> None:
    found = compile_source(Source.from_text("spawn f(x)\n" * 5000, "a.cpy")).errors
    assert [one.code for one in found] == ["S001"] * 5000


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("h = spawn f(x for x in y) on w\nz = (1,\nq = 2\ndef g():\n    return spawn f(x)\n", [1, 2, 5]),
        ("spawn f(x)\nx = 'abc\ny = 1 $ 2\nspawn f(x)\n", [1, 2, 3, 4]),
        ("if x $ y:\n    a b\nelse:\n    spawn f(x)\n", [1, 4]),
        ("def g(:\n    return [\n\nclass C:\n    x = spawn f(x)\n", [1, 5]),
        ("spawn f(x)\nx = '''abc\ndef f(): a b\n", [1, 2]),
        ("if x:\n    y = {\n    z = 1\nimport m\nspawn f(x)\n", [2, 5]),
        ("if 1:\n  a\n b\nspawn f() on w\n", [3]),
    ],
)
def test_behind_text_that_cannot_be_cut_it_goes_on_with_the_next_sure_statement(
    text: str, lines: list[int]
) -> None:
    assert [line for _, line, _ in told(text)] == lines


def test_what_may_come_of_the_missing_part_is_not_told() -> None:
    """The Future may be used in what could not be read."""
    text = "def g(w):\n    h = spawn f() on w\n    print(h.result()\n\ndef k():\n    return 1\n"
    source = Source.from_text(text, "a.cpy")
    assert [one.code for one in compile_source(source).diagnostics] == ["S000"]
