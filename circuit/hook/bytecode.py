"""The bytecode cache: what the compiler made of a `.cpy` file, kept for the next import.

It lies beside Python's own, in `__pycache__/app.cpython-311.cpyc`: a suffix that Python
never uses, so it cannot meet the cache of an `app.py`. A cached file is used if it was
made from the same bytes, by the same compiler with the same options, for the same
interpreter; then the compiler is not even loaded.

Rules: a cache is never in the way. One that is missing, damaged or from elsewhere is made
again; one that cannot be written is done without. A file is replaced whole, so that
processes which import at the same time never read half of one.
"""

import marshal
import os
import stat
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from types import CodeType

from circuit.version import VERSION

SUFFIX = ".cpyc"

# Who made the bytecode: the release, and a number raised by each change of what is made from a source.
COMPILER = f"circuitc {VERSION}, lowering 3"


def cached_code(
    source: bytes, path: str, compile_source: Callable[[bytes, str], CodeType], option: str = ""
) -> CodeType:
    """Return the code of the source at `path`: from the cache, or else compiled, and cached.

    `option` names what else the code depends on, if anything; it becomes part of a file
    name. Raises what `compile_source` raises.
    """
    cache = _cache_of(path, option)
    stamp = MAGIC_NUMBER + f"{COMPILER}{option}\0".encode() + source_hash(source)
    code = _read(cache, stamp) if cache else None
    if code is None:
        code = compile_source(source, path)
        if cache and not sys.dont_write_bytecode:
            _write(cache, stamp + marshal.dumps(code), path)
    return code if code.co_filename == path else _named(code, path)


def _cache_of(path: str, option: str) -> str | None:
    """Return where the bytecode of a source is cached; None if this Python caches nothing."""
    try:
        cache = cache_from_source(path).removesuffix(".pyc")
    except NotImplementedError:
        return None
    return f"{cache}-{option}{SUFFIX}" if option else cache + SUFFIX


def _read(cache: str, stamp: bytes) -> CodeType | None:
    try:
        data = SourceFileLoader("", cache).get_data(cache)
        code = marshal.loads(memoryview(data)[len(stamp) :]) if data.startswith(stamp) else None
    except (OSError, EOFError, ValueError, TypeError):
        # No cache yet, or one cut short by a full disk: compiling again is the answer to all of them.
        return None
    return code if isinstance(code, CodeType) else None


def _write(cache: str, data: bytes, path: str) -> None:
    """Write as Python writes its own: whole or not at all, silently, for whoever may read the source."""
    try:
        mode = os.stat(path).st_mode | stat.S_IWUSR  # noqa: PTH116 (pathlib takes longer than an import)
    except OSError:
        return  # The source has gone, and so has the use of a cache.
    SourceFileLoader("", cache).set_data(cache, data, _mode=mode)


def _named(code: CodeType, path: str) -> CodeType:
    """Return cached code as code of `path`: a folder may have moved, or be reached by another name."""
    consts = tuple(_named(const, path) if isinstance(const, CodeType) else const for const in code.co_consts)
    return code.replace(co_filename=path, co_consts=consts)
