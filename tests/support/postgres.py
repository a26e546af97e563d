"""A PostgreSQL server of the tests' own: temporary folder, loopback, gone with the test."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from tests.support.need import need
from tests.support.ports import free_port

HOST = "127.0.0.1"
ADMIN = "postgres"
ROLE = "tiezheng"
"""Owns every database and is no superuser: row security binds it where it is FORCEd."""

_VERSION_MIN = 15
_START_SECONDS = 30
_STOP_SECONDS = 20
_ATTEMPTS = 3
_OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "timezone": "UTC",
}


class PostgresError(RuntimeError):
    """The server could not be started; the message carries the end of its log."""


@dataclass(frozen=True)
class Database:
    """One database, owned by :data:`ROLE`."""

    name: str
    url: str
    """For SQLAlchemy: ``postgresql+psycopg://…``."""
    dsn: str
    """For psycopg and libpq: ``postgresql://…``."""


@dataclass(frozen=True)
class Postgres:
    """A running server."""

    port: int
    pid: int

    def create_database(self, template: Database | str | None = None) -> Database:
        """Make a database with a fresh name; a copy of ``template``, to which nobody is connected.

        Copying a migrated template takes some 50 ms, migrating takes seconds.
        """
        name = f"t_{uuid.uuid4().hex[:16]}"
        statement = sql.SQL("CREATE DATABASE {} OWNER {}").format(
            sql.Identifier(name), sql.Identifier(ROLE)
        )
        if template is not None:
            source = template if isinstance(template, str) else template.name
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(source))
        self._as_admin(statement)
        return self.database(name)

    def database(self, name: str, *, role: str = ROLE) -> Database:
        """Addresses of the database ``name`` for ``role``; whether it exists is not looked at."""
        place = f"{role}@{HOST}:{self.port}/{name}"
        return Database(name=name, url=f"postgresql+psycopg://{place}", dsn=f"postgresql://{place}")

    def drop_database(self, database: Database | str) -> None:
        """Drop a database, ending the connections to it."""
        name = database if isinstance(database, str) else database.name
        self._as_admin(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )

    def _as_admin(self, statement: sql.SQL | sql.Composed) -> None:
        dsn = self.database("postgres", role=ADMIN).dsn
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(statement)


def find_postgres() -> Path | None:
    """Folder with ``initdb`` and ``postgres`` of the newest version from 15 on, if there is one."""
    folders = list(Path("/usr/lib/postgresql").glob("*/bin"))
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    found = [
        (_version(folder), folder)
        for folder in folders
        if (folder / "initdb").exists() and (folder / "postgres").exists()
    ]
    good = [entry for entry in found if entry[0] >= _VERSION_MIN]
    return max(good)[1] if good else None


def _version(folder: Path) -> int:
    """Major version, from ``initdb (PostgreSQL) 15.18 (Debian …)``."""
    answer = subprocess.run(
        [folder / "initdb", "--version"], capture_output=True, text=True, check=True
    )
    digits = re.search(r"\d+", answer.stdout)
    return int(digits[0]) if digits else 0


@contextlib.contextmanager
def running_postgres(options: Mapping[str, str] | None = None) -> Iterator[Postgres]:
    """Start a server in a temporary folder, yield it, stop it; ``options`` go to ``postgres -c``.

    Skips the test (fails when ``CI=true``) where PostgreSQL 15 or newer is not installed. As root
    the server runs as ``nobody``, since PostgreSQL refuses to run as root. It dies with the
    process that started it, even if that is killed (Linux).
    """
    binaries = find_postgres()
    need(binaries is not None, "PostgreSQL 15 or newer is not installed")
    assert binaries is not None
    folder = Path(tempfile.mkdtemp(prefix="tiezheng-pg-"))
    try:
        _init(binaries, folder)
        process, port = _start(binaries, folder, {**_OPTIONS, **(options or {})})
        try:
            _create_role(port)
            yield Postgres(port=port, pid=process.pid)
        finally:
            _stop(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _runner(*, bound: bool) -> list[str]:
    """Command prefix: another user when root; ``bound``: end with the process that started it."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        need(os.geteuid() != 0, "PostgreSQL refuses to run as root, and setpriv is not installed")
        return []
    prefix = [setpriv]
    if bound:
        prefix += ["--pdeathsig", "INT"]
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        prefix += [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    return [*prefix, "--"] if len(prefix) > 1 else []


def _init(binaries: Path, folder: Path) -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    command = [f"{binaries}/initdb", "-D", f"{folder}/data", "-U", ADMIN, "--auth=trust"]
    command += ["-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
    done = subprocess.run(
        [*_runner(bound=False), *command], cwd="/", capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise PostgresError(f"initdb failed:\n{done.stdout}{done.stderr}")


def _start(
    binaries: Path, folder: Path, options: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], int]:
    """Start on a free port; on another one if somebody took it meanwhile."""
    log = folder / "log"
    for _ in range(_ATTEMPTS):
        port = free_port()
        settings = {
            "listen_addresses": HOST,
            "port": str(port),
            "unix_socket_directories": str(folder),
            **options,
        }
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with log.open("ab") as out:
            process = subprocess.Popen(
                [*_runner(bound=True), binaries / "postgres", "-D", folder / "data", *flags],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if _answers(process, port):
            return process, port
        _stop(process)
    raise PostgresError(f"postgres did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(f"postgresql://{ADMIN}@{HOST}:{port}/postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return True
    return False


def _create_role(port: int) -> None:
    with psycopg.connect(
        f"postgresql://{ADMIN}@{HOST}:{port}/postgres", autocommit=True
    ) as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS").format(sql.Identifier(ROLE))
        )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown (SIGINT), then immediate (SIGQUIT): both end the server's children too."""
    for way in (signal.SIGINT, signal.SIGQUIT):
        if process.poll() is not None:
            return
        process.send_signal(way)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
    if process.poll() is None:
        process.kill()
        process.wait()
