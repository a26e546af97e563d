from __future__ import annotations

import json
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from server.evidence.derivatives.images import open_image
from server.evidence.derivatives.phash import distance, perceptual_hash
from server.evidence.derivatives.video import frame_at
from server.evidence.findings import Findings
from server.evidence.metadata.geo import geo_from_fix
from server.evidence.metadata.gpmf import first_fix, is_telemetry
from server.evidence.metadata.media import MediaRefusedError, open_media, probe
from tests.support import hostile_media
from tests.support.media import scene, short_audio, short_video

Look = Callable[..., Findings]


def _problems(findings: Findings) -> set[tuple[str, str]]:
    return {(problem.stage, problem.code) for problem in findings.problems}


def test_a_recording_is_probed(tmp_path: Path, when: datetime) -> None:
    path = short_video(tmp_path / "a.mp4", 3, when=when)
    with path.open("rb") as source:
        found = probe(source, "video/mp4")
    media = found.media
    assert media.duration_ms == 3000
    assert (media.width, media.height, media.rotation_degrees) == (320, 240, 0)
    assert (media.video_codec, media.audio_codec) == ("h264", "aac")
    assert media.frames_per_second == "10.000"
    assert [stream.kind for stream in media.streams] == ["video", "audio"]
    assert media.streams[1].sample_rate_hz == 16_000
    assert not media.has_telemetry
    assert found.geo.reason == "no-gps-tags"
    assert found.times.captured is not None
    assert found.times.captured.utc == "2025-09-30T09:03:04.000Z"
    assert found.times.captured.zone_source == "container-utc"


def test_derivatives_of_a_recording(look: Look, tmp_path: Path) -> None:
    findings = look(short_video(tmp_path / "a.mp4", 3), b"a.mp4", "video/mp4")
    made = {derivative.name: derivative for derivative in findings.derivatives}
    assert set(made) == {"poster", "thumb", "sprite", "sprite-index", "peaks"}
    assert findings.problems == ()
    assert (made["poster"].width, made["poster"].height) == (320, 240)
    assert made["poster"].detail == {"at_ms": 300}
    assert (made["sprite"].width, made["sprite"].height) == (800, 450)
    times = [int(text) for text in str(made["sprite"].detail["times_ms"]).split(",")]
    assert len(times) == 25 == made["sprite"].detail["tiles"]
    assert times == sorted(times)
    assert times[-1] >= 2800


@pytest.mark.parametrize(
    ("wanted_ms", "shown_ms"),
    [(0, 0), (100, 100), (3300, 3300), (60_000, 4900)],
)
def test_a_frame_is_decoded_forward_from_its_keyframe(
    wanted_ms: int,
    shown_ms: int,
    tmp_path: Path,
) -> None:
    """Keyframes are 2 s apart here; most wanted frames lie between."""
    path = short_video(tmp_path / "a.mp4", 5)
    with path.open("rb") as source, open_media(source, "video/mp4") as container:
        assert frame_at(container, wanted_ms).at_ms == shown_ms


def test_a_transport_stream_is_sought_back_from_a_later_keyframe(tmp_path: Path) -> None:
    path = short_video(tmp_path / "a.ts", 6)
    with path.open("rb") as source, open_media(source, "video/mp2t") as container:
        assert abs(frame_at(container, 3300).at_ms - 3300) <= 100


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_rotation_is_applied(angle: int, look: Look, tmp_path: Path) -> None:
    path = short_video(tmp_path / "a.mov", 1, seed=4, rotation_degrees=angle)
    findings = look(path)
    assert findings.media is not None
    assert findings.media.rotation_degrees == -angle % 360
    size = (320, 240) if angle == 180 else (240, 320)
    assert (findings.media.width, findings.media.height) == size
    with Image.open(tmp_path / "out" / "poster.webp") as poster:
        assert poster.size == size
        shown = perceptual_hash(poster)
    expected = perceptual_hash(scene(4, (320, 240)).rotate(angle, expand=True))
    assert shown is not None
    assert expected is not None
    # The clock hand in the picture is not part of the scene.
    assert distance(shown, expected) <= 16


