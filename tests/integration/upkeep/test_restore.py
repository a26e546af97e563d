"""The drill: back up, lose everything, restore into an empty place, scrub, go on working."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from server.app import create_app
from server.audit.models import DeviceChain, LogState
from server.core.clock import FixedClock
from server.core.db import db
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Evidence
from server.identity.models import SignIn
from server.schema import upgrade
from server.settings import Settings
from server.upkeep.backup import MANIFEST, Backup, back_up, target_blobs
from server.upkeep.restore import Restored, RestoreError, open_source, restore
from server.upkeep.scrub import Options, scrub
from storage.digest import Digest
from tests.factories.commands import asked
from tests.factories.field import Recorder, sequence
from tests.factories.identity import runtime_of
from tests.factories.upkeep import Installation
from tests.support.postgres import Postgres

PASSPHRASE = "correct horse battery"


@pytest.fixture
def installation(app: Flask) -> Installation:
    return Installation.build(app)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[str]:
    """A database of the same kind without any table."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'restored.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    database = server.create_database()
    yield database.url
    server.drop_database(database)


@contextmanager
def another(settings: Settings, url: str, folder: Path, clock: FixedClock) -> Iterator[Flask]:
    """A server of its own at an empty place."""
    there = replace(settings, data_dir=folder, database_url=url)
    app = create_app(there, clock=clock, randbytes=random.Random(8).randbytes)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def made(installation: Installation, target: Path) -> Backup:
    return back_up(runtime_of(installation.app), target, passphrase=PASSPHRASE)


def restored(app: Flask, source: Path, **how: bool) -> Restored:
    found = open_source(source)
    return restore(runtime_of(app), found, db.engine, upgrade, passphrase=PASSPHRASE, **how)  # type: ignore[arg-type]


def test_the_drill(
    installation: Installation, target: Path, empty_url: str, settings: Settings,
    clock: FixedClock, tmp_path: Path,
) -> None:  # fmt: skip
    backup = made(installation, target)
    assert not backup.missing
    with unit_of_work(EVERY_COURT, write=False) as session:
        generation = session.execute(sa.select(LogState.generation)).scalar_one()
    with another(settings, empty_url, tmp_path / "restored", clock) as app:
        restored(app, target)
        report = scrub(runtime_of(app), Options())
        assert [one.to_dict() for one in report.findings] == []
        assert report.counts["entries"] == backup.manifest["log"]["size"]
        with unit_of_work(EVERY_COURT, write=False) as session:
            assert session.execute(sa.select(LogState.generation)).scalar_one() != generation
            alive = sa.select(SignIn.id).where(SignIn.revoked_at.is_(None))
            assert session.execute(alive).first() is None
            items = session.execute(sa.select(Evidence)).scalars().all()
            photo = installation.ground.first.photo
            (found,) = [one for one in items if str(one.id) == _evidence(installation)]
            data = b"".join(runtime_of(app).stores.blobs.read(Digest(found.sha256)))
            assert data == photo
        _goes_on(app, installation)
        assert scrub(runtime_of(app), Options()).is_clean


def _evidence(installation: Installation) -> str:
    return installation.ground.first.ids["evidence"]


def _goes_on(app: Flask, installation: Installation) -> None:
    """A device pushes what comes after; the log grows on."""
    phone = installation.ground.first.world.phone
    with unit_of_work(EVERY_COURT, write=False) as session:
        chain = session.get_one(DeviceChain, (phone.id, 1))
        recorder = Recorder(app, phone, seq=chain.last_seq, prev=chain.head)
    assert recorder.outcomes([recorder.note("恢复之后(虚构)")]) == ["accepted"]
    assert sequence(app)


def test_a_second_backup_copies_nothing_again(
    installation: Installation, target: Path, clock: FixedClock
) -> None:
    first = made(installation, target)
    clock.advance(timedelta(hours=1))
    second = made(installation, target)
    assert first.copied > 0
    assert second.copied == 0
    assert open_source(target).folder == second.path


def test_tamper_a_changed_backup_is_refused(installation: Installation, target: Path) -> None:
    backup = made(installation, target)
    path = backup.path / "users.jsonl.gz"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(RestoreError, match="users"):
        open_source(target)


