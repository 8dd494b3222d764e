"""The bytecode cache: what the compiler made of a `.cpy` file, kept for the next import.

It lies beside Python's own, in `__pycache__/app.cpython-311.cpyc`: a suffix that Python
never uses, so it cannot meet the cache of an `app.py`. A cached file is used if it was
made from the same bytes, by the same compiler with the same options, for the same
interpreter; then the compiler is not even loaded.

That the bytes are the same is known without reading them, from the size, the inode and the
times of the file. The time of its last change of any kind cannot be set back, but two
changes close together may get the same: so what was seen too soon after a change is not
trusted. Git knows the files of a checkout in this way ("racy git" in its documentation).
Where it does not know, the bytes' hash decides: a checkout or a touch makes nothing stale.

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
from time import time_ns
from types import CodeType

from circuit.version import VERSION

SUFFIX = ".cpyc"

# Who made the bytecode: the release, and a number raised by each change of what is made from a source.
COMPILER = f"circuitc {VERSION}, lowering 3"

# A file system's coarsest clock, FAT's, has steps of two seconds.
SETTLED = 2_000_000_000  # ns

_HASH = 8  # bytes of a `source_hash`
_UNSURE = bytes(_HASH)


def cached_code(
    path: str,
    read: Callable[[str], bytes],
    compile_source: Callable[[bytes, str], CodeType],
    option: str = "",
) -> CodeType:
    """Return the code of the source at `path`: from the cache, or else compiled, and cached.

    `option` names what else the code depends on, if anything; it becomes part of a file
    name. Raises what `read` and `compile_source` raise.
    """
    cache = _cache_of(path, option)
    kept = _read(cache) if cache else b""
    maker = MAGIC_NUMBER + f"{COMPILER}{option}\0".encode()
    # Looked at before it is read: a change after that shows the next time.
    state = _state(path)
    known = maker + state
    start = len(known) + _HASH
    if state != _UNSURE and kept.startswith(known) and (code := _loaded(kept, start)):
        return _named(code, path)
    source = read(path)
    digest = source_hash(source)
    is_same = kept.startswith(maker) and kept.startswith(digest, len(known))
    code = _loaded(kept, start) if is_same else None
    body = kept[start:]
    if code is None:
        code = compile_source(source, path)
        body = marshal.dumps(code)
    if cache and kept != (written := known + digest + body) and not sys.dont_write_bytecode:
        _write(cache, written, path)
    return _named(code, path)


def _cache_of(path: str, option: str) -> str | None:
    """Return where the bytecode of a source is cached; None if this Python caches nothing."""
    try:
        cache = cache_from_source(path).removesuffix(".pyc")
    except NotImplementedError:
        return None
    return f"{cache}-{option}{SUFFIX}" if option else cache + SUFFIX


def _state(path: str) -> bytes:
    """Return what tells this state of a file from any later one, if something surely does."""
    try:
        seen = os.stat(path)  # noqa: PTH116 (pathlib takes longer than an import)
    except OSError:
        return _UNSURE  # Whoever reads it will meet the same.
    changed = max(seen.st_mtime_ns, seen.st_ctime_ns)
    if not stat.S_ISREG(seen.st_mode) or time_ns() - changed <= SETTLED:
        return _UNSURE
    return source_hash(f"{seen.st_size} {seen.st_ino} {seen.st_mtime_ns} {seen.st_ctime_ns}".encode())


def _read(cache: str) -> bytes:
    try:
        return SourceFileLoader("", cache).get_data(cache)
    except OSError:
        return b""  # No cache yet.


def _loaded(kept: bytes, start: int) -> CodeType | None:
    try:
        code = marshal.loads(memoryview(kept)[start:])
    except (EOFError, ValueError, TypeError):
        return None  # Cut short by a full disk, say: it is compiled again.
    return code if isinstance(code, CodeType) else None


def _write(cache: str, data: bytes, path: str) -> None:
    """Write as Python writes its own: whole or not at all, silently, for whoever may read the source."""
    try:
        mode = os.stat(path).st_mode | stat.S_IWUSR  # noqa: PTH116 (as above)
    except OSError:
        return  # The source has gone, and so has the use of a cache.
    SourceFileLoader("", cache).set_data(cache, data, _mode=mode)


def _named(code: CodeType, path: str) -> CodeType:
    """Return code as code of `path`: a folder may have moved, or be reached by another name."""
    if code.co_filename == path:
        return code
    consts = tuple(_named(const, path) if isinstance(const, CodeType) else const for const in code.co_consts)
    return code.replace(co_filename=path, co_consts=consts)
