"""What a file is (type, kind, name's bytes) and how it is read without being changed."""

from __future__ import annotations

import contextlib
import mimetypes
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, Self
from uuid import UUID

from client_sdk._outbox import NewFile, Recorded
from client_sdk.errors import CaptureError, FieldError
from client_sdk.models import Captured
from client_sdk.protocol.payloads import Media

_READ_BYTES: Final = 1 << 20
_UNKNOWN: Final = "application/octet-stream"
# What cameras and recorders write and the platform's table may not know.
_TYPES: Final = {
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".avif": "image/avif",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".dng": "image/x-adobe-dng",
    ".nef": "image/x-nikon-nef",
    ".cr2": "image/x-canon-cr2",
    ".cr3": "image/x-canon-cr3",
    ".arw": "image/x-sony-arw",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".avi": "video/x-msvideo",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".mts": "video/mp2t",
    ".m2ts": "video/mp2t",
    ".3gp": "video/3gpp",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".wav": "audio/wav",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".amr": "audio/amr",
    ".wma": "audio/x-ms-wma",
    ".flac": "audio/flac",
    ".pdf": "application/pdf",
}
_MEDIA: Final = {"image": Media.PHOTO, "video": Media.VIDEO, "audio": Media.AUDIO}


def mime_of(name: str) -> str:
    """Type by the name's ending; `application/octet-stream` when it tells nothing."""
    ending = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a name, not a path
    known = _TYPES.get(ending) or mimetypes.guess_type("x" + ending)[0]
    return (known or _UNKNOWN).lower()


def known_ending(name: str) -> bool:
    """Whether the name's ending is one that cameras and recorders give to evidence."""
    return os.path.splitext(name)[1].lower() in _TYPES  # noqa: PTH122 - a name, not a path


def media_of(mime: str) -> Media:
    """Kind by the type."""
    return _MEDIA.get(mime.split("/", 1)[0], Media.DOCUMENT)


def describe(name: bytes, mime: str | None = None, media: Media | None = None) -> NewFile:
    """File of an original name; what is not given is told by the name's ending."""
    found = mime or mime_of(name.decode("utf-8", "replace"))
    return NewFile(name, found, media or media_of(found))


def read_pieces(file: BinaryIO) -> Iterator[bytes]:
    """Content of an open file in pieces."""
    while data := file.read(_READ_BYTES):
        yield data


class SourceFile:
    """A file that is only read: never written, renamed or given other times."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise CaptureError(f"{path.name}: {error.strerror or error}") from error
        self._path = path
        self._state = self._stat()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._file.close()

    @property
    def size_bytes(self) -> int:
        """Length when it was opened."""
        return self._state[0]

    def _stat(self) -> tuple[int, int]:
        stat = os.fstat(self._file.fileno())
        return stat.st_size, stat.st_mtime_ns

    def pieces(self) -> Iterator[bytes]:
        """The content, as long as it was when it was opened: it may be growing still."""
        left = self.size_bytes
        try:
            while left and (data := self._file.read(min(left, _READ_BYTES))):
                left -= len(data)
                yield data
        except OSError as error:
            raise CaptureError(f"{self._path.name}: {error.strerror or error}") from error

    def require_unchanged(self) -> None:
        """CaptureError when the file moved on while it was read."""
        if self._stat() != self._state:
            raise CaptureError(f"{self._path.name} changed while it was read")


def name_bytes(path: Path) -> bytes:
    """The name as the file system has it."""
    return os.fsencode(path.name)


def optional_id(value: UUID | str | None) -> UUID | None:
    """An id or None."""
    return None if value is None else as_id(value)


def as_id(value: UUID | str) -> UUID:
    """An id; FieldError when the text is none."""
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except ValueError as error:
        raise FieldError(f"not an id: {value!r}") from error


def captured_of(recorded: Recorded) -> Captured:
    """What a caller hears of a record."""
    payload = recorded.payload
    ref = payload.obj[0] if payload.obj else None
    return Captured(
        recorded.ep,
        recorded.seq,
        recorded.hid,
        payload.act.value,
        payload.t.wall,
        ref.sha256 if ref else None,
        ref.size_bytes if ref else None,
        str(payload.case) if payload.case else None,
        str(payload.mission) if payload.mission else None,
    )


def open_source(
    source: Path | str | bytes | BinaryIO, stack: contextlib.ExitStack
) -> tuple[Iterable[bytes], bytes, int, Callable[[], None] | None]:
    """Pieces, name, length and the check for changes of any kind of source."""
    if isinstance(source, bytes):
        return (source,), b"", len(source), None
    if isinstance(source, Path | str):
        path = Path(source)
        file = stack.enter_context(SourceFile(path))
        return file.pieces(), name_bytes(path), file.size_bytes, file.require_unchanged
    given = getattr(source, "name", b"")
    label = os.fsencode(os.path.basename(given)) if isinstance(given, str | bytes) else b""  # noqa: PTH119 - bytes too
    return read_pieces(source), label, 0, None
