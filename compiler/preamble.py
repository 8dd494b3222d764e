"""The preamble: where a compiled file imports the runtime, with no line more than before.

The import has to run before any spawn, and after what Python wants first: a shebang,
a coding cookie, the docstring, the `__future__` imports. It goes, in this order,
 1. on an empty line between those and the first other statement,
 2. behind the docstring or the last `__future__` import, after a semicolon,
 3. before the first other statement, if that is a simple one,
 4. on a line of blanks or a comment above it, the comment moving to the right.
Where there is none of these the module has no import, and each spawn has its own.

Only the head of the file is read. The tokens are those of Python: up to the first
statement, a Circuit file has no others.
"""

import re
import tokenize
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from circuit.compiler.positions import LineTable
from circuit.compiler.source import Source, Span
from circuit.compiler.splice import Edit

NAME = "_circuit"

_COMPOUND = frozenset(("async", "class", "def", "for", "if", "try", "while", "with", "@"))
_LAYOUT = frozenset((tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING))
_PLAIN_STRING = re.compile(r"[rRuU]?['\"]")
_COOKIE = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*[-\w.]+")


def free_name(source: Source) -> str:
    """Return the name for the runtime module: `_circuit`, or a longer one if the source has that."""
    # Python takes identifiers for the same if their compatibility forms are.
    text = source.text if source.text.isascii() else unicodedata.normalize("NFKC", source.text)
    name = NAME
    while name in text:
        name += "_"
    return name


def import_edit(source: Source, name: str) -> Edit | None:
    """Return the edit that imports the runtime as `name`; None if no line has room for it."""
    head = _read_head(source)
    if head is None:
        return None
    statement = f"import circuit as {name}"
    lines = {number: source.line_text(number) for number in head.lines_between}
    for number, text in lines.items():
        if not text:
            return _insertion(head.table.offset(number, 0), statement)
    if head.reserved_end is not None:
        return _insertion(head.reserved_end, f"; {statement}")
    if head.first_is_simple:
        return _insertion(head.first_start, f"{statement}; ")
    for number, text in lines.items():
        if not text.strip():
            return _insertion(head.table.offset(number, 0), statement)
        if text.lstrip().startswith("#"):
            return _insertion(head.table.offset(number, 0), f"{statement}  ")
    return None


def _insertion(offset: int, text: str) -> Edit:
    return Edit(Span(offset, offset), text)


@dataclass(frozen=True, slots=True)
class _Head:
    """A file up to its first statement that is neither docstring nor `__future__` import.

    `reserved_end` is where the last of those ends, and `lines_between` are the
    lines after it and before the first other statement that may be changed.
    """

    table: LineTable
    reserved_end: int | None
    lines_between: range
    first_start: int
    first_is_simple: bool


def _read_head(source: Source) -> _Head | None:
    table = LineTable(source.text)
    reserved: tokenize.TokenInfo | None = None
    try:
        for statement in _statements(table):
            if _is_future_import(statement) or (reserved is None and _is_docstring(statement)):
                reserved = statement[-1]
                continue
            first = statement[0]
            untouchable = reserved.end[0] if reserved else _last_special_line(table)
            return _Head(
                table=table,
                reserved_end=table.offset(*reserved.end) if reserved else None,
                lines_between=range(untouchable + 1, first.start[0]),
                first_start=table.offset(*first.start),
                first_is_simple=first.string not in _COMPOUND and statement[-1].string != ":",
            )
    except (tokenize.TokenError, SyntaxError):
        # The file is not Python, and the check of the compiled file says why.
        return None
    return None


def _statements(table: LineTable) -> Iterator[list[tokenize.TokenInfo]]:
    """Yield the tokens of each simple statement, or of a compound one's first line."""
    statement: list[tokenize.TokenInfo] = []
    depth = 0
    for token in tokenize.generate_tokens(table.plain_lines().__next__):
        if token.type == tokenize.NEWLINE or (token.string == ";" and not depth):
            if statement:
                yield statement
            statement = []
        elif token.type not in _LAYOUT:
            depth += (token.string in "([{") - (token.string in ")]}") if token.type == tokenize.OP else 0
            statement.append(token)


def _is_docstring(statement: list[tokenize.TokenInfo]) -> bool:
    parts = [token.string for token in statement if token.string not in ("(", ")")]
    # An f-string is no docstring, and may spawn: it is one token before Python 3.12.
    return bool(parts) and all(_PLAIN_STRING.match(part) for part in parts)


def _is_future_import(statement: list[tokenize.TokenInfo]) -> bool:
    return [token.string for token in statement[:2]] == ["from", "__future__"]


def _last_special_line(table: LineTable) -> int:
    """Return the last of the lines that a shebang or a coding cookie stands on, or 0."""
    special = 0
    for number, text in enumerate(islice(table.plain_lines(), 2), start=1):
        if _COOKIE.match(text) or (number == 1 and text.startswith("#!")):
            special = number
    return special
