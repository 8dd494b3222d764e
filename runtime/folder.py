"""The folder of a cluster's sockets: for its owner only, and gone when its cluster is.

A driver that was killed cannot tidy up, so the next one does. It deletes only what it can prove
to be left by a driver: a folder of this user with our marker in it, whose lock nobody holds (the
kernel drops a lock with its process), and in it nothing but the marker and sockets.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
from pathlib import Path

PREFIX = "circuit-"
MARKER = ".circuit-sockets"
LONGEST_PARENT = 60
"""Bytes: the address of a unix socket has room for 107, and the folder and node names take theirs."""


class SocketFolder:
    """A new folder with mode 0700 under the temporary folder, locked by this process.

    Where the temporary folder's path is too long for the address of a socket, /tmp takes its place.
    """

    def __init__(self) -> None:
        parent = Path(tempfile.gettempdir())
        if len(os.fsencode(parent)) > LONGEST_PARENT:
            parent = Path("/tmp")
        for folder in parent.glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):  # in use, not ours, or swept by another just now
                _remove_if_abandoned(folder)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        # Locked before it is the marker, so that no sweeper ever sees it unlocked.
        new = self.path / f"{MARKER}.new"
        self._lock = os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        new.rename(self.path / MARKER)

    def remove(self) -> None:
        """Delete the folder."""
        with contextlib.suppress(OSError):  # what a user put there stays
            _remove(self.path)
        os.close(self._lock)


def _remove_if_abandoned(folder: Path) -> None:
    """Delete a folder if it is provably left by a driver that is gone.

    Raises:
        OSError: it is not.
    """
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        return
    lock = os.open(folder / MARKER, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(folder)
    finally:
        os.close(lock)


def _remove(folder: Path) -> None:
    entries = list(folder.iterdir())
    if all(entry.name == MARKER or stat.S_ISSOCK(entry.lstat().st_mode) for entry in entries):
        for entry in entries:
            entry.unlink(missing_ok=True)
        folder.rmdir()
