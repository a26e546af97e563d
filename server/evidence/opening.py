"""Opening a file that a stranger may have put there."""

import os
import stat
from pathlib import Path
from typing import BinaryIO


class NotRegularFileError(OSError):
    """The path leads to a link, a pipe, a device or a folder."""


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading, following no link and waiting for no pipe.

    NotRegularFileError for anything else; OSError as `open` raises it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        # ELOOP is a link, ENXIO a socket; a missing file stays what it is.
        if os.path.lexists(path) and not isinstance(error, PermissionError):
            raise NotRegularFileError(error.errno, "not a regular file", str(path)) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegularFileError(0, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")
