"""The code of a module as this process runs it, which is not always what its file says by now.

A file may be edited after it was imported, and Python keeps the source of an import nowhere. But
the import left bytecode behind, which says what state of the file it was made from (PEP 552); and
the module's functions have their code to be compared with.
"""

from __future__ import annotations

import importlib.util
import marshal
import os
import sys
import warnings
from collections import defaultdict
from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import TypeGuard
from zipimport import zipimporter

_WORD = 0xFFFFFFFF  # times and sizes in bytecode files have 32 bits


def running_code(spec: ModuleSpec) -> tuple[CodeType | None, str | None]:
    """Return the code of a module as it was imported here, and its source, as far as they can be had.

    Warns if the file was edited since this process imported it, and what it was then is gone.
    """
    module = sys.modules.get(spec.name)
    if module is None or not _shows_code(spec.loader):
        return code_in_file(spec)
    left = _left_behind(spec)
    if left is not None and _runs(module, left):
        return left, None
    code, source = code_in_file(spec)
    if code is not None and not _runs(module, code):
        _warn(spec)
    return code, source


def code_in_file(spec: ModuleSpec) -> tuple[CodeType | None, str | None]:
    """Return the code and the source that a module's file has now, as far as they can be had."""
    loader = spec.loader
    if _shows_code(loader):
        return loader.get_code(spec.name), loader.get_source(spec.name)
    if spec.origin is not None and spec.origin.endswith(".py"):  # pytest's loader, for one
        source = Path(spec.origin).read_bytes()
        code = compile(source, spec.origin, "exec", dont_inherit=True)
        return code, importlib.util.decode_source(source)
    return None, None


def _shows_code(loader: object) -> TypeGuard[InspectLoader | zipimporter]:
    return isinstance(loader, (InspectLoader, zipimporter))


def _warn(spec: ModuleSpec) -> None:
    warnings.warn_explicit(
        f"module {spec.name!r} was edited after this program had imported it: workers get what its file "
        "says now, while this process runs what it said then; reload the module to have one version",
        RuntimeWarning,
        spec.origin or spec.name,
        1,
    )


def _left_behind(spec: ModuleSpec) -> CodeType | None:
    """Return the bytecode that the import left, if it is of another state of the file than now."""
    if spec.cached is None or spec.origin is None or not isinstance(spec.loader, SourceFileLoader):
        return None
    if sys.dont_write_bytecode or not os.access(spec.cached, os.W_OK):  # it may be of an earlier program
        return None
    bytecode = Path(spec.cached).read_bytes()
    magic, flags, time, size = (bytecode[at : at + 4] for at in (0, 4, 8, 12))
    if magic != importlib.util.MAGIC_NUMBER or any(flags):
        return None
    try:
        file = Path(spec.origin).stat()
    except FileNotFoundError:
        return _code_in(bytecode)
    now = (int(file.st_mtime) & _WORD, file.st_size & _WORD)
    then = (int.from_bytes(time, "little"), int.from_bytes(size, "little"))
    return None if now == then else _code_in(bytecode)


def _code_in(bytecode: bytes) -> CodeType | None:
    code = marshal.loads(memoryview(bytecode)[16:])
    return code if isinstance(code, CodeType) else None


def _runs(module: ModuleType, code: CodeType) -> bool:
    """Tell whether the functions of the module that the code defines are the ones it defines."""
    defined: defaultdict[str, set[CodeType]] = defaultdict(set)
    _collect(code, defined)
    for name, codes in defined.items():
        found: object = module
        for part in name.split("."):
            found = getattr(found, "__dict__", {}).get(part)
        if not isinstance(found, FunctionType):
            continue
        own = found.__code__
        # Under this name there may be a wrapper that a decorator made, which is another's.
        is_its = own.co_qualname == name and own.co_filename == code.co_filename
        if is_its and own not in codes:
            return False
    return True


def _collect(code: CodeType, defined: defaultdict[str, set[CodeType]]) -> None:
    """Find the functions and methods that a module's code defines, by their qualified names."""
    for const in code.co_consts:
        if isinstance(const, CodeType) and "<" not in const.co_qualname:
            defined[const.co_qualname].add(const)
            _collect(const, defined)
