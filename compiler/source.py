"""Source text: the characters of a file, and the way back to its bytes.

A `Source` is decoded once, as PEP 263 says: a byte order mark, else a coding
cookie in the first two lines, else UTF-8. Nothing is translated: every line
end, form feed and trailing blank stays, so that text which the compiler does
not touch can be written back byte for byte. A line ends at LF, CR LF or a
lone CR, as it does for CPython.

Rules: this file opens no file. Offsets and columns count code points, not
bytes; lines count from 1 and columns from 0, as in CPython's AST.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache, cached_property

from circuit.compiler.search import holds

# In the first line, or in the second if the first holds no code.
_COOKIE = re.compile(
    rb"(?P<before>[ \t\f]*+(?:#[^\r\n]*+)?(?:\r\n|\r|\n))??[ \t\f]*+#[^\r\n]*?coding[:=][ \t]*([-\w.]+)"
)
# CPython takes these, whatever follows, for themselves: Emacs writes `utf-8-unix`.
_FAMILIAR = re.compile(r"(?:(utf-8)|latin-1|iso-8859-1|iso-latin-1)(?:-|$)")
_LINE_END = re.compile(r"\r\n|\r|\n")
_LINE_END_BYTES = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of code point offsets into `Source.text`."""

    start: int
    end: int


class SourceError(ValueError):
    """The bytes are not text in the encoding that they claim.

    Attributes:
        message: What is wrong, in one line, without the place.
        path: The file, as given to `Source.decode`.
        offset: Where, as a byte offset.
        line: Where, as a line counted from 1.
    """

    def __init__(self, message: str, path: str, offset: int, line: int) -> None:
        super().__init__(message, path, offset, line)
        self.message = message
        self.path = path
        self.offset = offset
        self.line = line

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Source:
    """One file's text, and what is needed to write it back as it was.

    No slots: the line table is computed on first use and kept.
    """

    path: str
    text: str
    encoding: str = "utf-8"
    bom: bool = False
    data: bytes | None = None

    @classmethod
    def decode(cls, data: bytes, path: str) -> Source:
        """Decode a file's bytes by its byte order mark or coding cookie.

        Raises:
            SourceError: The encoding is unknown, or the bytes do not fit it.
        """
        bom = data.startswith(codecs.BOM_UTF8)
        body = data[len(codecs.BOM_UTF8) :] if bom else data
        declared, line = _declared_encoding(body)
        encoding = declared or "utf-8"
        try:
            encoding = codecs.lookup(encoding).name
        except LookupError:
            raise SourceError(f"unknown encoding: {declared}", path, 0, line) from None
        if bom and declared and declared != "utf-8":  # CPython knows no other name beside a BOM
            raise SourceError(f"encoding problem: {declared} with BOM", path, 0, line)
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError as error:
            offset = error.start + len(data) - len(body)
            ends_before = sum(1 for end in _LINE_END_BYTES.finditer(data) if end.end() <= offset)
            message = f"'{encoding}' codec cannot decode byte 0x{data[offset]:02x}: {error.reason}"
            raise SourceError(message, path, offset, 1 + ends_before) from None
        except (LookupError, ValueError):  # a codec between bytes and bytes, as hex is, or of no text at all
            raise SourceError(f"encoding problem: {declared}", path, 0, line) from None
        return cls(path, text, encoding, bom, data)

    @classmethod
    def from_text(cls, text: str, path: str) -> Source:
        """Wrap text that never was bytes; it is written as UTF-8."""
        return cls(path, text)

    @classmethod
    def unread(cls, data: bytes, path: str) -> Source:
        """Wrap a file's bytes. They are decoded when the text is asked for, which may raise SourceError."""
        return _Unread(data, path)

    def encode(self, text: str) -> bytes:
        """Encode text as this file was encoded, byte order mark included.

        The file's own text gives the file's own bytes, even for an encoding
        in which one text has several spellings (UTF-7, ISO-2022).

        Raises:
            UnicodeEncodeError: A character has no place in the encoding.
        """
        if self.data is not None and text == self.text:
            return self.data
        return (codecs.BOM_UTF8 if self.bom else b"") + text.encode(self.encoding)

    def can_hold(self, text: str) -> bool:
        """Say whether `text` can be written so that what it shares with the file keeps its bytes.

        It cannot in an encoding with several spellings of a text, if this file does not use
        the one that Python writes.
        """
        if self.encoding == "utf-8" or self.data is None:
            return True
        bom = len(codecs.BOM_UTF8) if self.bom else 0
        try:
            same = self.text.encode(self.encoding) == self.data[bom:]
            return same and text.encode(self.encoding).decode(self.encoding) == text
        except ValueError:
            return False

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line (from 1) and column (from 0) of an offset."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1]

    def line_text(self, line: int) -> str:
        """Return one line (counted from 1) without its end."""
        start = self._line_starts[line - 1]
        end = _LINE_END.search(self.text, start)
        return self.text[start : end.start() if end else len(self.text)]

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(end.end() for end in _LINE_END.finditer(self.text))]


class _Unread(Source):
    """A source that is decoded when its text is asked for."""

    def __init__(self, data: bytes, path: str) -> None:
        self.__dict__["path"] = path  # the class is frozen
        self.__dict__["data"] = data

    @cached_property
    def text(self) -> str:
        decoded = Source.decode(self.data or b"", self.path)
        self.__dict__.update(encoding=decoded.encoding, bom=decoded.bom)
        return decoded.text


def surely_lacks(data: bytes, word: bytes) -> bool:
    """Say whether the text of a file can have no such word, as far as its bytes alone tell.

    They do unless a cookie declares an encoding in which ASCII may be spelled otherwise.
    """
    if holds(data, word):
        return False
    if data.find(b"coding", 0, data.find(b"\n", data.find(b"\n") + 1)) < 0:
        return True  # no cookie in the first two lines
    declared, _ = _declared_encoding(data.removeprefix(codecs.BOM_UTF8))
    return declared is None or _spells_ascii(declared)


@cache
def _spells_ascii(encoding: str) -> bool:
    """Say whether ASCII characters have their own bytes, and no others, in an encoding."""
    try:
        return codecs.lookup(encoding).name in ("ascii", "iso8859-1", "iso8859-15", "utf-8", "cp1252")
    except LookupError:
        return False


def _declared_encoding(body: bytes) -> tuple[str | None, int]:
    """Return the coding cookie's name, if any, and the line it stands on."""
    cookie = _COOKIE.match(body)
    if cookie is None:
        return None, 1
    declared = cookie[2].decode("ascii")
    if familiar := _FAMILIAR.match(declared.lower().replace("_", "-")):
        declared = familiar[1] or "iso-8859-1"
    return declared, 2 if cookie["before"] else 1
