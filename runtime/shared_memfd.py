"""Memory that other processes of this user on this machine can open, and nobody has to clean up.

Linux's memfd: pages that have a descriptor and no name in the file system, and that the kernel frees
with the last process which has it open or mapped, however that ended. Another process opens it
through `/proc/<pid>/fd/<number>`, which only the same user may. It cannot be shrunk, so that whoever
has it mapped is never struck by SIGBUS, and no descriptor of it passes to a program that is started.

Numbers of processes and of descriptors come around again. So each memory is made under a label
which no other has, and what is opened must carry the one that was asked for.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import sys

AVAILABLE = hasattr(os, "memfd_create")

SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL if AVAILABLE else 0
NOEXEC_SEAL = 0x0008
"""MFD_NOEXEC_SEAL of memfd_create(2), which Python does not name: hardened systems insist on it."""

UNTRACKED = {"trackfd": False} if sys.version_info >= (3, 13) else {}
"""How a mapping is told to keep no copy of the descriptor; before Python 3.13 each keeps one."""


def create_memory(label: str, nbytes: int) -> int:
    """Make memory of a fixed size and return its descriptor, which is the caller's to close.

    Raises:
        OSError: the system has none to give, or does not know how.
    """
    if not AVAILABLE:
        raise OSError(errno.ENOSYS, "this system has no memory that can be shared by descriptor")
    descriptor = _memfd(label)
    try:
        os.fchmod(descriptor, 0o600)
        os.ftruncate(descriptor, nbytes)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_memory(pid: int, fd: int, label: str) -> int:
    """Open memory of another process to read it; the descriptor is the caller's to close.

    Raises:
        OSError: it cannot be opened; FileNotFoundError if it is gone, or another has its number.
    """
    path = f"/proc/{pid}/fd/{fd}"
    _check(path, label)  # before it is opened too: to open a pipe, or a device, may do something
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        _check(f"/proc/self/fd/{descriptor}", label)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def map_for_writing(descriptor: int, nbytes: int) -> mmap.mmap:
    """Map the whole of a memory that was created here."""
    return mmap.mmap(descriptor, nbytes, **UNTRACKED)


def _memfd(label: str) -> int:
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        return os.memfd_create(label, flags | NOEXEC_SEAL)
    except OSError as error:
        if error.errno != errno.EINVAL:  # what Linux before 6.3 says to a flag that it does not know
            raise
        return os.memfd_create(label, flags)


def _check(path: str, label: str) -> None:
    if os.readlink(path) != f"/memfd:{label} (deleted)":  # noqa: PTH115 (a Path costs more than the call)
        raise FileNotFoundError(errno.ENOENT, "another has taken its number", path)
