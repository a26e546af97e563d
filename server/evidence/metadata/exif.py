"""EXIF tags of a file, through exifread: the only door to that library.

exifread follows offsets and counts from the file wherever they point, so a 90-byte TIFF can
keep it busy for minutes (its issues #182, #249), and it raises whatever it trips over. It is
therefore given a reader with a ration, never MakerNotes, and no trust.
"""

import io
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, BinaryIO, cast

import exifread

from server.evidence.derivatives.images import ImageRefusedError, open_image
from server.evidence.findings import clean_text

# Genuine photos took up to 1,000 reads and 6 kB; both limits leave fifty times that.
_MAX_READS = 50_000
_MAX_READ_BYTES = 2 << 20
_MAX_TOTAL_BYTES = 32 << 20
_MAX_TAGS = 256
_MAX_NAME_CHARS = 64
_MAX_TEXT_CHARS = 512
_MAX_VALUES = 64

# Containers whose EXIF block Pillow can hand over when exifread finds none or fails.
_FALLBACK_TYPES = frozenset({"image/heic", "image/heif", "image/avif", "image/webp"}) | frozenset(
    {"image/png", "image/jpeg"},
)
_EXIF_PREFIX = b"Exif\x00\x00"

# Each corrupt field is a warning to exifread; a hostile file would fill the log with them.
logging.getLogger("exifread").setLevel(logging.CRITICAL)

Value = int | str | Fraction


class ExifRationError(Exception):
    """The parser read more often, or more, than any genuine photo makes it read."""


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag: its text for people, and its values. A ratio n/0 is no value."""

    text: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Exif:
    """The tags of a file by exifread's names, e.g. `GPS GPSLatitude`.

    `error` is (code, detail) if a parser failed: `parser-failed` or `ration-exceeded`.
    `via` says which parser found the block: `exifread`, `container`, or empty text.
    """

    tags: Mapping[str, Tag] = field(default_factory=dict)
    error: tuple[str, str] | None = None
    via: str = ""

    def text(self, *names: str) -> str:
        """The text of the first of these tags that is present and not empty."""
        for name in names:
            tag = self.tags.get(name)
            if tag is not None and tag.text:
                return tag.text
        return ""

    def raw(self) -> dict[str, str]:
        """All tags as text."""
        return {name: tag.text for name, tag in self.tags.items()}


class RationedReader(io.RawIOBase):
    """A read-only view of a file that stops a parser which reads without end.

    A count of 4 GB read from the file is cut to what is there before memory is asked for.
    """

    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._source = source
        self._size_bytes = source.seek(0, os.SEEK_END)
        self._reads_left = _MAX_READS
        self._bytes_left = _MAX_TOTAL_BYTES
        source.seek(0)

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes; ExifRationError when the ration is used up."""
        rest = max(0, self._size_bytes - self._source.tell())
        wanted = min(rest if size < 0 else size, rest, _MAX_READ_BYTES)
        self._reads_left -= 1
        self._bytes_left -= wanted
        if self._reads_left < 0 or self._bytes_left < 0:
            raise ExifRationError("the tags point in circles or claim more than a photo holds")
        return self._source.read(wanted)

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """As any file's seek."""
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        """As any file's tell."""
        return self._source.tell()

    def seekable(self) -> bool:
        """Always."""
        return True

    def readable(self) -> bool:
        """Always."""
        return True


def read_exif(source: BinaryIO, mime: str) -> Exif:
    """The EXIF tags of an open file of the sniffed type `mime`. Never raises for bad content."""
    found = _parse(source, "exifread")
    if found.tags or mime not in _FALLBACK_TYPES:
        return found
    if found.error is not None and found.error[0] == "ration-exceeded":
        return found
    block = _container_block(source)
    if not block:
        return found
    second = _parse(io.BytesIO(block.removeprefix(_EXIF_PREFIX)), "container")
    return second if second.tags else Exif(error=found.error or second.error)


def _parse(source: BinaryIO, via: str) -> Exif:
    try:
        raw: Mapping[str, Any] = exifread.process_file(
            cast("BinaryIO", RationedReader(source)),
            details=False,
            extract_thumbnail=False,
        )
        tags = dict(_convert(raw))
    except ExifRationError as error:
        return Exif(error=("ration-exceeded", str(error)))
    # Known to escape from exifread: AssertionError, struct.error, IndexError, EOFError,
    # UnicodeDecodeError, RecursionError and its own; the list has never been complete.
    except Exception as error:  # noqa: BLE001
        return Exif(error=("parser-failed", clean_text(f"{type(error).__name__}: {error}", 200)))
    return Exif(tags=tags, via=via if tags else "")


def _container_block(source: BinaryIO) -> bytes:
    try:
        source.seek(0)
        with open_image(source) as image:
            block = image.info.get("exif", b"")
    # Same as above: any exception type, and the photo stays evidence.
    except (ImageRefusedError, Exception):  # noqa: BLE001
        return b""
    return block if isinstance(block, bytes) else b""


def _convert(raw: Mapping[str, Any]) -> Iterator[tuple[str, Tag]]:
    for name, tag in list(raw.items())[:_MAX_TAGS]:
        values = getattr(tag, "values", tag)
        text = _text(tag, values)
        yield clean_text(name, _MAX_NAME_CHARS), Tag(text, tuple(_values(values)))


def _text(tag: object, values: object) -> str:
    if isinstance(values, bytes):
        return clean_text(values[:_MAX_TEXT_CHARS], _MAX_TEXT_CHARS)
    return clean_text(str(tag), _MAX_TEXT_CHARS)


def _values(values: object) -> Iterator[Value]:
    if isinstance(values, bytes | str):
        yield clean_text(values, _MAX_TEXT_CHARS)
        return
    if not isinstance(values, list | tuple):
        return
    for value in values[:_MAX_VALUES]:
        if isinstance(value, Fraction):
            if value.denominator != 0:
                yield Fraction(value.numerator, value.denominator)
        elif isinstance(value, int | str):
            yield value
