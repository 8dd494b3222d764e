"""Tokens: kinds and offsets, the same on every interpreter, and errors in CPython's words."""

import io
import re
import sys
import sysconfig
import tokenize as cpython
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from circuit.compiler.source import Source
from circuit.compiler.spawns import ParseError
from circuit.compiler.tokens import tokenize

LIBRARY = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[::10]

LEADING_ZEROS = (
    "leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers"
)


def cut(text: str) -> str:
    """Return the kinds, or for what is written the words, of a text's tokens."""
    tokens = tokenize(Source.from_text(text, "a.cpy"))
    words = []
    for kind, start, end in zip(tokens.kinds, tokens.starts, tokens.ends, strict=True):
        word = text[start:end]
        words.append(kind if kind in ("NEWLINE", "INDENT", "DEDENT") else word)
        assert word or kind in ("NEWLINE", "INDENT", "DEDENT")
    return " ".join(words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("\n  \n# c\n", ""),
        ("x", "x NEWLINE"),
        ("x # c", "x NEWLINE"),
        ("x\r\ny\rz\n", "x NEWLINE y NEWLINE z NEWLINE"),
        ("if x:\n  y\n\n # c\n  z\nw", "if x : NEWLINE INDENT y NEWLINE z NEWLINE DEDENT w NEWLINE"),
        ("if x:\n\ty\n", "if x : NEWLINE INDENT y NEWLINE DEDENT"),
        ("if x:\n  y\n\x0cz", "if x : NEWLINE INDENT y NEWLINE DEDENT z NEWLINE"),
        ("x = (1,\n # c\n  2)", "x = ( 1 , 2 ) NEWLINE"),
        ("x \\\n  = \\\r\n 1", "x = 1 NEWLINE"),
        ("x \\\n ", "x NEWLINE"),
        ("'bé'u'é'", "'bé' u'é' NEWLINE"),
        ("a**=b//c>>=d->e:=f...g!=h@i", "a **= b // c >>= d -> e := f ... g != h @ i NEWLINE"),
        ("1_0.5e-3j+0xfF .5", "1_0.5e-3j + 0xfF .5 NEWLINE"),
        ("1..real", "1. . real NEWLINE"),
        ("1if x else 0xfor y", "1 if x else 0xf or y NEWLINE"),
        ("rb'\\''b\"\"", "rb'\\'' b\"\" NEWLINE"),
        ("'''a'b\n''''c'", "'''a'b\n''' 'c' NEWLINE"),
        ("'a\\\r\nb'", "'a\\\r\nb' NEWLINE"),
        ("print'x'", "print 'x' NEWLINE"),
        ("é𝔘1", "é𝔘1 NEWLINE"),
        ("f''", "f' ' NEWLINE"),
        ("f'a{x}b'", "f' a { x } b ' NEWLINE"),
        ("f'{{a}}{x}'", "f' {{a}} { x } ' NEWLINE"),
        ("f'{x!r:>{w}.2}'", "f' { x ! r : > { w } .2 } ' NEWLINE"),
        ("f'{x!=y}{x:=5}{x=}'", "f' { x != y } { x : =5 } { x = } ' NEWLINE"),
        ("f'{x[a:b]:c}'", "f' { x [ a : b ] : c } ' NEWLINE"),
        ("f'{f'{x}'}'", "f' { f' { x } ' } ' NEWLINE"),
        ("f'{ {x: y} }'", "f' { { x : y } } ' NEWLINE"),
        ("f'{x:{y:{z}}}'", "f' { x : { y : { z } } } ' NEWLINE"),
        ("f'\\N{DASH}{x}\\{y}'", "f' \\N{DASH} { x } \\ { y } ' NEWLINE"),
        ("rf'\\N{x}\\''", "rf' \\N { x } \\' ' NEWLINE"),
        ("f'''a'{\nx # c\n}'''", "f''' a' { x } ''' NEWLINE"),
        ("t'{x}'", "t' { x } ' NEWLINE"),
    ],
)
def test_a_text_is_cut_into_words(text: str, words: str) -> None:
    assert cut(text) == words


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        ("x = 'abc\ny", "unterminated string literal (detected at line 1)", "'"),
        ("x = b'abc", "unterminated string literal (detected at line 1)", "b'"),
        ("x = '''abc\ny", "unterminated triple-quoted string literal (detected at line 2)", "'''"),
        ("f'abc", "unterminated f-string literal (detected at line 1)", "f'"),
        ("f'''{x}\n", "unterminated triple-quoted f-string literal (detected at line 2)", "f'''"),
        ("f'}'", "f-string: single '}' is not allowed", "}"),
        ("f'{x:'", "f-string: expecting '}'", "'"),
        ("f'{x'", "f-string: expecting '}'", ""),
        ("""x = f"{x:{f'{y'}}\"""", "f-string: expecting '}'", ""),
        ("f'{x b'", "f-string: expecting '}'", ""),
        ("""f'{x "'""", "unterminated string literal (detected at line 1)", '"'),
        ("f'{(x}'", "closing parenthesis '}' does not match opening parenthesis '('", "}"),
        ("f'{x)}'", "f-string: closing parenthesis ')' does not match opening parenthesis '{'", ")"),
        ("f'{x!}'", "f-string: missing conversion character", "!"),
        ("f'{x!1}'", "f-string: invalid conversion character", "1"),
        ("f'{x!z}'", "f-string: invalid conversion character 'z': expected 's', 'r', or 'a'", "z"),
        ("t'{x! r}'", "t-string: conversion type must come right after the exclamation mark", "r"),
        ("f'{x:{y:{z:{w}}}}'", "f-string: expressions nested too deeply", "{"),
        ("(x", "'(' was never closed", "("),
        ("x)", "unmatched ')'", ")"),
        ("(\nx]", "closing parenthesis ']' does not match opening parenthesis '(' on line 1", "]"),
        ("if x:\n   y\n  z", "unindent does not match any outer indentation level", "  "),
        ("if x:\n        y\n\tz", "inconsistent use of tabs and spaces in indentation", "\t"),
        ("x = 1 \\ \n", "unexpected character after line continuation character", "\\"),
        ("x \\", "unexpected EOF while parsing", "\\"),
        ("x \\\n", "unexpected EOF while parsing", "\\\n"),
        ("x\n\\\r\n", "unexpected EOF while parsing", "\\\r\n"),
        ("'bé' bR'é'", "bytes can only contain ASCII literal characters", "bR'é'"),
        ("1x", "invalid decimal literal", "1x"),
        ("1on w", "invalid decimal literal", "1on"),
        ("1__0", "invalid decimal literal", "1__0"),
        ("0x", "invalid hexadecimal literal", "0x"),
        ("0o8", "invalid digit '8' in octal literal", "0o8"),
        ("0b12", "invalid digit '2' in binary literal", "0b12"),
        ("012", LEADING_ZEROS, "012"),
        ("x = $", "invalid syntax", "$"),
        ("x ! y", "invalid syntax", "!"),
        ("a€b", "invalid character '€' (U+20AC)", "€"),
        ("“x”", "invalid character '“' (U+201C)", "“"),
        ("x\u200b", "invalid non-printable character U+200B", "\u200b"),
        ("x\x01", "invalid non-printable character U+0001", "\x01"),
        ("x\0", "source code cannot contain null bytes", "\0"),
    ],
)
def test_what_is_no_token_is_an_error_at_its_place(text: str, message: str, at: str) -> None:
    with pytest.raises(ParseError) as caught:
        tokenize(Source.from_text(text, "a.cpy"))
    error = caught.value
    assert (error.code, error.message, text[error.span.start : error.span.end]) == ("S000", message, at)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="CPython cuts f-strings since 3.12")
