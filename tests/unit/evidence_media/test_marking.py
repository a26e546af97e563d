"""The stamp of a lent film: drawn by fonts, packed into an order, laid over every picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from server.evidence.making.task import make_open
from server.evidence.making.veil import DARK, LIGHT, Veil
from server.evidence.pipeline import unguarded
from server.evidence.recipes import PREVIEW, Marking, Recipe
from server.evidence.sandbox.limits import Limits
from server.evidence.sandbox.order import MAX_ORDER_BYTES, Order
from server.shares import stamps
from tests.support.media import short_video

LINES = ("钱律师(虚构)", "2026-03-02  7F3K-29")


def made(path: Path, recipe: str, out: Path) -> dict[str, Any]:
    with path.open("rb") as source, out.open("w+b") as output:
        text = make_open(
            source, output=output, claimed_type="video/mp4", recipe=recipe, guard=unguarded
        )
    found: dict[str, Any] = json.loads(text)
    return found


def brightness(path: Path) -> list[Any]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="gray").astype(int) for frame in container.decode(video=0)]


def test_every_picture_bears_the_stamp_in_every_quarter(tmp_path: Path) -> None:
    path = short_video(tmp_path / "a.mp4", seconds=1)
    plain = made(path, Recipe(PREVIEW, "video").to_json(), tmp_path / "plain.mp4")
    told = made(path, stamps.stamp_of(LINES).to_json(), tmp_path / "marked.mp4")
    assert (told["problem"], told["frames"]) == ("", plain["frames"])
    pairs = zip(
        brightness(tmp_path / "plain.mp4"), brightness(tmp_path / "marked.mp4"), strict=True
    )
    for before, after in pairs:
        changed = np.abs(before - after) > 25
        rows, columns = (side // 2 for side in changed.shape)
        for part in (changed[:rows], changed[rows:], changed[:, :columns], changed[:, columns:]):
            assert part.mean() > 0.005


def test_two_recipients_have_two_stamps() -> None:
    assert stamps.stamp_of(LINES).dots != stamps.stamp_of(("孙鉴定人(虚构)", LINES[1])).dots


def test_the_longest_stamp_fits_into_an_order() -> None:
    stamp = stamps.stamp_of(("国" * 200, "2026-03-02  7F3K-29"))
    order = Order(b"", "video/mp4", {}, Limits(), stamp.to_json())
    assert len(order.pack()) < MAX_ORDER_BYTES


@pytest.mark.parametrize(
    ("width", "height"), [(2, 2), (320, 180), (1280, 720), (720, 1280)],
    ids=["tiny", "small", "wide", "tall"],
)  # fmt: skip
def test_pictures_of_any_size_are_covered_in_place(width: int, height: int) -> None:
    stamp = stamps.stamp_of(LINES)
    luma = np.full((height, width), 128, dtype=np.uint8)
    Veil(stamp, width, height).cover(luma)
    if width > 2:
        assert {int(luma.min()) < 128, int(luma.max()) > 128} == {True}
    assert luma.shape == (height, width)


def test_the_numbers_of_light_and_dark_are_the_same_on_both_sides() -> None:
    assert (stamps.LIGHT, stamps.DARK) == (LIGHT, DARK)


@pytest.mark.parametrize(
    "bad",
    [
        Marking("video", 0, 10, ""),
        Marking("video", 10_000, 10_000, "eJwDAAAAAAE="),
        Marking("video", 10, 10, "eJwDAAAAAAE="),
        Marking("video", 10, 10, "not base64"),
    ],
    ids=["no-size", "too-large", "too-short", "no-stamp"],
)
def test_what_is_no_stamp_makes_nothing(bad: Marking, tmp_path: Path) -> None:
    path = short_video(tmp_path / "a.mp4", seconds=1)
    assert made(path, bad.to_json(), tmp_path / "b.mp4")["problem"]
