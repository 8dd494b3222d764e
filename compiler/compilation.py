"""A compilation: one `.cpy` file through all stages, from its bytes to Python's.

    source -> spawns -> faults -> edits -> text, checked by CPython

Rules: everything here is a pure function of the source. A user's mistake is a
diagnostic, never an exception. A file without a spawn is not even parsed, and comes
out as it went in. What comes out of a file with spawns is Python: CPython compiled it
once, and if it refused, its own words are the diagnostic, at the place in the source.
"""

import ast
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from types import CodeType

from circuit.compiler.diagnostics import Diagnostic, Label, in_order
from circuit.compiler.lowering import lower
from circuit.compiler.parser import find_spawns
from circuit.compiler.positions import LineTable, relocate
from circuit.compiler.preamble import free_name, import_edit
from circuit.compiler.source import Source, SourceError, Span
from circuit.compiler.spawns import ParseError, Spawn
from circuit.compiler.splice import Edit, OffsetMap, apply
from circuit.compiler.thunks import faults_of

# How the runtime is reached where no line of the module has room for an import.
INLINE_IMPORT = '__import__("circuit")'

TOO_DEEP = "the program is nested too deeply"


@dataclass(frozen=True, slots=True)
class Compilation:
    """What became of a source. `text` is worth writing only if there are no errors."""

    source: Source
    text: str
    edits: tuple[Edit, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that stop the compilation."""
        return tuple(one for one in self.diagnostics if one.severity == "error")

    @property
    def data(self) -> bytes:
        """The bytes of the compiled file, in the encoding of the source."""
        return self.source.encode(self.text)

    def code(self) -> CodeType:
        """Return the code of a compilation without errors, with positions in the source."""
        if not self.edits:
            return compile(self.text, self.source.path, "exec", dont_inherit=True)
        tree = ast.parse(self.text, self.source.path)
        relocate(tree, self.text, self.source, self.edits)
        return compile(tree, self.source.path, "exec", dont_inherit=True)


def compile_bytes(data: bytes, path: str) -> Compilation:
    """Compile the bytes of a file; `path` is what diagnostics call it."""
    try:
        source = Source.decode(data, path)
    except SourceError as error:
        # One character for each byte, so that the place can be shown.
        shown = Source.from_text(data.decode("ascii", errors="replace"), path)
        label = Label(Span(error.offset, error.offset))
        return Compilation(shown, shown.text, diagnostics=(Diagnostic("S004", error.message, path, label),))
    return compile_source(source)


def compile_source(source: Source) -> Compilation:
    """Compile a source text."""
    try:
        spawns, errors, _ = find_spawns(source)
        if not spawns and not errors:
            return Compilation(source, source.text)
        return _compile(source, spawns, errors)
    except RecursionError:
        fault = Diagnostic("S000", TOO_DEEP, source.path, Label(Span(0, 0)))
        return Compilation(source, source.text, diagnostics=(fault,))


def _compile(source: Source, spawns: Sequence[Spawn], errors: Sequence[ParseError]) -> Compilation:
    name = free_name(source)
    edits = _edits(source, spawns, name) if spawns else ()
    text = apply(source.text, edits)
    diagnostics = [Diagnostic.from_parse_error(error, source.path) for error in errors]
    diagnostics += faults_of(source, spawns, name)
    if not diagnostics:
        diagnostics += _python_faults(source, text, edits)
    return Compilation(source, text, edits, in_order(diagnostics))


def _edits(source: Source, spawns: Sequence[Spawn], name: str) -> tuple[Edit, ...]:
    runtime_import = import_edit(source, name)
    if runtime_import is None:
        return lower(source, spawns, INLINE_IMPORT)
    return (runtime_import, *lower(source, spawns, name))


def _python_faults(source: Source, text: str, edits: tuple[Edit, ...]) -> list[Diagnostic]:
    """Return what CPython has to say against the lowered text."""
    message, span = "", Span(0, 0)
    with warnings.catch_warnings():
        # Warnings are for whoever compiles the result, and would name the wrong file here.
        warnings.simplefilter("ignore")
        try:
            compile(text, source.path, "exec", dont_inherit=True)
            return []
        except SyntaxError as error:
            message, span = error.msg, _source_span(error, text, edits)
        except (ValueError, OverflowError) as error:
            message = str(error)
        except (RecursionError, MemoryError):
            message = TOO_DEEP
    return [Diagnostic("S000", message, source.path, Label(span))]


def _source_span(error: SyntaxError, text: str, edits: tuple[Edit, ...]) -> Span:
    table, origins = LineTable(text), OffsetMap(edits)
    # CPython's parser counts columns in code points, the stages after it in bytes.
    offset = table.offset_of_bytes if _is_parsed(text) else table.offset
    line, column = error.lineno or 1, max(error.offset or 1, 1) - 1
    start = origins.origin(offset(line, column))
    end = origins.origin(offset(error.end_lineno or line, max(error.end_offset or 0, 1) - 1))
    return Span(start, max(start, end))


def _is_parsed(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True