def test_a_half_written_backup_is_not_found(installation: Installation, target: Path) -> None:
    backup = made(installation, target)
    backup.path.rename(backup.path.with_name(backup.path.name + ".new"))
    with pytest.raises(RestoreError, match="no finished backup"):
        open_source(target)


def test_bytes_that_the_backup_lost_refuse_the_restore(
    installation: Installation, target: Path, empty_url: str, settings: Settings,
    clock: FixedClock, tmp_path: Path,
) -> None:  # fmt: skip
    made(installation, target)
    shutil.rmtree(target / "blobs" / "sha256")
    with another(settings, empty_url, tmp_path / "restored", clock) as app:
        with pytest.raises(RestoreError, match="gone or damaged"):
            restored(app, target)
        with db.engine.connect() as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM events")).scalar() == 0


def test_one_rotten_file_does_not_keep_the_rest_away(
    installation: Installation, target: Path, empty_url: str, settings: Settings,
    clock: FixedClock, tmp_path: Path,
) -> None:  # fmt: skip
    made(installation, target)
    rotten = _rot(installation, target)
    with another(settings, empty_url, tmp_path / "restored", clock) as app:
        with pytest.raises(RestoreError, match="gone or damaged"):
            restored(app, target)
        done = restored(app, target, without_lost=True)  # goes on where it broke off
        assert done.missing == [rotten]
        assert done.blobs > 0
        report = scrub(runtime_of(app), Options())
        assert {one.subject for one in report.findings} == {f"blobs/{rotten}"}


def test_a_rotten_file_at_the_target_is_replaced_when_it_is_read_again(
    installation: Installation, target: Path, clock: FixedClock
) -> None:
    made(installation, target)
    rotten = _rot(installation, target)
    clock.advance(timedelta(hours=1))
    assert made(installation, target).copied == 0
    clock.advance(timedelta(hours=1))
    again = back_up(runtime_of(installation.app), target, passphrase=PASSPHRASE, reread=True)
    assert again.copied == 1
    assert target_blobs(target).verify(Digest(rotten)).size_bytes > 0


def _rot(installation: Installation, target: Path) -> str:
    """One byte of the evidence at the target is another now."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        items = session.execute(sa.select(Evidence)).scalars().all()
        (sha256,) = [one.sha256 for one in items if str(one.id) == _evidence(installation)]
    (path,) = (target / "blobs").rglob(sha256)
    path.chmod(0o600)
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)
    return sha256


def test_nothing_is_restored_over_what_is_there(installation: Installation, target: Path) -> None:
    made(installation, target)
    with pytest.raises(RestoreError, match="courts"):
        restored(installation.app, target)


def test_another_passphrase_opens_nothing(
    installation: Installation, target: Path, empty_url: str, settings: Settings,
    clock: FixedClock, tmp_path: Path,
) -> None:  # fmt: skip
    made(installation, target)
    with another(settings, empty_url, tmp_path / "restored", clock) as app:
        source = open_source(target)
        with pytest.raises(RestoreError, match="passphrase"):
            restore(runtime_of(app), source, db.engine, upgrade, passphrase="another one")


def test_missing_bytes_are_said_and_kept_out(installation: Installation, target: Path) -> None:
    runtime = runtime_of(installation.app)
    victim = min(runtime.stores.blobs.digests(), key=lambda one: one.hex)
    runtime.stores.blobs.path_of(victim).unlink()  # type: ignore[attr-defined]
    backup = made(installation, target)
    assert backup.missing == [victim.hex]
    assert json.loads((backup.path / MANIFEST).read_bytes())["blobs"]["missing"] == [victim.hex]


def test_the_commands(
    installation: Installation, target: Path, settings: Settings, clock: FixedClock,
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("TIEZHENG_BACKUP_PASSPHRASE", PASSPHRASE)
    done = asked(installation.app, "backup", str(target), "--with-keys")
    assert (done["keys"], done["missing"]) == (True, [])
    refused = asked(installation.app, "restore", str(target), code=1)
    assert refused["error"] == "not-empty"
    with another(settings, empty_url, tmp_path / "restored", clock) as app:
        back = asked(app, "restore", str(target))
    assert (back["rows"], back["scrub"]["clean"]) == (done["rows"], True)