@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.name)
def test_real_files_are_cut_as_cpython_cuts_them(path: Path) -> None:
    source = Source.decode(path.read_bytes(), str(path))
    lines = [0, *(end.end() for end in re.finditer("\n", source.text))]
    skipped = {cpython.COMMENT, cpython.NL, cpython.ENCODING, cpython.ENDMARKER}
    skipped |= {cpython.NEWLINE, cpython.INDENT, cpython.DEDENT}
    middle = getattr(cpython, "FSTRING_MIDDLE", None)  # its CPython columns leave out doubled braces
    expected = [
        (lines[token.start[0] - 1] + token.start[1], lines[token.end[0] - 1] + token.end[1])
        for token in cpython.generate_tokens(io.StringIO(source.text, newline="").readline)
        if token.type not in skipped and token.type != middle
    ]
    tokens = tokenize(source)
    layout = ("NEWLINE", "INDENT", "DEDENT", "FSTRING_MIDDLE")
    found = [
        (start, end)
        for kind, start, end in zip(tokens.kinds, tokens.starts, tokens.ends, strict=True)
        if kind not in layout
    ]
    assert found == expected


def test_deep_f_strings_are_refused_and_not_a_crash() -> None:
    with pytest.raises(ParseError, match="nested too deeply"):
        tokenize(Source.from_text("f'{" * 200, "a.cpy"))
    with pytest.raises(ParseError):
        tokenize(Source.from_text("f'" + "{x:" * 2000, "a.cpy"))


PIECES = [
    "spawn",
    " on ",
    "f'",
    'f"""',
    "{",
    "}",
    "(",
    ")",
    "'",
    '"',
    ":",
    "!",
    "=",
    "\\",
    "\n",
    "\r",
    " ",
    "\t",
]
PIECES += ["#", "0x", "1", ".", "é", "€", "\x0c", "if x:", "lambda", "rb'", "'''", "\0", "$"]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_gives_tokens_in_order_or_an_error(text: str) -> None:
    try:
        tokens = tokenize(Source.from_text(text, "a.cpy"))
    except ParseError as error:
        assert 0 <= error.span.start <= error.span.end <= len(text)
        return
    done = 0
    for start, end in zip(tokens.starts, tokens.ends, strict=True):
        assert done <= start <= end
        assert re.fullmatch(r"(?:[ \t\f\r\n]|\\(?:\r\n?|\n)|#[^\r\n]*)*", text[done:start])
        done = end
    assert tokens.kinds.count("INDENT") == tokens.kinds.count("DEDENT")
