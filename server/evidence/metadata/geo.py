"""Positions: from EXIF or a recording's tag to WGS-84 decimal strings, or a reason why not.

Chinese maps draw in GCJ-02, offset by hundreds of metres; the conversion here is for display
only, what is stored stays WGS-84. A position is never left blank without a reason.
"""

import math
import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from fractions import Fraction

from server.evidence.findings import Geo
from server.evidence.metadata.exif import Exif, Tag, Value
from server.evidence.metadata.gpmf import TelemetryFix

WGS84 = "WGS-84"
GCJ02 = "GCJ-02"

_DEGREES_PLACES = 7
_METRES_PLACES = 1
_MAX_LATITUDE = 90
_MAX_LONGITUDE = 180
_MINUTES_PER_DEGREE = 60
_SECONDS_PER_DEGREE = 3600
_MAX_PARTS = 3
# A receiver's range error per unit of DOP. An estimate, and labelled as one.
_METRES_PER_DOP = 5

_ERROR_TAGS = ("GPS GPSHPositioningError", "GPS Tag 0x001F")
_DOP_TAG = "GPS GPSDOP"

_ISO6709 = re.compile(r"^([+-]\d{2}(?:\.\d+)?)([+-]\d{3}(?:\.\d+)?)([+-]\d+(?:\.\d+)?)?")

# Krasovsky 1940, on which GCJ-02 is built.
_AXIS_M = 6_378_245.0
_ECCENTRICITY2 = 0.006693421622965943
_CHINA_WEST, _CHINA_EAST = 72.004, 137.8347
_CHINA_SOUTH, _CHINA_NORTH = 0.8293, 55.8271
_INVERSE_ROUNDS = 10


def geo_from_exif(exif: Exif) -> Geo:
    """The position in a photo's EXIF.

    Reasons when there is none: `parser-failed`, `no-exif`, `no-gps-tags`, `gps-incomplete`,
    `gps-out-of-range`.
    """
    early = _reason_without_gps(exif)
    if early is not None:
        return Geo(reason=early)
    latitude = _signed(exif, "Latitude", "S")
    longitude = _signed(exif, "Longitude", "W")
    raw = " ".join(exif.text(f"GPS GPS{name}") for name in _RAW_NAMES).strip()
    if latitude is None or longitude is None:
        return Geo(reason="gps-incomplete", raw=raw)
    if abs(latitude) > _MAX_LATITUDE or abs(longitude) > _MAX_LONGITUDE:
        return Geo(reason="gps-out-of-range", raw=raw)
    return _located(exif, latitude, longitude, raw)


_RAW_NAMES = ("LatitudeRef", "Latitude", "LongitudeRef", "Longitude", "MapDatum")


def geo_from_iso6709(text: str, accuracy_m: str | None, source: str) -> Geo:
    """A position as recordings carry it, e.g. `+39.9010+116.4207+044.0/` (ISO 6709 annex H)."""
    match = _ISO6709.match(text)
    if match is None:
        return Geo(reason="gps-incomplete", raw=text)
    latitude, longitude = Fraction(match[1]), Fraction(match[2])
    if abs(latitude) > _MAX_LATITUDE or abs(longitude) > _MAX_LONGITUDE:
        return Geo(reason="gps-out-of-range", raw=text)
    accuracy = _positive_metres(accuracy_m)
    return Geo(
        latitude=decimal_text(latitude, _DEGREES_PLACES),
        longitude=decimal_text(longitude, _DEGREES_PLACES),
        altitude_m=decimal_text(Fraction(match[3]), _METRES_PLACES) if match[3] else None,
        accuracy_m=accuracy,
        accuracy_source="positioning-error" if accuracy else None,
        source=source,
        datum=WGS84,
        flags=("datum-assumed", *_island_flag(latitude, longitude)),
        raw=text,
    )


