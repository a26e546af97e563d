"""Redacted copies from the question to the bytes, with the worker's real sandbox."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image

from server.audit.events import EventKind
from server.audit.models import OutboxRow
from server.core.permissions import Role
from server.core.problem import Kind, Problem
from server.evidence import examination, making_jobs, queries, redactions, shown
from server.evidence.models import Blob, Derivative, Evidence
from server.evidence.recipes import Box, Mute, Recipe
from server.evidence.redaction_models import Redaction
from server.evidence.redactions import AskRedaction, Discard, Released
from server.evidence.sandbox import Limits, Sandbox, SandboxFailure
from server.evidence.sandbox.maker import Maker, maker_limits
from storage.digest import Digest
from tests.factories.evidence import Scene, build_scene
from tests.factories.field import sequence
from tests.support import media

PHOTO = AskRedaction(reason="遮盖第三人(虚构)", boxes=(Box(0, 0, 50_000, 50_000, "fill"),))


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


def stored(scene: Scene, sandbox: Sandbox, path: Path, mime: str = "image/jpeg") -> Evidence:
    """Captured, arrived and examined."""
    data = path.read_bytes()
    entry = scene.capture(data)
    thing = {**entry.payload["obj"][0], "mime": mime}
    scene.declare(entry._replace(payload={"obj": [thing]}))
    scene.runtime.stores.blobs.put_file(Digest.of(data), path)
    scene.arrive(data)
    item = scene.items()[-1]
    examination.examine(scene.everywhere, sandbox, str(item.id))
    return item


def asked(scene: Scene, item: Evidence, command: AskRedaction = PHOTO) -> uuid.UUID:
    with scene.unit() as ctx:
        return redactions.ask(ctx, item.id, command).id


def row_of(scene: Scene, redaction_id: uuid.UUID) -> Redaction:
    with scene.unit() as ctx:
        row = ctx.session.get_one(Redaction, redaction_id)
        ctx.session.expunge(row)
    return row


def released(scene: Scene, item: Evidence) -> Released | None:
    with scene.unit() as ctx:
        return redactions.derivative_for(ctx.session, item.id)


def told(scene: Scene, *kinds: EventKind) -> list[tuple[str, dict[str, Any]]]:

    with scene.unit() as ctx:
        statement = sa.select(OutboxRow.kind, OutboxRow.p).order_by(OutboxRow.id)
        found = ctx.session.execute(statement).all()
    wanted = {kind.value for kind in kinds}
    return [(kind, json.loads(p or "{}")["facts"]) for kind, p in found if kind in wanted]


@pytest.fixture
def photo(scene: Scene, sandbox: Sandbox, tmp_path: Path) -> Evidence:
    when = scene.runtime.clock.now()
    path = media.gps_photo(tmp_path / "a.jpg", 38.21, 104.41, when, size_px=(640, 480))
    return stored(scene, sandbox, path)


def test_a_photo_is_covered_and_tied_to_its_original(
    scene: Scene, maker: Maker, photo: Evidence, tmp_path: Path
) -> None:
    before = scene.runtime.stores.blobs.stat(Digest(photo.sha256))
    redaction_id = asked(scene, photo)
    assert released(scene, photo) is None
    making_jobs.redact(scene.everywhere, maker, str(photo.id))
    row = row_of(scene, redaction_id)
    assert (row.state, row.mime, row.width, row.height) == ("made", "image/jpeg", 640, 480)
    assert row.complete is True
    data = b"".join(scene.runtime.stores.blobs.read(Digest(row.sha256 or "")))
    assert len(data) == row.size_bytes
    assert b"TZ-000001" not in data
    assert b"Exif" not in data
    (tmp_path / "b.jpg").write_bytes(data)
    with Image.open(tmp_path / "b.jpg") as made:
        assert np.asarray(made)[:224, :304].max() <= 2
    assert scene.runtime.stores.blobs.stat(Digest(photo.sha256)) == before
    with scene.unit() as ctx:
        assert ctx.session.get(Blob, row.sha256) is not None, "shipped and backed up like evidence"
    ((_, facts),) = told(scene, EventKind.REDACTION_MADE)
    assert (facts["original"], facts["derivative"]) == (photo.sha256, row.sha256)
    assert facts["recipe"] == row.recipe_sha256 == redactions.recipe_digest(Recipe.of(row.recipe))
    assert facts["maker"] == str(scene.supervisor_id)
    found = released(scene, photo)
    assert found is not None
    assert (found.redaction_id, found.sha256, found.mime) == (row.id, row.sha256, "image/jpeg")
    assert found.name.endswith(".jpg")


def test_the_newest_that_is_left_is_shown(scene: Scene, maker: Maker, photo: Evidence) -> None:
    first = asked(scene, photo)
    second = asked(scene, photo, replace(PHOTO, boxes=(Box(0, 0, 100_000, 100_000, "blur"),)))
    making_jobs.redact(scene.everywhere, maker, str(photo.id))
    shown_now = released(scene, photo)
    assert shown_now is not None
    assert shown_now.redaction_id == second
    with scene.unit() as ctx:
        redactions.discard(ctx, second, Discard(reason="遮盖过多(虚构)"))
    shown_now = released(scene, photo)
    assert shown_now is not None
    assert shown_now.redaction_id == first
    with scene.unit() as ctx:
        assert redactions.released(ctx.session, second) is None
        assert redactions.released_photo(ctx.session, first) == shown_now
        assert [row.number for row in redactions.of_item(ctx, photo.id)] == [2, 1]
    ((_, facts),) = told(scene, EventKind.REDACTION_DISCARDED)
    assert facts["reason"] == "遮盖过多(虚构)"
    with pytest.raises(Problem), scene.unit() as ctx:
        redactions.discard(ctx, second, Discard(reason="again"))


def test_a_discarded_question_is_not_made(scene: Scene, maker: Maker, photo: Evidence) -> None:
    redaction_id = asked(scene, photo)
    with scene.unit() as ctx:
        redactions.discard(ctx, redaction_id, Discard(reason="误申请(虚构)"))
    making_jobs.redact(scene.everywhere, maker, str(photo.id))
    row = row_of(scene, redaction_id)
    assert (row.state, row.sha256) == ("discarded", None)


def test_doing_the_job_again_changes_nothing(scene: Scene, maker: Maker, photo: Evidence) -> None:
    redaction_id = asked(scene, photo)
    making_jobs.redact(scene.everywhere, maker, str(photo.id))
    first = row_of(scene, redaction_id)
    making_jobs.redact(scene.everywhere, maker, str(photo.id))
    assert row_of(scene, redaction_id).finished_at == first.finished_at
    assert len(told(scene, EventKind.REDACTION_MADE)) == 1


class Failing:
    """A maker whose worker dies."""

    def make(self, path: Path, **_: Any) -> SandboxFailure:
        assert path.is_file()
        return SandboxFailure("crashed", "SIGSEGV")


def test_a_failure_is_seen_and_can_be_tried_again(
    scene: Scene, maker: Maker, photo: Evidence
) -> None:
    redaction_id = asked(scene, photo)
    making_jobs.redact(scene.everywhere, Failing(), str(photo.id))
    row = row_of(scene, redaction_id)
    assert (row.state, row.problem) == ("failed", "crashed: SIGSEGV")
    assert told(scene, EventKind.REDACTION_FAILED)[0][1]["problem"] == "crashed"
    with scene.unit() as ctx:
        assert redactions.retry(ctx, redaction_id).state == "asked"
    making_jobs.redact(scene.everywhere, maker, str(photo.id))
    assert row_of(scene, redaction_id).state == "made"


def test_an_unexamined_original_is_waited_for(scene: Scene, maker: Maker, tmp_path: Path) -> None:
    path = media.gps_photo(tmp_path / "a.jpg", None, None, scene.runtime.clock.now())
    data = path.read_bytes()
    scene.declare(scene.capture(data))
    scene.runtime.stores.blobs.put_file(Digest.of(data), path)
    scene.arrive(data)
    item = scene.items()[-1]
    redaction_id = asked(scene, item)
    with pytest.raises(examination.TryAgainError):
        making_jobs.redact(scene.everywhere, maker, str(item.id))
    assert row_of(scene, redaction_id).state == "asked"


def test_bytes_that_are_no_photo_fail_with_their_reason(
    scene: Scene, sandbox: Sandbox, maker: Maker, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"<html><script>x()</script></html>")
    item = stored(scene, sandbox, tmp_path / "a.jpg")
    redaction_id = asked(scene, item)
    making_jobs.redact(scene.everywhere, maker, str(item.id))
    row = row_of(scene, redaction_id)
    assert row.state == "failed"
    assert (row.problem or "").startswith("not-what-it-says")


@pytest.mark.parametrize(
    ("command", "mime"),
    [
        (AskRedaction(reason="x", mutes=(Mute(0, 1),)), "image/jpeg"),
        (AskRedaction(reason="x", boxes=(Box(0, 0, 1, 1, "fill", 0, 5),)), "image/jpeg"),
        (AskRedaction(reason="x", boxes=(Box(0, 0, 1, 1, "fill"),)), "audio/mp4"),
    ],
    ids=["mute-a-photo", "time-in-a-photo", "box-in-a-sound"],
)
def test_a_recipe_has_to_fit_its_kind(scene: Scene, command: AskRedaction, mime: str) -> None:
    entry = scene.capture(b"bytes")
    scene.declare(entry._replace(payload={"obj": [{**entry.payload["obj"][0], "mime": mime}]}))
    scene.arrive(b"bytes")
    item = scene.items()[-1]
    with pytest.raises(Problem) as refused, scene.unit() as ctx:
        redactions.ask(ctx, item.id, command)
    assert refused.value.kind is Kind.VALIDATION


def test_what_has_no_bytes_is_not_redacted(scene: Scene) -> None:
    scene.declare(scene.capture(b"to come"))
    item = scene.items()[-1]
    with pytest.raises(Problem) as refused, scene.unit() as ctx:
        redactions.ask(ctx, item.id, PHOTO)
    assert refused.value.kind is Kind.CONTENT_MISSING


def test_who_may_not_see_the_item_does_not_see_its_copies(scene: Scene, photo: Evidence) -> None:
    redaction_id = asked(scene, photo)
    stranger = replace(scene.actor(Role.OFFICER), user_id=uuid.uuid4())
    for question in (
        lambda ctx: redactions.of_item(ctx, photo.id),
        lambda ctx: redactions.visible(ctx, redaction_id),
        lambda ctx: redactions.discard(ctx, redaction_id, Discard(reason="x")),
    ):
        with pytest.raises(Problem) as refused, scene.unit(stranger) as ctx:
            question(ctx)
        assert refused.value.status == 404


def test_a_look_at_a_copy_is_recorded_once(scene: Scene, maker: Maker, photo: Evidence) -> None:
    redaction_id = asked(scene, photo)
    making_jobs.redact(scene.everywhere, maker, str(photo.id))
    for _ in range(2):
        with scene.unit() as ctx:
            redactions.look_at(ctx, redaction_id)
    assert len(told(scene, EventKind.REDACTION_VIEWED)) == 1


def test_a_film_is_redacted_in_the_sandbox(
    scene: Scene, sandbox: Sandbox, maker: Maker, tmp_path: Path
) -> None:
    path = media.short_video(tmp_path / "a.mp4", 2)
    item = stored(scene, sandbox, path, "video/mp4")
    command = AskRedaction(
        reason="未成年人(虚构)", boxes=(Box(0, 0, 100_000, 100_000, "blur", 500, 1_000),),
        mutes=(Mute(0, 700),),
    )  # fmt: skip
    redaction_id = asked(scene, item, command)
    making_jobs.redact(scene.everywhere, maker, str(item.id))
    row = row_of(scene, redaction_id)
    assert (row.state, row.problem, row.mime) == ("made", None, "video/mp4")
    assert abs((row.duration_ms or 0) - 2_000) <= 100
    data = b"".join(scene.runtime.stores.blobs.read(Digest(row.sha256 or "")))
    assert data.index(b"moov") < data.index(b"mdat"), "plays before it is loaded"


def test_a_film_no_browser_plays_gets_a_copy(
    scene: Scene, sandbox: Sandbox, maker: Maker, tmp_path: Path
) -> None:
    path = media.short_video(tmp_path / "a.ts", 2)
    item = stored(scene, sandbox, path, "video/mp2t")
    with scene.unit() as ctx:
        assert shown.of(ctx.session, item) is None
    making_jobs.preview(scene.everywhere, maker, str(item.id))
    with scene.unit() as ctx:
        found = shown.of(ctx.session, item)
        made = ctx.session.get_one(Derivative, (item.sha256, "web")).sha256
    assert found is not None
    assert (found.name, found.mime, found.sha256) == ("web", "video/mp4", made)
    making_jobs.preview(scene.everywhere, maker, str(item.id))
    assert len(told(scene, EventKind.EVIDENCE_PREVIEWED)) == 1


def test_a_film_that_browsers_play_is_shown_itself(
    scene: Scene, sandbox: Sandbox, tmp_path: Path
) -> None:
    item = stored(scene, sandbox, media.short_video(tmp_path / "a.mp4", 1), "video/mp4")

    making_jobs.preview(scene.everywhere, Failing(), str(item.id))
    with scene.unit() as ctx:
        found = shown.of(ctx.session, item)
    assert found == shown.Shown(item.sha256, "video/mp4")


def test_a_heic_photo_is_shown_as_jpeg(scene: Scene, sandbox: Sandbox, tmp_path: Path) -> None:
    item = stored(scene, sandbox, media.heic_photo(tmp_path / "a.heic"), "image/heic")
    with scene.unit() as ctx:
        found = shown.of(ctx.session, item)
    assert found is not None
    assert (found.name, found.mime) == ("view", "image/jpeg")


def test_what_a_browser_could_run_is_shown_by_nothing(
    scene: Scene, sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>")
    item = stored(scene, sandbox, tmp_path / "a.jpg")
    with scene.unit() as ctx:
        assert shown.of(ctx.session, item) is None


def test_faces_are_suggested_only_when_asked(scene: Scene, maker: Maker, photo: Evidence) -> None:
    with scene.unit() as ctx:
        assert not [one for one in queries.derivatives_of(ctx.session, photo.sha256)
                    if one.name == "faces"]  # fmt: skip
        assert redactions.ask_faces(ctx, photo.id) == "asked"
    making_jobs.suggest_faces(scene.everywhere, maker, str(photo.id))
    with scene.unit() as ctx:
        made = ctx.session.get_one(Derivative, (photo.sha256, "faces")).sha256
        body = b"".join(ctx.runtime.stores.blobs.read(Digest(made)))
        assert redactions.ask_faces(ctx, photo.id) == "made"
    assert b'"faces":[' in body
    assert told(scene, EventKind.FACES_SUGGESTED)[0][1]["derivative"] == made


class Modelless:
    """An OpenCV without its model."""

    def make(self, path: Path, **_: Any) -> SandboxFailure:
        assert path.is_file()
        return SandboxFailure("no-model", "haarcascade_frontalface_default.xml")


def test_a_missing_model_is_said(scene: Scene, maker: Maker, photo: Evidence) -> None:
    with scene.unit() as ctx:
        redactions.ask_faces(ctx, photo.id)
    sequence(scene.app)
    with scene.unit() as ctx:
        assert redactions.faces_problem(ctx.session, photo.id) is None
    making_jobs.suggest_faces(scene.everywhere, Modelless(), str(photo.id))
    sequence(scene.app)
    with scene.unit() as ctx:
        assert redactions.faces_problem(ctx.session, photo.id) == "no-model"
        assert redactions.ask_faces(ctx, photo.id) == "asked", "it can be asked again"
    sequence(scene.app)
    making_jobs.suggest_faces(scene.everywhere, maker, str(photo.id))
    sequence(scene.app)
    with scene.unit() as ctx:
        assert redactions.faces_problem(ctx.session, photo.id) is None
