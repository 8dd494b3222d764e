"""The import hook: `.cpy` modules and packages, imported as if Python knew them.

    import circuit.importer
    circuit.importer.install()
    import app                     # app.cpy, or app/__init__.cpy

In one folder a package comes before a module, as always in Python, and of two
files of one name `app.cpy` comes before `app.py` (which may well be its
compiled form). Between folders the order of `sys.path` decides.

Code points at the source: its file name is the `.cpy` file, its lines and
columns are those of the program text, so tracebacks, `inspect.getsource`,
debuggers and coverage show what was written.

Bytecode is cached beside Python's own, in `__pycache__/app.cpython-311.cpyc`: a
suffix that Python never uses. A cached file is used if it was made from the same
bytes, by the same compiler and interpreter; the compiler is not even loaded then.
"""

import marshal
import stat
import sys
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path
from types import CodeType

from circuit.version import VERSION

SUFFIX = ".cpy"
CACHE_SUFFIX = ".cpyc"

# Who made the bytecode: the release, and a number raised by each change of what is made from a source.
COMPILER = f"circuitc {VERSION}, lowering 1\0".encode()


class SpawnLoader(SourceFileLoader):
    """Loads a `.cpy` file: a source file whose code comes from the compiler, or from its cache."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the module, compiled if the cache has none of this source."""
        path = self.get_filename(fullname)
        data = self.get_data(path)
        stamp = MAGIC_NUMBER + source_hash(COMPILER + data)
        cache = _cache_of(path)
        code = self._cached(cache, stamp)
        if code is None:
            code = self.source_to_code(data, path)
            if cache is not None and not sys.dont_write_bytecode:
                # Atomic, silent where the folder cannot be written, and readable by whoever may
                # read the source: all as for Python's own cache.
                mode = Path(path).stat().st_mode | stat.S_IWUSR
                self.set_data(cache, stamp + marshal.dumps(code), _mode=mode)
        return code if code.co_filename == path else _named(code, path)

    def source_to_code(self, data: bytes, path: str) -> CodeType:  # type: ignore[override]
        """Compile the bytes of a `.cpy` file. Raises CompileError, a SyntaxError."""
        # Not loaded above: the compiler takes a quarter of a second, and a cached module needs none of it.
        from circuit.program import compile_program

        return compile_program(data, path)

    def _cached(self, cache: str | None, stamp: bytes) -> CodeType | None:
        if cache is None:
            return None
        try:
            data = self.get_data(cache)
            code = marshal.loads(memoryview(data)[len(stamp) :]) if data.startswith(stamp) else None
        except (OSError, EOFError, ValueError, TypeError):
            # No cache yet, or one cut short by a full disk: compiling again is the answer to all of them.
            return None
        return code if isinstance(code, CodeType) else None


# The standard finder of folders, with one more kind of source, which comes first.
_HOOK = FileFinder.path_hook(
    (SpawnLoader, [SUFFIX]),
    (ExtensionFileLoader, EXTENSION_SUFFIXES),
    (SourceFileLoader, SOURCE_SUFFIXES),
    (SourcelessFileLoader, BYTECODE_SUFFIXES),
)


def install() -> None:
    """Make `.cpy` modules and packages importable from now on; doing it twice changes nothing."""
    if _HOOK not in sys.path_hooks:
        sys.path_hooks.insert(0, _HOOK)
        sys.path_importer_cache.clear()


def uninstall() -> None:
    """Take the hook out again. Modules already imported stay."""
    if _HOOK in sys.path_hooks:
        sys.path_hooks.remove(_HOOK)
        sys.path_importer_cache.clear()


def load_code(path: Path) -> CodeType:
    """Return the code of a program file: a `.cpy` file through the compiler, any other as Python.

    Raises OSError if it cannot be read, and SyntaxError if it is not a program.
    """
    name = str(path)
    if path.suffix == SUFFIX:
        return SpawnLoader("__main__", name).get_code("__main__")
    return compile(path.read_bytes(), name, "exec", dont_inherit=True)


def _cache_of(path: str) -> str | None:
    """Return where the bytecode of a source is cached; None if this Python caches nothing."""
    try:
        return cache_from_source(path).removesuffix(".pyc") + CACHE_SUFFIX
    except NotImplementedError:
        return None


def _named(code: CodeType, path: str) -> CodeType:
    """Return cached code as code of `path`: a folder may have moved, or be reached by another name."""
    consts = tuple(_named(const, path) if isinstance(const, CodeType) else const for const in code.co_consts)
    return code.replace(co_filename=path, co_consts=consts)
