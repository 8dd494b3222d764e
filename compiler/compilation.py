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
from types import CodeType

from circuit.compiler.diagnostics import Diagnostic, Label, in_order
from circuit.compiler.keywords import WORD
from circuit.compiler.lowering import lower
from circuit.compiler.parser import Findings, find_spawns
from circuit.compiler.positions import relocate
from circuit.compiler.preamble import free_name, import_edit
from circuit.compiler.source import Source, SourceError, Span
from circuit.compiler.spawns import ParseError, Spawn
from circuit.compiler.splice import Edit, apply
from circuit.compiler.syntax import TOO_DEEP, Blanks, generate, parse, refusal
from circuit.compiler.thunks import faults_of
from circuit.compiler.tokens import Tokens, tokenize

# How the runtime is reached where no line of the module has room for an import.
INLINE_IMPORT = '__import__("circuit")'


@dataclass(frozen=True, slots=True)
class Compilation:
    """What became of a source. `text` is worth writing only if there are no errors."""

    source: Source
    text: str
    edits: tuple[Edit, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    _code: CodeType | None = field(default=None, repr=False, compare=False)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that stop the compilation."""
        return tuple(one for one in self.diagnostics if one.severity == "error")

    @property
    def data(self) -> bytes:
        """The bytes of the compiled file, in the encoding of the source."""
        return self.source.encode(self.text)

    def tree(self) -> ast.Module:
        """Return the syntax tree of a compilation without errors, with positions in the source."""
        tree = ast.parse(self.text, self.source.path)
        relocate(tree, self.text, self.source, self.edits)
        return tree

    def code(self) -> CodeType:
        """Return the code of a compilation without errors, with positions in the source."""
        return self._code or compile(self.text, self.source.path, "exec", dont_inherit=True)


def compile_bytes(data: bytes, path: str, *, check: bool = False) -> Compilation:
    """Compile the bytes of a file, as `compile_source` does; `path` is what diagnostics call it."""
    try:
        source = Source.decode(data, path)
    except SourceError as error:
        # One character for each byte, so that the place can be shown.
        shown = Source.from_text(data.decode("ascii", errors="replace"), path)
        label = Label(Span(error.offset, error.offset))
        return Compilation(shown, shown.text, diagnostics=(Diagnostic("S004", error.message, path, label),))
    return compile_source(source, check=check)


def compile_source(source: Source, *, check: bool = False) -> Compilation:
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
        return Compilation(source, source.text, diagnostics=(fault,))
    if found.tokens is None and found.errors:
        return Compilation(source, source.text, diagnostics=_tokenless(source, found.errors[0]))
    if found.tokens is None or not (found.spawns or found.errors or check):
        return Compilation(source, source.text)
    return _compile(source, found.spawns, found.errors, found.tokens)


def _compile(
    source: Source, spawns: Sequence[Spawn], errors: Sequence[ParseError], tokens: Tokens
) -> Compilation:
    blanks = Blanks(source, tokens)
    for error in errors:
        blanks = blanks.adding(error.span.start)
    name = free_name(source)
    runtime_import = import_edit(source, name) if spawns else None
    edits = (*([runtime_import] if runtime_import else []), *lower(source, spawns, name))
    parsed = parse(edits, blanks)
    sound = [spawn for spawn in spawns if not parsed.blanks.cover(spawn.span.start)]
    faults = [
        *(Diagnostic.from_parse_error(error, source.path) for error in errors),
        *parsed.faults,
        *faults_of(source, sound, name),
    ]
    if spawns and not runtime_import:
        edits = lower(source, spawns, INLINE_IMPORT)
        parsed = parse(edits, blanks)
    text = apply(source.text, edits)
    if not source.can_hold(text):
        faults.append(_unwritable(source))
    code = None
    if not any(fault.severity == "error" for fault in faults):
        code, late = generate(parsed, edits)
        faults += late
    return Compilation(source, text, edits, in_order(faults), code)


def _tokenless(source: Source, error: ParseError) -> tuple[Diagnostic, ...]:
    """Say what is wrong with a source that cannot be cut into tokens: in CPython's words, if it gets so far.

    For that the spawns are lowered in the longest beginning that can be cut.
    """
    end = len(source.text)
    before = Findings(errors=(error,))
    while before.errors and before.tokens is None:
        place = min(before.errors[0].span.start, end - 1)
        end = place - source.position(place)[1]
        before = find_spawns(Source.from_text(source.text[:end], source.path))
    said = refusal(source, lower(source, before.spawns, free_name(source)))
    undisturbed = said and not before.errors and not WORD.search(source.text, end, said.primary.span.end)
    fault = said if said and undisturbed else Diagnostic.from_parse_error(error, source.path)
    return in_order((*(Diagnostic.from_parse_error(one, source.path) for one in before.errors), fault))


def _unwritable(source: Source) -> Diagnostic:
    message = f"the file cannot be written back as it is in its encoding, {source.encoding}"
    label = Label(Span(0, 0))
    return Diagnostic("S004", message, source.path, label, help="save it as UTF-8")
