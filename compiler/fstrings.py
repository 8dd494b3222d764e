"""F-strings: the replacement fields that spawns stand in, and the text that `=` shows of them.

A field is `{expression = !conversion :format}`; all but the expression may be
missing, and a format may hold fields again. With `=` a string shows the text of
its field before the value: `f"{x + 1=}"` is `f"x + 1={x + 1!r}"`. Lowering would
change that text, so where a spawn stands in such a field the short form is
written out: the source's text as a literal, and the field without its `=`.

What is shown is the source as it was written, without its comments, each line
break as a line feed. As a literal it stays on the line of the field's brace. A raw
string has no escapes, so there are texts that it cannot show: error S019.

Rules: Python 3.11 takes no backslash and no quote of the string in a field, so
none is brought into one. Source: PEP 498, PEP 701 and, for t-strings, PEP 750.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from circuit.compiler.source import Source, Span
from circuit.compiler.spawns import ParseError, Spawn
from circuit.compiler.splice import Edit
from circuit.compiler.tokens import Tokens

_STARTS = ("FSTRING_START", "TSTRING_START")
_FIELD_ENDS = ("!", ":", "}")
_COMMENT = re.compile(r"#[^\r\n]*")
_LINE_END = re.compile(r"\r\n|\r|\n")
_BLANKS = " \t\f"

# The start of an escape that would take in what follows it: a lone backslash, or a short octal number.
_OPEN_ESCAPE = re.compile(r"(?<!\\)(?:\\\\)*\\([0-7]{0,2})\Z")


@dataclass(frozen=True, slots=True)
class FString:
    """An f-string or t-string.

    Attributes:
        prefix: Such as `f` or `rT`, as it is written.
        quotes: Its quotes, after those of the strings around it.
        start: Where it goes on behind its opening quotes.
    """

    prefix: str
    quotes: tuple[str, ...]
    start: int

    @property
    def raw(self) -> bool:
        """Whether a backslash is a backslash."""
        return "r" in self.prefix.lower()


@dataclass(frozen=True, slots=True)
class Field:
    """A replacement field.

    Attributes:
        string: The string that it is a field of.
        in_format: Whether it stands in another field's format.
        span: From brace to brace.
        expression: From the first to the last token of what is replaced.
        equals: The `=`, if the field shows its text.
        shown: The text that it then shows, with the blanks around the `=`.
        conversion: `!r`, `!s` or `!a`.
        format: From the colon to the closing brace.
    """

    string: FString
    in_format: bool
    span: Span
    expression: Span
    equals: Span | None
    shown: str
    conversion: Span | None
    format: Span | None


class Shown(NamedTuple):
    """The edits that keep the text that fields show, and an error for each that cannot be kept."""

    edits: tuple[Edit, ...]
    errors: tuple[ParseError, ...]


def fields_of(text: str, tokens: Tokens) -> Iterator[Field]:
    """Yield every field of every string, in the order of the source: one before those inside of it."""
    starts = sorted(index for kind in _STARTS for index in _indices(tokens.kinds, kind))
    done = 0
    for start in starts:
        if start >= done:
            reader = _Reader(text, tokens)
            done = reader.read_string(start, ())
            yield from reader.fields


def spawning_fields(source: Source, tokens: Tokens, spawns: Iterable[Spawn]) -> tuple[Field, ...]:
    """Return the fields whose expression holds a spawn, in the order of the source."""
    starts = sorted(_starts(spawns))

    def spawn_in(part: Span) -> bool:
        place = bisect_left(starts, part.start)
        return place < len(starts) and starts[place] < part.end

    return tuple(field for field in fields_of(source.text, tokens) if spawn_in(field.expression))


def keep_shown(source: Source, fields: Iterable[Field]) -> Shown:
    """Write out the `=` of fields, so that they show the text of the source whatever becomes of it."""
    edits: list[Edit] = []
    errors: list[ParseError] = []
    for field in fields:
        if field.equals is None:
            continue
        obstacle = _obstacle(field)
        if obstacle:
            errors.append(_not_shown(field, obstacle))
        else:
            literal = _literal(field, source.text[field.string.start : field.span.start])
            edits.append(Edit(Span(field.span.start, field.span.start), literal))
            edits += _without_equals(source.text, field, field.equals)
    return Shown(tuple(edits), tuple(errors))


def _without_equals(text: str, field: Field, equals: Span) -> Iterator[Edit]:
    """Take the `=` and the blanks around it out of a field, and say what it implied: `!r`."""
    stop = (field.conversion or field.format or Span(field.span.end - 1, field.span.end)).start
    conversion = "" if field.conversion or field.format else "!r"
    start = field.expression.end + len(text[field.expression.end : equals.start].rstrip(_BLANKS))
    if not text[equals.end : stop].strip(_BLANKS):
        yield Edit(Span(start, stop), conversion)
    else:
        # Python 3.11 takes nothing between a conversion and what ends the field.
        yield Edit(Span(start, equals.end), "")
        yield Edit(Span(stop, stop), conversion)


def _obstacle(field: Field) -> str | None:
    """Say why a string has no way to write the text of its field, if so."""
    string, text = field.string, field.shown
    if string.raw and _own_quote(string).search(text):
        return "its text has the string's own quotes, which a raw string cannot hold"
    if string.raw and "\n" in text:
        return "its text has a line break, which a raw string cannot write on one line"
    if string.raw and field.in_format and ("{" in text or "}" in text):
        return "its text has a brace, which the format of a raw string cannot hold"
    if len(string.quotes) > 1 and "\n" in text:
        return "its text has a line break, which a string inside of another cannot write on one line"
    return None


def _literal(field: Field, before: str) -> str:
    """Write the text that a field shows as a part of its string; `before` is the string up to there."""
    text = field.shown
    if not field.string.raw:
        text = _own_quote(field.string).sub(r"\\\g<0>", text.replace("\\", "\\\\")).replace("\n", "\\n")
        if opened := _OPEN_ESCAPE.search(before):
            if not opened[1]:
                text = "\\" + text
            elif text[0] in "01234567":
                text = f"\\x{ord(text[0]):x}{text[1:]}"
    if field.in_format:  # where a doubled brace does not stand for one
        return text.replace("{", "\\x7b").replace("}", "\\x7d")
    return text.replace("{", "{{").replace("}", "}}")


def _own_quote(string: FString) -> re.Pattern[str]:
    """Match the quotes that may not stand in a string as they are."""
    quotes = string.quotes[-1]
    # Three in a row end a string of three, and the first of a text may follow two that are there.
    return re.compile(rf"\A{quotes[0]}|{quotes[0]}(?={quotes[0]})" if len(quotes) == 3 else quotes)


def _not_shown(field: Field, obstacle: str) -> ParseError:
    message = "the text of a spawn cannot be shown in its f-string"
    return ParseError("S019", message, field.span, obstacle, "assign the Future first, and show that")


class _Reader:
    """Reads the fields of one string off its tokens. What stands in a field may be a string again."""

    def __init__(self, text: str, tokens: Tokens) -> None:
        self.text = text
        self.tokens = tokens
        self.fields: list[Field] = []

    def read_string(self, index: int, around: tuple[str, ...]) -> int:
        """Read a string from its start token on; return the index of the token after it."""
        kinds, opening = self.tokens.kinds, self.tokens.span(index)
        prefix = self.text[opening.start : opening.end].rstrip("'\"")
        quotes = self.text[opening.start + len(prefix) : opening.end]
        string = FString(prefix, (*around, quotes), opening.end)
        index += 1
        while kinds[index] not in ("FSTRING_END", "TSTRING_END"):
            index = self._read_part(index, string, in_format=False)
        return index + 1

    def _read_part(self, index: int, string: FString, *, in_format: bool) -> int:
        if self.tokens.kinds[index] == "{":
            return self._read_field(index, string, in_format=in_format)
        return index + 1

    def _read_field(self, opening: int, string: FString, *, in_format: bool) -> int:
        kinds, starts, ends = self.tokens.kinds, self.tokens.starts, self.tokens.ends
        place = len(self.fields)
        stop = index = self._skip_to_end(opening + 1, string)
        equals = stop - 1 if kinds[stop - 1] == "=" else None
        last = stop - 1 if equals is None else stop - 2
        conversion = format = None
        if kinds[index] == "!":
            index = self._skip_to_end(index + 1, string)
            conversion = Span(starts[stop], ends[index - 1])
        if kinds[index] == ":":
            colon = starts[index]
            index += 1
            while kinds[index] != "}":
                index = self._read_part(index, string, in_format=True)
            format = Span(colon, starts[index])
        field = Field(
            string=string,
            in_format=in_format,
            span=Span(starts[opening], ends[index]),
            expression=Span(min(starts[opening + 1], ends[last]), ends[last]),
            equals=None if equals is None else self.tokens.span(equals),
            shown="" if equals is None else self._without_comments(opening, stop),
            conversion=conversion,
            format=format,
        )
        self.fields.insert(place, field)
        return index + 1

    def _skip_to_end(self, index: int, string: FString) -> int:
        """Go to the token that ends an expression or a conversion, reading the strings on the way."""
        kinds = self.tokens.kinds
        depth = 0
        while depth or kinds[index] not in _FIELD_ENDS:
            kind = kinds[index]
            if kind in _STARTS:
                index = self.read_string(index, string.quotes)
                continue
            depth += (kind in ("(", "[", "{")) - (kind in (")", "]", "}"))
            index += 1
        return index

    def _without_comments(self, opening: int, stop: int) -> str:
        """Return the text between two tokens, each of its line breaks as a line feed."""
        parts: list[str] = []
        done = self.tokens.ends[opening]
        for index in range(opening + 1, stop + 1):
            start, end = self.tokens.starts[index], self.tokens.ends[index]
            parts += _COMMENT.sub("", self.text[done:start]), self.text[start:end] if index < stop else ""
            done = end
        return _LINE_END.sub("\n", "".join(parts))


def _indices(kinds: list[str], kind: str) -> Iterator[int]:
    index = -1
    with suppress(ValueError):
        while True:
            index = kinds.index(kind, index + 1)
            yield index


def _starts(spawns: Iterable[Spawn]) -> Iterator[int]:
    for spawn in spawns:
        yield spawn.span.start
        yield from _starts(spawn.inner)
