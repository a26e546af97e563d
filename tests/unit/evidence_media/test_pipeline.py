from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from server.evidence.codec import CodecError
from server.evidence.findings import Findings, clean_text
from server.evidence.opening import NotRegularFileError, open_regular
from server.evidence.pipeline import StageExpired, examine, examine_open
from tests.support import hostile_media
from tests.support.media import gps_photo, heic_photo, short_audio, short_video

Look = Callable[..., Findings]


def test_findings_survive_json(look: Look, tmp_path: Path, when: datetime) -> None:
    for path in (
        gps_photo(tmp_path / "a.jpg", 38.2, 104.4, when),
        short_video(tmp_path / "b.mp4", 1),
        short_audio(tmp_path / "c.wav", 1),
    ):
        findings = look(path, path.name.encode(), "")
        text = findings.to_json()
        assert Findings.from_json(text) == findings
        assert Findings.from_json(text).to_json() == text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("size_bytes", "7"),
        ("size_bytes", True),
        ("size_bytes", 1.5),
        ("phash", 7),
        ("phash", "\x00"),
        ("phash", "\ud800"),
        ("problems", {}),
        ("problems", [{"stage": "a"}]),
        ("sniffed", None),
        ("raw_tags", {"a": 1}),
        ("raw_tags", []),
        ("surprise", 1),
    ],
)
def test_json_of_another_shape_is_refused(look: Look, key: str, value: object) -> None:
    body = json.loads(look(b"text").to_json())
    body[key] = value
    with pytest.raises(CodecError):
        Findings.from_json(json.dumps(body))


@pytest.mark.parametrize("text", ["", "nope", "[]", "null", "{}", "[" * 100_000])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(CodecError):
        Findings.from_json(text)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(4096),
        b"\xff" * 4096,
        hostile_media.SVG_SCRIPT,
        hostile_media.HTML_PAGE,
        hostile_media.zip_file(),
        hostile_media.PLAYLIST,
    ],
)
def test_what_is_no_media_is_still_evidence(data: bytes, look: Look) -> None:
    findings = look(data, b"photo.jpg", "image/jpeg")
    assert findings.size_bytes == len(data)
    assert findings.problems == ()
    assert findings.derivatives == ()
    assert findings.geo.reason == "not-media"
    assert findings.times.reason == "not-media"
    assert not findings.sniffed.agrees


@pytest.mark.parametrize(
    "data",
    [hostile_media.tiff_bomb(), hostile_media.tiff_bomb(3000), hostile_media.tiff_text_bomb()],
)
def test_tiff_bombs_are_survived(data: bytes, look: Look) -> None:
    findings = look(data, b"a.tif", "image/tiff")
    assert findings.sniffed.mime == "image/tiff"
    assert any(problem.stage == "image" for problem in findings.problems)


def test_a_polyglot_is_examined_and_marked(look: Look) -> None:
    findings = look(hostile_media.jpeg_zip_polyglot())
    assert findings.sniffed.unsafe
    assert len(findings.derivatives) == 2


def test_a_stage_that_is_skipped_or_expires_is_a_problem(tmp_path: Path, when: datetime) -> None:
    @contextmanager
    def guard(stage: str) -> Iterator[None]:
        if stage == "phash":
            raise StageExpired
        yield

    path = gps_photo(tmp_path / "a.jpg", 38.2, 104.4, when)
    with path.open("rb") as source:
        findings = examine_open(
            source,
            name=b"",
            claimed_type="",
            sink=lambda _derivative, _data: None,
            guard=guard,
            skip={"exif": "crashed"},
        )
    assert [(p.stage, p.code) for p in findings.problems] == [
        ("exif", "crashed"),
        ("phash", "timeout"),
    ]
    assert len(findings.derivatives) == 2
    assert findings.geo.reason == "parser-failed"


def test_tools_are_named(look: Look) -> None:
    assert {"exifread", "pillow", "pyav", "libavcodec", "libheif"} <= set(look(b"x").tools)


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"x")
    link, pipe, door = tmp_path / "link", tmp_path / "pipe", tmp_path / "door"
    link.symlink_to(target)
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(door))
        for path in (link, pipe, door, tmp_path, Path("/dev/zero")):
            with pytest.raises(NotRegularFileError):
                examine(path, name=b"", claimed_type="", out_dir=tmp_path / "out")
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "nowhere")


def test_clean_text() -> None:
    assert clean_text("a\x00b\nc\u202ed") == "a b c d"
    assert clean_text("\ud800x") == "?x"
    assert clean_text(b"\xff\xfe") == "��"
    assert clean_text("字" * 600) == "字" * 511 + "…"


def test_generators_are_deterministic(tmp_path: Path, when: datetime) -> None:
    def draw(folder: Path, seed: int) -> list[bytes]:
        folder.mkdir()
        paths = (
            gps_photo(folder / "a.jpg", 38.2, 104.4, when, seed=seed),
            heic_photo(folder / "b.heic", 38.2, 104.4, when, seed=seed),
            short_video(folder / "c.mp4", 1, seed=seed),
            short_audio(folder / "d.m4a", 1, seed=seed),
        )
        return [path.read_bytes() for path in paths]

    first = draw(tmp_path / "1", 7)
    assert draw(tmp_path / "2", 7) == first
    assert not set(draw(tmp_path / "3", 8)) & set(first)
