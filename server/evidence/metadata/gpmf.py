"""The first position in a GPMF telemetry track (action and body cameras of one large maker).

The format is key-length-value: a four-letter key, a type byte, an element size, a repeat
count, then the data padded to four bytes; big-endian (the maker's published specification).
Three generations of position streams are known: GPS5, GPS9 and the drone's GPRI.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction

_HEADER = struct.Struct(">4scBH")
_ALIGN = 4
_MAX_ITEMS = 4096
_FIX_2D = 2
_UNSET_DOP = 9999
_EPOCH_2000 = datetime(2000, 1, 1, tzinfo=UTC)

# Latitude, longitude, altitude, two speeds.
_GPS5 = struct.Struct(">5l")
# The same, then days since 2000, seconds, DOP, fix.
_GPS9 = struct.Struct(">7lHH")
# Time, latitude, longitude, altitude, horizontal and vertical error, speed, course, fix, count.
_GPRI = struct.Struct(">QlllHHHHBB")

Parts = dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class TelemetryFix:
    """One satellite fix: degrees, metres, DOP, and the receiver's UTC where given."""

    latitude: Fraction
    longitude: Fraction
    altitude_m: Fraction
    accuracy_m: Fraction | None = None
    dop: Fraction | None = None
    utc: datetime | None = None


def is_telemetry(packet: bytes) -> bool:
    """Whether a data packet is GPMF: it starts with a device container."""
    return packet[:4] == b"DEVC"


def first_fix(packet: bytes) -> TelemetryFix | None:
    """The first sample of a packet whose stream says that it has a fix; None without one."""
    for key, device in _items(packet):
        if key != b"DEVC":
            continue
        for inner, stream in _items(device):
            fix = _stream_fix(dict(_items(stream))) if inner == b"STRM" else None
            if fix is not None:
                return fix
    return None


def _items(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    for _ in range(_MAX_ITEMS):
        if at + _HEADER.size > len(data):
            return
        (key, _kind, size, repeat) = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        length = size * repeat
        if length > len(data) - at:
            return
        yield key, data[at : at + length]
        at += -(-length // _ALIGN) * _ALIGN


def _stream_fix(parts: Parts) -> TelemetryFix | None:
    readers = ((b"GPS5", _GPS5, _read_gps5), (b"GPS9", _GPS9, _read_gps9))
    for key, layout, read in (*readers, (b"GPRI", _GPRI, _read_gpri)):
        data = parts.get(key, b"")
        if len(data) >= layout.size:
            return read(layout.unpack_from(data), _scale(parts, data), parts)
    return None


def _scale(parts: Parts, data: bytes) -> list[int]:
    """Divisors of the columns as 32-bit numbers; a single one serves them all."""
    raw = parts.get(b"SCAL", b"")
    values = [int(v) for (v,) in struct.iter_unpack(">l", raw[: len(raw) // 4 * 4])]
    if len(values) == 1:
        values *= len(data)
    return values if values and min(values) > 0 else []


def _read_gps5(row: tuple[int, ...], scale: list[int], parts: Parts) -> TelemetryFix | None:
    fix = int.from_bytes(parts.get(b"GPSF", b"")[:4], "big")
    if fix < _FIX_2D or len(scale) < 3:  # noqa: PLR2004 - three coordinates
        return None
    dop = int.from_bytes(parts.get(b"GPSP", b"")[:2], "big")
    return TelemetryFix(
        Fraction(row[0], scale[0]),
        Fraction(row[1], scale[1]),
        Fraction(row[2], scale[2]),
        dop=Fraction(dop, 100) if 0 < dop < _UNSET_DOP else None,
        utc=_utc(parts.get(b"GPSU", b"")),
    )


def _read_gps9(row: tuple[int, ...], scale: list[int], _parts: Parts) -> TelemetryFix | None:
    if row[8] < _FIX_2D or len(scale) < len(row):
        return None
    day = _EPOCH_2000 + timedelta(days=row[5] % 100_000)
    return TelemetryFix(
        Fraction(row[0], scale[0]),
        Fraction(row[1], scale[1]),
        Fraction(row[2], scale[2]),
        dop=Fraction(row[7], scale[7]) if 0 < row[7] < _UNSET_DOP else None,
        utc=day + timedelta(milliseconds=row[6] * 1000 // scale[6]),
    )


def _read_gpri(row: tuple[int, ...], scale: list[int], _parts: Parts) -> TelemetryFix | None:
    if row[8] < _FIX_2D or len(scale) < len(row):
        return None
    return TelemetryFix(
        Fraction(row[1], scale[1]),
        Fraction(row[2], scale[2]),
        Fraction(row[3], scale[3]),
        accuracy_m=Fraction(row[4], scale[4]) if 0 < row[4] < 0xFFFF else None,  # noqa: PLR2004 - unset
    )


def _utc(text: bytes) -> datetime | None:
    """`yymmddhhmmss.sss`."""
    try:
        return datetime.strptime(text[:12].decode("ascii"), "%y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
