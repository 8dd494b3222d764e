"""The preamble: one import more, no line more, and all that Python wants first stays first."""

import ast

import pytest

from circuit.compiler import compile_bytes

SPAWN = b"spawn f(x) on w\n"

HEADS = {
    "nothing": (b"", b"import circuit as _circuit; "),
    "an empty line": (b"\nx = 1\n", b"import circuit as _circuit\nx = 1\n"),
    "a docstring": (b'"""Doc."""\n', b'"""Doc."""; import circuit as _circuit\n'),
    "a docstring and an empty line": (b"'D'\n\n\nx = 1\n", b"'D'\nimport circuit as _circuit\n\nx = 1\n"),
    "a docstring of several lines": (
        b"'''a\n\nb'''  # c\n",
        b"'''a\n\nb'''; import circuit as _circuit  # c\n",
    ),
    "a docstring in pieces": (b"('a'\n'b'); x = 1\n", b"('a'\n'b'); import circuit as _circuit; x = 1\n"),
    "a future import": (
        b"from __future__ import annotations\n\nimport m\n",
        b"from __future__ import annotations\nimport circuit as _circuit\nimport m\n",
    ),
    "future imports among others": (
        b"'D'; from __future__ import annotations; from __future__ import division; x = 1\n",
        b"'D'; from __future__ import annotations; from __future__ import division; "
        b"import circuit as _circuit; x = 1\n",
    ),
    "a shebang and a cookie": (
        b"#!/bin/x\n# -*- coding: latin-1 -*-\nx = '\xe9'\n",
        b"#!/bin/x\n# -*- coding: latin-1 -*-\nimport circuit as _circuit; x = '\xe9'\n",
    ),
    "a cookie under an empty line": (
        b"\n# coding: latin-1\n\ny = '\xe9'\n",
        b"\n# coding: latin-1\nimport circuit as _circuit\ny = '\xe9'\n",
    ),
    "a byte order mark": (b"\xef\xbb\xbfx = 1\n", b"\xef\xbb\xbfimport circuit as _circuit; x = 1\n"),
    "a backslash": (b"\\\nx = 1\n", b"\\\nimport circuit as _circuit; x = 1\n"),
    "a comment over a class": (
        b"#!/bin/x\n# about\nclass C: pass\n",
        b"#!/bin/x\nimport circuit as _circuit  # about\nclass C: pass\n",
    ),
    "an old cookie and old line ends": (
        b"#\r# coding: latin-1\r# about '\xe9'\rclass C: pass\r",
        b"#\r# coding: latin-1\rimport circuit as _circuit  # about '\xe9'\rclass C: pass\r",
    ),
    "a backslash and a comment over a class": (
        b"\\\n# about\nclass C: pass\n",
        b"\\\nimport circuit as _circuit  # about\nclass C: pass\n",
    ),
    "blanks over a decorator": (
        b"  \t\r\n@d\r\nclass C: pass\r\n",
        b"import circuit as _circuit  \t\r\n@d\r\nclass C: pass\r\n",
    ),
    "an f-string that spawns": (
        b"f'{spawn g() on w}'\n",
        b"import circuit as _circuit; f'{_circuit.call(g).on(w)}'\n",
    ),
    "an empty tuple": (b"()\n", b"import circuit as _circuit; ()\n"),
    "a name like a keyword": (b"match = 1\n", b"import circuit as _circuit; match = 1\n"),
}


@pytest.mark.parametrize(("head", "expected"), HEADS.values(), ids=HEADS.keys())
def test_the_import_is_added_to_a_line_that_exists(head: bytes, expected: bytes) -> None:
    compilation = compile_bytes(head + SPAWN, "a.cpy")
    assert compilation.diagnostics == ()
    assert compilation.data == expected + b"_circuit.call(f, x).on(w)\n"
    # And Python still takes the docstring for one.
    docstring = ast.get_docstring(ast.parse(compilation.data), clean=False)
    assert (docstring is not None) == head.startswith((b"'", b'"', b"('"))


@pytest.mark.parametrize(
    "head",
    [
        b"if x: pass\n",
        b"async def f(): pass\n",
        b"match x:\n case 1: pass\n",
        b"#!/bin/x\nclass C: pass\n",
        b"\\\nclass C: pass\n",
        b"@d\ndef f(): 1\n",
    ],
)
def test_where_no_line_has_room_the_spawn_imports_for_itself(head: bytes) -> None:
    compilation = compile_bytes(head + SPAWN, "a.cpy")
    assert compilation.diagnostics == ()
    assert compilation.data == head + b'__import__("circuit").call(f, x).on(w)\n'


def test_a_name_that_the_program_has_is_left_to_it() -> None:
    compilation = compile_bytes(b"_circuit = _circuit_ = 1\n" + SPAWN, "a.cpy")
    assert compilation.data.startswith(
        b"import circuit as _circuit__; _circuit = _circuit_ = 1\n_circuit__.call("
    )


def test_a_name_that_only_looks_different_is_taken_too() -> None:
    compilation = compile_bytes("_ｃircuit = 1\n".encode() + SPAWN, "a.cpy")
    assert compilation.text.endswith("\n_circuit_.call(f, x).on(w)\n")
