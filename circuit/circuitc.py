"""The command circuitc: compile a `.cpy` file to the Python file that a person would have written.

    circuitc app.cpy               the Python text, on stdout
    circuitc app.cpy -o app.py     into a file
    circuitc --check app.cpy       only say what is wrong
    circuitc - < app.cpy           from stdin

Diagnostics go to stderr. Exit status: 0 compiled, 1 the program has errors, 2 the
command cannot be carried out as given. A file is written whole or not at all, and
not if there are errors.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from circuit.atomic import write_atomic
from circuit.compiler import Compilation, compile_bytes, render, styled
from circuit.version import VERSION

STDIN, STDOUT = 0, 1

COMPILED, HAS_ERRORS, UNUSABLE, INTERRUPTED = 0, 1, 2, 130

COLOURS = {
    "plain": "",
    "error": "bold red",
    "warning": "bold yellow",
    "title": "bold",
    "gutter": "bold blue",
    "secondary": "bold blue",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parse(argv)
    try:
        compilation = compile_bytes(_read(options.file), "<stdin>" if options.file == "-" else options.file)
        _report(compilation)
        if compilation.errors:
            return HAS_ERRORS
        if not options.check:
            _write(compilation.data, options.output)
    except _UnusableError as error:
        print(f"circuitc: {error}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        return INTERRUPTED
    return COMPILED


class _UnusableError(Exception):
    """A file that was named cannot be used so; the text is all there is to say."""


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="circuitc",
        description="Compile a Circuit file to Python. Without -o the result goes to stdout.",
        epilog="exit status: 0 compiled, 1 the program has errors, 2 the command cannot be carried out",
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", help="the .cpy file; - reads stdin")
    parser.add_argument("-o", "--output", metavar="OUT", default="-", help="write the Python text to OUT")
    parser.add_argument("--check", action="store_true", help="write nothing, only report errors")
    parser.add_argument("--version", action="version", version=f"circuitc {VERSION}")
    options = parser.parse_args(argv)
    if options.check and options.output != "-":
        parser.error("--check writes nothing, so it takes no -o")
    if options.output != "-" and options.file != "-" and _same_file(options.file, options.output):
        parser.error(f"the output {options.output} is the source itself")
    return options


def _same_file(one: str, other: str) -> bool:
    try:
        return Path(one).samefile(other)
    except OSError:
        return False


def _read(name: str) -> bytes:
    try:
        if name != "-":
            return Path(name).read_bytes()
        # By number, for Python has no sys.stdin where the shell closed it.
        with os.fdopen(STDIN, "rb", closefd=False) as file:
            return file.read()
    except OSError as error:
        raise _UnusableError(f"cannot read {'stdin' if name == '-' else name}: {error.strerror}") from None


def _write(data: bytes, name: str) -> None:
    try:
        if name != "-":
            write_atomic(Path(name), data)
            return
        with os.fdopen(STDOUT, "wb", closefd=False, buffering=0) as file, suppress(BrokenPipeError):
            # A reader that goes away has what it wanted.
            while data:
                data = data[file.write(data) :]
    except OSError as error:
        raise _UnusableError(f"cannot write {'stdout' if name == '-' else name}: {error.strerror}") from None


def _report(compilation: Compilation) -> None:
    if not compilation.diagnostics:
        return
    if not sys.stderr.isatty():
        for diagnostic in compilation.diagnostics:
            print(render(diagnostic, compilation.source), file=sys.stderr)
        return
    # Not loaded above: only a terminal has colours.
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    for diagnostic in compilation.diagnostics:
        pieces = styled(diagnostic, compilation.source)
        console.print(Text.assemble(*((text, COLOURS[style]) for style, text in pieces)))
