"""The maker's sandbox with decoders that do their worst, and with hostile files."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

import tests
from server.evidence.recipes import REDACT, Box, Recipe
from server.evidence.sandbox import SandboxFailure
from server.evidence.sandbox.maker import Maker, maker_limits
from server.evidence.sandbox.products import Product
from tests.support import hostile_media
from tests.support.hostile_making import JPEG
from tests.support.media import gps_photo, short_video
from tests.support.need import need

TASK = "tests.support.hostile_making:misbehave"
ROOT = Path(tests.__file__).resolve().parent.parent
LIMITS = replace(maker_limits(2), memory_bytes=256 << 20, file_bytes=4 << 20)
RECIPE = Recipe(REDACT, "photo", (Box(0, 0, 50_000, 50_000, "fill"),)).to_json()


@pytest.fixture(scope="module", params=["bubblewrap", "rlimits"])
def kind(request: pytest.FixtureRequest) -> str:
    """Both confinements."""
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="module")
def hostile(kind: str) -> Iterator[Maker]:
    with Maker(LIMITS, task=TASK, roots=[ROOT], bubblewrap=kind == "bubblewrap") as maker:
        need(maker.confinement().kind == kind, f"{kind} does not work here")
        yield maker


@pytest.fixture(scope="module")
def genuine(kind: str) -> Iterator[Maker]:
    with Maker(maker_limits(60), task=Maker.TASK, bubblewrap=kind == "bubblewrap") as maker:
        need(maker.confinement().kind == kind, f"{kind} does not work here")
        yield maker


def told(maker: Maker, what: str, folder: Path) -> Product | SandboxFailure:
    """The outcome of one deed."""
    path = folder / "subject"
    path.write_text(what, encoding="ascii")
    with (folder / "output").open("w+b") as output:
        return maker.make(path, mime="image/jpeg", recipe=RECIPE, output=output)


@pytest.mark.parametrize(
    ("deed", "code"),
    [
        ("segfault", "crashed"),
        ("hang", "timeout"),
        ("eat", "memory"),
        ("disguise", "malformed"),
        ("claim", "malformed"),
        ("babble", "malformed"),
    ],
)
def test_what_goes_wrong_stays_inside(deed: str, code: str, hostile: Maker, tmp_path: Path) -> None:
    outcome = told(hostile, deed, tmp_path)
    assert isinstance(outcome, SandboxFailure)
    assert outcome.code == code
    after = told(hostile, "honest", tmp_path)
    assert isinstance(after, Product), "the next one is not affected"
    assert (tmp_path / "output").read_bytes() == JPEG, "nothing of the earlier attempt is left"


def test_the_file_it_writes_has_an_end(hostile: Maker, tmp_path: Path) -> None:
    assert isinstance(told(hostile, "flood", tmp_path), SandboxFailure)
    assert (tmp_path / "output").stat().st_size <= LIMITS.file_bytes


def test_it_has_its_two_files_and_nothing_else(hostile: Maker, kind: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret", encoding="ascii")
    with socket.create_server(("127.0.0.1", 0)) as server:
        places = {
            "file": str(tmp_path / "escaped"), "secret": str(tmp_path / "secret"),
            "port": server.getsockname()[1],
        }  # fmt: skip
        outcome = told(hostile, f"look {json.dumps(places)}", tmp_path)
    assert isinstance(outcome, Product), outcome
    seen = json.loads(outcome.text)
    assert seen["descriptors"] == [0, 1, 2, 3, 4, 5]
    assert seen["output"] == 5
    assert seen["network"] != "done"
    if kind == "bubblewrap":
        assert seen["read"] != "done"
    assert (tmp_path / "escaped").exists() is (seen["write"] == "done" and kind == "rlimits")


def test_a_genuine_film_comes_out(genuine: Maker, tmp_path: Path) -> None:
    path = short_video(tmp_path / "a.mp4", 1)
    recipe = Recipe(REDACT, "video", (Box(0, 0, 100_000, 100_000, "fill"),)).to_json()
    with (tmp_path / "b.mp4").open("w+b") as output:
        outcome = genuine.make(path, mime="video/mp4", recipe=recipe, output=output)
    assert isinstance(outcome, Product), outcome
    assert (outcome.frames, outcome.covered) == (10, 10)
    data = (tmp_path / "b.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("what", ["link", "folder", "missing"])
def test_only_regular_files_are_read(
    what: str, genuine: Maker, tmp_path: Path, when: datetime
) -> None:
    path = tmp_path / "subject"
    if what == "link":
        path.symlink_to(gps_photo(tmp_path / "a.jpg", None, None, when))
    elif what == "folder":
        path.mkdir()
    with (tmp_path / "b").open("w+b") as output:
        outcome = genuine.make(path, mime="image/jpeg", recipe=RECIPE, output=output)
    assert isinstance(outcome, SandboxFailure)
    assert outcome.code in {"refused", "unreadable"}


HOSTILE = {
    "page": hostile_media.HTML_PAGE,
    "svg": hostile_media.SVG_SCRIPT,
    "png-bomb": hostile_media.png_bomb(),
    "exif-bomb": hostile_media.jpeg_with_exif(hostile_media.tiff_bomb()),
    "exif-text-bomb": hostile_media.jpeg_with_exif(hostile_media.tiff_text_bomb()),
    "jpeg-zip": hostile_media.jpeg_zip_polyglot(),
    "gif-html": hostile_media.gif_html_polyglot(),
    "zip": hostile_media.zip_file(),
    "empty": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_photo_gives_a_plain_picture_or_a_reason(
    name: str, genuine: Maker, tmp_path: Path
) -> None:
    path = tmp_path / "subject"
    path.write_bytes(HOSTILE[name])
    with (tmp_path / "b").open("w+b") as output:
        outcome = genuine.make(path, mime="image/jpeg", recipe=RECIPE, output=output)
    if isinstance(outcome, SandboxFailure):
        assert outcome.code in {"not-an-image", "too-many-pixels", "damaged"}, outcome
    else:
        data = (tmp_path / "b").read_bytes()
        assert data[:3] == b"\xff\xd8\xff"
        assert b"<script" not in data
        assert b"PK\x03\x04" not in data
