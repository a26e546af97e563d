from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from server.evidence.derivatives.images import ImageRefusedError, decode_upright, open_image
from server.evidence.derivatives.phash import distance, perceptual_hash
from server.evidence.derivatives.timeqr import time_codes
from server.evidence.findings import Findings
from tests.support import hostile_media
from tests.support.media import gps_photo, heic_photo, qr_photo, scene

Look = Callable[..., Findings]
CODE = "TZ1|1759222984000|c29tZSBub25jZQ|" + "Zm9vYmFy" * 10


def _problems(findings: Findings) -> set[tuple[str, str]]:
    return {(problem.stage, problem.code) for problem in findings.problems}


def test_thumbnails_are_upright_webp_and_the_original_stays(
    look: Look,
    tmp_path: Path,
    when: datetime,
) -> None:
    path = gps_photo(tmp_path / "a.jpg", 38.2, 104.4, when, orientation=6, size_px=(2000, 1500))
    before = path.read_bytes()
    findings = look(path, b"a.jpg", "image/jpeg")
    assert path.read_bytes() == before
    made = {derivative.name: derivative for derivative in findings.derivatives}
    assert (made["thumb"].width, made["thumb"].height) == (240, 320)
    assert (made["preview"].width, made["preview"].height) == (1200, 1600)
    assert findings.image is not None
    assert (findings.image.width, findings.image.height, findings.image.orientation) == (
        2000,
        1500,
        6,
    )
    for derivative in findings.derivatives:
        data = (tmp_path / "out" / derivative.file).read_bytes()
        assert derivative.sha256 == hashlib.sha256(data).hexdigest()
        assert (derivative.mime, derivative.size_bytes) == ("image/webp", len(data))
        with Image.open(io.BytesIO(data)) as opened:
            assert opened.format == "WEBP"
            assert opened.size == (derivative.width, derivative.height)
            assert not opened.getexif()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_ends_upright(orientation: int, tmp_path: Path, when: datetime) -> None:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = scene(5, (400, 300))
    held = upright.transpose(turns[orientation]) if orientation in turns else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.jpg"
    held.save(path, quality=95, exif=exif.tobytes())
    with path.open("rb") as source:
        (shown, truncated) = decode_upright(open_image(source), 1600)
    assert not truncated
    assert shown.size == upright.size
    (mine, theirs) = (perceptual_hash(shown), perceptual_hash(upright))
    assert mine is not None
    assert theirs is not None
    assert distance(mine, theirs) <= 2


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_colour_mode_gives_a_thumbnail(mode: str, look: Look, tmp_path: Path) -> None:
    source = scene(2, (200, 100))
    if mode == "I;16":
        source = Image.new("I;16", (200, 100), 40_000)
    elif mode in {"I", "F"}:
        source = source.convert("L").convert(mode).point(lambda value: value * 200)
    else:
        source = source.convert(mode)
    path = tmp_path / "a.tif"
    source.save(path, "TIFF")
    findings = look(path)
    assert _problems(findings) == set()
    assert [one.name for one in findings.derivatives] == ["thumb", "preview", "view"]


def test_transparency_becomes_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(out, "PNG")
    (shown, _truncated) = decode_upright(open_image(out), 320)
    assert shown.getpixel((10, 10)) == (255, 255, 255)


def test_a_pixel_bomb_is_refused_by_its_header(look: Look) -> None:
    bomb = hostile_media.png_bomb()
    assert len(bomb) < 200_000
    findings = look(bomb, b"a.png", "image/png")
    assert _problems(findings) == {("image", "too-many-pixels")}
    assert findings.derivatives == ()
    assert findings.sniffed.mime == "image/png"


@pytest.mark.parametrize("size", [(12_000, 10_001), (70_000, 10)])
def test_limits_of_size(size: tuple[int, int]) -> None:
    with pytest.raises(ImageRefusedError, match=f"{size[0]}x{size[1]}"):
        open_image(io.BytesIO(hostile_media.png_bomb(*size)))


