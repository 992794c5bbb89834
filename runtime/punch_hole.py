"""Gives the beginning of a file back to the disk while others go on adding to its end."""

import ctypes
import os
from typing import Final

_KEEP_SIZE: Final = 1
_PUNCH_HOLE: Final = 2


def punch_hole(descriptor: int, length: int) -> None:
    """Free the first `length` bytes of a file: they read as zeros, and no offset changes.

    Raises:
        OSError: the file system cannot, or the file is not open for writing.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    fallocate = libc.fallocate
    fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    if fallocate(descriptor, _KEEP_SIZE | _PUNCH_HOLE, 0, length) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
