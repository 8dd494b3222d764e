"""Atomic writes: a file is replaced whole, or stays as it was.

The bytes go to a temporary file in the same folder, reach the disk, and take the place
of the old file by a rename. A reader sees the old file or the new one, never a part.
"""

import os
import stat
from pathlib import Path


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file. Raises OSError, and then leaves everything as it was.

    An old file's mode is kept; a new one gets what the umask leaves. A symbolic
    link stays, and the file it points at is replaced. What is not a regular file,
    a terminal or a pipe, is written to as it is.
    """
    mode = _mode_of(path)  # and not below: a loop of links has no other path, and an error of the system
    path = path.resolve()
    if mode is not None and not stat.S_ISREG(mode):
        path.write_bytes(data)
        return
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if mode is not None:
                os.fchmod(descriptor, stat.S_IMODE(mode))
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)  # it is the file itself when a signal comes just after
        raise


def _mode_of(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None
