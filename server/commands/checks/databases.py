"""The database: reachable, current, durable, and closed between courts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from server.audit.models import LogState
from server.commands.checks import signing, witnesses, workers
from server.commands.checks.finding import INIT, MIGRATE, Finding, Installation, fail, ok, warn
from server.commands.console import Words
from server.commands.people import courts, has_administrator
from server.core.db import Base
from server.core.transactions import (
    EVERY_COURT,
    begin,
    engine_options,
    prepare_engine,
    scope,
    sqlite_journal,
    sqlite_module,
)
from server.schema import is_current
from server.settings import PREFIX

POSTGRES_MIN: Final = 15
APART_SECONDS_MAX: Final = 2.0
_SYNCHRONOUS: Final = {"FULL": 2, "EXTRA": 3}
_DURABLE: Final = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
_ROLE: Final = "SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
_WALLS: Final = (
    "SELECT c.relname FROM pg_class c WHERE c.relname = ANY(:names) AND c.relkind = 'r'"
    " AND c.relnamespace = current_schema()::regnamespace AND c.relrowsecurity"
    " AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)"
)


def findings(place: Installation) -> Iterator[Finding]:
    """All of them, as far as the database answers."""
    absent = _absent_file(place)
    if absent is not None:
        yield absent
        return
    try:
        with _session(place) as session:
            yield from _reached(place, session)
    except (SQLAlchemyError, OSError, RuntimeError, ValueError) as error:
        text = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        yield fail(
            "database",
            Words(f"数据库没有应答：{text}", f"it does not answer: {text}"),
            Words(
                f"检查 {PREFIX}DATABASE_URL，确认数据库在运行",
                f"look at {PREFIX}DATABASE_URL and whether the database runs",
            ),
        )


def _reached(place: Installation, session: Session) -> Iterator[Finding]:
    connection = session.connection()
    yield server_of(connection)
    postgres = connection.dialect.name == "postgresql"
    if postgres:
        yield from durability(connection)
        yield clocks_agree(connection, place.clock.now())
    current = is_current(connection)
    yield schema(connection, current=current)
    if not current:
        return
    if postgres:
        yield row_security(connection)
    yield from contents(session)
    yield from workers.findings(session, place)
    yield from signing.findings(session, place)
    yield from witnesses.findings(session, place)


def server_of(connection: Connection) -> Finding:
    """Which database, and whether its version is supported."""
    if connection.dialect.name == "sqlite":
        return _sqlite(connection)
    number = connection.dialect.server_version_info or (0,)
    shown = ".".join(map(str, number))
    if int(number[0]) < POSTGRES_MIN:
        return fail(
            "database",
            Words(f"PostgreSQL {shown} 过旧", f"PostgreSQL {shown} is too old"),
            Words("升级到 15 或更新版本", "15 or newer is needed"),
        )
    return ok("database", f"PostgreSQL {shown}", f"PostgreSQL {shown}")


def durability(connection: Connection) -> Iterator[Finding]:
    """A database that does not flush loses what this server has acknowledged."""
    off = [
        name for name, value in _DURABLE.items()
        if connection.exec_driver_sql(f"SHOW {name}").scalar_one() == value
    ]  # fmt: skip
    if off:
        names = ", ".join(off)
        yield fail(
            "durability",
            Words(
                f"{names} 已关闭：断电会丢失已确认的数据", f"{names} off: a power cut loses data"
            ),
            Words(f"在 postgresql.conf 中打开 {names}", f"switch {names} on in postgresql.conf"),
        )
    else:
        yield ok("durability", "提交即落盘", "a commit is flushed to the disk")


def clocks_agree(connection: Connection, now: datetime) -> Finding:
    """The database's clock and this machine's."""
    theirs: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    apart = abs((theirs - now).total_seconds())
    said = Words(f"与数据库相差 {apart:.1f} 秒", f"{apart:.1f} s apart from the database's clock")
    if apart > APART_SECONDS_MAX:
        step = Words("两台主机都启用 NTP", "switch on time synchronisation on both machines")
        return warn("clocks", said, step)
    return ok("clocks", said.zh, said.en)


def schema(connection: Connection, *, current: bool) -> Finding:
    """Whether every migration was applied."""
    if current:
        return ok("schema", "已是当前版本", "every migration is applied")
    if not sa.inspect(connection).has_table("alembic_version"):
        return fail("schema", Words("数据库是空的", "the database is empty"), INIT)
    return fail("schema", Words("数据库版本与程序不符", "migrations are missing"), MIGRATE)


def row_security(connection: Connection) -> Finding:
    """The second wall between courts stands, and this role cannot walk around it."""
    role, above = connection.exec_driver_sql(_ROLE).one()
    if above:
        return fail(
            "row-security",
            Words(f"角色 {role} 不受行级安全约束", f"the role {role} is above row security"),
            Words(
                f"ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS，或改用普通角色",
                f"ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS, or connect as an ordinary role",
            ),
        )
    names = [name for name, table in Base.metadata.tables.items() if "court_id" in table.c]
    walled = set(connection.execute(sa.text(_WALLS), {"names": names}).scalars())
    open_ = sorted(set(names) - walled)
    if open_:
        shown = ", ".join(open_[:5])
        return fail(
            "row-security",
            Words(f"未强制行级安全的表：{shown}", f"not forced on: {shown}"),
            Words(
                "对这些表执行 ALTER TABLE … FORCE ROW LEVEL SECURITY，并查明原因",
                "ALTER TABLE … FORCE ROW LEVEL SECURITY on them, and find out who changed it",
            ),
        )
    return ok("row-security", f"{len(names)} 张表按法院隔离", f"{len(names)} tables kept by court")


def contents(session: Session) -> Iterator[Finding]:
    """The log was begun, and every court has somebody who can add people."""
    if session.get(LogState, 1) is None:
        yield fail("log", Words("事件日志尚未建立", "the event log was not begun"), INIT)
    found = courts(session)
    alone = [court.court_code for court in found if not has_administrator(session, court.id)]
    if not found:
        yield warn("courts", Words("还没有法院", "there is no court yet"), INIT)
    elif alone:
        shown = ", ".join(alone)
        yield warn(
            "courts",
            Words(f"没有管理员的法院：{shown}", f"without an administrator: {shown}"),
            Words(
                "flask --app wsgi user add --court … --role administrator …",
                "flask --app wsgi user add --court … --role administrator …",
            ),
        )
    else:
        yield ok("courts", f"{len(found)} 个法院", f"{len(found)} of them")


def _sqlite(connection: Connection) -> Finding:
    """The journal of the file is the pair that loses nothing with this library (07 §1)."""
    journal, synchronous = sqlite_journal(sqlite_module())
    mode = str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()).upper()
    level = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    if (mode, level) != (journal, _SYNCHRONOUS[synchronous]):
        return fail(
            "database",
            Words(f"日志模式为 {mode}/{level}", f"its journal is {mode}/{level}"),
            Words(f"应为 {journal} + {synchronous}", f"{journal} + {synchronous} is needed"),
        )
    name = connection.engine.url.database
    return ok("database", f"SQLite 文件 {name}，{mode}", f"SQLite file {name}, {mode}")


def _absent_file(place: Installation) -> Finding | None:
    """Looking at a SQLite file that is not there would make one."""
    try:
        url = make_url(place.settings.database)
    except (SQLAlchemyError, ValueError) as error:
        return fail(
            "database",
            Words(f"地址无法解析：{error}", f"its address cannot be read: {error}"),
            Words(f"检查 {PREFIX}DATABASE_URL", f"look at {PREFIX}DATABASE_URL"),
        )
    if url.get_backend_name() != "sqlite" or Path(url.database or "").is_file():
        return None
    return fail("database", Words(f"{url.database} 不存在", f"{url.database} is not there"), INIT)


@contextmanager
def _session(place: Installation) -> Iterator[Session]:
    """A session that only reads, on an engine of its own."""
    engine: Engine = sa.create_engine(
        place.settings.database, **engine_options(place.settings.database)
    )
    prepare_engine(engine)
    try:
        with Session(engine) as session:
            begin(session, write=False)
            scope(session, EVERY_COURT)
            yield session
    finally:
        engine.dispose()