@pytest.mark.parametrize("suffix", [".m4a", ".mp3", ".ogg", ".wav"])
def test_peaks_follow_the_loudness(suffix: str, look: Look, tmp_path: Path) -> None:
    findings = look(short_audio(tmp_path / f"a{suffix}", 4))
    assert findings.problems == ()
    assert [derivative.name for derivative in findings.derivatives] == ["peaks"]
    body = json.loads((tmp_path / "out" / "peaks.json").read_bytes())
    assert (body["buckets"], len(body["peaks"]), body["complete"]) == (1000, 1000, True)
    assert abs(body["duration_ms"] - 4000) <= 100
    (quiet, loud) = (body["peaks"][100:400], body["peaks"][600:900])
    assert max(quiet) < 200
    assert min(loud) > 600


def test_a_sound_shorter_than_its_buckets(look: Look, tmp_path: Path) -> None:
    findings = look(short_audio(tmp_path / "a.wav", 0.05))
    assert findings.derivatives[0].detail["duration_ms"] == 50
    assert len(json.loads((tmp_path / "out" / "peaks.json").read_bytes())["peaks"]) == 1000


def test_a_silent_film_has_no_peaks(look: Look, tmp_path: Path) -> None:
    findings = look(short_video(tmp_path / "a.mp4", 1, with_sound=False))
    assert findings.problems == ()
    assert "peaks" not in {derivative.name for derivative in findings.derivatives}


def test_time_codes_shown_to_a_recorder(look: Look, tmp_path: Path) -> None:
    path = short_video(tmp_path / "a.mp4", 2, code="TZ1|1759222984000|n|s", size_px=(640, 480))
    findings = look(path)
    assert findings.time_qr_texts == ("TZ1|1759222984000|n|s",)
    assert findings.time_qr[0].at_ms == 0


