"""What doctor finds: each thing that is wrong or risky, alone, with what to do."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server.app import create_app
from server.audit.models import LogState, RefusedRow
from server.commands.checks import host, places
from server.commands.checks.finding import Level
from server.core.clock import FixedClock
from server.core.db import db
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity.models import Court, User
from server.jobs.models import Job
from server.settings import Settings
from tests.factories.commands import asked, run
from tests.factories.identity import World, runtime_of
from tests.factories.log import enter_events, sign_log
from tests.support.ports import free_port
from tests.support.postgres import ADMIN, Database, Postgres

EXIT = {"ok": 0, "warn": 1, "fail": 2}
# True of the machine that the tests run on, whatever the installation looks like; and the tests'
# own PostgreSQL does not flush.
OF_THE_MACHINE = {"clock", "clocks", "sandbox", "space", "durability", "fonts"}


def diagnosis(app: Flask) -> dict[str, Any]:
    done = run(app, "doctor", "--json")
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == EXIT[found["level"]]
    assert all(one["do"] for one in found["findings"] if one["level"] != "ok")
    return found


class Trouble(dict[str, str]):
    """Check → level of everything that is not well; ``of`` gives what was said."""

    def __init__(self, findings: list[dict[str, Any]]) -> None:
        self._findings = {one["check"]: one for one in findings}
        super().__init__(
            (one["check"], one["level"])
            for one in findings
            if one["level"] != "ok" and one["check"] not in OF_THE_MACHINE
        )

    def of(self, check: str) -> dict[str, Any]:
        found: dict[str, Any] = self._findings[check]
        return found


def trouble(app: Flask) -> Trouble:
    return Trouble(diagnosis(app)["findings"])


def said(app: Flask, check: str) -> dict[str, Any]:
    (found,) = [one for one in diagnosis(app)["findings"] if one["check"] == check]
    return dict(found)


@contextmanager
def other_app(settings: Settings, clock: FixedClock, **changes: Any) -> Iterator[Flask]:
    """The same installation with other settings."""
    app = create_app(replace(settings, **changes), clock=clock)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def sound(app: Flask, settings: Settings) -> Flask:
    """An installation with nothing wrong."""
    settings.data_dir.chmod(0o700)
    World.build(app)
    return app


def test_a_sound_installation(sound: Flask, database_url: str) -> None:
    assert trouble(sound) == {}
    checks = [one["check"] for one in diagnosis(sound)["findings"]]
    expected = [
        "settings", "sqlite", "uploads", "clock", "address", "data", "keys", "blobs", "space",
        "sandbox", "fonts", "database", "durability", "clocks", "schema", "row-security", "courts",
        "worker", "signer", "witnesses",
    ]  # fmt: skip
    only_postgres = {"durability", "clocks", "row-security"}
    if database_url.startswith("sqlite"):
        expected = [check for check in expected if check not in only_postgres]
    assert checks == expected


def test_people_get_a_table_in_their_language(sound: Flask) -> None:
    english = run(sound, "doctor").stdout.splitlines()
    assert english[0].split()[:2] == ["ok", "settings"]
    assert "正常  settings" in run(sound, "doctor", lang="zh").stdout


def test_an_empty_folder_needs_init(tmp_path: Path, clock: FixedClock) -> None:
    settings = Settings(data_dir=tmp_path / "new", log_level="error")
    with other_app(settings, clock) as app:
        settings.data_dir.chmod(0o700)
        found = trouble(app)
        assert found == {"keys": "fail", "database": "fail"}
        assert "init" in found.of("database")["do"]
        assert not (settings.data_dir / "tiezheng.db").exists(), "looking makes nothing"


def test_an_open_folder(sound: Flask, settings: Settings) -> None:
    settings.data_dir.chmod(0o750)
    assert trouble(sound) == {"data": "warn"}
    settings.data_dir.chmod(0o777)
    found = trouble(sound)
    assert found == {"data": "fail"}
    assert found.of("data")["do"] == f"chmod 700 {settings.data_dir}"


def test_keys_that_others_can_read(sound: Flask, settings: Settings) -> None:
    path = settings.data_dir / "keys" / "data.key"
    path.chmod(0o640)
    found = trouble(sound)
    assert found == {"keys": "fail"}
    assert found.of("keys")["do"] == f"chmod 600 {path}"


def test_missing_and_broken_keys(sound: Flask, settings: Settings) -> None:
    folder = settings.data_dir / "keys"
    (pem,) = folder.glob("event-*.pem")
    content = pem.read_bytes()
    pem.write_bytes(b"nonsense")
    assert trouble(sound)["keys"] == "fail"
    pem.write_bytes(content)
    (folder / "data.key").unlink()
    assert trouble(sound) == {"keys": "fail"}


def test_a_store_that_cannot_be_opened(sound: Flask, settings: Settings) -> None:
    aside = settings.data_dir / "quarantine"
    shutil.rmtree(aside)
    aside.write_text("in the way")
    assert trouble(sound) == {"blobs": "fail"}


def test_a_second_store_that_does_not_answer(sound: Flask, settings: Settings) -> None:
    changes = {
        "blob_store": "s3", "s3_bucket": "copies", "s3_access_key": "a", "s3_secret_key": "b",
        "s3_endpoint": f"http://127.0.0.1:{free_port()}",
    }  # fmt: skip
    clock = runtime_of(sound).clock
    assert isinstance(clock, FixedClock)
    with other_app(settings, clock, **changes) as app:
        found = trouble(app)
        assert found == {"s3": "fail"}
        assert "TIEZHENG_S3_" in found.of("s3")["do"]


def test_a_volume_that_is_nearly_full(sound: Flask, settings: Settings, clock: FixedClock) -> None:
    used = runtime_of(sound).stores.uploads.space().used_ratio
    for most, level in ((used / 2, "fail"), (min(1.0, used * 1.05), "warn")):
        with other_app(settings, clock, spool_used_ratio_max=most) as app:
            assert said(app, "space")["level"] == level


@pytest.mark.parametrize(
    ("url", "proxies", "level"),
    [
        ("https://evidence.example", 1, "ok"),
        ("https://evidence.example", 0, "warn"),
        ("http://evidence.example", 1, "warn"),
        ("http://127.0.0.1:8460", 0, "ok"),
        ("http://[::1]:8460", 0, "ok"),
        ("http://10.0.0.7:8460", 0, "warn"),
    ],
)
def test_addresses(url: str, proxies: int, level: str) -> None:
    settings = Settings(public_url=url, trusted_proxies=proxies)
    assert [one.level.name.lower() for one in places.addresses(settings)] == [level]


def test_a_schema_that_is_behind(sound: Flask) -> None:
    with db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    found = trouble(sound)
    assert found == {"schema": "fail"}
    assert "migrate" in found.of("schema")["do"]


def test_a_log_that_was_not_begun(sound: Flask) -> None:
    with unit_of_work(EVERY_COURT) as session:
        session.delete(session.get_one(LogState, 1))
    assert trouble(sound) == {"log": "fail"}


def test_a_court_without_administrator(sound: Flask) -> None:
    with unit_of_work(EVERY_COURT) as session:
        people = session.execute(sa.select(User).where(User.login == "administrator.two"))
        people.scalar_one().disabled_at = datetime(2026, 1, 1, tzinfo=UTC)
    found = trouble(sound)
    assert found == {"courts": "warn"}
    assert "样0102" in found.of("courts")["detail"]


def test_a_worker_that_lags(sound: Flask, clock: FixedClock) -> None:
    run(sound, "court", "add", "--name", "丙(虚构)", "--code", "样0103")
    run(sound, "user", "add", "--court", "样0103", "--login", "admin", "--name", "管理员(虚构)",
        "--role", "administrator")  # fmt: skip
    assert trouble(sound) == {}
    clock.advance(timedelta(seconds=31))
    assert trouble(sound) == {"worker": "warn"}
    clock.advance(timedelta(seconds=runtime_of(sound).settings.outbox_lag_seconds_max))
    found = trouble(sound)
    assert found == {"worker": "fail"}
    assert "worker" in found.of("worker")["do"]


def test_a_worker_that_ended(sound: Flask, clock: FixedClock) -> None:
    assert "has not run yet" in said(sound, "worker")["detail"]
    asked(sound, "worker", "--once")
    assert "it runs" in said(sound, "worker")["detail"]
    clock.advance(timedelta(hours=1))
    found = trouble(sound)
    assert found == {"worker": "fail"}
    assert "has not run since" in found.of("worker")["detail"]


def test_work_that_was_given_up(sound: Flask, clock: FixedClock) -> None:
    with unit_of_work(EVERY_COURT) as session:
        session.add(
            Job(
                id=uuid.uuid4(), handler="examine", log_index=0, subject_id="-", state="failed",
                attempts=5, run_after=clock.now(), last_error="no room",
            )
        )  # fmt: skip
    found = trouble(sound)
    assert found == {"jobs": "warn"}
    assert "no room" in found.of("jobs")["detail"]


@pytest.fixture
def guarded(postgres: Postgres, postgres_template: Database) -> Database:
    """A database of PostgreSQL alone."""
    return postgres.create_database(postgres_template)


def postgres_app(url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", database_url=url, log_level="error")


def test_a_role_above_row_security(
    postgres: Postgres, guarded: Database, tmp_path: Path, clock: FixedClock
) -> None:
    above = postgres.database(guarded.name, role=ADMIN)
    with other_app(postgres_app(above.url, tmp_path), clock) as app:
        found = said(app, "row-security")
    assert found["level"] == "fail"
    assert ADMIN in found["detail"]


@pytest.mark.parametrize("change", ["NO FORCE ROW LEVEL SECURITY", "DISABLE ROW LEVEL SECURITY"])
def test_a_table_whose_wall_is_down(
    guarded: Database, tmp_path: Path, clock: FixedClock, change: str
) -> None:
    with other_app(postgres_app(guarded.url, tmp_path), clock) as app:
        assert said(app, "row-security")["level"] == "ok"
        with db.engine.begin() as connection:
            connection.execute(sa.text(f"ALTER TABLE evidence {change}"))
        found = said(app, "row-security")
    assert found["level"] == "fail"
    assert "evidence" in found["detail"]


def test_a_database_that_does_not_flush(
    guarded: Database, tmp_path: Path, clock: FixedClock
) -> None:
    with other_app(postgres_app(guarded.url, tmp_path), clock) as app:
        found = said(app, "durability")
    assert found["level"] == "fail"  # the tests' own server runs with fsync off
    assert "fsync" in found["detail"]


def test_a_clock_apart_from_the_databases(
    guarded: Database, tmp_path: Path, clock: FixedClock
) -> None:
    with other_app(postgres_app(guarded.url, tmp_path), clock) as app:
        assert said(app, "clocks")["level"] == "warn"


def test_a_database_that_does_not_answer(tmp_path: Path, clock: FixedClock) -> None:
    url = f"postgresql://tiezheng@127.0.0.1:{free_port()}/tiezheng"
    with other_app(postgres_app(url, tmp_path), clock) as app:
        found = said(app, "database")
    assert found["level"] == "fail"
    assert "TIEZHENG_DATABASE_URL" in found["do"]


def test_a_clock_of_another_time() -> None:
    assert host.wall_clock(datetime(1970, 1, 2, tzinfo=UTC)).level is Level.FAIL


def test_a_gunicorn_that_looks_different_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    assert host.uploads_seam().level is Level.OK
    import gunicorn.http.body as inside  # noqa: PLC0415  the one that is changed

    class LengthReader2(inside.LengthReader):  # type: ignore[misc]
        """The same under another name, as a later version might have it."""

    monkeypatch.setattr("gunicorn.http.message.LengthReader", LengthReader2)
    found = host.uploads_seam()
    assert found.level is Level.WARN
    assert found.step is not None


@pytest.mark.parametrize("kind", ["process", "bwrap"])
def test_the_sandbox_that_was_asked_for(kind: str) -> None:
    found = places.sandbox(Settings(sandbox=kind))
    confined = found.said.en.startswith("bubblewrap")
    allowed = {"process": {Level.WARN}, "bwrap": {Level.OK if confined else Level.FAIL}}
    assert found.level in allowed[kind]


def test_a_signer_that_refuses_is_a_failure_with_its_reason(sound: Flask) -> None:
    with unit_of_work(EVERY_COURT, write=False) as session:
        court_id = session.execute(sa.select(Court.id)).scalars().first()
    assert court_id is not None
    enter_events(sound, court_id, 3)
    assert trouble(sound) == {"signer": "warn"}
    size = sign_log(sound)
    assert trouble(sound) == {}
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.update(LogState).values(next_index=size - 1))
    sign_log(sound)
    assert trouble(sound)["signer"] == "fail"
    (found,) = [one for one in diagnosis(sound)["findings"] if one["check"] == "signer"]
    assert "older backup" in found["detail"]
    assert "newer database" in found["do"]


def test_injected_rows_are_a_failure(sound: Flask) -> None:
    sign_log(sound)
    row = {
        "outbox_id": 1,
        "found_at": runtime_of(sound).clock.now(),
        "reason": "mac",
        "row": {"h": "{}"},
    }
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.insert(RefusedRow), row)
    assert trouble(sound) == {"outbox": "fail"}
