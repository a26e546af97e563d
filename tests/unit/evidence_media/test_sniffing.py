from __future__ import annotations

import gzip
import io
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from server.evidence.findings import Sniffed
from server.evidence.metadata.sniff import sniff
from tests.support import hostile_media
from tests.support.media import gps_photo, heic_photo, scene, short_audio, short_video


def _sniff(data: bytes, name: bytes = b"", claimed_type: str = "") -> Sniffed:
    return sniff(io.BytesIO(data), name=name, claimed_type=claimed_type)


@pytest.mark.parametrize(
    ("file_type", "mime"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("GIF", "image/gif"),
        ("TIFF", "image/tiff"),
        ("BMP", "image/bmp"),
        ("AVIF", "image/avif"),
    ],
)
def test_pictures(file_type: str, mime: str) -> None:
    out = io.BytesIO()
    scene(1, (64, 64)).save(out, file_type)
    found = _sniff(out.getvalue())
    assert (found.kind, found.mime, found.unsafe, found.flags) == ("image", mime, False, ())


@pytest.mark.parametrize(
    ("suffix", "kind", "mime"),
    [
        (".m4a", "audio", "audio/mp4"),
        (".mp3", "audio", "audio/mpeg"),
        (".wav", "audio", "audio/wav"),
        (".ogg", "audio", "audio/ogg"),
    ],
)
def test_sounds(suffix: str, kind: str, mime: str, tmp_path: Path) -> None:
    found = _sniff(short_audio(tmp_path / f"a{suffix}", 0.5).read_bytes())
    assert (found.kind, found.mime) == (kind, mime)


@pytest.mark.parametrize(
    ("suffix", "mime"),
    [
        (".mp4", "video/mp4"),
        (".mov", "video/quicktime"),
        (".3gp", "video/3gpp"),
        (".ts", "video/mp2t"),
        (".mkv", "video/x-matroska"),
        (".avi", "video/x-msvideo"),
    ],
)
def test_recordings(suffix: str, mime: str, tmp_path: Path) -> None:
    path = short_video(tmp_path / f"a{suffix}", 0.5)
    found = _sniff(path.read_bytes(), path.name.encode(), mime)
    assert (found.kind, found.mime, found.agrees, found.flags) == ("video", mime, True, ())


def test_heic(tmp_path: Path) -> None:
    data = heic_photo(tmp_path / "a.heic").read_bytes()
    assert _sniff(data, b"IMG_1.HEIC", "image/heif").agrees
    assert _sniff(data).mime == "image/heic"


@pytest.mark.parametrize(
    ("name", "claimed_type", "agrees"),
    [
        (b"a.jpg", "image/jpeg", True),
        (b"a.JPEG", "image/jpg; charset=binary", True),
        (b"", "application/octet-stream", True),
        (b"noextension", "", True),
        (b"a.unheardof", "", True),
        (b"a.mp4", "image/jpeg", False),
        (b"a.jpg", "video/mp4", False),
        (b"a.jpg.html", "", False),
        ("执法现场".encode("gb18030") + b".jpg", "", True),
        (b"../../etc/passwd", "", True),
        (b"\x00\xff\xfe.jpg\x00", "", True),
    ],
)
def test_names_and_claims_are_only_compared(
    name: bytes,
    claimed_type: str,
    agrees: bool,
    tmp_path: Path,
    when: datetime,
) -> None:
    found = _sniff(gps_photo(tmp_path / "x", None, None, when).read_bytes(), name, claimed_type)
    assert (found.mime, found.agrees) == ("image/jpeg", agrees)


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (hostile_media.SVG_SCRIPT, "image/svg+xml"),
        (b"\xef\xbb\xbf  \n<!-- x --><svg onload=x()>", "image/svg+xml"),
        (hostile_media.SVG_SCRIPT.decode().encode("utf-16"), "image/svg+xml"),
        (b"<s:svg xmlns:s='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (hostile_media.HTML_PAGE, "text/html"),
        (b"plain words, then <ScRiPt>x()</script>", "text/html"),
        (b'<?xml version="1.0"?><x/>', "application/xml"),
        (b"%PDF-1.7\n", "application/pdf"),
    ],
)
def test_documents_a_browser_would_run_are_unsafe(data: bytes, mime: str) -> None:
    found = _sniff(data, b"photo.jpg", "image/jpeg")
    assert (found.kind, found.mime, found.unsafe) == ("document", mime, True)
    assert not found.agrees


@pytest.mark.parametrize(
    ("data", "flag"),
    [
        (hostile_media.jpeg_zip_polyglot(), "zip-at-end"),
        (hostile_media.gif_html_polyglot(), "markup-in-header"),
        (b"\xff\xd8\xff\xe0" + bytes(20) + b"%PDF-1.4", "pdf-in-header"),
    ],
)
def test_polyglots_are_flagged_and_unsafe(data: bytes, flag: str) -> None:
    found = _sniff(data)
    assert found.kind == "image"
    assert flag in found.flags
    assert found.unsafe


def test_archives_text_empty_and_noise() -> None:
    assert _sniff(hostile_media.zip_file()).kind == "archive"
    assert _sniff(gzip.compress(hostile_media.SVG_SCRIPT)).kind == "archive"
    assert _sniff("现场记录\n第二行".encode()).kind == "text"
    assert _sniff(hostile_media.PLAYLIST).kind == "text"
    assert _sniff(b"").kind == "empty"
    assert _sniff(bytes(5000)).kind == "unknown"
    assert _sniff(b"\x80\x81\x82" * 100).kind == "unknown"


def test_text_cut_within_a_character_is_text() -> None:
    assert _sniff("字".encode() * 3000).kind == "text"


def test_random_bytes_raise_no_flag() -> None:
    noise = Image.effect_noise((300, 300), 90)
    out = io.BytesIO()
    noise.save(out, "JPEG", quality=99)
    assert _sniff(out.getvalue()).flags == ()
