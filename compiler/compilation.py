"""A compilation: one `.cpy` file through all stages, from its bytes to Python's.

    source -> spawns -> edits -> text -> tree, by CPython -> faults -> code

Rules: everything here is a pure function of the source. A user's mistake is a
diagnostic, never an exception. A file without a spawn is not even parsed, and comes
out as it went in. What comes out of a file with spawns is Python: CPython compiled it
once, and if it refused, its own words are the diagnostic, at the place in the source.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import CodeType

from circuit.compiler.diagnostics import Diagnostic, Label, in_order
from circuit.compiler.fstrings import Field, keep_shown, spawning_fields
from circuit.compiler.keywords import WORD
from circuit.compiler.lowering import NOTHING_CAPTURED, Captures, lower
from circuit.compiler.parser import Findings, find_spawns
from circuit.compiler.preamble import free_name, import_edit
from circuit.compiler.recovery import without
from circuit.compiler.rules import Program, captures_of, check as check_rules
from circuit.compiler.source import Source, SourceError, Span, surely_lacks
from circuit.compiler.spawns import ParseError, Spawn
from circuit.compiler.splice import Edit, apply, ordered
from circuit.compiler.syntax import (
    ENOUGH,
    TOO_DEEP,
    Blanks,
    Lowered,
    generate,
    located,
    parse,
    refusal,
    reworded,
)
from circuit.compiler.targets import RUNNING, Target, check_target, check_unjudged, oldest_for
from circuit.compiler.tokens import Tokens, tokenize

# From this code on a diagnostic may come of what is missing in a source.
_UNSURE = "S012"


@dataclass(frozen=True)
class Compilation:
    """What became of a source. What comes out is worth writing only if there are no errors.

    No slots: the text is made on first use and kept.
    """

    source: Source
    edits: tuple[Edit, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    _lowered: Lowered | None = field(default=None, repr=False, compare=False)
    _code: CodeType | None = field(default=None, repr=False, compare=False)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that stop the compilation."""
        return tuple(one for one in self.diagnostics if one.severity == "error")

    @cached_property
    def text(self) -> str:
        """The text of the compiled file."""
        return apply(self.source.text, self.edits)

    @property
    def data(self) -> bytes:
        """The bytes of the compiled file, in the encoding of the source."""
        if not self.edits and self.source.data is not None:
            return self.source.data
        return self.source.encode(self.text)

    def tree(self) -> ast.Module:
        """Return the syntax tree of a compilation without errors, with positions in the source."""
        if self._lowered is None:
            return ast.parse(self.data, self.source.path)
        return located(self._lowered)

    def code(self) -> CodeType:
        """Return the code of a compilation without errors, with positions in the source."""
        return self._code or compile(self.data, self.source.path, "exec", dont_inherit=True)


def compile_bytes(
    data: bytes, path: str, target: Target = RUNNING, *, check: bool = False, decode: bool = False
) -> Compilation:
    """Compile the bytes of a file, as `compile_source` does; `path` is what diagnostics call it.

    Without a spawn they are not even decoded, but to `check` them, or to `decode` them for whoever
    wants the text.
    """
    if not (check or decode) and surely_lacks(data, b"spawn"):
        return Compilation(Source.unread(data, path))
    try:
        source = Source.decode(data, path)
    except SourceError as error:
        # One character for each byte, so that the place can be shown.
        shown = Source.from_text(data.decode("ascii", errors="replace"), path)
        label = Label(Span(error.offset, error.offset))
        return Compilation(shown, diagnostics=(Diagnostic("S004", error.message, path, label),))
    return compile_source(source, target, check=check)


def compile_source(source: Source, target: Target = RUNNING, *, check: bool = False) -> Compilation:
    """Compile a source text.

    One without a spawn is given back unread. To `check` is to hear of its errors all the same.
    """
    try:
        found = find_spawns(source)
        if check and not (found.tokens or found.errors):
            found = Findings(tokens=tokenize(source))
    except ParseError as error:
        found = Findings(errors=(error,))
    except RecursionError:
        fault = Diagnostic("S000", TOO_DEEP, source.path, Label(Span(0, 0)))
        return Compilation(source, diagnostics=(fault,))
    if found.tokens is None and found.errors:
        return Compilation(source, diagnostics=_tokenless(source, found.errors[0]))
    if found.tokens is None or not (found.spawns or found.errors or check):
        return Compilation(source)
    return _compile(source, found, found.tokens, target)


