"""The command `circuit`: run programs written with `spawn`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from circuit import launch
from circuit.version import VERSION

USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line says; exits with status 2 if it says nothing sensible."""
    parser = argparse.ArgumentParser(
        prog="circuit", description="Run programs that spawn work on other processes."
    )
    parser.add_argument("--version", action="version", version=f"circuit {VERSION}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    run = commands.add_parser(
        "run", help="run a program, .cpy or .py", description="Run a program, .cpy or .py."
    )
    run.add_argument("program", type=Path, help="the program's file")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="what the program finds in sys.argv")
    chosen = parser.parse_args(arguments)
    run_program(chosen.program, chosen.arguments, run)


def run_program(program: Path, arguments: list[str], parser: argparse.ArgumentParser) -> None:
    """Run a program; a file that cannot be read is a usage error."""
    if not program.is_file():
        what = "is a folder; name the program's file in it" if program.is_dir() else "does not exist"
        parser.exit(USAGE_ERROR, f"{parser.prog}: {program} {what}\n")
    try:
        program.open("rb").close()
    except OSError as error:
        parser.exit(USAGE_ERROR, f"{parser.prog}: cannot read {program}: {error.strerror}\n")
    launch.run(program, arguments)
