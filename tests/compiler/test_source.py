"""Decoding as PEP 263 says, the way back to the bytes, and positions."""

import pytest
from hypothesis import given, strategies as st

from circuit.compiler.source import Source, SourceError


@pytest.mark.parametrize(
    ("data", "text", "encoding", "bom"),
    [
        (b"x = 1\n", "x = 1\n", "utf-8", False),
        (b"", "", "utf-8", False),
        (b"\xef\xbb\xbfx = 1", "x = 1", "utf-8", True),
        (b"\xef\xbb\xbf# coding: utf-8\n", "# coding: utf-8\n", "utf-8", True),
        (b"# -*- coding: latin-1 -*-\n\xe9", "# -*- coding: latin-1 -*-\né", "iso8859-1", False),
        (b"#!/bin/sh\r\n# vim: set fileencoding=cp1252 :\r\n\x80", None, "cp1252", False),
        (b"\x0c \t# coding=ascii\n", None, "ascii", False),
        (b"# -*- coding: utf-8-unix -*-\n\xc3\xa9", "# -*- coding: utf-8-unix -*-\né", "utf-8", False),
        (b"# coding: UTF_8_SIG\n", None, "utf-8", False),
        (b"\xef\xbb\xbf# coding: utf-8-dos\r\n", None, "utf-8", True),
        (b"# coding: Latin_1-unix\n\xe9", None, "iso8859-1", False),
        (b"\n# coding: latin-1\n\xe9", None, "iso8859-1", False),
        (b"# one\r# coding: latin-1\r\xe9", None, "iso8859-1", False),
        (b"x = 1\n# coding: latin-1\n", None, "utf-8", False),
        (b"# one\n# two\n# coding: latin-1\n", None, "utf-8", False),
        (b"x = 1  # coding: latin-1\n", None, "utf-8", False),
        (b"a\r\nb\rc\n\x0cd", "a\r\nb\rc\n\x0cd", "utf-8", False),
    ],
)
def test_decoding_keeps_every_byte(data: bytes, text: str | None, encoding: str, bom: bool) -> None:
    source = Source.decode(data, "a.cpy")
    assert (source.encoding, source.bom) == (encoding, bom)
    assert text is None or source.text == text
    assert source.encode(source.text) == data


def test_other_text_is_written_in_the_same_encoding() -> None:
    assert Source.decode(b"# coding: latin-1\n", "a.cpy").encode("é") == b"\xe9"
    assert Source.decode(b"\xef\xbb\xbfx", "a.cpy").encode("é") == b"\xef\xbb\xbf\xc3\xa9"
    assert Source.from_text("x", "a.cpy").encode("é") == b"\xc3\xa9"


def test_a_text_with_several_spellings_comes_back_as_it_was() -> None:
    data = b"# coding: utf-7\nx = '+AGE-'\n"
    source = Source.decode(data, "a.cpy")
    assert "'a'" in source.text
    assert source.encode(source.text) == data


@pytest.mark.parametrize(
    ("data", "message", "offset", "line"),
    [
        (b"# coding: nonsense\n", "unknown encoding: nonsense", 0, 1),
        (b"#!/bin/sh\n# coding: nonsense\n", "unknown encoding: nonsense", 0, 2),
        (b"# coding: hex\n", "encoding problem: hex", 0, 1),
        (b"\xef\xbb\xbf# coding: latin-1\n", "encoding problem: iso-8859-1 with BOM", 0, 1),
        (b"x\r\ny\r\xff", "'utf-8' codec cannot decode byte 0xff: invalid start byte", 5, 3),
        (b"\xef\xbb\xbfx\n\xff", "'utf-8' codec cannot decode byte 0xff: invalid start byte", 5, 2),
    ],
)
def test_bytes_that_are_no_text_are_an_error_with_a_place(
    data: bytes, message: str, offset: int, line: int
) -> None:
    with pytest.raises(SourceError) as caught:
        Source.decode(data, "a.cpy")
    assert (caught.value.message, caught.value.offset, caught.value.line) == (message, offset, line)
    assert str(caught.value) == f"a.cpy:{line}: {message}"


def test_positions_count_lines_from_one_and_code_points_from_zero() -> None:
    source = Source.from_text("é\r\n\rab\n\x0c\u2028c", "a.cpy")
    assert [source.position(offset) for offset in range(len(source.text) + 1)] == [
        *((1, 0), (1, 1), (1, 2)),
        (2, 0),
        *((3, 0), (3, 1), (3, 2)),
        *((4, 0), (4, 1), (4, 2), (4, 3)),
    ]
    assert [source.line_text(line) for line in (1, 2, 3, 4)] == ["é", "", "ab", "\x0c\u2028c"]


@given(st.text(alphabet="ab\r\n\x0c\u2028é"))
def test_a_position_leads_back_to_its_offset(text: str) -> None:
    source = Source.from_text(text, "a.cpy")
    for offset, character in enumerate(text):
        line, column = source.position(offset)
        assert (source.line_text(line) + "\r\n")[column] == character or character in "\r\n"


@given(st.binary())
def test_any_bytes_are_text_that_goes_back_or_an_error(data: bytes) -> None:
    try:
        source = Source.decode(data, "a.cpy")
    except SourceError as error:
        assert 0 <= error.offset <= len(data)
    else:
        assert source.encode(source.text) == data
