"""The loader of one `.cpy` file: Python's own loader of source files, with our compiler.

Code points at the source: its file name is the `.cpy` file, its lines and columns are
those of the program text, so tracebacks, `inspect.getsource`, debuggers and coverage
show what was written.
"""

from importlib.machinery import SourceFileLoader
from types import CodeType

from circuit.hook.bytecode import cached_code

SUFFIX = ".cpy"


class SpawnLoader(SourceFileLoader):
    """Loads a `.cpy` file: a source file whose code comes from the compiler, or from its cache."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the module. Raises SyntaxError if it does not compile."""
        return cached_code(self.get_filename(fullname), self.get_data, compiled)

    def source_to_code(self, data: bytes, path: str) -> CodeType:  # type: ignore[override]
        """Compile the bytes of a `.cpy` file. Raises SyntaxError."""
        return compiled(data, path)


class ProgramLoader(SpawnLoader):
    """Loads a program's file for runpy, which takes it for the `__main__` of an archive."""


def compiled(data: bytes, path: str) -> CodeType:
    """Return the code of the bytes of a `.cpy` file. Raises SyntaxError."""
    # Not loaded above: the compiler takes a quarter of a second, and a cached module needs none of it.
    from circuit.hook.program import compile_program

    return compile_program(data, path)
