"""`python -m circuit app.cpy ARGS...`: run a program, as `circuit run` does."""

import argparse
import sys

from circuit.commands import add_program, end_of_options, run_program


def main() -> None:
    """Run the program that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m circuit", description="Run a program that spawns work on other processes."
    )
    add_program(parser)
    words = sys.argv[1:]
    end = end_of_options(words)
    run_program(parser.parse_args(words[:end]), words[end:], parser)


if __name__ == "__main__":
    main()
