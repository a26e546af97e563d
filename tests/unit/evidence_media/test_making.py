from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from server.evidence.making.task import make_open
from server.evidence.pipeline import unguarded
from server.evidence.recipes import FACES, REDACT, Box, Mute, Recipe
from tests.support.media import gps_photo, heic_photo, scene, short_audio, short_video

CANARIES = (b"Tiezheng", b"Field Camera", b"TZ-000001", b"Exif", b"GPS", b"http://ns.adobe.com")


def made(path: Path, mime: str, recipe: Recipe, out: Path) -> dict[str, Any]:
    with path.open("rb") as source, out.open("w+b") as output:
        text = make_open(
            source, output=output, claimed_type=mime, recipe=recipe.to_json(), guard=unguarded
        )
    found: dict[str, Any] = json.loads(text)
    assert found["problem"] == "", found
    return found


def photo(*boxes: Box, turn: int = 0) -> Recipe:
    return Recipe(REDACT, "photo", boxes, turn=turn)


def film(*boxes: Box, mutes: tuple[Mute, ...] = ()) -> Recipe:
    return Recipe(REDACT, "video", boxes, mutes)


def frames(path: Path) -> list[tuple[int, Any]]:
    with av.open(str(path)) as container:
        return [
            (int((frame.time or 0) * 1000), frame.to_ndarray(format="rgb24"))
            for frame in container.decode(video=0)
        ]


def sound(path: Path) -> tuple[int, Any]:
    with av.open(str(path)) as container:
        pieces = [frame.to_ndarray() for frame in container.decode(audio=0)]
        rate = container.streams.audio[0].codec_context.sample_rate
    return rate, np.concatenate(pieces, axis=1)


def test_pixels_under_a_filled_box_are_gone(tmp_path: Path, when: datetime) -> None:
    path = gps_photo(tmp_path / "a.jpg", 38.2, 104.4, when, size_px=(800, 600))
    recipe = photo(Box(25_000, 50_000, 25_000, 25_000, "fill"))
    told = made(path, "image/jpeg", recipe, tmp_path / "b.jpg")
    assert (told["width"], told["height"], told["mime"]) == (800, 600, "image/jpeg")
    with Image.open(tmp_path / "b.jpg") as result:
        pixels = np.asarray(result.convert("RGB"))
    # 16 pixels in from the edge no JPEG block is shared with what was not covered.
    assert pixels[316:434, 216:384].max() <= 2
    with Image.open(path) as before:
        apart = np.abs(np.asarray(before.convert("RGB")).astype(int) - pixels)
    assert apart[:280].mean() < 4


def test_a_blurred_place_says_the_same_for_pictures_that_differ_in_it(tmp_path: Path) -> None:
    """What is left are a few means: moving the detail about within a cell changes nothing."""
    results = []
    for number, step in enumerate((1, 3)):
        picture = scene(5, (400, 400))
        pixels = np.array(picture)
        checks = np.indices((200, 200)).sum(axis=0) // step % 2
        pixels[100:300, 100:300] = (checks * 255)[..., None]
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        recipe = photo(Box(25_000, 25_000, 50_000, 50_000, "blur"))
        made(tmp_path / f"{number}.png", "image/png", recipe, tmp_path / f"{number}.jpg")
        with Image.open(tmp_path / f"{number}.jpg") as result:
            results.append(np.asarray(result.convert("L")).astype(int)[108:292, 108:292])
    assert np.abs(results[0] - results[1]).max() <= 10
    assert results[0].std() < 4


