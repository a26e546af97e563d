"""A camera's card as a folder, with pictures whose times are the camera's own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from deploy.demo import media
from tests.support.bureau import CHINA


@dataclass
class Card:
    """A camera's card: a folder with pictures whose times are the camera's own."""

    folder: Path
    number: int = 0

    @property
    def pictures(self) -> Path:
        """Where the camera writes."""
        return self.folder / "DCIM" / "100TZCAM"

    def photo(self, at: datetime, *, bytes_more: int = 0) -> Path:
        """The next picture, closed at ``at`` by the camera's clock."""
        path = self._next()
        media.gps_photo(path, 38.21, 104.41, at.astimezone(CHINA), seed=self.number,
                        size_px=(320, 240), with_zone=False)  # fmt: skip
        if bytes_more:
            with path.open("ab") as file:  # after the end of the picture: still the same picture
                file.write(self.number.to_bytes(4, "big") * (bytes_more // 4))
        return self.closed(path, at)

    def time_code(self, text: str, at: datetime) -> Path:
        """The next picture shows a screen with the time code."""
        return self.closed(media.qr_photo(self._next(), text, when=at.astimezone(CHINA)), at)

    def closed(self, path: Path, at: datetime) -> Path:
        """Give a file the camera's time."""
        os.utime(path, (at.timestamp(), at.timestamp()))
        return path

    def state(self) -> dict[str, tuple[int, int, int, bytes]]:
        """Everything that docking must leave alone."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            stat = path.stat()
            content = path.read_bytes() if path.is_file() else b""
            found[str(path)] = (stat.st_mode, stat.st_mtime_ns, stat.st_ino, content)
        return found

    def lock(self) -> None:
        """Make it read-only, as a card with its switch pushed."""
        for path in [self.folder, *self.folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)

    def unlock(self) -> None:
        """So that the test's folder can be cleared away."""
        for path in [self.folder, *self.folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)

    def _next(self) -> Path:
        self.pictures.mkdir(parents=True, exist_ok=True)
        self.number += 1
        return self.pictures / f"TZC_{self.number:04}.JPG"
