"""A `.cpy` file as what Python runs: its code, its tree, its text, or the SyntaxError that Python shows.

The import hook and `circuit run` come here when no cached bytecode will do. This
file loads the compiler, so whoever wants to start fast imports it when it is needed.
"""

import ast
import warnings
from types import CodeType

from circuit.compiler import Compilation, Diagnostic, Source, compile_bytes, compile_source, render


def compile_program(data: bytes, path: str) -> CodeType:
    """Return the code of a `.cpy` file, with positions in that file. Raises SyntaxError."""
    return _warned(_sound(compile_bytes(data, path))).code()


def program_tree(data: bytes, path: str) -> ast.Module:
    """Return the syntax tree of a `.cpy` file, lowered, with positions in that file. Raises SyntaxError."""
    return _warned(_sound(compile_bytes(data, path))).tree()


def program_text(text: str, path: str) -> str:
    """Return the Python text of the text of a `.cpy` file, with its lines, to be looked into.

    Raises SyntaxError, also for the errors of a file without a spawn.
    """
    with warnings.catch_warnings():
        # Whoever looks into a program does not run it.
        warnings.simplefilter("ignore")
        return _sound(compile_source(Source.from_text(text, path), check=True)).text


def _sound(compilation: Compilation) -> Compilation:
    """Return a compilation without errors. Raises SyntaxError."""
    if compilation.errors:
        raise _exception(compilation, *compilation.errors)
    return compilation


def _warned(compilation: Compilation) -> Compilation:
    """Warn as Python does while it compiles; where that is to be an error, it is one of the syntax."""
    source = compilation.source
    for warning in compilation.diagnostics:
        line, _ = source.position(warning.primary.span.start)
        try:
            warnings.warn_explicit(_said(warning), SyntaxWarning, source.path, line)
        except SyntaxWarning:
            raise _exception(compilation, warning) from None
    return compilation


def _exception(compilation: Compilation, first: Diagnostic, *others: Diagnostic) -> SyntaxError:
    """Return an error at the place of the first diagnostic; its notes tell of the others."""
    source = compilation.source
    line, column = source.position(first.primary.span.start)
    last, end = source.position(first.primary.span.end)
    place = (source.path, line, column + 1, source.line_text(line) + "\n", last, end + 1)
    error = SyntaxError(_said(first), place)
    for note in (first.primary.text, *first.notes):
        if note:
            error.add_note(f"note: {note}")
    if first.help:
        error.add_note(f"help: {first.help}")
    for other in others:
        error.add_note(render(other, source).rstrip())
    return error


def _said(diagnostic: Diagnostic) -> str:
    """Return the message and the code to look it up by; Python's own errors are in Python's words alone."""
    code = "" if diagnostic.code == "S000" else f" [{diagnostic.code}]"
    return diagnostic.message + code
