"""The parser's two products: spawns with exact spans, and whole trees."""

import subprocess
import sys

import pytest

from circuit.compiler import parser
from circuit.compiler.parser import find_spawns, parse_module
from circuit.compiler.source import Source, Span
from circuit.compiler.spawns import ArgumentKind, ParseError, Spawn

NO_CALLS = ["f", "f() + 1", "(f(), 1)", "(yield f())", "(x := f())", "-f()", "f().x", "f()[0]"]


def at(span: Span, text: str) -> str:
    return text[span.start : span.end]


def read(text: str) -> Spawn:
    spawns, errors, _ = find_spawns(Source.from_text(text, "a.cpy"))
    assert errors == ()
    (spawn,) = spawns
    return spawn


def test_the_spans_of_a_spawn() -> None:
    text = "h = spawn f(x) on ws[0]; g()"
    spawn = read(text)
    assert spawn.span == Span(4, 23)
    assert spawn.operand == Span(10, 14)
    assert spawn.on == Span(15, 17)
    assert spawn.place == Span(18, 23)


def test_the_parts_of_a_call() -> None:
    text = "spawn a.b(x, k = 1, *y, **z, (w for w in v),) on p"
    call = read(text).call
    assert call is not None
    assert at(call.callee, text) == "a.b"
    assert at(call.open, text) == "("
    assert (call.close.start, call.close.end) == (44, 45)
    assert [
        (
            argument.kind,
            at(argument.span, text),
            at(argument.value, text),
        )
        for argument in call.arguments
    ] == [
        (ArgumentKind.POSITIONAL, "x", "x"),
        (ArgumentKind.KEYWORD, "k = 1", "1"),
        (ArgumentKind.STAR, "*y", "y"),
        (ArgumentKind.DOUBLE_STAR, "**z", "z"),
        (ArgumentKind.POSITIONAL, "(w for w in v)", "(w for w in v)"),
    ]


def test_a_bare_generator_is_one_argument() -> None:
    text = "spawn sum(x * x for x in xs) on w"
    call = read(text).call
    assert call is not None
    assert [(argument.kind, argument.span) for argument in call.arguments] == [
        (ArgumentKind.GENERATOR, Span(10, 27))
    ]


@pytest.mark.parametrize("operand", ["f()", "(f())", "((f)())", "( ( f ( ) ) )", "f()()", "a[0].b()"])
def test_an_operand_that_is_a_call(operand: str) -> None:
    call = read(f"spawn {operand} on w").call
    assert call is not None
    assert call.arguments == ()


@pytest.mark.parametrize(
    "operand", ["f", "f() + 1", "(f(), 1)", "(yield f())", "(x := f())", "-f()", "f().x", "f()[0]"]
)
def test_an_operand_that_is_no_call(operand: str) -> None:
    assert read(f"spawn {operand} on w").call is None


def test_inner_spawns_are_those_of_operand_and_place_in_source_order() -> None:
    text = "spawn f(spawn a on v, f'{spawn b on v}') on (spawn spawn c on v on v)"
    spawn = read(text)
    assert [at(inner.span, text) for inner in spawn.inner] == [
        "spawn a on v",
        "spawn b on v",
        "spawn spawn c on v on v",
    ]
    assert [len(inner.inner) for inner in spawn.inner] == [0, 0, 1]


def test_every_error_is_reported_and_good_spawns_are_still_found() -> None:
    text = (
        "spawn f(x)\ny = spawn g() on w\nspawn h() on -w; spawn i() on w\nspawn j(1 +) on w\nspawn k() on w\n"
    )
    spawns, errors, _ = find_spawns(Source.from_text(text, "a.cpy"))
    assert [at(spawn.operand, text) for spawn in spawns] == ["g()", "k()"]
    assert [error.code for error in errors] == ["S001", "S002", "S000"]
    assert at(errors[2].span, text) == ")"


