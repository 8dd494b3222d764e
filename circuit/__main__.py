"""`python -m circuit app.cpy ARGS...`: run a program, as `circuit run` does."""

import argparse
from pathlib import Path

from circuit.commands import run_program


def main() -> None:
    """Run the program that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m circuit", description="Run a program that spawns work on other processes."
    )
    parser.add_argument("program", type=Path, help="the program's file, .cpy or .py")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what the program finds in sys.argv")
    chosen = parser.parse_args()
    run_program(chosen.program, chosen.arguments, parser)


if __name__ == "__main__":
    main()
