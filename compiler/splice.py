"""Splices: small edits on a text, and the way back from the edited text to the original.

The compiler never writes a program anew. It writes the few characters between
the operands of a spawn, and everything else stays where it is, to the byte.

Rules: an edit lies within one line and brings no line break, so line N of the
edited text is line N of the original. Edits do not overlap; an insertion (an
empty span) comes before an edit that starts where it stands.

Theory: between edits the map back is a shift. Inside a replacement the k-th
character comes from the k-th replaced one, or from the end of the replaced
text where that is shorter. The map is monotone, so no range turns inside out.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from circuit.compiler.source import Span


@dataclass(frozen=True, slots=True)
class Edit:
    """Put `replacement` in the place of `span`."""

    span: Span
    replacement: str


def ordered(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Sort edits by where they stand; raise ValueError if two of them overlap."""
    result = tuple(sorted(edits, key=lambda edit: (edit.span.start, edit.span.end)))
    for before, after in pairwise(result):
        if after.span.start < before.span.end:
            raise ValueError(f"{before} overlaps {after}")
    return result


def apply(text: str, edits: Iterable[Edit], within: Span | None = None) -> str:
    """Return `text`, or only the part of it that `within` names, with the edits made.

    Edits outside of `within` are left alone. Raises ValueError for an edit that
    overlaps another one, or that adds or removes a line break.
    """
    part = within or Span(0, len(text))
    pieces: list[str] = []
    copied = part.start
    inside = (edit for edit in edits if part.start <= edit.span.start and edit.span.end <= part.end)
    for edit in ordered(inside):
        replaced = text[edit.span.start : edit.span.end]
        if any(line_break in replaced + edit.replacement for line_break in "\r\n"):
            raise ValueError(f"{edit} touches a line break")
        pieces += (text[copied : edit.span.start], edit.replacement)
        copied = edit.span.end
    pieces.append(text[copied : part.end])
    return "".join(pieces)


@dataclass(frozen=True, slots=True)
class _Shift:
    """One edit, seen from both texts: `edited` is the range of its replacement."""

    original: Span
    edited: Span


class OffsetMap:
    """The offsets of an edited text as offsets of the original one."""

    __slots__ = ("_shifts", "_starts")

    def __init__(self, edits: Iterable[Edit]) -> None:
        self._shifts: list[_Shift] = []
        grown = 0
        for edit in ordered(edits):
            start = edit.span.start + grown
            self._shifts.append(_Shift(edit.span, Span(start, start + len(edit.replacement))))
            grown = start + len(edit.replacement) - edit.span.end
        self._starts = [shift.edited.start for shift in self._shifts]

    def origin(self, offset: int) -> int:
        """Return where a character of the edited text comes from."""
        last = bisect_right(self._starts, offset) - 1
        if last < 0:
            return offset
        shift = self._shifts[last]
        if offset < shift.edited.end:
            return min(shift.original.start + offset - shift.edited.start, shift.original.end)
        return shift.original.end + offset - shift.edited.end

    def boundaries(self) -> list[int]:
        """Return where replacements start and end in the edited text, in order."""
        return sorted({end for shift in self._shifts for end in (shift.edited.start, shift.edited.end)})