def geo_from_fix(fix: TelemetryFix) -> Geo:
    """A position from a recorder's telemetry track; its accuracy is an estimate from the DOP."""
    if abs(fix.latitude) > _MAX_LATITUDE or abs(fix.longitude) > _MAX_LONGITUDE:
        return Geo(reason="gps-out-of-range")
    error, dop = fix.accuracy_m, fix.dop
    (accuracy, accuracy_source) = (error, "positioning-error") if error else (None, None)
    if error is None and dop is not None:
        (accuracy, accuracy_source) = (dop * _METRES_PER_DOP, "dop-estimate")
    return Geo(
        latitude=decimal_text(fix.latitude, _DEGREES_PLACES),
        longitude=decimal_text(fix.longitude, _DEGREES_PLACES),
        altitude_m=decimal_text(fix.altitude_m, _METRES_PLACES),
        accuracy_m=None if accuracy is None else _accuracy_text(accuracy),
        accuracy_source=accuracy_source,
        dop=None if dop is None else decimal_text(dop, 2),
        source="telemetry",
        datum=WGS84,
        flags=("datum-assumed", *_island_flag(fix.latitude, fix.longitude)),
    )


def decimal_text(value: Fraction, places: int) -> str:
    """A fraction as a decimal string with `places` digits, half to even, never `-0`."""
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        rounded = exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    return f"{abs(rounded) if rounded == 0 else rounded:f}"


def wgs84_to_gcj02(latitude: float, longitude: float) -> tuple[float, float]:
    """WGS-84 to GCJ-02 degrees, for drawing on a basemap that declares GCJ-02.

    Outside the rectangle around China there is no offset. (The formula is the one published
    by many; its vectors are in the tests.)
    """
    if _outside_china(latitude, longitude):
        return latitude, longitude
    (d_latitude, d_longitude) = _gcj02_offset(latitude, longitude)
    return latitude + d_latitude, longitude + d_longitude


def gcj02_to_wgs84(latitude: float, longitude: float) -> tuple[float, float]:
    """The inverse, by iteration: below a millimetre."""
    (guess_lat, guess_lon) = (latitude, longitude)
    for _ in range(_INVERSE_ROUNDS):
        (there_lat, there_lon) = wgs84_to_gcj02(guess_lat, guess_lon)
        guess_lat += latitude - there_lat
        guess_lon += longitude - there_lon
    return guess_lat, guess_lon


def _reason_without_gps(exif: Exif) -> str | None:
    if not exif.tags:
        return "no-exif" if exif.error is None else "parser-failed"
    names = [name for name in exif.tags if name.startswith("GPS ")]
    if any(name in exif.tags for name in ("GPS GPSLatitude", "GPS GPSLongitude")):
        return None
    # Cameras without a fix still write the version or the date.
    meaningless = {"GPS GPSVersionID"}
    return "gps-incomplete" if set(names) - meaningless else "no-gps-tags"


def _signed(exif: Exif, axis: str, negative: str) -> Fraction | None:
    tag = exif.tags.get(f"GPS GPS{axis}")
    ref = exif.text(f"GPS GPS{axis}Ref").strip().upper()[:1]
    positive = {"S": "N", "W": "E"}[negative]
    if tag is None or ref not in {negative, positive}:
        return None
    degrees = _degrees(tag.values)
    if degrees is None:
        return None
    return -degrees if ref == negative else degrees


def _degrees(values: Sequence[Value]) -> Fraction | None:
    """Degrees, minutes, seconds (each may be a fraction) as degrees; None if not that."""
    parts = [Fraction(value) for value in values if not isinstance(value, str)]
    if not parts or len(parts) > _MAX_PARTS or len(parts) != len(values):
        return None
    (degrees, minutes, seconds) = (*parts, Fraction(0), Fraction(0))[:3]
    if min(parts) < 0 or minutes > _MINUTES_PER_DEGREE or seconds > _MINUTES_PER_DEGREE:
        return None
    return degrees + minutes / _MINUTES_PER_DEGREE + seconds / _SECONDS_PER_DEGREE


def _located(exif: Exif, latitude: Fraction, longitude: Fraction, raw: str) -> Geo:
    (datum, flags) = _datum(exif)
    if datum == GCJ02:
        (lat, lon) = gcj02_to_wgs84(float(latitude), float(longitude))
        (latitude, longitude) = (Fraction(lat), Fraction(lon))
        flags = (*flags, "datum-converted")
    (accuracy, accuracy_source, dop) = _accuracy(exif)
    if exif.text("GPS GPSStatus").upper().startswith("V"):
        flags = (*flags, "receiver-warning")
    return Geo(
        latitude=decimal_text(latitude, _DEGREES_PLACES),
        longitude=decimal_text(longitude, _DEGREES_PLACES),
        altitude_m=_altitude(exif),
        accuracy_m=accuracy,
        accuracy_source=accuracy_source,
        dop=dop,
        source="exif",
        datum=datum,
        flags=(*flags, *_island_flag(latitude, longitude)),
        raw=raw,
    )


