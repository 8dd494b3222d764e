"""Paths: what lies at one, asked without an exception.

A path that cannot be looked at, being too long or behind a closed folder, leads to
nothing: whoever then reads or writes there is told why.
"""

from pathlib import Path


def is_file(path: Path) -> bool:
    """Whether a path leads to a regular file."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Whether a path leads to a folder."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_there(path: Path) -> bool:
    """Whether a path leads to anything."""
    try:
        return path.exists()
    except OSError:
        return False


def is_link(path: Path) -> bool:
    """Whether a path is that of a symbolic link."""
    try:
        return path.is_symlink()
    except OSError:
        return False


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file or folder."""
    try:
        return one.samefile(other)
    except OSError:
        return False
