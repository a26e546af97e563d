from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import pytest
from PIL import Image

from server.evidence.findings import Findings
from server.evidence.metadata.exif import ExifRationError, RationedReader, read_exif
from tests.support.hostile_media import jpeg_with_exif, tiff_bomb, tiff_text_bomb
from tests.support.media import MAKE, MODEL, SERIAL, gps_photo, heic_photo, scene


def test_reads_camera_and_values(tmp_path: Path, when: datetime) -> None:
    with gps_photo(tmp_path / "a.jpg", 38.21, -104.41, when).open("rb") as source:
        exif = read_exif(source, "image/jpeg")
    assert exif.error is None
    assert exif.via == "exifread"
    assert exif.text("Image Make") == MAKE
    assert exif.tags["GPS GPSLatitude"].values == (38, 12, 36)
    assert exif.tags["GPS GPSAltitude"].values == (Fraction(43, 2),)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".heic", ".jpg"])
def test_every_container_gives_its_exif(suffix: str, tmp_path: Path, when: datetime) -> None:
    photo = gps_photo(tmp_path / "a.jpg", 38.21, 104.41, when)
    with Image.open(photo) as opened:
        block = opened.info["exif"]
    path = tmp_path / f"b{suffix}"
    scene(1, (64, 64)).save(path, {".heic": "HEIF", ".jpg": "JPEG"}.get(suffix), exif=block)
    mime = {".png": "image/png", ".webp": "image/webp", ".heic": "image/heic"}
    with path.open("rb") as source:
        exif = read_exif(source, mime.get(suffix, "image/jpeg"))
    assert exif.error is None
    assert exif.text("Image Model") == MODEL
    assert exif.text("EXIF BodySerialNumber") == SERIAL
    assert exif.tags["GPS GPSLongitude"].values == (104, 24, 36)


def test_exif_behind_another_block_is_found(tmp_path: Path, when: datetime) -> None:
    """Editors put XMP first; exifread then finds nothing, the container still does."""
    data = gps_photo(tmp_path / "a.jpg", 38.21, 104.41, when).read_bytes()
    note = b"http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta/>"
    block = b"\xff\xe1" + (len(note) + 2).to_bytes(2, "big") + note
    exif = read_exif(io.BytesIO(data[:2] + block + data[2:]), "image/jpeg")
    assert exif.text("Image Model") == MODEL


def test_nothing_is_found_in_a_bare_picture() -> None:
    out = io.BytesIO()
    scene(1, (32, 32)).save(out, "JPEG")
    exif = read_exif(out, "image/jpeg")
    assert (dict(exif.tags), exif.error) == ({}, None)


@pytest.mark.parametrize("pointers", [6, 4000])
def test_a_bomb_runs_out_of_its_ration(pointers: int) -> None:
    exif = read_exif(io.BytesIO(tiff_bomb(pointers)), "image/tiff")
    assert exif.error is not None
    assert exif.error[0] == "ration-exceeded"
    assert not exif.tags


def test_a_bomb_inside_a_photo_costs_only_the_exif(look: Callable[..., Findings]) -> None:
    findings = look(jpeg_with_exif(tiff_bomb(2000)))
    assert [(p.stage, p.code) for p in findings.problems] == [("exif", "ration-exceeded")]
    assert findings.geo.reason == "parser-failed"
    assert findings.times.reason == "parser-failed"
    assert {d.name for d in findings.derivatives} == {"thumb", "preview"}


def test_fields_of_four_gigabytes_are_cut_to_the_file() -> None:
    exif = read_exif(io.BytesIO(tiff_text_bomb()), "image/tiff")
    assert all(len(tag.text) <= 512 for tag in exif.tags.values())


def test_the_reader_gives_no_more_than_there_is() -> None:
    reader = RationedReader(io.BytesIO(b"0123456789"))
    assert reader.read(1 << 40) == b"0123456789"
    assert reader.read() == b""


def test_the_reader_refuses_endless_reading() -> None:
    reader = RationedReader(io.BytesIO(b"0123456789"))
    with pytest.raises(ExifRationError):
        _read_for_ever(reader)


def _read_for_ever(reader: RationedReader) -> None:
    while True:
        reader.seek(0)
        reader.read(1)


@pytest.mark.parametrize(
    "block",
    [b"", b"II", b"II*\x00", b"MM\x00*\x00\x00\x00\x08\xff\xff", b"\x00" * 64, b"\xff" * 64],
)
def test_broken_blocks_never_raise(block: bytes) -> None:
    for mime in ("image/tiff", "image/jpeg", "image/heic", "image/png", "image/webp"):
        read_exif(io.BytesIO(block), mime)
    read_exif(io.BytesIO(jpeg_with_exif(block)), "image/jpeg")


def test_a_cut_heic_never_raises(tmp_path: Path) -> None:
    data = heic_photo(tmp_path / "a.heic", 38.2, 104.4).read_bytes()
    for length in range(0, len(data), 97):
        read_exif(io.BytesIO(data[:length]), "image/heic")


def test_text_is_fit_for_a_database(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a\x07b"
    exif[0x013B] = "x" * 5000
    path = tmp_path / "a.jpg"
    scene(1, (32, 32)).save(path, exif=exif.tobytes())
    with path.open("rb") as source:
        raw = read_exif(source, "image/jpeg").raw()
    assert raw["Image Make"] == "a b"
    assert len(raw["Image Artist"]) == 512