@pytest.mark.parametrize("maker", [gps_photo, heic_photo], ids=["jpeg", "heic"])
def test_nothing_of_the_file_but_its_pixels_is_left(
    maker: Any, tmp_path: Path, when: datetime
) -> None:
    suffix = ".jpg" if maker is gps_photo else ".heic"
    path = maker(tmp_path / f"a{suffix}", 38.2, 104.4, when)
    assert b"TZ-000001" in path.read_bytes()
    made(path, "image/*", photo(), tmp_path / "b.jpg")
    data = (tmp_path / "b.jpg").read_bytes()
    assert [canary for canary in CANARIES if canary in data] == []
    with Image.open(tmp_path / "b.jpg") as result:
        assert not result.getexif()
        assert set(result.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_a_thumbnail_and_maker_notes_stay_behind(tmp_path: Path, when: datetime) -> None:
    path = gps_photo(tmp_path / "a.jpg", 38.2, 104.4, when)
    data = path.read_bytes()
    extra = b"Exif\0\0THUMB-CANARY \xff\xd8\xff\xe0 MAKERNOTE-CANARY"
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>XMP-CANARY</x:xmpmeta>"
    segments = b"".join(
        b"\xff\xe1" + (len(one) + 2).to_bytes(2, "big") + one for one in (extra, xmp)
    )
    path.write_bytes(data[:2] + segments + data[2:] + b"TRAILING-CANARY")
    made(path, "image/jpeg", photo(), tmp_path / "b.jpg")
    assert b"CANARY" not in (tmp_path / "b.jpg").read_bytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_are_meant_as_the_picture_is_shown(
    orientation: int, tmp_path: Path, when: datetime
) -> None:
    path = gps_photo(
        tmp_path / "a.jpg", None, None, when, size_px=(400, 300), orientation=orientation
    )
    box = Box(0, 0, 50_000, 50_000, "fill")
    told = made(path, "image/jpeg", photo(box), tmp_path / "b.jpg")
    shown = (400, 300) if orientation < 5 else (300, 400)
    assert (told["width"], told["height"]) == shown
    with Image.open(tmp_path / "b.jpg") as result:
        pixels = np.asarray(result.convert("L"))
    assert pixels[: shown[1] // 2 - 8, : shown[0] // 2 - 8].max() <= 2
    assert pixels[shown[1] // 2 + 16 :, shown[0] // 2 + 16 :].max() > 60


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_the_result_is_turned_after_it_was_covered(
    turn: int, tmp_path: Path, when: datetime
) -> None:
    path = gps_photo(tmp_path / "a.jpg", None, None, when, size_px=(400, 200))
    corner = Box(0, 0, 25_000, 25_000, "fill")
    made(path, "image/jpeg", photo(corner, turn=turn), tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as result:
        assert result.size == ((400, 200) if turn == 180 else (200, 400))
        pixels = np.asarray(result.convert("L"))
    corners = {90: pixels[:90, -42:], 180: pixels[-42:, -90:], 270: pixels[-90:, :42]}
    assert corners[turn].max() <= 2


def test_a_film_is_covered_in_every_frame_of_the_range(tmp_path: Path) -> None:
    path = short_video(tmp_path / "a.mp4", 4, size_px=(320, 240))
    box = Box(50_000, 0, 50_000, 50_000, "fill", 1_000, 2_500)
    told = made(path, "video/mp4", film(box), tmp_path / "b.mp4")
    assert (told["width"], told["height"], told["frames"]) == (320, 240, 40)
    seen = frames(tmp_path / "b.mp4")
    inside = [pixels for at, pixels in seen if 1_000 <= at < 2_500]
    outside = [pixels for at, pixels in seen if not 900 < at < 2_600]
    assert (len(inside), told["covered"]) == (15, 15)
    # 16 pixels in, no block is shared.  A video codec leaves a little noise in black.
    assert max(pixels[:104, 176:].max() for pixels in inside) <= 12
    assert min(pixels[:104, 176:].max() for pixels in outside) > 100


def test_a_box_without_times_covers_the_whole_film(tmp_path: Path) -> None:
    path = short_video(tmp_path / "a.mp4", 2, rotation_degrees=90)
    made(path, "video/mp4", film(Box(0, 0, 100_000, 50_000, "fill")), tmp_path / "b.mp4")
    seen = frames(tmp_path / "b.mp4")
    assert seen[0][1].shape[:2] == (320, 240)
    assert max(pixels[:144].max() for _, pixels in seen) <= 12
    assert min(pixels[176:].max() for _, pixels in seen) > 100


def test_a_frame_that_is_shown_into_the_range_is_covered(tmp_path: Path) -> None:
    """One frame a second: the range begins and ends between frames."""
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as out:
        track: Any = out.add_stream("libx264", rate=1)
        (track.width, track.height, track.pix_fmt) = (160, 120, "yuv420p")
        for number in range(6):
            picture = scene(number, (160, 120))
            frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
            frame.pts = number
            out.mux(track.encode(frame))
        out.mux(track.encode(None))
    box = Box(0, 0, 100_000, 100_000, "fill", 2_500, 3_100)
    told = made(path, "video/mp4", film(box), tmp_path / "b.mp4")
    assert told["covered"] == 2
    dark = [at for at, pixels in frames(tmp_path / "b.mp4") if pixels.max() <= 12]
    assert dark == [2_000, 3_000]


def test_a_film_loses_its_tags(tmp_path: Path, when: datetime) -> None:
    source = short_video(tmp_path / "a.mp4", 1, when=when)
    path = tmp_path / "b.mp4"
    with av.open(str(source)) as incoming, av.open(str(path), "w") as out:
        out.metadata.update({"location": "+38.2100+104.4100/", "comment": "CANARY-TAG"})
        copy = out.add_stream_from_template(incoming.streams.video[0])
        copy.metadata["handler_name"] = "CANARY-HANDLER"
        for packet in incoming.demux(video=0):
            if packet.dts is not None:
                packet.stream = copy
                out.mux(packet)
    assert b"CANARY" in path.read_bytes()
    made(path, "video/mp4", film(), tmp_path / "c.mp4")
    data = (tmp_path / "c.mp4").read_bytes()
    assert b"CANARY" not in data
    assert b"38.2100" not in data
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(tmp_path / "c.mp4")) as result:
        assert "creation_time" not in result.metadata


@pytest.mark.parametrize("suffix", [".m4a", ".mp3", ".ogg", ".wav"])
def test_a_muted_stretch_is_silent(suffix: str, tmp_path: Path) -> None:
    path = short_audio(tmp_path / f"a{suffix}", 4)
    mime = {".m4a": "audio/mp4", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".wav": "audio/wav"}
    recipe = Recipe(REDACT, "audio", mutes=(Mute(2_500, 3_200),))
    told = made(path, mime[suffix], recipe, tmp_path / "b.m4a")
    assert told["mime"] == "audio/mp4"
    rate, samples = sound(tmp_path / "b.m4a")
    # The encoder's window blends what is beside the stretch a little into it, never the reverse.
    inside = samples[:, int(2.6 * rate) : int(3.1 * rate)]
    assert np.abs(inside).max() < 1e-4
    assert np.abs(samples[:, int(3.4 * rate) : int(3.8 * rate)]).max() > 0.3


def test_a_film_is_muted_and_stays_in_time(tmp_path: Path) -> None:
    path = short_video(tmp_path / "a.mp4", 4)
    made(path, "video/mp4", film(mutes=(Mute(2_200, 2_900),)), tmp_path / "b.mp4")
    rate, samples = sound(tmp_path / "b.mp4")
    assert np.abs(samples[:, int(2.3 * rate) : int(2.8 * rate)]).max() < 1e-4
    assert np.abs(samples[:, int(3.0 * rate) : int(3.8 * rate)]).max() > 0.3
    assert abs(samples.shape[1] / rate - 4) < 0.2


def test_a_cut_film_says_that_it_is_not_complete(tmp_path: Path) -> None:
    data = short_video(tmp_path / "a.ts", 3).read_bytes()
    (tmp_path / "b.ts").write_bytes(data[: len(data) // 2])
    told = made(tmp_path / "b.ts", "video/mp2t", film(), tmp_path / "c.mp4")
    assert 0 < told["frames"] < 30


@pytest.mark.parametrize(
    ("data", "mime", "kind", "code"),
    [
        (b"<html>", "image/jpeg", "photo", "not-an-image"),
        (b"\x00" * 400, "video/mp4", "video", "damaged"),
        (b"#EXTM3U\n/etc/passwd", "application/x-mpegurl", "video", "unsupported"),
    ],
    ids=["page", "zeros", "playlist"],
)
def test_what_cannot_be_read_is_a_problem_not_a_crash(
    data: bytes, mime: str, kind: str, code: str, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(data)
    recipe = Recipe(REDACT, kind)
    with (tmp_path / "a").open("rb") as source, (tmp_path / "b").open("w+b") as output:
        text = make_open(
            source, output=output, claimed_type=mime, recipe=recipe.to_json(), guard=unguarded
        )
    assert json.loads(text)["problem"] == code


def test_a_recipe_of_an_unknown_shape_is_a_problem(tmp_path: Path) -> None:
    path = short_audio(tmp_path / "a.wav", 0.1)
    with path.open("rb") as source, (tmp_path / "b").open("w+b") as output:
        text = make_open(
            source, output=output, claimed_type="audio/wav", recipe='{"x":1}', guard=unguarded
        )
    assert json.loads(text)["problem"] == "failed"


def test_faces_are_suggested_as_boxes(tmp_path: Path) -> None:
    """A drawn face, since pictures of people don't belong here."""
    path = tmp_path / "a.png"
    drawn_face((480, 480)).save(path)
    told = made(path, "image/png", Recipe(FACES, "photo"), tmp_path / "b")
    body = json.loads(told["text"])
    assert body["model"].startswith("haarcascade_frontalface")
    (face,) = body["faces"]
    assert face["at_ms"] is None
    middle = (face["x"] + face["w"] // 2, face["y"] + face["h"] // 2)
    assert all(40_000 < part < 62_000 for part in middle)


def drawn_face(size_px: tuple[int, int]) -> Image.Image:
    """Brow, eyes, nose and mouth as light and shade, which is what the model looks for."""
    (width, height) = size_px
    picture = Image.new("RGB", size_px, (90, 110, 140))
    pen = ImageDraw.Draw(picture)
    (x, y, r) = (width // 2, height // 2, width // 5)
    pen.ellipse((x - r, y - r * 1.3, x + r, y + r * 1.3), fill=(224, 184, 156))
    for side in (-1, 1):
        ex, ey = x + side * r * 0.42, y - r * 0.25
        pen.ellipse((ex - r * 0.3, ey - r * 0.2, ex + r * 0.3, ey + r * 0.2), fill=(150, 105, 90))
        pen.ellipse((ex - r * 0.2, ey - r * 0.09, ex + r * 0.2, ey + r * 0.09), fill=(60, 40, 35))
        pen.rectangle((ex - r * 0.3, ey - r * 0.36, ex + r * 0.3, ey - r * 0.26), fill=(70, 45, 35))
    pen.polygon(
        [(x - r * 0.1, y - r * 0.1), (x + r * 0.1, y - r * 0.1), (x + r * 0.2, y + r * 0.3),
         (x - r * 0.2, y + r * 0.3)], fill=(236, 200, 172),
    )  # fmt: skip
    pen.rectangle((x - r * 0.2, y + r * 0.28, x + r * 0.2, y + r * 0.36), fill=(150, 105, 90))
    pen.ellipse((x - r * 0.4, y + r * 0.55, x + r * 0.4, y + r * 0.75), fill=(150, 70, 70))
    return picture.filter(ImageFilter.GaussianBlur(width / 160))
