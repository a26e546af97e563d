"""Films that may only be looked at: who they were lent to stands in every picture."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from flask import Flask

from server.evidence import examination, redactions
from server.evidence.models import Derivative, Evidence
from server.evidence.sandbox import Limits, Sandbox
from server.evidence.sandbox.maker import Maker, maker_limits
from server.jobs.table import HANDLERS_OF, MARK
from server.shares import films
from server.shares.commands import Mode
from server.shares.service import Made
from storage.digest import Digest
from tests.factories.cases import believe
from tests.factories.evidence import Scene, build_scene
from tests.factories.shares import Outsider, redact, share
from tests.support import media


@pytest.fixture
def scene(app: Flask) -> Scene:
    return build_scene(app)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Limits(wall_seconds=60, stage_seconds=30)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def maker() -> Iterator[Maker]:
    with Maker(maker_limits(60), task=Maker.TASK) as maker:
        yield maker


@pytest.fixture
def film(scene: Scene, sandbox: Sandbox, tmp_path: Path) -> Evidence:
    """A film that arrived and is examined."""
    path = media.short_video(tmp_path / "a.mp4", seconds=1)
    data = path.read_bytes()
    entry = scene.capture(data)
    thing = {**entry.payload["obj"][0], "mime": "video/mp4"}
    scene.declare(entry._replace(payload={"obj": [thing], "media": "video"}))
    scene.runtime.stores.blobs.put_file(Digest.of(data), path)
    scene.arrive(data)
    item = scene.items()[-1]
    examination.examine(scene.everywhere, sandbox, str(item.id))
    return item


def pictures(data: bytes) -> list[Any]:
    with av.open(io.BytesIO(data), "r") as container:
        return [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]


def lent(scene: Scene, item: Evidence, made: Made) -> Derivative:
    with scene.unit() as ctx:
        (row,) = (
            row
            for row in ctx.session.query(Derivative).filter_by(source_sha256=item.sha256)
            if str(made.share.id) in row.name
        )
        ctx.session.expunge(row)
        return row


def test_a_film_is_prepared_once_and_bears_its_recipient(
    scene: Scene, maker: Maker, film: Evidence
) -> None:
    made = share(scene, film)
    browser = Outsider(scene.app).into(made)
    page = browser.item(film).get_data(as_text=True)
    assert "正在为您制作" in page
    assert "<video" not in page
    assert browser.item(film, "/media").status_code == 404
    films.mark(scene.everywhere, maker, str(film.id))
    first = lent(scene, film, made)
    films.mark(scene.everywhere, maker, str(film.id))
    assert lent(scene, film, made).sha256 == first.sha256
    page = browser.item(film).get_data(as_text=True)
    assert ("正在为您制作" in page, "<video" in page) == (False, True)
    answer = browser.item(film, "/media")
    assert (answer.status_code, answer.mimetype) == (200, "video/mp4")
    original = b"".join(scene.runtime.stores.blobs.read(Digest(film.sha256)))
    assert answer.data != original
    bare, marked = pictures(original), pictures(answer.data)
    assert len(marked) >= len(bare) - 1
    for before, after in zip(bare, marked, strict=False):
        assert (np.abs(after.astype(int) - before.astype(int)) > 30).mean() > 0.01


def test_each_share_has_a_film_of_its_own(scene: Scene, maker: Maker, film: Evidence) -> None:
    one, other = share(scene, film), share(scene, film, recipient="孙鉴定人(虚构)")
    films.mark(scene.everywhere, maker, str(film.id))
    assert lent(scene, film, one).sha256 != lent(scene, film, other).sha256
    events = believe(scene.app).events("evidence.previewed")
    assert sum(str(one.share.id) in (row.p or "") for row in events) == 1


def test_who_may_take_the_original_waits_for_nothing(
    scene: Scene, maker: Maker, film: Evidence
) -> None:
    made = share(scene, film, mode=Mode.DOWNLOAD)
    films.mark(scene.everywhere, maker, str(film.id))
    with scene.unit() as ctx:
        names = {row.name for row in ctx.session.query(Derivative)}
    assert not any(str(made.share.id) in name for name in names)


def test_staff_and_dossiers_know_nothing_of_films_that_were_lent(
    scene: Scene, maker: Maker, film: Evidence
) -> None:
    made = share(scene, film)
    films.mark(scene.everywhere, maker, str(film.id))
    bench = believe(scene.app)
    shown = bench.call("GET", f"/evidence/{film.id}", scene.supervisor_id)
    assert str(made.share.id) not in shown.text
    name = lent(scene, film, made).name
    path = f"/evidence/{film.id}/derivatives/{name}"
    assert bench.call("GET", path, scene.supervisor_id).status_code == 404


def test_a_copy_made_since_takes_the_marked_original_away(
    scene: Scene, maker: Maker, film: Evidence, tmp_path: Path
) -> None:
    browser = Outsider(scene.app).into(share(scene, film))
    films.mark(scene.everywhere, maker, str(film.id))
    before = browser.item(film, "/media").data
    grey = media.short_video(tmp_path / "b.mp4", seconds=2).read_bytes()
    copy = redact(scene, film, grey, "video/mp4", "video")
    assert browser.item(film, "/media").status_code == 404
    assert "正在为您制作" in browser.item(film).get_data(as_text=True)
    films.mark(scene.everywhere, maker, str(film.id))
    after = browser.item(film, "/media")
    assert after.status_code == 200
    assert len(pictures(after.data)) > len(pictures(before))
    with scene.unit() as ctx:
        redactions.discard(ctx, copy, redactions.Discard(reason="漏遮(虚构)"))
    assert browser.item(film, "/media").status_code == 404
    assert "正在为您制作" not in browser.item(film).get_data(as_text=True)


@pytest.mark.parametrize("kind", ["custody.item-shared", "redaction.made", "redaction.discarded"])
def test_whatever_changes_what_is_lent_asks_for_films(kind: str) -> None:
    assert MARK in HANDLERS_OF[kind]


def test_what_cannot_be_made_is_said(scene: Scene, maker: Maker, film: Evidence) -> None:
    redact(scene, film, b"no film at all", "video/mp4", "video")
    made = share(scene, film)
    films.mark(scene.everywhere, maker, str(film.id))
    assert lent(scene, film, made).mime == "application/json"
    browser = Outsider(scene.app).into(made)
    assert "无法制作" in browser.item(film).get_data(as_text=True)
    assert browser.item(film, "/media").status_code == 404


def test_nothing_is_made_of_what_is_no_film(scene: Scene, maker: Maker) -> None:
    films.mark(scene.everywhere, maker, str(uuid.uuid4()))
    with scene.unit() as ctx:
        assert ctx.session.query(Derivative).count() == 0
