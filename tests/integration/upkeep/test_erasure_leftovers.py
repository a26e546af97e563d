"""What an erasure takes along: texts of the release desk, hashes of pictures, late copies."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit.models import Event
from server.core.context import Context, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence import erasure_bytes, examination, making_jobs, redactions, reuse
from server.evidence.findings import Findings
from server.evidence.models import Derivative, Evidence, Examination
from server.evidence.recipes import Box
from server.evidence.redaction_models import Redaction
from server.evidence.redactions import AskRedaction
from server.evidence.reuse_models import PictureMark, ReuseAlarm
from server.evidence.sandbox import Limits, Sandbox, SandboxFailure
from server.evidence.sandbox.products import Product
from server.live import policy, projection
from server.live.models import LiveEntry
from server.upkeep.scrub import Options, scrub
from storage.digest import Digest
from tests.factories.evidence import Scene, build_scene
from tests.factories.field import sequence
from tests.factories.identity import runtime_of
from tests.factories.upkeep import Installation, sealed_sessions
from tests.factories.uploads import sha256_of
from tests.support import media

WANTED = {"legal_basis": "个人信息保护法第四十七条", "reason": "误摄无关人员(虚构)"}
CANARY = "云虚构站在窗边"


@pytest.fixture
def installation(app: Flask) -> Installation:
    return Installation.build(app)


@pytest.fixture
def scene(app: Flask) -> Scene:
    return build_scene(app)


def erase(installation: Installation) -> None:
    world, court = installation.ground.world, installation.ground.first
    with sealed_sessions(installation.app):
        path = f"/evidence/{court.ids['evidence']}/erasures"
        asked = world.caller(court.world.supervisor).post(path, json=WANTED)
        assert asked.status_code == 201, asked.text
        wanted = f"/erasures/{asked.get_json()['id']}/approve"
        answer = world.caller(court.world.president).post(wanted, json={"note": "同意"})
        assert answer.status_code == 200, answer.text
    sequence(installation.app)


def shown_live(installation: Installation) -> uuid.UUID:
    """The item is on the release desk, rewritten and held back by a person."""
    court, runtime = installation.ground.first, runtime_of(installation.app)
    now = runtime.clock.now()
    with sealed_sessions(installation.app):
        with unit_of_work(EVERY_COURT) as session:
            row = LiveEntry(
                id=uuid.uuid4(), court_id=court.world.id,
                mission_id=uuid.UUID(court.ids["live_mission"]), source="evidence",
                source_id=uuid.UUID(court.ids["evidence"]), act="photo", happened_at=now,
                arrived_at=now, categories=["minor"], rules_version=0, state=policy.WAITING,
                automatic=False, turn=10_000, shown_text=CANARY, shown_place="某镇(虚构)",
                photos=[str(uuid.uuid4())], version=1,
            )  # fmt: skip
            session.add(row)
            entry = row.id
        caller = installation.ground.world.caller(court.world.supervisor)
        command = {"decision": "hold", "reason": CANARY, "version": 1}
        answer = caller.post(
            f"/live/entries/{entry}/decision", json=command, headers={"If-Match": '"1"'}
        )
        assert answer.status_code == 200, answer.text
    sequence(installation.app)
    return entry


def test_the_release_desk_forgets_what_it_showed(installation: Installation) -> None:
    entry = shown_live(installation)
    erase(installation)
    with unit_of_work(EVERY_COURT, write=False) as session:
        texts = session.execute(sa.select(Event.p)).scalars()
        assert [one for one in texts if one and CANARY in one] == []
        row = session.get_one(LiveEntry, entry)
        assert (row.shown_text, row.shown_place, row.photos) == (None, None, [])
        assert CANARY not in (row.reason or "")
        assert row.categories == []
    with unit_of_work(EVERY_COURT) as session:
        projection.project(Context(system_actor(), session, runtime_of(installation.app)), -1)
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.get_one(LiveEntry, entry).state == policy.WITHDRAWN
    sequence(installation.app)
    report = scrub(runtime_of(installation.app), Options(resume=False))
    assert report.to_dict()["findings"] == []


def test_perceptual_hashes_and_alarms_go_with_their_picture(installation: Installation) -> None:
    court = installation.ground.first
    item, sha256 = uuid.UUID(court.ids["evidence"]), sha256_of(court.photo)
    with unit_of_work(EVERY_COURT) as session:
        bands = {f"band{place}": band for place, band in enumerate(reuse.bands_of("f0" * 8))}
        for one in (sha256, "ab" * 32):
            session.add(PictureMark(court_id=court.world.id, sha256=one, phash="f0" * 8, **bands))
        for later, other in ((item, uuid.uuid4()), (uuid.uuid4(), item)):
            session.add(
                ReuseAlarm(
                    court_id=court.world.id, evidence_id=later, other_id=other, kind="alike",
                    distance=3, found_at=runtime_of(installation.app).clock.now(),
                )
            )  # fmt: skip
    erase(installation)
    with unit_of_work(EVERY_COURT, write=False) as session:
        mine = PictureMark.court_id == court.world.id
        assert session.execute(sa.select(PictureMark.sha256).where(mine)).scalars().all() == [
            "ab" * 32
        ]
        assert session.execute(sa.select(ReuseAlarm)).all() == []


class LateMaker:
    """Makes a file, during which something else happens."""

    def __init__(self, data: bytes, meanwhile: Callable[[], None]) -> None:
        self._data, self._meanwhile = data, meanwhile

    def make(self, path: Path, *, mime: str, recipe: str, output: BinaryIO) -> Product:
        assert path.stat().st_size
        assert mime
        assert recipe
        output.write(self._data)
        self._meanwhile()
        return Product(mime="image/jpeg", width=1, height=1)


class LateExaminer:
    """The sandbox, during whose work something else happens."""

    def __init__(self, sandbox: Sandbox, meanwhile: Callable[[], None]) -> None:
        self._sandbox, self._meanwhile = sandbox, meanwhile
        self.made: list[Digest] = []

    def examine(
        self, path: Path, *, name: bytes, claimed_type: str, out_dir: Path
    ) -> Findings | SandboxFailure:
        found = self._sandbox.examine(path, name=name, claimed_type=claimed_type, out_dir=out_dir)
        assert isinstance(found, Findings)
        self.made += [Digest(one.sha256) for one in found.derivatives]
        self._meanwhile()
        return found


def captured(scene: Scene, data: bytes = b"original", *, examined: bool = True) -> Evidence:
    scene.declare(scene.capture(data))
    path = scene.runtime.settings.data_dir / "original"
    path.write_bytes(data)
    scene.runtime.stores.blobs.put_file(Digest.of(data), path)
    scene.arrive(data)
    item = scene.items()[-1]
    if not examined:
        return item
    with scene.unit() as ctx:
        ctx.session.add(
            Examination(
                sha256=item.sha256, state="done", attempts=1, examined_at=ctx.clock.now(),
                findings={"sniffed": {"kind": "image", "mime": "image/jpeg"}},
            )
        )  # fmt: skip
    return item


def erased(scene: Scene, item: Evidence) -> None:
    with scene.everywhere() as ctx:
        ctx.session.get_one(Evidence, item.id).state = "erased"
        for row in ctx.session.query(Redaction):
            row.state = redactions.ERASED


def gone(scene: Scene, *digests: Digest) -> bool:
    with scene.unit() as ctx:
        erased_by = ctx
    erasure_bytes.unlink_due(erased_by)
    return all(scene.runtime.stores.blobs.stat(one) is None for one in digests)


def test_a_copy_that_is_made_while_its_item_is_erased_is_not_kept(scene: Scene) -> None:
    item, copy = captured(scene), b"a copy"
    with scene.unit() as ctx:
        redactions.ask(ctx, item.id, AskRedaction(reason="虚构", boxes=(Box(0, 0, 9, 9, "fill"),)))
    maker = LateMaker(copy, lambda: erased(scene, item))
    making_jobs.redact(scene.everywhere, maker, str(item.id))
    assert gone(scene, Digest.of(copy))
    assert scene.runtime.stores.blobs.stat(Digest(item.sha256)) is not None


def test_suggestions_made_while_their_item_is_erased_are_not_kept(scene: Scene) -> None:
    item, faces = captured(scene), b"faces"
    making_jobs.suggest_faces(
        scene.everywhere, LateMaker(faces, lambda: erased(scene, item)), str(item.id)
    )
    assert gone(scene, Digest.of(faces))


def test_bytes_that_something_else_names_stay(scene: Scene) -> None:
    item, faces = captured(scene), b"faces"
    with scene.unit() as ctx:
        ctx.session.add(
            Derivative(
                source_sha256="cd" * 32, name="thumb", mime="image/webp",
                sha256=Digest.of(faces).hex, size_bytes=5, created_at=ctx.clock.now(),
            )
        )  # fmt: skip
    making_jobs.suggest_faces(
        scene.everywhere, LateMaker(faces, lambda: erased(scene, item)), str(item.id)
    )
    assert not gone(scene, Digest.of(faces))


def test_an_examination_that_ends_after_the_erasure_leaves_nothing(
    scene: Scene, tmp_path: Path
) -> None:
    when = scene.runtime.clock.now()
    photo = media.gps_photo(tmp_path / "a.jpg", 38.21, 104.41, when, size_px=(64, 48))
    item = captured(scene, photo.read_bytes(), examined=False)
    with Sandbox(Limits(wall_seconds=60, stage_seconds=30)) as sandbox:
        late = LateExaminer(sandbox, lambda: erased(scene, item))
        examination.examine(scene.everywhere, late, str(item.id))
    assert late.made
    assert gone(scene, *late.made)
    with scene.unit() as ctx:
        assert ctx.session.query(Examination).count() == 0
        assert ctx.session.query(Derivative).count() == 0
