"""From nothing to a server that can start, on both databases, once and again."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from server.app import create_app
from server.audit.models import LogState, OutboxRow
from server.core.clock import FixedClock
from server.core.db import db
from server.core.keyring import EVENT, TOKEN
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity.models import Court, User
from server.identity.passwords import verify_password
from server.schema import downgrade, is_current
from server.settings import Settings
from tests.factories.commands import asked, run
from tests.factories.identity import runtime_of
from tests.support.postgres import Postgres

COURT = ("--court-name", "云溪县人民法院(虚构)", "--court-code", "样0101")
PERSON = ("--admin-login", "admin", "--admin-name", "管理员(虚构)")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of a database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data' / 'tiezheng.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.create_database().url


@pytest.fixture
def bare(empty_url: str, tmp_path: Path, clock: FixedClock) -> Iterator[Flask]:
    """An application before ``init``."""
    settings = Settings(data_dir=tmp_path / "data", database_url=empty_url, log_level="error")
    app = create_app(settings, clock=clock)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def counted(*tables: type) -> list[int]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        return [
            session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in tables
        ]


def test_everything_is_made(bare: Flask) -> None:
    made = asked(bare, "init", *COURT, *PERSON)
    assert set(made["steps"].values()) == {"made"}
    assert list(made["steps"]) == [
        "folders", "database", "keys", "log", "court", "administrator"
    ]  # fmt: skip
    with db.engine.connect() as connection:
        assert is_current(connection)
    tools = runtime_of(bare)
    assert stat.S_IMODE(tools.settings.data_dir.stat().st_mode) == 0o700
    for purpose in (TOKEN, EVENT):
        assert tools.keyring.active(purpose).kid
    with unit_of_work(EVERY_COURT, write=False) as session:
        user = session.execute(sa.select(User)).scalar_one()
        assert (user.login, user.roles) == ("admin", ["administrator"])
        assert user.password_temporary
        assert verify_password(user.password_hash, made["temporary_password"])
        assert len(session.get_one(LogState, 1).generation) == 32


def test_a_second_time_nothing_changes(bare: Flask) -> None:
    asked(bare, "init", *COURT, *PERSON)
    tools = runtime_of(bare)
    kids = [tools.keyring.active(purpose).kid for purpose in (TOKEN, EVENT)]
    data_key = (tools.settings.data_dir / "keys" / "data.key").read_bytes()
    with unit_of_work(EVERY_COURT, write=False) as session:
        generation = session.get_one(LogState, 1).generation
    tools.settings.data_dir.chmod(0o750)  # the operator's own wish from now on
    before = counted(Court, User, OutboxRow)
    again = asked(bare, "init", "--court-name", "乙(虚构)", "--court-code", "样0102", *PERSON)
    assert set(again["steps"].values()) == {"kept"}
    assert again["temporary_password"] is None
    assert counted(Court, User, OutboxRow) == before
    assert [tools.keyring.active(purpose).kid for purpose in (TOKEN, EVENT)] == kids
    assert (tools.settings.data_dir / "keys" / "data.key").read_bytes() == data_key
    assert stat.S_IMODE(tools.settings.data_dir.stat().st_mode) == 0o750
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.get_one(LogState, 1).generation == generation


def test_two_installations_have_feeds_of_their_own(bare: Flask, tmp_path: Path) -> None:
    asked(bare, "init", "--no-input")
    with unit_of_work(EVERY_COURT, write=False) as session:
        first = session.get_one(LogState, 1).generation
    other = create_app(Settings(data_dir=tmp_path / "other", log_level="error"))
    with other.app_context():
        asked(other, "init", "--no-input")
        with unit_of_work(EVERY_COURT, write=False) as session:
            assert session.get_one(LogState, 1).generation != first
        db.session.remove()
        db.engine.dispose()


def test_what_is_not_told_is_asked(bare: Flask) -> None:
    done = run(bare, "init", typed="云溪县人民法院(虚构)\n样0101\n\n赵演示(虚构)\n")
    assert done.exit_code == 0, done.stderr
    assert "temporary password" in done.stdout
    assert "flask --app wsgi device code --court 样0101" in done.stdout
    (user,) = asked(bare, "user", "list")["users"]
    assert (user["login"], user["name"]) == ("admin", "赵演示(虚构)")


def test_without_input_it_goes_as_far_as_it_can(bare: Flask) -> None:
    done = run(bare, "init", "--no-input")
    assert done.exit_code == 0
    assert "--court-name … --court-code …" in done.stdout
    first = asked(bare, "init", *COURT)
    assert first["steps"]["court"] == "made"
    assert first["steps"]["administrator"] == "missing"
    second = asked(bare, "init", *PERSON)
    assert second["steps"]["court"] == "kept"
    assert second["steps"]["administrator"] == "made"


def test_a_wrong_answer_leaves_what_was_made_before(bare: Flask) -> None:
    wrong = run(bare, "init", "--court-name", "甲(虚构)", "--court-code", "nonsense", *PERSON)
    assert wrong.exit_code == 1
    assert counted(Court, User) == [0, 0]
    assert set(asked(bare, "init", *COURT, *PERSON)["steps"].values()) == {"made", "kept"}


def test_a_password_may_come_from_standard_input(bare: Flask) -> None:
    made = asked(bare, "init", *COURT, *PERSON, "--password-stdin", typed="nine 样例 words of it\n")
    assert made["temporary_password"] is None
    with unit_of_work(EVERY_COURT, write=False) as session:
        user = session.execute(sa.select(User)).scalar_one()
        assert verify_password(user.password_hash, "nine 样例 words of it")


def test_migrate_brings_the_schema_and_says_when_it_is_there(bare: Flask) -> None:
    assert asked(bare, "migrate") == {"migrated": True}
    assert asked(bare, "migrate") == {"migrated": False}
    downgrade(db.engine)
    assert asked(bare, "migrate") == {"migrated": True}


@pytest.mark.parametrize(
    "ask",
    [lambda app: run(app, "user", "list"), lambda app: run(app, "keys", "list")],
    ids=["database", "keys"],
)
def test_a_command_before_init_says_what_to_do(bare: Flask, ask: Callable[[Flask], object]) -> None:
    done = ask(bare)
    assert getattr(done, "exit_code", None) == 3
    assert "doctor" in getattr(done, "stderr", "")


def test_chinese_is_spoken(bare: Flask) -> None:
    done = run(bare, "init", *COURT, *PERSON, "--no-input", lang="zh")
    for text in ("已建立", "临时密码", "下一步"):
        assert text in done.stdout
