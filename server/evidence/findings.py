"""What examining one file can find: a tree of frozen values that survives JSON.

No parser is imported here, so the web process can read findings without loading one.
Positions are decimal strings, lengths of time whole milliseconds, sizes bytes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from server.evidence.codec import CodecError, dump, load

FORMAT_VERSION = 1
_MAX_TEXT = 512

Scalar = str | int | bool


def clean_text(value: object, max_chars: int = _MAX_TEXT) -> str:
    """Text from a file, fit for a database: no NUL, no control character, no lone surrogate."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    text = text[: max_chars * 2].encode("utf-8", "replace").decode("utf-8")
    kept = "".join(c if c.isprintable() else " " for c in text).strip()
    return kept if len(kept) <= max_chars else kept[: max_chars - 1] + "…"


@dataclass(frozen=True, slots=True)
class Problem:
    """A stage that could not do its work: `code` is stable, `detail` is for people."""

    stage: str
    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What the bytes are, beside what the sender called them.

    `kind` is image, video, audio, document, archive, text, empty or unknown. `unsafe` means
    that a browser could run it: never serve it inline. `agrees` compares with the claims.
    """

    kind: str
    mime: str
    extension: str
    claimed_type: str
    claimed_extension: str
    agrees: bool
    unsafe: bool
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Camera:
    """Who made the file, in its own words; empty text when it doesn't say."""

    make: str = ""
    model: str = ""
    serial: str = ""
    lens: str = ""
    software: str = ""


@dataclass(frozen=True, slots=True)
class Geo:
    """A position in WGS-84 degrees (7 decimals), or the `reason` there is none.

    `datum` is what the file says, `WGS-84` with the flag `datum-assumed` when it says nothing.
    `accuracy_source` tells a receiver's own figure from an estimate made from its DOP.
    """

    latitude: str | None = None
    longitude: str | None = None
    altitude_m: str | None = None
    accuracy_m: str | None = None
    accuracy_source: str | None = None
    dop: str | None = None
    source: str | None = None
    datum: str | None = None
    reason: str | None = None
    flags: tuple[str, ...] = ()
    raw: str = ""


@dataclass(frozen=True, slots=True)
class CaptureTime:
    """A wall clock's reading and what is known of its zone.

    `local` is ISO 8601 without offset. `zone_source` is `offset-tag`, `gps-utc` (derived from
    the GPS stamp beside it), `container-utc` (the container claims UTC; many cameras lie),
    or `unknown-zone`: then `offset` and `utc` are null.
    """

    local: str
    offset: str | None
    zone_source: str
    utc: str | None
    tag: str


@dataclass(frozen=True, slots=True)
class Times:
    """The times in a file; `reason` says why `captured` is null.

    `gps_utc` is the satellite stamp on its own; `gps_difference_ms` is captured minus GPS when
    both are known in UTC.
    """

    captured: CaptureTime | None = None
    gps_utc: str | None = None
    gps_difference_ms: int | None = None
    modified: CaptureTime | None = None
    reason: str | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """An image as stored: before its EXIF orientation (1-8) is applied.

    HEIF turns pictures in its container; there the size is as shown and the orientation 1.
    """

    format: str
    width: int
    height: int
    orientation: int
    frames: int


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of a recording; zero or empty where it doesn't apply or isn't known."""

    index: int
    kind: str
    codec: str
    duration_ms: int | None = None
    width: int = 0
    height: int = 0
    rotation_degrees: int = 0
    frames_per_second: str = ""
    sample_rate_hz: int = 0
    channels: int = 0
    handler: str = ""


@dataclass(frozen=True, slots=True)
class Media:
    """A recording's container. Width and height are as shown, after rotation."""

    container: str
    duration_ms: int | None
    streams: tuple[Stream, ...]
    width: int = 0
    height: int = 0
    rotation_degrees: int = 0
    frames_per_second: str = ""
    video_codec: str = ""
    audio_codec: str = ""
    has_telemetry: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TimeQr:
    """A time code that was in the picture; `at_ms` is its place in a recording."""

    text: str
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Derivative:
    """A file made from the evidence. `detail` holds what its format alone doesn't say."""

    name: str
    mime: str
    size_bytes: int
    sha256: str
    file: str
    width: int = 0
    height: int = 0
    detail: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found in one file. A stage that failed is in `problems`; the rest stands."""

    size_bytes: int
    sniffed: Sniffed
    camera: Camera = Camera()
    geo: Geo = Geo(reason="not-examined")
    times: Times = Times(reason="not-examined")
    image: ImageInfo | None = None
    media: Media | None = None
    phash: str | None = None
    time_qr: tuple[TimeQr, ...] = ()
    derivatives: tuple[Derivative, ...] = ()
    raw_tags: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    tools: Mapping[str, str] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    @property
    def time_qr_texts(self) -> tuple[str, ...]:
        """The texts of the time codes, in the order they were found, each once."""
        return tuple(dict.fromkeys(code.text for code in self.time_qr))

    def to_json(self) -> str:
        """One line of JSON with sorted keys; equal findings give equal text."""
        return json.dumps(dump(self), ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Findings":
        """The inverse of `to_json`; CodecError unless every field has its declared type."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise CodecError("findings are not JSON") from error
        return load(cls, value)
