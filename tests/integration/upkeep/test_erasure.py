"""Erasure by law: two people decide, the content goes everywhere, the proof that it was stays."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from client_sdk.protocol.tlog.checkpoints import parse_checkpoint
from client_sdk.protocol.tlog.merkle import leaf_hash, verify_inclusion
from client_sdk.protocol.tlog.notes import parse_note
from server.audit import log
from server.audit.models import Event
from server.core.context import Context, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence import erasure_bytes
from server.evidence.models import Blob, Derivative, Evidence, Examination
from server.review.models import ReviewEntry, ReviewMarker
from server.upkeep.findings import Code
from server.upkeep.scrub import Options, scrub
from storage.digest import Digest
from tests.factories.field import Recorder, sequence
from tests.factories.identity import Caller, add_device, runtime_of
from tests.factories.log import sign_log
from tests.factories.upkeep import Installation, sealed_sessions
from tests.factories.uploads import Sender, sha256_of

WANTED = {"legal_basis": "个人信息保护法第四十七条", "reason": "误摄无关人员(虚构)"}


@pytest.fixture
def installation(app: Flask) -> Installation:
    return Installation.build(app)


def supervisor(installation: Installation) -> Caller:
    return installation.ground.world.caller(installation.ground.first.world.supervisor)


def president(installation: Installation) -> Caller:
    return installation.ground.world.caller(installation.ground.first.world.president)


def item_id(installation: Installation) -> str:
    return installation.ground.first.ids["evidence"]


def ask(installation: Installation) -> str:
    answer = supervisor(installation).post(
        f"/evidence/{item_id(installation)}/erasures", json=WANTED
    )
    assert answer.status_code == 201, answer.text
    return str(shown(answer)["id"])


def shown(answer: TestResponse) -> dict[str, Any]:
    """The object that was answered."""
    found: dict[str, Any] = answer.get_json()
    return found


def erase(installation: Installation) -> dict[str, Any]:
    with sealed_sessions(installation.app):
        wanted = ask(installation)
        answer = president(installation).post(f"/erasures/{wanted}/approve", json={"note": "同意"})
    assert answer.status_code == 200, answer.text
    sequence(installation.app)
    return shown(answer)


def entry(installation: Installation) -> Event:
    """The record's entry of the log."""
    phone = installation.ground.first.world.phone
    with unit_of_work(EVERY_COURT, write=False) as session:
        statement = sa.select(Event).where(Event.src == str(phone.id), Event.seq == 1)
        found = session.execute(statement).scalar_one()
        session.expunge(found)
        return found


def findings(installation: Installation) -> list[tuple[Code, str]]:
    report = scrub(runtime_of(installation.app), Options(resume=False))
    return [(one.code, one.subject) for one in report.findings]


def test_tamper_61_what_was_erased_is_gone_and_the_log_still_verifies(
    installation: Installation,
) -> None:
    before = entry(installation)
    assert erase(installation)["state"] == "erased"
    after = entry(installation)
    assert (after.p, after.salt) == (None, None)
    assert (after.h, after.hid, after.sig, after.leaf_hash) == (
        before.h, before.hid, before.sig, before.leaf_hash,
    )  # fmt: skip
    assert findings(installation) == []
    sign_log(installation.app)
    with unit_of_work(EVERY_COURT, write=False) as session:
        at = log.newest_checkpoint(session)
        assert at is not None
        proof = log.proof_of(session, after.log_index, at)
        head = parse_checkpoint(parse_note(at.note).text)
        leaf = leaf_hash(log.leaf_of(after).encode())
        verify_inclusion(leaf, after.log_index, head.size, proof.proof, head.root)


def test_bytes_and_what_was_made_of_them_are_gone(installation: Installation) -> None:
    sha256 = sha256_of(installation.ground.first.photo)
    blobs = runtime_of(installation.app).stores.blobs
    with unit_of_work(EVERY_COURT, write=False) as session:
        made = session.execute(
            sa.select(Derivative.sha256).where(Derivative.source_sha256 == sha256).distinct()
        ).scalar_one()
    erase(installation)
    assert blobs.stat(Digest(sha256)) is None
    assert blobs.stat(Digest(made)) is None
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.get(Blob, sha256) is None
        assert session.get(Examination, sha256) is None


def test_the_item_shows_that_it_was_erased(installation: Installation) -> None:
    erase(installation)
    item = shown(supervisor(installation).get(f"/evidence/{item_id(installation)}"))
    assert (item["state"], item["name"], item["place"]["lat"]) == ("erased", None, None)
    content = supervisor(installation).get(f"/evidence/{item_id(installation)}/content?purpose=x")
    assert shown(content)["state"] == "erased"
    custody = supervisor(installation).get(f"/evidence/{item_id(installation)}/custody")
    assert "evidence.erased" in {one["kind"] for one in shown(custody)["items"]}


