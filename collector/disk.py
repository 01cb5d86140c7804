"""What is asked of the file system about one file or one directory."""

# A Path for each file would double the cost of a scan.
# ruff: noqa: PTH116, PTH120

from __future__ import annotations

import contextlib
import os
import stat

# Data behind a hole begins somewhere in a block; the largest ones have that many bytes.
_BLOCK_BYTES = 65_536


def open_file(path: str) -> int:
    """Open a regular file for reading; never blocks on something else.

    Raises:
        OSError: it cannot be opened, or became something else.
    """
    # A FIFO may have taken the name since the scan: its open must not block.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise FileNotFoundError(f"not a regular file any more: {path}")


def home_of(path: str) -> str:
    """The directory that a file is really in, where its name is a link to it."""
    return os.path.dirname(os.path.realpath(path))


def list_inodes(directory: str, device: int) -> dict[int, str] | None:
    """The paths in a directory by inode; none if it was removed from that device.

    None says nothing of its files: another file system may be mounted there for now, or
    it may not be looked into.
    """
    try:
        if os.stat(directory).st_dev != device:
            return None
        with os.scandir(directory) as entries:
            return {e.inode(): e.path for e in entries if not e.is_symlink()}
    except FileNotFoundError:
        return {} if _stood_on(directory, device) else None
    except OSError:
        return None


def _stood_on(directory: str, device: int) -> bool:
    """Whether what is left of a path is on that device: the rest was removed."""
    while directory != "/":
        directory = os.path.dirname(directory)
        try:
            return os.stat(directory).st_dev == device
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return False


def beginning_of(path: str, size: int) -> bytes:
    """The first bytes that somebody wrote to a file, up to `size`.

    Raises:
        OSError: it cannot be read.
    """
    descriptor = open_file(path)
    try:
        data = os.pread(descriptor, size, 0)
        if data[:1] == b"\0":
            # A truncation under its writer left a hole; it says nothing of the log.
            with contextlib.suppress(OSError):
                at = os.lseek(descriptor, 0, os.SEEK_DATA)
                data = os.pread(descriptor, _BLOCK_BYTES, at).lstrip(b"\0")
        return data[:size]
    finally:
        os.close(descriptor)
