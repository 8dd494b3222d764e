"""Tokens: source text cut into the words of Python, on every interpreter alike.

The tokens are those of PEP 701 (Python 3.12): an f-string is a start, its
literal middles, the tokens of its fields, and an end; t-strings (PEP 750)
likewise. A token is a kind and two offsets. The kind of an operator, a bracket
or a keyword is its own text; the rest are NAME, NUMBER, STRING, NEWLINE,
INDENT, DEDENT and {F,T}STRING_{START,MIDDLE,END}. Blanks, comments, joined and
empty lines are the gaps between tokens, so tokens and gaps give back the text.

Soft keywords are NAMEs here; see keywords.py. Text that cannot be cut raises
ParseError in CPython's words; whether the tokens make sense is the parser's
business. The rules follow CPython's Parser/tokenizer and the language
reference, chapter 2 (lexical analysis).
"""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field

from circuit.compiler.malformed import bad_identifier, opening_quotes, unterminated, untokenizable
from circuit.compiler.source import Source, Span
from circuit.compiler.spawns import ParseError

_KEYWORDS = {word: word for word in keyword.kwlist}
_CLOSER = {"(": ")", "[": "]", "{": "}"}
_DEEPEST_FORMAT = 2  # a field may be in a format in a format, and no deeper
_DEEPEST_FIELD = 100  # CPython stops at 150 strings in each other; here the stack has to bear it

_LINE_END = r"(?:\r\n?|\n)"
_JOINED = rf"\\{_LINE_END}"
# A name is told by what is not in it: re takes long over a class of all that is. Each character beyond ASCII
# is taken for a letter, and checked as Unicode says afterwards, as CPython does.
_NO_LETTER = r"\x00-@\[-\^`{-\x7f"
_NOT_IN_NAME = r"\x00-/:-@\[-\^`{-\x7f"
_NAME = rf"[^{_NO_LETTER}][^{_NOT_IN_NAME}]*+"
_DIGITS = r"[0-9](?:_?[0-9])*"
_EXPONENT = rf"(?:[eE][-+]?{_DIGITS})"
_NUMBER = (
    r"(?>0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+"
    rf"|(?:{_DIGITS}\.(?:{_DIGITS})?|\.{_DIGITS}){_EXPONENT}?[jJ]?|{_DIGITS}{_EXPONENT}[jJ]?|{_DIGITS}[jJ]"
    r"|[1-9](?:_?[0-9])*|0(?:_?0)*(?![0-9_]))"
    rf"(?=and|else|for|if|in|is|not|or|[{_NOT_IN_NAME}]|\Z)"
)
# Atomic groups, not possessive repetitions of groups: those match wrongly in CPython 3.11.2, Debian's own.
_STRING = (
    r"(?>(?i:br?|rb?|u)?)(?:"
    r"'''[^'\\]*+(?>(?:(?:\\[\s\S]|'(?!''))[^'\\]*+)*)'''"
    r'|"""[^"\\]*+(?>(?:(?:\\[\s\S]|"(?!""))[^"\\]*+)*)"""'
    r"|'(?!'')[^'\\\r\n]*+(?>(?:\\(?:\r\n|[\s\S])[^'\\\r\n]*+)*)'"
    r'|"(?!"")[^"\\\r\n]*+(?>(?:\\(?:\r\n|[\s\S])[^"\\\r\n]*+)*)"'
    r")"
)
_OPERATOR = r"\*\*=?|//=?|>>=?|<<=?|\.\.\.|->|[:!=<>+\-*/%&|^@]=|[.,:;=<>+\-*/%&|^~@!]"