def _datum(exif: Exif) -> tuple[str, tuple[str, ...]]:
    """The datum as declared; EXIF leaves the default open, every camera means WGS-84."""
    said = exif.text("GPS GPSMapDatum").strip()
    plain = re.sub(r"[^A-Z0-9]", "", said.upper())
    if not plain:
        return WGS84, ("datum-assumed",)
    if plain in {"WGS84", "WGS1984", "EPSG4326", "CGCS2000"}:
        # CGCS2000 agrees with WGS-84 to centimetres.
        return WGS84, ()
    if plain in {"GCJ02", "GCJ2"}:
        return GCJ02, ()
    return said[:32], ("datum-not-wgs84",)


def _accuracy(exif: Exif) -> tuple[str | None, str | None, str | None]:
    """Accuracy in metres, where it is from, and the DOP."""
    dop = _first_ratio(exif.tags.get(_DOP_TAG))
    dop_text = decimal_text(dop, 2) if dop else None
    for name in _ERROR_TAGS:
        error = _first_ratio(exif.tags.get(name))
        if error:
            return _accuracy_text(error), "positioning-error", dop_text
    if dop:
        return _accuracy_text(dop * _METRES_PER_DOP), "dop-estimate", dop_text
    return None, None, None


def _altitude(exif: Exif) -> str | None:
    tag = exif.tags.get("GPS GPSAltitude")
    height = _first_ratio(tag)
    if height is None:
        return None
    ref = exif.tags.get("GPS GPSAltitudeRef")
    below = ref is not None and bool(ref.values) and ref.values[0] in {1, 3}
    return decimal_text(-height if below else height, _METRES_PLACES)


def _first_ratio(tag: Tag | None) -> Fraction | None:
    if tag is None or not tag.values or isinstance(tag.values[0], str):
        return None
    value = Fraction(tag.values[0])
    return value if value >= 0 else None


def _positive_metres(text: str | None) -> str | None:
    try:
        value = Decimal(text) if text else Decimal(0)
    except InvalidOperation:
        return None
    if not value.is_finite() or not 0 < value < Decimal(10) ** 7:
        return None
    return _accuracy_text(Fraction(value))


def _accuracy_text(metres: Fraction) -> str:
    """Metres, rounded up: an error is never made smaller, least of all zero."""
    return decimal_text(Fraction(math.ceil(metres * 10), 10), _METRES_PLACES)


def _island_flag(latitude: Fraction, longitude: Fraction) -> tuple[str, ...]:
    """0° N 0° E is open sea: what a receiver writes when it knows nothing."""
    return ("null-island",) if latitude == 0 and longitude == 0 else ()


def _outside_china(latitude: float, longitude: float) -> bool:
    return not (
        _CHINA_SOUTH <= latitude <= _CHINA_NORTH and _CHINA_WEST <= longitude <= _CHINA_EAST
    )


def _gcj02_offset(latitude: float, longitude: float) -> tuple[float, float]:
    (x, y) = (longitude - 105.0, latitude - 35.0)
    root = math.sqrt(abs(x))
    common = (_wave(6 * x, 20.0) + _wave(2 * x, 20.0)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common
    north += (_wave(y, 20.0) + _wave(y / 3, 40.0)) * 2 / 3
    north += (_wave(y / 12, 160.0) + _wave(y / 30, 320.0)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common
    east += (_wave(x, 20.0) + _wave(x / 3, 40.0)) * 2 / 3
    east += (_wave(x / 12, 150.0) + _wave(x / 30, 300.0)) * 2 / 3
    radians = math.radians(latitude)
    magic = 1 - _ECCENTRICITY2 * math.sin(radians) ** 2
    meridian_m = _AXIS_M * (1 - _ECCENTRICITY2) / (magic * math.sqrt(magic))
    parallel_m = _AXIS_M / math.sqrt(magic) * math.cos(radians)
    return math.degrees(north / meridian_m), math.degrees(east / parallel_m)


def _wave(turns: float, height: float) -> float:
    return height * math.sin(turns * math.pi)
