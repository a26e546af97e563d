"""A small volume of its own, to be filled up and emptied again."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.need import need

_PIECE_BYTES = 65_536


@dataclass(frozen=True)
class Volume:
    """A mounted folder of fixed size."""

    folder: Path

    @property
    def _filler(self) -> Path:
        return self.folder / "filler"

    def fill(self, room_bytes: int = 0) -> None:
        """Occupy everything but about ``room_bytes``."""
        with self._filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(_PIECE_BYTES))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
            file.truncate(max(0, file.tell() - room_bytes))

    def free(self) -> None:
        """Give the room back."""
        self._filler.unlink()


@contextmanager
def small_volume(folder: Path, size_bytes: int) -> Iterator[Volume]:
    """Mount a volume in memory on ``folder``, which is made; needs root."""
    need(os.geteuid() == 0, "root, to mount a small volume")
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)]
    done = subprocess.run(mount, check=False, capture_output=True, text=True)
    need(done.returncode == 0, f"the right to mount: {done.stderr.strip()}")
    try:
        yield Volume(folder)
    finally:
        # Lazily: a connection that still holds a file must not fail the next test.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
