"""The compilation as a whole: what stays, what is refused, and what code comes of it."""

import sys
import traceback
import warnings

import pytest

from circuit.compiler import Source, compile_bytes, compile_source
from circuit.compiler.targets import TARGETS


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"spawn = on = 1", id="the words as names, no final line end"),
        pytest.param(b"\xef\xbb\xbfx = 1\r\ny = 2\rz = 3\n", id="byte order mark and mixed line ends"),
        pytest.param(b"# coding: latin-1\n\x0cx = '\xe9 spawn'\n", id="cookie and form feed"),
        pytest.param(b"x = = 1\n\xc3\xa9 spawn", id="not Python"),
        pytest.param(b"x = '\xff'\n", id="not UTF-8"),
        pytest.param(b"f'{3!s  }'; spawn(f)(x)\n\\\n\n", id="what a printer would lose"),
    ],
)
def test_a_file_without_a_spawn_comes_out_byte_for_byte(data: bytes) -> None:
    compilation = compile_bytes(data, "a.cpy")
    assert (compilation.data, compilation.edits, compilation.diagnostics) == (data, (), ())


def test_outside_of_a_spawn_every_byte_stays() -> None:
    before, after = (
        b"# coding: latin-1\r\nimport m\x0c\r\nx = f'{3  !s}\xe9'\r",
        b" ; y =\t1\n\\\n\n\x0c# end",
    )
    compilation = compile_bytes(before + b"spawn f(x)  on\tw" + after, "a.cpy")
    expected = before.replace(b"import m", b"import circuit as _circuit; import m")
    assert compilation.data == expected + b"_circuit.call(f, x).on(w)" + after
    assert compilation.diagnostics == ()


def test_several_errors_are_told_in_order() -> None:
    text = "a = spawn f(x for x in y) on w\nb = spawn [await c] on w\nd = spawn (e := 1) on w\n"
    diagnostics = compile_source(Source.from_text(text, "a.cpy")).diagnostics
    assert [one.code for one in diagnostics] == ["S005", "S007", "S008"]


def test_an_error_of_syntax_hides_none_of_meaning() -> None:
    text = "a = spawn f(x)\nb = spawn g(x for x in y) on w\nc = spawn f(x) on -w\n"
    diagnostics = compile_source(Source.from_text(text, "a.cpy")).diagnostics
    assert [one.code for one in diagnostics] == ["S001", "S005", "S002"]


def test_a_function_of_the_thunk_keeps_its_own_yield_await_and_names() -> None:
    text = "async def f():\n    spawn [lambda: (yield), lambda: (y := 1), (await z for z in x)] on w\n"
    assert compile_source(Source.from_text(text, "a.cpy")).diagnostics == ()


def test_a_thunk_inside_of_a_thunk_or_of_its_function_is_checked_once() -> None:
    text = "def f():\n    spawn [spawn 1 + (yield) on w, lambda: (spawn (y := 1) + 1 on w)] on w\n"
    text += "    spawn [spawn (lambda: (yield))() on w] on (spawn [await z] on w)\n"
    diagnostics = compile_source(Source.from_text(text, "a.cpy")).diagnostics
    marked = [text[one.primary.span.start : one.primary.span.end] for one in diagnostics]
    assert marked == ["yield", "y := 1", "await z"]


def test_a_generator_with_spawns_inside_is_found() -> None:
    text = "spawn f(1, k=(spawn g(x) on w for x in xs)) on w"
    (fault,) = compile_source(Source.from_text(text, "a.cpy")).diagnostics
    assert (fault.code, fault.primary.span.start) == ("S005", text.index("(spawn"))


@pytest.mark.parametrize(
    ("text", "message", "marked"),
    [
        ("é = 1; spawn f(é) on w; return é", "'return' outside function", "return é"),
        ("spawn f(a=1, a=2) on w", "keyword argument repeated: a", "a=2"),
        ("spawn f(x) on w\nx = é é\n", "invalid syntax", "é"),
        (
            "def f(): global x; x = spawn f(1) on w; global x",
            "name 'x' is assigned to before global",
            "global x",
        ),
    ],
)
def test_what_python_refuses_is_told_in_its_words_at_its_place(text: str, message: str, marked: str) -> None:
    (fault,) = compile_source(Source.from_text(text, "a.cpy")).diagnostics
    assert (fault.code, fault.message.startswith(message)) == ("S000", True)
    assert text[fault.primary.span.start :].startswith(marked)


