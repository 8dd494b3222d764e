"""Standard input and output, as bytes.

Both are reached by number: Python has no `sys.stdin` where the shell closed it, and
none of its text layers may touch what passes.
"""

import os
from contextlib import suppress

STDIN, STDOUT = 0, 1


def read_stdin() -> bytes:
    """Return all of standard input. Raises OSError."""
    with os.fdopen(STDIN, "rb", closefd=False) as file:
        return file.read()


def write_stdout(data: bytes) -> None:
    """Write to standard output. Raises OSError; a reader that goes away has what it wanted."""
    with os.fdopen(STDOUT, "wb", closefd=False, buffering=0) as file, suppress(BrokenPipeError):
        while data:
            data = data[file.write(data) :]
