"""A `.cpy` file as code that Python runs, or as the SyntaxError that Python shows.

The import hook and `circuit run` come here when no cached bytecode will do. This
file loads the compiler, so whoever wants to start fast imports it when it is needed.
"""

from types import CodeType

from circuit.compiler import Compilation, compile_bytes, render


class CompileError(SyntaxError):
    """A `.cpy` file has errors. Python shows the place of the first one; the notes tell of the others."""


def compile_program(data: bytes, path: str) -> CodeType:
    """Return the code of a `.cpy` file, with positions in that file. Raises CompileError."""
    compilation = compile_bytes(data, path)
    if compilation.errors:
        raise _exception(compilation)
    return compilation.code()


def _exception(compilation: Compilation) -> CompileError:
    source = compilation.source
    first, *others = compilation.errors
    line, column = source.position(first.primary.span.start)
    last, end = source.position(first.primary.span.end)
    place = (source.path, line, column + 1, source.line_text(line) + "\n", last, end + 1)
    error = CompileError(f"{first.message} [{first.code}]", place)
    for note in (first.primary.text, *first.notes):
        if note:
            error.add_note(f"note: {note}")
    if first.help:
        error.add_note(f"help: {first.help}")
    for other in others:
        error.add_note(render(other, source).rstrip())
    return error