def test_who_asked_may_not_decide(installation: Installation) -> None:
    wanted = ask(installation)
    answer = supervisor(installation).post(f"/erasures/{wanted}/approve", json={})
    assert answer.status_code == 403
    assert entry(installation).p is not None


def test_an_officer_may_not_ask(installation: Installation) -> None:
    officer = installation.ground.world.caller(installation.ground.first.world.officer)
    answer = officer.post(f"/evidence/{item_id(installation)}/erasures", json=WANTED)
    assert answer.status_code == 403


def test_another_court_finds_nothing(installation: Installation) -> None:
    wanted = ask(installation)
    other = installation.ground.world.caller(installation.ground.second.world.president)
    assert other.post(f"/erasures/{wanted}/approve", json={}).status_code == 404
    assert wanted not in {one["id"] for one in shown(other.get("/erasures"))["items"]}


def test_a_refusal_leaves_everything(installation: Installation) -> None:
    wanted = ask(installation)
    answer = president(installation).post(f"/erasures/{wanted}/refuse", json={"note": "依据不足"})
    assert shown(answer)["state"] == "refused"
    again = president(installation).post(f"/erasures/{wanted}/approve", json={})
    assert again.status_code == 409
    assert entry(installation).p is not None


def test_bytes_of_another_record_stay(installation: Installation) -> None:
    photo, court = installation.ground.first.photo, installation.ground.first.world
    device = add_device(installation.app, court.id)
    recorder = Recorder(installation.app, device)
    assert recorder.outcomes([recorder.capture(photo)]) == ["accepted"]
    Sender(installation.app, court, caller=installation.ground.world.device_caller(device)).send(
        photo
    )
    sequence(installation.app)
    erase(installation)
    blobs = runtime_of(installation.app).stores.blobs
    assert blobs.stat(Digest(sha256_of(photo))) is not None
    with unit_of_work(EVERY_COURT, write=False) as session:
        statement = sa.select(Evidence.state).where(Evidence.device_id == device.id)
        assert session.execute(statement).scalar_one() == "verified"


def test_a_crash_before_the_unlinking_is_made_good(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = sha256_of(installation.ground.first.photo)
    blobs = runtime_of(installation.app).stores.blobs
    with monkeypatch.context() as patched:
        patched.setattr(erasure_bytes, "unlink_due", lambda _ctx, _limit=100: 0)
        erase(installation)
    assert blobs.stat(Digest(sha256)) is not None
    with unit_of_work(EVERY_COURT) as session:
        ctx = Context(system_actor(), session, runtime_of(installation.app))
    assert erasure_bytes.unlink_due(ctx) > 0
    assert blobs.stat(Digest(sha256)) is None
    assert erasure_bytes.unlink_due(ctx) == 0


def test_tamper_a_payload_that_went_without_an_erasure(installation: Installation) -> None:
    hid = entry(installation).hid
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.update(Event).where(Event.hid == hid).values(p=None, salt=None))
    assert Code.PAYLOAD_GONE in {code for code, _ in findings(installation)}


def test_tamper_erased_bytes_that_came_back(installation: Installation) -> None:
    sha256 = sha256_of(installation.ground.first.photo)
    erase(installation)
    with unit_of_work(EVERY_COURT) as session:
        now = runtime_of(installation.app).clock.now()
        session.add(Blob(sha256=sha256, size_bytes=1, copies=1, stored_at=now, verified_at=now))
    assert (Code.NOT_ERASED, f"blobs/{sha256}") in findings(installation)


def test_words_about_the_content_are_gone_as_well(installation: Installation) -> None:
    place = f"/evidence/{item_id(installation)}"
    with sealed_sessions(installation.app):
        marker = supervisor(installation).post(
            f"{place}/markers", json={"text": "窗边站着云虚构", "region": [1, 2, 3, 4]}
        )
        reason = {"reason": "云虚构被拍到"}
        back = president(installation).post(f"{place}/review/undo", json=reason)
        assert (marker.status_code, back.status_code) == (201, 201)
        wanted = f"/erasures/{ask(installation)}/approve"
        assert president(installation).post(wanted, json={}).status_code == 409
        sequence(installation.app)
        assert president(installation).post(wanted, json={}).status_code == 200
    sequence(installation.app)
    with unit_of_work(EVERY_COURT, write=False) as session:
        texts = [*session.execute(sa.select(Event.p)).scalars()]
        texts += session.execute(sa.select(ReviewMarker.text)).scalars()
        texts += session.execute(sa.select(ReviewEntry.text)).scalars()
        mine = ReviewMarker.evidence_id == uuid.UUID(item_id(installation))
        regions = session.execute(sa.select(ReviewMarker.region).where(mine)).scalars().all()
    assert [one for one in texts if one and "云虚构" in one] == []
    assert regions
    assert not any(regions)
    assert findings(installation) == []