def test_a_position_in_the_container(look: Look, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    source = short_video(tmp_path / "b.mp4", 1)
    with av.open(str(source)) as incoming, av.open(str(path), "w") as out:
        out.metadata["location"] = "+38.2100+104.4100+1200.000/"
        track = incoming.streams.video[0]
        copy = out.add_stream_from_template(track)
        for packet in incoming.demux(track):
            if packet.dts is not None:
                packet.stream = copy
                out.mux(packet)
    geo = look(path).geo
    assert (geo.latitude, geo.longitude) == ("38.2100000", "104.4100000")
    assert (geo.source, geo.altitude_m) == ("container", "1200.0")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_cut_mp4_keeps_what_can_be_had(share: float, look: Look, tmp_path: Path) -> None:
    """Its index is at the end and lost; the transport stream below plays until the cut."""
    data = short_video(tmp_path / "a.mp4", 3).read_bytes()
    findings = look(data[: int(len(data) * share)])
    assert findings.sniffed.mime == "video/mp4"
    assert _problems(findings) == {("probe", "damaged")}
    assert findings.geo.reason == "parser-failed"


def test_a_cut_transport_stream_plays_until_the_cut(look: Look, tmp_path: Path) -> None:
    data = short_video(tmp_path / "a.ts", 3).read_bytes()
    findings = look(data[: len(data) // 2])
    assert findings.media is not None
    assert {"poster", "thumb", "sprite"} <= {d.name for d in findings.derivatives}


def test_a_playlist_opens_nothing(look: Look) -> None:
    """A playlist under a recording's name would make FFmpeg read other files."""
    findings = look(hostile_media.PLAYLIST, b"a.mp4", "video/mp4")
    assert findings.sniffed.kind == "text"
    assert findings.media is None


def test_a_playlist_behind_a_transport_stream_s_head_opens_nothing(look: Look) -> None:
    head = (b"\x47" + bytes(187)) * 8
    findings = look(head + hostile_media.PLAYLIST, b"a.ts", "video/mp2t")
    assert findings.sniffed.mime == "video/mp2t"
    assert not findings.derivatives


def test_a_track_of_an_unknown_codec_leaves_the_other(look: Look, tmp_path: Path) -> None:
    data = short_video(tmp_path / "a.mp4", 1).read_bytes()
    findings = look(data.replace(b"avc1", b"zz99"))
    assert findings.problems == ()
    assert findings.media is not None
    assert (findings.media.video_codec, findings.media.audio_codec) == ("", "aac")
    assert [derivative.name for derivative in findings.derivatives] == ["peaks"]


def test_a_recorder_that_changes_its_sampling_on_the_way(look: Look, tmp_path: Path) -> None:
    first = _silence(tmp_path / "a.aac", "mono", 16_000, frames=30)
    second = _silence(tmp_path / "b.aac", "stereo", 44_100, frames=60)
    findings = look(first + second)
    assert findings.problems == ()
    (peaks,) = findings.derivatives
    # 1.92 s and 1.39 s, and the encoder's run-in of each.
    assert 3300 <= int(peaks.detail["duration_ms"]) <= 3500


def _silence(path: Path, layout: str, rate: int, frames: int) -> bytes:
    with av.open(str(path), "w", format="adts") as out:
        track = out.add_stream("aac", rate=rate, layout=layout)
        for number in range(frames):
            frame = av.AudioFrame(format="fltp", layout=layout, samples=1024)
            (frame.sample_rate, frame.pts) = (rate, number * 1024)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            out.mux(track.encode(frame))
        out.mux(track.encode(None))
    return path.read_bytes()


def test_unknown_types_are_refused(tmp_path: Path) -> None:
    path = short_audio(tmp_path / "a.wav", 0.1)
    with path.open("rb") as source, pytest.raises(MediaRefusedError), open_media(source, "text/x"):
        pass


def _klv(key: bytes, kind: bytes, size: int, data: bytes) -> bytes:
    padded = data + bytes(-len(data) % 4)
    return struct.pack(">4scBH", key, kind, size, len(data) // size) + padded


def _packet(*items: bytes) -> bytes:
    stream = _klv(b"STRM", b"\0", 1, b"".join(items))
    return _klv(b"DEVC", b"\0", 1, stream)


_SCALE5 = _klv(b"SCAL", b"l", 4, struct.pack(">5l", 10**7, 10**7, 1000, 1000, 100))
_GPS5 = _klv(b"GPS5", b"l", 20, struct.pack(">5l", 382_100_000, -1_044_100_000, 1_200_500, 0, 0))


def test_telemetry_with_a_fix() -> None:
    packet = _packet(
        _klv(b"GPSF", b"L", 4, struct.pack(">L", 3)),
        _klv(b"GPSU", b"U", 16, b"250930090304.120"),
        _klv(b"GPSP", b"S", 2, struct.pack(">H", 220)),
        _SCALE5,
        _GPS5,
    )
    assert is_telemetry(packet)
    fix = first_fix(packet)
    assert fix is not None
    assert fix.utc == datetime(2025, 9, 30, 9, 3, 4, tzinfo=UTC)
    geo = geo_from_fix(fix)
    assert (geo.latitude, geo.longitude) == ("38.2100000", "-104.4100000")
    assert (geo.altitude_m, geo.accuracy_m, geo.accuracy_source) == (
        "1200.5",
        "11.0",
        "dop-estimate",
    )


def test_telemetry_of_the_next_generation() -> None:
    scale = _klv(
        b"SCAL",
        b"l",
        4,
        struct.pack(">9l", 10**7, 10**7, 1000, 1000, 100, 1, 1000, 100, 1),
    )
    row = struct.pack(
        ">7lHH",
        382_100_000,
        1_044_100_000,
        1_200_500,
        0,
        0,
        9404,
        32_584_120,
        150,
        3,
    )
    fix = first_fix(_packet(scale, _klv(b"GPS9", b"?", 32, row)))
    assert fix is not None
    assert fix.dop == Fraction(3, 2)
    assert fix.utc == datetime(2025, 9, 30, 9, 3, 4, 120_000, tzinfo=UTC)


def test_telemetry_without_a_fix_is_no_position() -> None:
    assert first_fix(_packet(_klv(b"GPSF", b"L", 4, bytes(4)), _SCALE5, _GPS5)) is None
    assert first_fix(_packet(_klv(b"GPSF", b"L", 4, struct.pack(">L", 3)), _GPS5)) is None


@pytest.mark.parametrize("length", range(0, 120, 7))
def test_cut_telemetry_never_raises(length: int) -> None:
    packet = _packet(_klv(b"GPSF", b"L", 4, struct.pack(">L", 3)), _SCALE5, _GPS5)
    first_fix(packet[:length])
    first_fix(b"DEVC" + b"\xff" * length)


def test_poster_is_a_picture_without_metadata(look: Look, tmp_path: Path) -> None:
    look(short_video(tmp_path / "a.mp4", 1))
    with (tmp_path / "out" / "poster.webp").open("rb") as source, open_image(source) as poster:
        assert poster.format == "WEBP"
        assert not poster.info.get("exif")
