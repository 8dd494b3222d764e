"""Outputs: which files circuitc may write, and which it need not write again.

A file that circuitc wrote carries its stamp, as the last line or, if the source had no
spawn, in `__pycache__/NAME.circuitc` beside it. Any other file is somebody's work, and
so is one that was changed since: they are left alone, unless the user insists.

Rules: a file is replaced whole, or stays as it was. The last thing written is what
vouches for the others, so an interrupted command leaves nothing that looks finished.
"""

import errno
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from circuit.circuitc.atomic import write_atomic
from circuit.circuitc.jobs import Job, Settings
from circuit.circuitc.paths import is_file
from circuit.circuitc.stamps import Stamp, Stamped, parse, stamp_in


class RefusedError(Exception):
    """A file must not be written; the text says why."""


@dataclass(frozen=True, slots=True)
class Product:
    """What a source has become: the output, its source map if wanted, its stamp if it does not hold it."""

    data: bytes
    source_map: bytes | None = None
    stamp: Stamp | None = None


def wanted_stamp(job: Job, source: bytes, settings: Settings) -> Stamp:
    """Return the stamp that the output of a job shall have."""
    name = job.source.name if job.source else "stdin"
    map_name = map_of(job.output).name if settings.map and job.output else ""
    return Stamp.of(source, name, settings.target, map_name)


def is_fresh(job: Job, settings: Settings) -> bool:
    """Whether the output is what compiling would write again: by the digests, without compiling."""
    if settings.check or settings.force or not job.source or not job.output:
        return False
    try:
        wanted = wanted_stamp(job, job.source.read_bytes(), settings)
        found = _stamped(job.output, job.output.read_bytes()) if is_file(job.output) else None
    except OSError:
        # Whoever compiles it will meet the same, and say it.
        return False
    has_map = not settings.map or is_file(map_of(job.output))
    return found is not None and has_map and found.is_of(wanted)


def is_written(product: Product, path: Path) -> bool:
    """Whether a file is byte for byte what would be written, whoever wrote it."""
    source_map = product.source_map
    return _holds(path, product.data) and (source_map is None or _holds(map_of(path), source_map))


def check_ours(product: Product, path: Path) -> None:
    """Raise RefusedError if files would be overwritten that are not ours; OSError if that cannot be known."""
    if is_file(path) and not _holds(path, product.data):
        found = _stamped(path, path.read_bytes())
        if found is None:
            raise RefusedError(f"{path} is not known as circuitc's work; --force overwrites it")
        if not found.intact:
            raise RefusedError(f"{path} was changed since circuitc wrote it; --force overwrites it")
    if product.source_map is not None and not _is_map_of(path, map_of(path)):
        raise RefusedError(f"{map_of(path)} is not a source map of {path.name}; --force overwrites it")


def write(product: Product, path: Path) -> None:
    """Write an output and what belongs to it, in folders made if need be. Raises OSError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path.parent) from None
    if product.source_map is not None:
        write_atomic(map_of(path), product.source_map)
    write_atomic(path, product.data)
    if product.stamp and is_file(path):
        # As with Python's own cache: where the folder cannot be written, there is none.
        record = _record_of(path)
        with suppress(OSError):
            record.parent.mkdir(exist_ok=True)
            write_atomic(record, product.stamp.on(product.data).line() + b"\n")


def map_of(path: Path) -> Path:
    """Return where the source map of an output goes."""
    return path.with_name(f"{path.name}.map")


def name_in_map(path: Path) -> str:
    """Return what a source map calls its output: a name that JSON can hold, whatever its bytes."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def _is_map_of(path: Path, source_map: Path) -> bool:
    """Whether a file is a source map of the output, or is not there."""
    if not is_file(source_map):
        return True
    try:
        found = json.loads(source_map.read_bytes())
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("version") == 3 and found.get("file") == name_in_map(path)


def _holds(path: Path, data: bytes) -> bool:
    return is_file(path) and path.read_bytes() == data


def _stamped(path: Path, data: bytes) -> Stamped | None:
    """Return the stamp of a file, which is kept beside it, or its last line."""
    try:
        kept = parse(_record_of(path).read_bytes().rstrip())
    except OSError:
        kept = None
    beside = Stamped(kept, data) if kept else None
    # A source may be a compiled file once more, and then its last line is no word of ours about it.
    return beside if beside and beside.intact else stamp_in(data) or beside


def _record_of(path: Path) -> Path:
    return path.parent / "__pycache__" / f"{path.name}.circuitc"
