"""Recovery: how a source goes on behind text that cannot be cut into tokens.

An unclosed bracket takes in all that follows, so where the next statement begins is a guess:
at a line that is indented no deeper and, where a bracket may be open, begins with a word
that stands in no expression. What is between is taken for an expression that means nothing.

Rules: every other character stays where it is, so places need no way back.
"""

import re

from circuit.compiler.source import Source
from circuit.compiler.spawns import ParseError

_LINE = re.compile(r"([ \t\f]*+)((?:[^\r\n]++)?)(\r\n|\r|\n|\Z)")
_STATEMENT = re.compile(
    r"(?:assert|class|def|del|global|import|nonlocal|pass|raise|return|try|while|with)\b|async[ \t]+def\b"
)
_WORD = re.compile(r"\w*")
_NOTHING = "0"
# The lines that would be missed: what stands for the first line of a block, on one line.
_CLAUSES = {
    "if": "if _:0",
    "elif": "elif _:0",
    "else": "else:0",
    "try": "try:0",
    "except": "except _:0",
    "finally": "finally:0",
    "case": "case _ if _:0",
}


def without(source: Source, start: int, error: ParseError) -> Source | None:
    """Return a source without the statement that an error is in, and that begins on the line at `start`.

    None if there is nothing to put in its place.
    """
    text = source.text
    broken = _LINE.match(text, start)
    assert broken is not None  # every part is optional
    written = _CLAUSES.get(_first_word(broken[2]), _NOTHING)
    if len(written) > len(broken[2]):
        return None
    end = _next_statement(text, broken, error)
    body = broken.start(2)
    blank = re.sub(r"[^\r\n]", " ", text[body + len(written) : end])
    return Source.from_text(text[:body] + written + blank + text[end:], source.path)


def _next_statement(text: str, broken: re.Match[str], error: ParseError) -> int:
    """Return where the line begins that is taken for the next statement."""
    if "triple-quoted" in error.message:
        return len(text)
    may_be_open = error.message.endswith("was never closed") or not (
        broken.start() <= error.span.start <= broken.end()
    )
    place = broken.end() if may_be_open else max(broken.end(), error.span.start)
    while place < len(text):
        line = _LINE.match(text, place)
        assert line is not None
        is_shallow = len(line[1].expandtabs()) <= len(broken[1].expandtabs())
        if line[2] and is_shallow and (not may_be_open or _STATEMENT.match(line[2])):
            return place
        place = line.end()
    return len(text)


def _first_word(line: str) -> str:
    word = _WORD.match(line)
    return word[0] if word else ""