def test_a_program_nested_too_deeply_is_an_error() -> None:
    text = "spawn f() on w\nx = " + "-" * 100_000 + "1\n"
    (fault,) = compile_source(Source.from_text(text, "a.cpy")).diagnostics
    assert fault.code == "S000"


def test_what_python_warns_of_is_told_once_at_its_place() -> None:
    source = Source.from_text("spawn f() on w\nx = 1 is 1\ny = '\\d'\n", "a.cpy")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compile_source(source).code()
    assert sorted((one.filename, one.lineno) for one in caught) == [("a.cpy", 2), ("a.cpy", 3)]


def test_the_code_points_at_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("circuit.call", divmod, raising=False)
    source = Source.from_text("def g(w, é):\n    return é + (spawn int(é, 1 / 0) on w)\n", "a.cpy")
    namespace: dict[str, object] = {}
    code = compile_source(source).code()
    exec(code, namespace)
    g = namespace["g"]
    with pytest.raises(ZeroDivisionError) as caught:
        g(1, 2)  # type: ignore[operator]
    (frame,) = [one for one in traceback.extract_tb(caught.value.__traceback__) if one.filename == "a.cpy"]
    line = source.line_text(2).encode()
    assert frame.lineno == 2
    assert line[frame.colno : frame.end_colno].decode() == "1 / 0"


def test_a_file_that_could_not_keep_its_bytes_is_refused() -> None:
    """In UTF-7 a letter may be written as it is, or in base64, and Python writes the first."""
    (fault,) = compile_bytes(b"# coding: utf-7\nspawn f('+AGE-') on w\n", "a.cpy").diagnostics
    assert (fault.code, fault.help) == ("S004", "save it as UTF-8")
    assert compile_bytes(b"# coding: utf-7\nspawn f('a') on w\n", "a.cpy").diagnostics == ()


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="there is no newer target")
def test_a_newer_target_may_have_what_this_python_cannot_read() -> None:
    """A t-string, or type parameters: the full grammar reads them, and CPython is not asked."""
    target = TARGETS[-1]
    text = "class C:\n    x = t'{spawn f(y) on w}'\n"
    compilation = compile_source(Source.from_text(text, "a.cpy"), target)
    assert compilation.diagnostics == ()
    assert compilation.text == text.replace("spawn f(y) on w", '__import__("circuit").call(f, y).on(w)')
    text = "x = t''\nclass C:\n    y = spawn (x + 1) on w\n    def f(self): return spawn (y + 1) on w\n"
    (fault,) = compile_source(Source.from_text(text, "a.cpy"), target).diagnostics
    assert (fault.code, fault.path, fault.primary.span.start) == ("S020", "a.cpy", text.index("spawn"))
    assert fault.message == "only Python 3.14 can tell which names of its class this thunk uses"
    (fault,) = compile_source(
        Source.from_text("x = t''; y = = 1; spawn f() on w\n", "a.cpy"), target
    ).diagnostics
    assert (fault.code, fault.message) == ("S000", "invalid syntax")


def test_a_newer_target_is_judged_here_where_that_can_be() -> None:
    (fault,) = compile_source(Source.from_text("return spawn f() on w\n", "a.cpy"), TARGETS[-1]).diagnostics
    assert fault.message == "'return' outside function"


def test_an_older_target_refuses_what_it_does_not_know() -> None:
    text = "try: spawn f() on w\nexcept A, B: pass\ntype X = int\n"
    diagnostics = compile_source(Source.from_text(text, "a.cpy"), TARGETS[0]).diagnostics
    assert {fault.code for fault in diagnostics} <= {"S000", "S020"}
    source = Source.from_text(text, "a.cpy")
    assert [source.position(fault.primary.span.start)[0] for fault in diagnostics] == [2, 3]