@pytest.mark.parametrize(
    ("text", "code", "place", "help"),
    [
        ("spawn f(x)", "S001", "spawn f(x)", "say where it runs: `spawn f(x) on worker`"),
        (
            "spawn f(x)\n  on w",
            "S001",
            "spawn f(x)",
            "put the spawn in parentheses, or end its line with a backslash, to go on in the next line",
        ),
        ("f(spawn a, b on w)", "S001", "spawn a", "say where it runs: `spawn f(x) on worker`"),
        ("spawn f() on w + 1", "S002", "w + 1", "write `on (w + 1)`, or put the whole spawn in parentheses"),
        ("[spawn f() on -w, 1]", "S002", "-w", "write `on (-w)`"),
        ("spawn f() on a and b[0, 1] # c", "S002", "a and b[0, 1]", None),
        ("spawn f() on lambda a, b: (a, b)", "S002", "lambda a, b: (a, b)", None),
        ("f(spawn g() on await w, 1)", "S002", "await w", None),
        ("f(spawn g() on)", "S003", "on", "name a worker: `on w`"),
        ("1 + spawn f() on w", "S003", "spawn f() on w", "write `+ (spawn f() on w)`"),
    ],
)
def test_an_error_has_a_place_and_a_fix(text: str, code: str, place: str, help: str | None) -> None:
    spawns, (error,), _ = find_spawns(Source.from_text(text, "a.cpy"))
    assert (error.code, at(error.span, text)) == (code, place)
    assert help is None or error.help == help
    assert spawns == ()


def test_text_that_is_not_cut_into_tokens_is_one_error() -> None:
    spawns, (error,), _ = find_spawns(Source.from_text("spawn f() on w\nx = 'abc\n", "a.cpy"))
    assert spawns == ()
    assert (error.code, error.message) == ("S000", "unterminated string literal (detected at line 2)")


def test_a_text_without_the_word_is_not_even_cut_into_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(parser, "tokenize")
    assert find_spawns(Source.from_text("x = 1\n" * 1000, "a.cpy"))[:2] == ((), ())
    with pytest.raises(NameError):
        find_spawns(Source.from_text("spawn = 1\n", "a.cpy"))


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("x = = 1\n", "invalid syntax", "="),
        ("if x:\ny\n", "invalid syntax", "y"),
        ("  x\n", "unexpected indent", ""),
        ("x = (1,\n", "'(' was never closed", "("),
        ("spawn f()\n", "a spawn has no `on`", "spawn f()"),
        ("def f(:\n  pass\n", "'(' was never closed", "("),
        ("for x in:\n  pass\n", "invalid syntax", ":"),
        ("try: pass\nexcept a: pass\nexcept* b: pass\n", "invalid syntax", "*"),
        ("try: pass\nexcept*: pass\n", "invalid syntax", ":"),
        ("x = t'' f''", "invalid syntax", "f'"),
    ],
)
def test_a_module_that_is_not_circuit_is_an_error(text: str, message: str, place: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_module(Source.from_text(text, "a.cpy"))
    error = caught.value
    assert (error.message, at(error.span, text)) == (message, place)


def test_a_deep_and_a_long_text_are_no_problem() -> None:
    deep = "(" * 5000 + "x" + ")" * 5000
    assert read(f"spawn {deep} on w").call is None
    chain = "x" + ".f()" * 5000
    assert read(f"spawn {chain} on w").call is not None


def test_spawns_nest_up_to_a_bound() -> None:
    text = "spawn " * 100 + "f()" + " on w" * 100
    spawn = read(text)
    depth = 1
    while spawn.inner:
        (spawn,) = spawn.inner
        depth += 1
    assert depth == 100
    spawns, (error,), _ = find_spawns(Source.from_text(f"spawn {text} on w\nspawn g() on w", "a.cpy"))
    assert error.message == "too many nested spawns"
    assert len(spawns) == 1


def test_compiling_loads_no_lark() -> None:
    program = (
        "import sys; from circuit.compiler import compile_bytes\n"
        "assert compile_bytes(b'spawn f(x) on w', 'a.cpy').errors == ()\n"
        "print([name for name in sys.modules if name.partition('.')[0] == 'lark'])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    "text",
    [
        "# spawn f() on w\n",
        "x = 1  # spawn it\r# or spawn that\n",
        "pty.spawn(f)\n",
        "'''\n# spawn f() on w\n'''\n",
    ],
)
def test_a_text_that_only_speaks_of_spawns_is_not_cut_either(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(parser, "tokenize")
    assert find_spawns(Source.from_text(text, "a.cpy"))[:2] == ((), ())


@pytest.mark.parametrize(
    "text",
    [
        "'''\n# '''; spawn f() on w\n",
        'f"""\n# {spawn f() on w}\n"""\n',
        "# c\rspawn f() on w\n",
        "# spawn\nspawn f() on w\n",
        "f'''{\n# c\nspawn f() on w}'''\n",
        "x.y; spawn f() on w\n",
        "f('#', spawn f() on w)\n",
    ],
)
def test_a_spawn_behind_a_hash_is_found(text: str) -> None:
    spawns, errors, _ = find_spawns(Source.from_text(text, "a.cpy"))
    assert (len(spawns), errors) == (1, ())
