"""The command `circuit`: run programs written with `spawn`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from circuit import launch
from circuit.version import VERSION

USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line says; exits with status 2 if it says nothing sensible."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(
        prog="circuit", description="Run programs that spawn work on other processes."
    )
    parser.add_argument("--version", action="version", version=f"circuit {VERSION}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    run = commands.add_parser("run", help="run a program, .cpy or .py", description="Run a program.")
    add_program(run)
    begin = 1 if words[:1] == ["run"] else 0
    end = end_of_options(words, begin)
    chosen = parser.parse_args(words[:end])
    run_program(chosen, words[end:], run)


def add_program(parser: argparse.ArgumentParser) -> None:
    """Let a command line name a program, as that of `python` does."""
    parser.usage = "%(prog)s [-h] (FILE | -m MODULE) [ARGUMENTS ...]"
    program = parser.add_mutually_exclusive_group(required=True)
    program.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        nargs="?",
        help="the program's file, .cpy or .py, or a folder or zip archive with a __main__",
    )
    program.add_argument("-m", metavar="MODULE", dest="module", help="run a module as the program")
    parser.epilog = "ARGUMENTS are what the program finds in sys.argv."


def end_of_options(words: Sequence[str], begin: int = 0) -> int:
    """Return where a command line that names a program ends, and the program's arguments begin."""
    for place, word in enumerate(words[begin:], begin):
        if word == "-m":
            return place + 2
        if word.startswith("-m") or not word.startswith("-"):
            return place + 1
    return len(words)


def run_program(chosen: argparse.Namespace, arguments: list[str], parser: argparse.ArgumentParser) -> None:
    """Run a program; one that is not there, or cannot be read, is a usage error."""
    try:
        if chosen.module is not None:
            launch.run_module(chosen.module, arguments)
            return
        _readable(chosen.file, parser)
        launch.run_path(chosen.file, arguments)
    except launch.NotRunnable as error:
        parser.exit(USAGE_ERROR, f"{parser.prog}: {error}\n")


def _readable(program: Path, parser: argparse.ArgumentParser) -> None:
    try:
        if not program.is_dir():
            program.open("rb").close()
    except FileNotFoundError:
        parser.exit(USAGE_ERROR, f"{parser.prog}: {program} does not exist\n")
    except OSError as error:
        parser.exit(USAGE_ERROR, f"{parser.prog}: cannot read {program}: {error.strerror}\n")
