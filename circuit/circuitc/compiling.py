"""Compiling: one job, from the bytes of its source to those of its output.

Rules: what a user did wrong is an outcome, never an exception. Nothing is written if
there are errors, and no source is written over, whatever the options say.
"""

import os
from pathlib import Path
from urllib.parse import quote

from circuit.circuitc.jobs import Job, Outcome, Result, Settings
from circuit.circuitc.outputs import (
    Product,
    RefusedError,
    check_ours,
    is_written,
    name_in_map,
    wanted_stamp,
    write,
)
from circuit.circuitc.paths import is_same_file
from circuit.circuitc.stamps import Stamp, with_stamp
from circuit.circuitc.standard import read_stdin, write_stdout
from circuit.compiler import Compilation, compile_bytes
from circuit.compiler.sourcemap import source_map
from circuit.compiler.targets import RUNNING, Target


def compile_job(job: Job, settings: Settings) -> Outcome:
    """Compile the source of a job and write its output."""
    try:
        data = job.source.read_bytes() if job.source else read_stdin()
    except OSError as error:
        return Outcome(Result.IMPOSSIBLE, trouble=f"cannot read {job.source or 'stdin'}: {error.strerror}")
    target = _target(settings.target)
    # A source map is of columns, which are those of the text.
    compilation = compile_bytes(data, job.name, target, check=settings.check, decode=settings.map)
    result, trouble = Result.WRONG, ""
    if not compilation.errors:
        try:
            result = _finish(compilation, job, settings, wanted_stamp(job, data, settings))
        except RefusedError as refused:
            result, trouble = Result.IMPOSSIBLE, str(refused)
        except OSError as error:
            result = Result.IMPOSSIBLE
            trouble = f"cannot write {job.output or 'stdout'}: {error.strerror}"
    # The source is only needed to show a diagnostic, and may have a long way to go.
    source = compilation.source if compilation.diagnostics else None
    return Outcome(result, source, compilation.diagnostics, trouble)


def _target(version: str) -> Target:
    # The running Python is a target even if it is newer than those that can be asked for.
    return RUNNING if version == str(RUNNING) else Target.parse(version)


def _finish(compilation: Compilation, job: Job, settings: Settings, stamp: Stamp) -> Result:
    """Bring what came out where it is wanted. Raises RefusedError and OSError."""
    if settings.check:
        return Result.CHECKED
    product = _product(compilation, job, settings, stamp)
    if job.output is None:
        write_stdout(product.data)
        return Result.COMPILED
    if job.source and is_same_file(job.source, job.output):
        raise RefusedError(f"the output {job.output} is the source itself")
    if not settings.force:
        if is_written(product, job.output):
            return Result.FRESH
        check_ours(product, job.output)
    write(product, job.output)
    return Result.COMPILED


def _product(compilation: Compilation, job: Job, settings: Settings, stamp: Stamp) -> Product:
    mapped = _source_map(compilation, job.source, job.output) if settings.map else None
    if not compilation.edits:
        # Not a byte more, so the stamp has to be kept elsewhere.
        return Product(compilation.data, mapped, stamp)
    return Product(with_stamp(compilation.data, stamp, compilation.source.encoding), mapped)


def _source_map(compilation: Compilation, source: Path | None, output: Path | None) -> bytes | None:
    """Return the source map; None where one of the two is no file."""
    if not source or not output:
        return None
    # The way to the source is a URL, of the bytes that the system knows the file by.
    way = quote(os.fsencode(os.path.relpath(source, output.parent)))
    return source_map(compilation, name_in_map(output), way).encode()
