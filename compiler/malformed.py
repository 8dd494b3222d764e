"""Malformed text: what to say where no token can be, in CPython's words."""

from __future__ import annotations

import re

from circuit.compiler.source import Source, Span
from circuit.compiler.spawns import ParseError

_OPENING = re.compile(r"[A-Za-z]{0,2}('''|\"\"\"|'|\")")
_NUMBER = re.compile(r"[0-9.]\w*")
_BASES = {"0x": ("hexadecimal", "0-9a-f"), "0o": ("octal", "0-7"), "0b": ("binary", "01")}
_LEADING_ZEROS = (
    "leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers"
)


def untokenizable(source: Source, pos: int) -> ParseError:
    """Say what is wrong at an offset where no token begins."""
    text = source.text
    if text[pos] == "\\":
        if pos + 1 == len(text):
            return _error("unexpected EOF while parsing", pos, pos + 1)
        help = "nothing, not even a blank, may follow the backslash"
        return _error("unexpected character after line continuation character", pos, pos + 1, help)
    if opening := _OPENING.match(text, pos):
        return unterminated(source, pos, len(text) if len(opening[1]) == 3 else pos)
    if number := _NUMBER.match(text, pos):
        return _error(_number_message(number[0]), pos, number.end())
    return _bad_character(text, pos)


def opening_quotes(text: str, pos: int) -> str | None:
    """Return the quotes of a string that begins at an offset, if one does."""
    opening = _OPENING.match(text, pos)
    return opening[1] if opening else None


def unterminated(source: Source, start: int, end: int) -> ParseError:
    """Say that the string that starts here has no end, as was seen at another offset."""
    opening = _OPENING.match(source.text, start)
    assert opening is not None  # a prefix and quotes are what starts a string
    prefix = source.text[start : opening.start(1)].lower()
    kind = "f-string" if "f" in prefix else "t-string" if "t" in prefix else "string"
    if len(opening[1]) == 3:
        kind = f"triple-quoted {kind}"
    line = source.position(end)[0]
    return _error(f"unterminated {kind} literal (detected at line {line})", start, opening.end())


def bad_identifier(source: Source, start: int, end: int) -> ParseError:
    """Point at the first character that keeps a word from being an identifier."""
    text = source.text
    return _bad_character(
        text, next(pos for pos in range(start, end) if not text[start : pos + 1].isidentifier())
    )


def _bad_character(text: str, pos: int) -> ParseError:
    character = text[pos]
    if not character.isprintable():
        return _error(f"invalid non-printable character U+{ord(character):04X}", pos, pos + 1)
    if character.isascii():
        return _error("invalid syntax", pos, pos + 1)
    return _error(f"invalid character '{character}' (U+{ord(character):04X})", pos, pos + 1)


def _number_message(word: str) -> str:
    if found := _BASES.get(word[:2].lower()):
        base, digits = found
        rest = re.sub(f"^[{digits}_]*", "", word[2:].lower())
        return (
            f"invalid digit '{rest[0]}' in {base} literal"
            if rest[:1].isdecimal()
            else f"invalid {base} literal"
        )
    if re.fullmatch(r"0[0-9_]*[0-9]", word) and "__" not in word:
        return _LEADING_ZEROS
    return "invalid decimal literal"


def _error(message: str, start: int, end: int, help: str | None = None) -> ParseError:
    return ParseError("S000", message, Span(start, end), help=help)
