"""When the audit trail cannot be written, nothing is changed and no evidence is shown."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from flask import Flask

from server.core import openapi
from server.core.db import Base, db
from server.core.transactions import EVERY_COURT, unit_of_work
from tests.factories.ground import Ground
from tests.factories.identity import World
from tests.factories.uploads import device_sender, sha256_of
from tests.functional.authorisation.asks import ASKS, Names
from tests.integration.security.answers import problem_of, speaker_for

UNSAFE = {"POST", "PATCH", "DELETE"}
# What these change is no event: questions, declarations of bytes, tokens for a known key.
SILENT = {
    "POST /api/v1/auth/token",
    "POST /api/v1/blobs/missing",
    "POST /api/v1/dock/matches",
    "POST /api/v1/me/totp",
    "PUT /api/v1/notices/preferences",
    "POST /api/v1/notices/read",
    "POST /api/v1/review-queue/preview",
    "POST /api/v1/uploads",
    "POST /api/v1/uploads/{upload_id}",
    "PATCH /api/v1/uploads/{upload_id}",
}
# What these asks name is left as it is, each with its reason: nothing done, nothing to record.
IDLE = {
    "GET /api/v1/review-queue",  # an empty page shows nothing
    "POST /api/v1/retention/disposals",
    "POST /api/v1/retention/disposals/approve",
    "POST /api/v1/retention/disposals/refuse",
    "POST /api/v1/retention/line-disposals",
    "POST /api/v1/retention/line-disposals/approve",
    "POST /api/v1/retention/line-disposals/refuse",
    "POST /api/v1/review-queue/decide",
}
# The machinery of the request itself: that a proof was seen, that a device spoke.
MACHINERY = {"proofs_seen", "sign_in_guards", "devices"}


@contextmanager
def no_audit() -> Iterator[None]:
    """Take away the right to write the outbox."""
    postgres = db.engine.dialect.name == "postgresql"
    broken = (
        "REVOKE INSERT ON outbox FROM CURRENT_USER"
        if postgres
        else "CREATE TRIGGER no_audit BEFORE INSERT ON outbox"
        " BEGIN SELECT RAISE(ABORT, 'the disk of the audit trail is full'); END"
    )
    mended = "GRANT INSERT ON outbox TO CURRENT_USER" if postgres else "DROP TRIGGER no_audit"
    _run(broken)
    try:
        yield
    finally:
        _run(mended)


def _run(statement: str) -> None:
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.text(statement))


def everything() -> dict[str, list[Any]]:
    """Every row of every table but the machinery's."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        return {
            name: sorted(map(repr, session.execute(sa.select(table)).all()))
            for name, table in Base.metadata.tables.items()
            if name not in MACHINERY
        }


def test_no_change_and_no_reading_without_its_record(ground: Ground) -> None:
    tried, idle = 0, set[str]()
    for one in openapi.operations(ground.app):
        writes = one.method in UNSAFE and one.key not in SILENT
        if not writes and not one.spec.reads_evidence:
            continue
        speaker = speaker_for(ground, one.spec.permission)
        ask = ASKS[one.key](Names(ground.first.ids, ground, speaker))
        before = everything()
        with no_audit():
            answer = speaker.send(one.method, ask.whole_path, **ask.arguments)
            if answer.status_code < 300:
                idle.add(one.key)
            else:
                assert (problem_of(answer), one.key) == ("audit-unavailable", one.key)
                assert int(answer.headers["Retry-After"]) > 0
        changed = [name for name, rows in everything().items() if rows != before[name]]
        assert changed == [], one.key
        tried += 1
    assert tried > 30
    assert idle == IDLE


def test_a_failed_sign_in_is_refused_while_it_cannot_be_recorded(app: Flask) -> None:
    from tests.factories.identity import sign_in  # noqa: PLC0415  beside its only use

    world = World.build(app)
    with no_audit():
        for grant in ({}, {"password": "wrong"}):
            answer = sign_in(app, world.first.officer, world.first.phone, **grant)
            assert problem_of(answer) == "audit-unavailable"
    assert sign_in(app, world.first.officer, world.first.phone).status_code == 200


def test_bytes_that_came_meanwhile_are_finished_afterwards(app: Flask) -> None:
    """The upload is not complete before its event is; what came stays."""
    sender = device_sender(World.build(app))
    data = random.Random(3).randbytes(50_000)
    path = sender.begin(data)
    with no_audit():
        assert problem_of(sender.patch(path, 0, data)) == "audit-unavailable"
        assert sender.row(path).state == "receiving"
        assert sender.blobs() == set()
        whole = sender.create(len(b"whole"), sha256_of(b"whole"), b"whole")
        assert problem_of(whole) == "audit-unavailable"
    assert sender.offset(path) == len(data)
    assert sender.row(path).state == "complete"
    assert sender.stored(data)
    assert sender.blobs() == {hashlib.sha256(data).hexdigest()}
