"""A folder where files go that must not be used and must not be lost."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from storage._disk import Disk, DurableFolders, translated, typed_errors
from storage.ports import Quarantined

_REASON = ".reason.json"
_BYTES = ".bytes"


class QuarantineFolder:
    """Pairs of ``<name>.<n>.bytes`` and ``<name>.<n>.reason.json``; nothing is ever unlinked."""

    def __init__(self, folder: Path, disk: Disk, folders: DurableFolders) -> None:
        self._folder = folder
        self._disk = disk
        folders.ensure(folder)

    def take(self, path: Path, name: str, reason: str) -> bool:
        """Move ``path`` here, durably; ``False`` when it is not there.

        The caller flushes the folder that the file left.
        """
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise translated(error) from error
        try:
            self._disk.flush_all(fd)
            stem = self._claim(name, reason, os.fstat(fd).st_size)
        finally:
            os.close(fd)
        try:
            path.rename(self._folder / (stem + _BYTES))
        except FileNotFoundError:
            return False  # somebody else moved it in between; our reason without bytes is harmless
        except OSError as error:
            raise translated(error) from error
        self._disk.flush_folder(self._folder)
        return True

    def entries(self) -> Iterator[Quarantined]:
        """What is here; a reason whose bytes never came is passed over."""
        with typed_errors():
            names = sorted(path.name for path in self._folder.iterdir())
        for name in names:
            if name.endswith(_BYTES):
                stem = name.removesuffix(_BYTES)
                size_bytes = (self._folder / name).stat().st_size
                yield Quarantined(stem.rpartition(".")[0], self._reason(stem), size_bytes)

    def _claim(self, name: str, reason: str, size_bytes: int) -> str:
        """Write the reason to the first free number, which reserves the name of the bytes."""
        text = json.dumps({"reason": reason, "size_bytes": size_bytes}, ensure_ascii=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        number = 0
        while True:
            stem = f"{name}.{number}"
            try:
                fd = os.open(self._folder / (stem + _REASON), flags, 0o640)
            except FileExistsError:
                number += 1
                continue
            except OSError as error:
                raise translated(error) from error
            try:
                self._disk.write_all(fd, memoryview(text.encode()), 0)
                self._disk.flush_all(fd)
            finally:
                os.close(fd)
            return stem

    def _reason(self, stem: str) -> str:
        try:
            return str(json.loads((self._folder / (stem + _REASON)).read_bytes())["reason"])
        except (OSError, ValueError, KeyError, TypeError):
            return "the reason cannot be read"