@pytest.mark.parametrize("share", [0.95, 0.6])
def test_a_cut_jpeg_shows_what_is_left(
    share: float, look: Look, tmp_path: Path, when: datetime
) -> None:
    data = gps_photo(tmp_path / "a.jpg", 38.2, 104.4, when).read_bytes()
    findings = look(data[: int(len(data) * share)])
    assert _problems(findings) == {("image", "truncated")}
    assert [one.name for one in findings.derivatives] == ["thumb", "preview"]
    assert findings.geo.latitude == "38.2000000"


def test_a_jpeg_cut_in_its_header(look: Look, tmp_path: Path, when: datetime) -> None:
    data = gps_photo(tmp_path / "a.jpg", 38.2, 104.4, when).read_bytes()
    findings = look(data[:300])
    assert findings.sniffed.mime == "image/jpeg"
    assert findings.derivatives == ()
    assert any(problem.stage == "image" for problem in findings.problems)


def test_a_cut_heic_is_a_problem_only(look: Look, tmp_path: Path, when: datetime) -> None:
    data = heic_photo(tmp_path / "a.heic", 38.2, 104.4, when).read_bytes()
    for length in (40, 400, len(data) - 500):
        findings = look(data[:length])
        assert findings.sniffed.mime == "image/heic"
        assert any(problem.stage == "image" for problem in findings.problems)


def test_a_heic_photo(look: Look, tmp_path: Path, when: datetime) -> None:
    findings = look(heic_photo(tmp_path / "a.heic", 38.21, 104.41, when), b"a.heic", "image/heic")
    assert findings.problems == ()
    assert (findings.geo.latitude, findings.geo.longitude) == ("38.2100000", "104.4100000")
    assert findings.camera.serial == "TZ-000001"
    assert findings.phash is not None


def test_alike_pictures_have_alike_hashes() -> None:
    picture = scene(8, (1280, 960))
    first = perceptual_hash(picture)
    assert first is not None
    assert len(first) == 16
    copies = (
        picture.resize((320, 240)),
        picture.point(lambda value: min(255, value + 15)),
        _recompressed(picture, 30),
    )
    for copy in copies:
        other = perceptual_hash(copy)
        assert other is not None
        assert distance(first, other) <= 6


def test_different_pictures_have_different_hashes() -> None:
    hashes = [perceptual_hash(scene(seed, (640, 480))) for seed in range(12)]
    found = [value for value in hashes if value is not None]
    assert len(found) == 12
    pairs = [(a, b) for i, a in enumerate(found) for b in found[i + 1 :]]
    assert min(distance(a, b) for a, b in pairs) > 8


def test_a_blank_wall_has_no_hash() -> None:
    assert perceptual_hash(Image.new("RGB", (100, 100), "grey")) is None


def test_a_photographed_time_code(look: Look, tmp_path: Path) -> None:
    findings = look(qr_photo(tmp_path / "a.jpg", CODE))
    assert findings.time_qr_texts == (CODE,)
    assert findings.problems == ()


def test_a_small_time_code_in_a_large_photo(look: Look, tmp_path: Path) -> None:
    """Too fine for the preview: the full picture is looked at as well."""
    path = qr_photo(tmp_path / "a.jpg", CODE, size_px=(4000, 3000), module_px=4)
    assert look(path).time_qr_texts == (CODE,)


def test_other_codes_are_nobody_s_business(look: Look, tmp_path: Path) -> None:
    assert look(qr_photo(tmp_path / "a.jpg", "https://example.org/TZ1|1")).time_qr == ()
    assert look(qr_photo(tmp_path / "b.jpg", "TZ1|1|\x07bell")).time_qr == ()


def test_several_time_codes_in_one_picture(tmp_path: Path) -> None:
    texts = ["TZ1|1|a|s", "TZ1|2|b|s"]
    both = Image.new("RGB", (1400, 600), "white")
    for i, text in enumerate(texts):
        with Image.open(qr_photo(tmp_path / f"{i}.jpg", text, size_px=(600, 500))) as part:
            both.paste(part, (i * 700, 20))
    assert sorted(time_codes(both)) == texts


def _recompressed(picture: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return Image.open(out)
