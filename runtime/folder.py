"""The folder of a cluster's sockets: for its owner only, and gone when its cluster is.

A driver that was killed cannot tidy up, so the next one does: a folder whose lock nobody holds
has no owner any more. The kernel drops the lock with the process, whatever ended it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "circuit-"
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
        _sweep(parent)
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
            self._lock = os.open(self.path, os.O_RDONLY)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            if self.path.exists():
                return
            os.close(self._lock)  # swept away before it was locked

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _sweep(parent: Path) -> None:
    """Delete the folders of this user whose owners are gone."""
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:  # another sweeper was faster, or it is no folder
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:  # its cluster is alive
            continue
        finally:
            os.close(lock)