def _compile(source: Source, found: Findings, tokens: Tokens, target: Target) -> Compilation:
    draft = _Draft.of(source, tokens, found.spawns)
    shown = keep_shown(source, draft.fields)
    errors = [*found.errors, *shown.errors]
    if target != RUNNING:
        errors += check_target(source, tokens, target)
    if target > RUNNING and not errors and oldest_for(source, tokens) > RUNNING:
        return _unjudged(draft, shown.edits)
    blanks = Blanks(source, tokens)
    for error in errors:
        blanks = blanks.adding(error.span.start)

    # The rules know the runtime by its name, also where the module has no room for the import.
    lowered = draft.lowered(shown.edits, draft.name)
    parsed = parse(lowered, blanks)
    told = [Diagnostic.from_parse_error(error, source.path) for error in errors]
    # A newer Python has words of its own.
    faults = [*(reworded(told, lowered, parsed.blanks) if target <= RUNNING else told), *parsed.faults]
    captures: Captures = NOTHING_CAPTURED
    if parsed.tree:
        spawns = [spawn for spawn in found.spawns if not parsed.blanks.cover(spawn.span.start)]
        is_whole = not parsed.blanks.lines
        program = Program(source, spawns, parsed.text, parsed.edits, parsed.tree, draft.name, is_whole)
        faults += check_rules(program)
        captures = captures_of(program)
    if captures or not draft.runtime_import:
        parsed = parse(draft.lowered(shown.edits, draft.runtime, captures), blanks)
    edits = ordered(parsed.lowered.edits)
    text = apply(source.text, edits)
    if not source.can_hold(text):
        faults.append(_unwritable(source))
    code = None
    if not any(fault.severity == "error" for fault in faults):
        code, late = generate(parsed)
        faults += late
    return Compilation(source, edits, in_order(faults), parsed.lowered, code)


def _unjudged(draft: "_Draft", shown: tuple[Edit, ...]) -> Compilation:
    """Compile what the running Python is too old to read; the full grammar has taken it."""
    source = draft.source
    edits = ordered(draft.lowered(shown, draft.runtime).edits)
    errors = check_unjudged(source, draft.tokens)
    faults = in_order(Diagnostic.from_parse_error(error, source.path) for error in errors)
    return Compilation(source, edits, faults)


@dataclass(frozen=True, slots=True)
class _Draft:
    """What every lowering of a source is made of."""

    source: Source
    tokens: Tokens
    spawns: Sequence[Spawn]
    fields: tuple[Field, ...]
    name: str
    runtime_import: Edit | None

    @classmethod
    def of(cls, source: Source, tokens: Tokens, spawns: Sequence[Spawn]) -> "_Draft":
        name = free_name(source)
        runtime_import = import_edit(source, name) if spawns else None
        return cls(source, tokens, spawns, spawning_fields(source, tokens, spawns), name, runtime_import)

    @property
    def runtime(self) -> str | None:
        """The name that the module has for the runtime, if it has one."""
        return self.name if self.runtime_import else None

    def lowered(
        self, shown: tuple[Edit, ...], runtime: str | None, captures: Captures = NOTHING_CAPTURED
    ) -> Lowered:
        calls = lower(self.source, self.spawns, runtime, captures, self.fields)
        imports = (self.runtime_import,) if self.runtime_import else ()
        return Lowered(self.source, self.tokens, (*shown, *imports, *calls), self.fields)


def _tokenless(source: Source, error: ParseError) -> tuple[Diagnostic, ...]:
    """Say what is wrong with a source that cannot be cut into tokens, there and elsewhere.

    Of the rest only what is sure without that place is told.
    """
    faults: list[Diagnostic] = []
    others: tuple[Diagnostic, ...] = ()
    rest: Source | None = source
    while rest and len(faults) < ENOUGH:
        fault, start = _uncut(rest, error)
        faults.append(fault)
        before = Source.from_text(rest.text[:start], source.path)
        rest = without(rest, start, error)
        following = _refused(rest) if rest else None
        if rest and following and following.span.start > error.span.start:
            error = following
            continue
        others = compile_source(before if following or not rest else rest, check=True).diagnostics
        break
    return in_order((*faults, *(one for one in others if one.code < _UNSURE)))


def _uncut(source: Source, error: ParseError) -> tuple[Diagnostic, int]:
    """Say why a source cannot be cut into tokens, in CPython's words if it gets so far.

    For that the spawns are lowered in the longest beginning that can be cut; where that ends,
    the statement begins that cannot.
    """
    end = len(source.text)
    refused: ParseError | None = error
    before = source
    while refused:
        place = min(refused.span.start, end - 1)
        end = place - source.position(place)[1]
        before = Source.from_text(source.text[:end], source.path)
        refused = _refused(before)
    found = find_spawns(before)
    said = refusal(source, lower(source, found.spawns, free_name(source)))
    # Before Python 3.12 an error in an f-string may be said to stand before its word.
    is_disturbed = said and WORD.search(source.text, end, max(said.primary.span.end, error.span.start))
    if said is None or found.errors or is_disturbed or said.primary.span.start < end:
        said = Diagnostic.from_parse_error(error, source.path)
    return said, end


def _refused(source: Source) -> ParseError | None:
    """Return what keeps a source from being cut into tokens, if something does."""
    try:
        tokenize(source)
    except ParseError as error:
        return error
    return None


def _unwritable(source: Source) -> Diagnostic:
    message = f"the file cannot be written back as it is in its encoding, {source.encoding}"
    label = Label(Span(0, 0))
    return Diagnostic("S004", message, source.path, label, help="save it as UTF-8")
