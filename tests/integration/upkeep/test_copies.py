"""Redacted copies are kept as evidence is: backed up, re-read, and erased with their original."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit.models import Event
from server.core.db import table_of
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Blob
from server.evidence.redaction_models import Redaction
from server.upkeep.backup import back_up, target_blobs
from server.upkeep.findings import Code
from server.upkeep.scrub import Options, scrub
from storage.digest import Digest
from tests.factories.field import sequence
from tests.factories.identity import runtime_of
from tests.factories.upkeep import Installation, sealed_sessions


@pytest.fixture
def installation(app: Flask) -> Installation:
    return Installation.build(app)


def copy_of(installation: Installation) -> Redaction:
    with unit_of_work(EVERY_COURT, write=False) as session:
        row = session.get_one(Redaction, uuid.UUID(installation.ground.first.ids["redaction"]))
        session.expunge(row)
    return row


def digest_of(installation: Installation) -> Digest:
    sha256 = copy_of(installation).sha256
    assert sha256 is not None
    return Digest(sha256)


def findings(installation: Installation) -> list[tuple[Code, str]]:
    report = scrub(runtime_of(installation.app), Options(resume=False))
    return [(one.code, one.subject) for one in report.findings]


def test_a_backup_holds_the_bytes_of_copies(installation: Installation, tmp_path: Path) -> None:
    made = back_up(runtime_of(installation.app), tmp_path / "backups")
    assert made.missing == []
    kept = target_blobs(tmp_path / "backups").stat(digest_of(installation))
    assert kept is not None
    assert kept.size_bytes == copy_of(installation).size_bytes


def test_a_copy_without_its_bytes_is_told(installation: Installation) -> None:
    assert findings(installation) == []
    digest = digest_of(installation)
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.delete(Blob).where(Blob.sha256 == digest.hex))
    told = findings(installation)
    assert (Code.ROW_MISSING, f"blobs/{digest.hex}") in told


def test_an_erasure_takes_the_copies_along(installation: Installation) -> None:
    digest, ids = digest_of(installation), installation.ground.first.ids
    people, world = installation.ground.first.world, installation.ground.world
    wanted = {"legal_basis": "个人信息保护法第四十七条", "reason": "误摄(虚构)"}
    with sealed_sessions(installation.app):
        discarded = world.caller(people.officer).post(
            f"/redactions/{ids['failed_redaction']}/discard", json={"reason": "张某的脸(虚构)"}
        )
        assert discarded.status_code == 200, discarded.text
        sequence(installation.app)
        asked = world.caller(people.supervisor).post(
            f"/evidence/{ids['evidence']}/erasures", json=wanted
        )
        decided = world.caller(people.president).post(
            f"/erasures/{asked.get_json()['id']}/approve", json={}
        )
    assert decided.status_code == 200, decided.text
    sequence(installation.app)
    row = copy_of(installation)
    assert (row.state, row.sha256, row.recipe, row.reason) == ("erased", None, {}, "")
    assert runtime_of(installation.app).stores.blobs.stat(digest) is None
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.get(Blob, digest.hex) is None
        texts = [p for p in session.execute(sa.select(Event.p)).scalars() if p]
    assert not [
        text for text in texts if "张某" in json.dumps(json.loads(text), ensure_ascii=False)
    ]
    assert findings(installation) == []
    look = world.caller(people.officer).get(f"/redactions/{ids['redaction']}/content")
    assert look.status_code == 409
    assert look.get_json()["state"] == "erased"


def test_a_recipe_edited_by_hand_is_told(installation: Installation) -> None:
    changed = copy_of(installation).id
    with unit_of_work(EVERY_COURT) as session:
        session.execute(
            sa.update(table_of(Redaction))
            .where(Redaction.id == changed)
            .values(recipe={"what": "redact", "kind": "photo"})
        )
    assert [code for code, _ in findings(installation)] == [Code.ROW_CHANGED]
