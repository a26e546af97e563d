"""Small files that survive a crash: whole or not at all, and on the disk before anyone is told."""

from __future__ import annotations

import os
from pathlib import Path

_PRIVATE = 0o600


def replace_file(path: Path, data: bytes, mode: int = _PRIVATE) -> None:
    """Put ``data`` under a name, durably; a reader sees the old file or the new one."""
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.rename(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
