"""Stamps: how circuitc knows its own work again.

A compiled file ends in a comment, its stamp:

    # circuitc 0.1.0: compiled from app.cpy for Python 3.11, source 8c6c2a3bd09d1f4e, text 5f1d0c4be2a98c33

The first digest is of the source, and with it stands whatever else the output depends
on: so an output is known to be fresh without compiling. The second digest is of all
bytes above the line: so a change made by hand is known, and kept.

A source without a spawn comes out byte for byte, with no line more. Its stamp is kept
in a file of its own (see `outputs`).

Rules: this file does no I/O. A digest is the first 16 hexadecimal digits of SHA-256.
The line ends, and spells the names in it, as its file does.
"""

import hashlib
import re
from dataclasses import dataclass, replace

from circuit.version import VERSION

_OPENING = b"# circuitc "
_DIGEST = rb"[0-9a-f]{16}"
_SHAPE = re.compile(
    rb"%b(\S+): compiled from (.+) for Python (\S+), source (%b), text (%b)(?:, map (.+))?"
    % (_OPENING, _DIGEST, _DIGEST)
)
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an output was made from, and with; `map` names its source map, if it has one."""

    version: str
    name: str
    target: str
    source: str
    map: str
    text: str = ""

    @classmethod
    def of(cls, source: bytes, name: str, target: str, map_name: str = "") -> "Stamp":
        """Return the stamp of what a source shall become: no bytes vouch for it yet."""
        return cls(VERSION, _in_one_line(name), target, digest(source), _in_one_line(map_name))

    def on(self, body: bytes) -> "Stamp":
        """Return this stamp as it stands under a file's bytes."""
        return replace(self, text=digest(body))

    def line(self, encoding: str = "utf-8") -> bytes:
        """Return the comment, without a line end."""
        # All but the names is ASCII, which every encoding of Python sources has.
        name = self.name.encode(encoding, "backslashreplace")
        source_map = b", map " + self.map.encode(encoding, "backslashreplace") if self.map else b""
        head = f"# circuitc {self.version}: compiled from ".encode()
        digests = f" for Python {self.target}, source {self.source}, text {self.text}".encode()
        return head + name + digests + source_map


@dataclass(frozen=True, slots=True)
class Stamped:
    """A stamp that was found, and the bytes that it vouches for."""

    stamp: Stamp
    body: bytes

    @property
    def intact(self) -> bool:
        """Whether the bytes are still those that circuitc wrote."""
        return self.stamp.text == digest(self.body)

    def is_of(self, wanted: Stamp) -> bool:
        """Whether this is what the wanted output was, or would be, written as."""
        return self.intact and replace(self.stamp, text="") == wanted


def digest(data: bytes) -> str:
    """Return the digest of a file's bytes."""
    return hashlib.sha256(data).hexdigest()[:16]


def with_stamp(text: bytes, stamp: Stamp, encoding: str) -> bytes:
    """Return a file's bytes, the last line ended, and the stamp as a line more."""
    ends = _LINE_END.findall(text)
    line_end = ends[-1] if ends else b"\n"
    body = text if text.endswith((b"\r", b"\n")) else text + line_end
    return body + stamp.on(body).line(encoding) + line_end


def stamp_in(data: bytes) -> Stamped | None:
    """Return the last line of a file that is a stamp; what stands below it was added since."""
    start = data.rfind(_OPENING)
    if start < 0 or data[start - 1 : start] not in (b"", b"\r", b"\n"):
        return None
    line, *below = data[start:].splitlines(keepends=True)
    stamp = parse(line.rstrip(b"\r\n"))
    return Stamped(stamp, b"".join((data[:start], *below))) if stamp else None


def parse(line: bytes) -> Stamp | None:
    """Return the stamp that a line is, if it is one."""
    found = _SHAPE.fullmatch(line)
    if not found:
        return None
    # A name in another encoding is not read right: that output is compared whole, when it has been made.
    version, name, target, source, text, map_name = (
        (part or b"").decode("utf-8", "replace") for part in found.groups()
    )
    return Stamp(version, name, target, source, map_name, text)


def _in_one_line(name: str) -> str:
    """Return a file's name with the characters that are none, for Linux takes any bytes, spelled out."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in name)