# The alternatives' group numbers. A name glued to a quote is tried as a prefix first.
_IS_NAME, _IS_OPERATOR, _IS_NEWLINE, _IS_OPEN, _IS_CLOSE, _IS_NUMBER, _IS_STRING = range(1, 8)
_IS_FSTRING, _IS_GLUED_NAME = 8, 9
_ALTERNATIVES = (
    rf"(?:({_NAME})(?!['\"])|(?![.][0-9])({_OPERATOR})|({_LINE_END})|([(\[{{])|([)\]}}])"
    rf"|({_NUMBER})|({_STRING})|((?i:[ft]r?|r[ft])(?:'''|\"\"\"|'|\"))|(?!(?i:br?|rb?|u)['\"])({_NAME})|)"
)
_ON_LINE = re.compile(rf"[ \t\f]*+(?>(?:{_JOINED}[ \t\f]*+)*)(?:#[^\r\n]*+)?{_ALTERNATIVES}")
_IN_BRACKETS = re.compile(rf"(?>(?:[ \t\f\r\n]|#[^\r\n]*+|{_JOINED})*){_ALTERNATIVES}")
_LINE_START = re.compile(
    rf"(?>(?:[ \t\f]*+(?:#[^\r\n]*+)?{_LINE_END})*)"
    rf"([ \t\f]*+)((?>(?:{_JOINED}[ \t\f]*+)*))((?:#[^\r\n]*+)?(?:{_LINE_END}|\Z))?"
)
_BYTES = re.compile(r"(?i:br?|rb)['\"]")
_NAMED_ESCAPE = r"N\{[^{}'\"\r\n]*\}"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a text, as three lists of one length: fast, and half of the work reads only kinds."""

    kinds: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.kinds)

    def span(self, index: int) -> Span:
        """Return where a token stands."""
        return Span(self.starts[index], self.ends[index])


def tokenize(source: Source) -> Tokens:
    """Cut a source into tokens.

    The last statement gets an empty NEWLINE if its line has no end, and the
    open blocks empty DEDENTs, at the end of the text.

    Raises:
        ParseError: S000, in CPython's words, at what cannot be a token.
    """
    scanner = _Scanner(source)
    scanner.scan_file()
    return scanner.tokens


class _Scanner:
    """One pass over a text. Brackets and blocks that are open are stacks; f-strings recurse."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.tokens = Tokens()
        self.brackets: list[tuple[str, int]] = []
        self.blocks = [(0, 0)]  # the columns of open blocks, counted with tabs to 8 and tabs to 1
        self.margin = ""  # the text of the current block's indentation
        self.fields: list[_FString] = []  # the strings of the fields around
        self.only_ascii = self.text.isascii()

    def emit(self, kind: str, start: int, end: int) -> None:
        self.tokens.kinds.append(kind)
        self.tokens.starts.append(start)
        self.tokens.ends.append(end)

    def error(self, message: str, start: int, end: int) -> ParseError:
        return ParseError("S000", message, Span(start, end))

    def scan_file(self) -> None:
        if (null := self.text.find("\0")) >= 0:
            raise self.error("source code cannot contain null bytes", null, null + 1)
        end = self.scan_tokens(self.start_line(0))
        if self.brackets:
            opener, place = self.brackets[-1]
            raise self.error(f"'{opener}' was never closed", place, place + 1)
        if self.tokens.kinds and self.tokens.kinds[-1] not in ("NEWLINE", "DEDENT"):
            self.emit("NEWLINE", end, end)
        for _ in self.blocks[1:]:
            self.emit("DEDENT", end, end)

    def scan_tokens(self, pos: int, depth: int = 0) -> int:
        """Scan to the end of the text, or of the f-string field whose bracket is number `depth`."""
        text, brackets, only_ascii = self.text, self.brackets, self.only_ascii
        kinds, starts, ends = self.tokens.kinds.append, self.tokens.starts.append, self.tokens.ends.append
        while True:
            found = (_IN_BRACKETS if brackets else _ON_LINE).match(text, pos)
            assert found is not None  # the last alternative is empty
            group = found.lastindex
            pos = found.end()
            if group is None:
                if pos == len(text):
                    self.check_end(found[0])
                    return pos
                raise self.untokenizable(pos)
            start = found.start(group)
            if group in (_IS_NAME, _IS_GLUED_NAME):
                word = found[group]
                if not only_ascii and not word.isidentifier():
                    raise bad_identifier(self.source, start, pos)
                kind = _KEYWORDS.get(word, "NAME")
            elif group == _IS_OPERATOR:
                kind = found[group]
                if depth and len(brackets) == depth:
                    if kind[0] == ":":  # in a field a colon begins the format, whatever follows it
                        self.emit(":", start, start + 1)
                        return start + 1
                elif kind == "!":
                    raise self.error("invalid syntax", start, pos)
            elif group == _IS_NEWLINE:
                self.emit("NEWLINE", start, pos)
                pos = self.start_line(pos)
                continue
            elif group == _IS_OPEN:
                kind = found[group]
                brackets.append((kind, start))
            elif group == _IS_CLOSE:
                kind = found[group]
                self.close_bracket(kind, start, in_field=len(brackets) == depth)
                if depth and len(brackets) < depth:
                    self.emit(kind, start, pos)
                    return pos
            elif group == _IS_FSTRING:
                pos = self.scan_fstring(start, pos)
                continue
            elif group == _IS_STRING:
                kind = "STRING"
                if not only_ascii and _BYTES.match(text, start) and not found[group].isascii():
                    raise self.error("bytes can only contain ASCII literal characters", start, pos)
            else:
                kind = "NUMBER"
            kinds(kind)
            starts(start)
            ends(pos)

    def untokenizable(self, pos: int) -> ParseError:
        """Say what is wrong where no token begins. Quotes may be meant to end the string around."""
        if self.fields and opening_quotes(self.text, pos) == self.fields[-1].quotes:
            return self.error(f"{self.fields[-1].name}: expecting '}}'", pos, pos)
        return untokenizable(self.source, pos)

    def check_end(self, before: str) -> None:
        """See to it that no backslash joins the last line, which ends in these blanks, to nothing."""
        if found := re.search(rf"{_JOINED}\Z", before):
            end = len(self.text)
            raise self.error("unexpected EOF while parsing", end - len(found[0]), end)

    def start_line(self, pos: int) -> int:
        """Skip empty lines, then open or close blocks as the indentation of the next line says."""
        while True:
            found = _LINE_START.match(self.text, pos)
            assert found is not None  # every part is optional
            pos = found.end()
            if found[3] is None:
                break
            if pos == len(self.text):
                self.check_end(found[0])
                return pos
        # An indentation cannot be split over joined lines: the first part that is not empty counts.
        margin = found[1] or re.split(_JOINED, found[2])[-1]
        if margin != self.margin:
            self.indent(margin, found.start(1), pos)
            self.margin = margin
        return pos

    def indent(self, margin: str, start: int, pos: int) -> None:
        column = alternative = 0
        for blank in margin:
            if blank == "\f":
                column = alternative = 0
            else:
                column = column + 1 if blank == " " else (column // 8 + 1) * 8
                alternative += 1
        if column > self.blocks[-1][0]:
            if alternative <= self.blocks[-1][1]:
                raise self.error("inconsistent use of tabs and spaces in indentation", start, pos)
            self.blocks.append((column, alternative))
            self.emit("INDENT", pos, pos)
        while column < self.blocks[-1][0]:
            self.blocks.pop()
            self.emit("DEDENT", pos, pos)
            if column > self.blocks[-1][0]:
                raise self.error("unindent does not match any outer indentation level", start, pos)
        if alternative != self.blocks[-1][1]:
            raise self.error("inconsistent use of tabs and spaces in indentation", start, pos)

    def close_bracket(self, closer: str, start: int, *, in_field: bool) -> None:
        if not self.brackets:
            raise self.error(f"unmatched '{closer}'", start, start + 1)
        opener, place = self.brackets[-1]
        if _CLOSER[opener] != closer:
            if in_field:
                raise self.error(
                    f"f-string: closing parenthesis '{closer}' does not match opening parenthesis '{opener}'",
                    start,
                    start + 1,
                )
            lines = self.source.position(place)[0], self.source.position(start)[0]
            where = f" on line {lines[0]}" if lines[0] != lines[1] else ""
            message = f"closing parenthesis '{closer}' does not match opening parenthesis '{opener}'{where}"
            raise self.error(message, start, start + 1)
        self.brackets.pop()

    def scan_fstring(self, start: int, pos: int) -> int:
        """Scan an f-string or t-string whose start token, prefix and quotes, is `start:pos`."""
        string = _FString.begin(start, self.text[start:pos])
        self.emit(f"{string.family}_START", start, pos)
        pos = self.scan_parts(string, pos, string.literal)
        if not self.text.startswith(string.quotes, pos):
            raise self.error(f"{string.name}: single '}}' is not allowed", pos, pos + 1)
        end = pos + len(string.quotes)
        self.emit(f"{string.family}_END", pos, end)
        return end

    def scan_parts(self, string: _FString, pos: int, literal: re.Pattern[str], depth: int = 0) -> int:
        """Scan literals and fields up to the quotes or `}` that end the string or the format."""
        while True:
            found = literal.match(self.text, pos)
            assert found is not None  # it may be empty
            end = found.end()
            if not self.text.startswith(("{", "}", string.quotes), end):
                raise unterminated(self.source, string.start, end)
            if end > pos:
                self.emit(f"{string.family}_MIDDLE", pos, end)
            if self.text[end] != "{":
                return end
            pos = self.scan_field(string, end, depth)

    def scan_field(self, string: _FString, pos: int, depth: int) -> int:
        """Scan `{...}` from its brace on; a format after `:` is literals and further fields."""
        self.fields.append(string)
        if len(self.fields) > _DEEPEST_FIELD or depth > _DEEPEST_FORMAT:
            raise self.error(f"{string.name}: expressions nested too deeply", pos, pos + 1)
        self.emit("{", pos, pos + 1)
        self.brackets.append(("{", pos))
        pos = self.scan_tokens(pos + 1, len(self.brackets))
        self.check_conversion(string)
        if self.tokens.kinds[-1] == ":":
            end = self.scan_parts(string, pos, string.format, depth + 1)
            if self.text[end] != "}":
                raise self.error(f"{string.name}: expecting '}}'", end, end + len(string.quotes))
            self.brackets.pop()
            pos = end + 1
            self.emit("}", end, pos)
        elif self.tokens.kinds[-1] != "}":
            _, opened = self.brackets[-1]
            raise self.error("'{' was never closed", opened, opened + 1)
        self.fields.pop()
        return pos

    def check_conversion(self, string: _FString) -> None:
        """See to it that a field which has just ended has, after its `!`, one of the letters and no blank."""
        kinds, starts, ends = self.tokens.kinds[-3:], self.tokens.starts[-3:], self.tokens.ends[-3:]
        if kinds[1] == "!":
            raise self.error(f"{string.name}: missing conversion character", starts[1], ends[1])
        if kinds[0] != "!":
            return
        letter = self.text[starts[1] : ends[1]]
        message = f"invalid conversion character '{letter}': expected 's', 'r', or 'a'"
        if kinds[1] != "NAME":
            message = "invalid conversion character"
        elif ends[0] < starts[1]:
            message = "conversion type must come right after the exclamation mark"
        elif letter in ("s", "r", "a"):
            return
        raise self.error(f"{string.name}: {message}", starts[1], ends[1])


@dataclass(frozen=True, slots=True)
class _FString:
    """What decides how an f-string or t-string goes on: its quotes, and the patterns of its literals."""

    start: int
    quotes: str
    family: str
    literal: re.Pattern[str]
    format: re.Pattern[str]

    @property
    def name(self) -> str:
        return "t-string" if self.family == "TSTRING" else "f-string"

    @classmethod
    def begin(cls, start: int, opening: str) -> _FString:
        """Read a string's opening, its prefix and quotes."""
        quotes = opening.lstrip("fFtTrR")
        prefix = opening.lower()
        raw = "r" in prefix
        family = "TSTRING" if "t" in prefix else "FSTRING"
        return cls(start, quotes, family, _literal(quotes, raw, r"|\{\{|\}\}"), _literal(quotes, raw, ""))


def _literal(quotes: str, raw: bool, doubled: str) -> re.Pattern[str]:
    """Return the pattern of a string's literal text. `re` keeps what it compiled."""
    quote = quotes[0]
    triple = len(quotes) == 3
    plain = rf"[^{{}}\\{quote}]++" if triple else rf"[^{{}}\\{quote}\r\n]++"
    inner_quote = f"|{quote}(?!{quote}{quote})" if triple else ""
    named = "" if raw else rf"{_NAMED_ESCAPE}|"
    # A backslash takes no brace along: that begins a field, or is doubled.
    escape = rf"\\(?:{named}(?=[{{}}])|\r\n|[^{{}}])"
    return re.compile(f"(?>(?:{plain}|{escape}{inner_quote}{doubled})*)")
