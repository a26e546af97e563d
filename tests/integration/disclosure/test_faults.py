"""Exports that are killed, starved, contradicted or spoiled."""

from __future__ import annotations

import errno
import os
import signal
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server.core.context import Context, system_actor
from server.core.db import db
from server.core.transactions import EVERY_COURT, unit_of_work
from server.disclosure import upkeep
from server.disclosure.building import Builder
from server.disclosure.models import Export
from server.disclosure.package import Package
from tests.factories.exports import Bureau, entries_of, kinds_of
from tests.factories.field import sequence
from tests.factories.identity import runtime_of
from tests.factories.log import sign_log
from tests.factories.uploads import sha256_of

# Where a process dies in its work folder has nothing to do with the database: one kind is enough.
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def bureau(app: Flask) -> Bureau:
    return Bureau.build(app, photos=3)


def killed(bureau: Bureau, spoil: Callable[[], None]) -> None:
    """Let a worker of its own process work, after ``spoil``; it has to die of SIGKILL."""
    db.session.remove()
    child = os.fork()
    if child == 0:
        try:
            db.engine.dispose(close=False)
            spoil()
            bureau.work()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL


def dies(owner: type, name: str, *, before: bool, call: int = 1) -> Callable[[], None]:
    """Make the process kill itself at the n-th call of a method."""

    def spoil() -> None:
        real, calls = getattr(owner, name), [0]

        def method(*given: Any, **named: Any) -> Any:
            calls[0] += 1
            if before and calls[0] == call:
                os.kill(os.getpid(), signal.SIGKILL)
            result = real(*given, **named)
            if calls[0] == call:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        setattr(owner, name, method)

    return spoil


@on_sqlite
@pytest.mark.parametrize(
    ("owner", "name", "before", "call"),
    [
        (Package, "add_object", True, 1),
        (Package, "add_object", False, 2),
        (Builder, "_enter", True, 1),
        (Builder, "_enter", False, 1),
    ],
)
def test_killed_before_it_is_entered(
    bureau: Bureau, tmp_path: Path, owner: type, name: str, before: bool, call: int
) -> None:
    export_id = bureau.asked()
    sequence(bureau.app)
    killed(bureau, dies(owner, name, before=before, call=call))
    bureau.soon(61)  # the lease of the dead runs out
    sign_log(bureau.app)
    bureau.soon()
    shown = bureau.shown(export_id)
    assert shown["state"] == "done", shown
    assert kinds_of(bureau.app).count("custody.exported") == 1
    assert len(entries_of(bureau.package(shown, tmp_path))) > 5


def test_what_was_copied_is_not_copied_again(bureau: Bureau) -> None:
    bureau.asked()
    sequence(bureau.app)
    killed(bureau, dies(Package, "add_object", before=False, call=2))
    folders = list((bureau.folder / "exports").iterdir())
    with Package(folders[0], folders[0].name) as package:
        assert len(package.objects) == 2


@on_sqlite
@pytest.mark.parametrize("name", ["add_entries", "add_proofs", "finish"])
@pytest.mark.parametrize("before", [True, False])
def test_killed_while_it_is_packed(bureau: Bureau, tmp_path: Path, name: str, before: bool) -> None:
    export_id = bureau.asked()
    bureau.work()
    sign_log(bureau.app)
    bureau.clock.advance(timedelta(seconds=3))
    killed(bureau, dies(Package, name, before=before))
    bureau.soon(61)
    shown = bureau.shown(export_id)
    assert shown["state"] == "done", shown
    assert entries_of(bureau.package(shown, tmp_path))


def test_a_damaged_original_stops_the_export(bureau: Bureau) -> None:
    digest = sha256_of(bureau.photos[1])
    (path,) = (bureau.folder / "sha256").rglob(digest)
    path.chmod(0o600)
    path.write_bytes(b"x" * path.stat().st_size)
    export_id = bureau.asked()
    bureau.work()
    shown = bureau.shown(export_id)
    assert shown["state"] == "failed"
    assert digest in shown["problem"]
    assert "damaged" in shown["problem"]
    assert kinds_of(bureau.app).count("custody.export-failed") == 1
    assert "custody.exported" not in kinds_of(bureau.app)
    assert not (bureau.folder / "exports" / export_id).exists()


def test_a_lost_original_stops_the_export(bureau: Bureau) -> None:
    digest = sha256_of(bureau.photos[0])
    (path,) = (bureau.folder / "sha256").rglob(digest)
    path.unlink()
    export_id = bureau.asked()
    bureau.work()
    shown = bureau.shown(export_id)
    assert shown["state"] == "failed"
    assert f"does not hold the original {digest}" in shown["problem"]


def test_without_a_signer_it_says_so_and_fails_in_the_end(bureau: Bureau) -> None:
    export_id = bureau.asked()
    bureau.work()
    bureau.soon()
    waiting = bureau.shown(export_id)
    assert waiting["state"] == "signing"
    assert waiting["waits_for"] == "waiting for the signature of the log"
    bureau.soon(runtime_of(bureau.app).settings.export_sign_seconds_max + 1)
    shown = bureau.shown(export_id)
    assert shown["state"] == "failed"
    assert "flask --app wsgi signer" in shown["problem"]


def test_two_exports_at_once(bureau: Bureau, tmp_path: Path) -> None:
    ids = [bureau.asked(), bureau.asked(evidence_ids=[str(bureau.item(bureau.photos[0]))])]
    bureau.work()
    sign_log(bureau.app)
    bureau.soon()
    shown = [bureau.shown(one) for one in ids]
    assert [one["state"] for one in shown] == ["done", "done"]
    assert len({one["sha256"] for one in shown}) == 2
    for one in shown:
        assert entries_of(bureau.package(one, tmp_path))


def test_what_comes_while_it_waits_is_decided_anew(bureau: Bureau, tmp_path: Path) -> None:
    export_id = bureau.asked()
    bureau.work()  # entered into the outbox's log, not signed
    bureau.photo(b"a late photo")
    sequence(bureau.app)
    sign_log(bureau.app)
    bureau.soon()
    sign_log(bureau.app)
    bureau.soon()
    shown = bureau.shown(export_id)
    assert shown["state"] == "done"


def test_a_font_that_is_not_there_is_an_error(bureau: Bureau) -> None:
    settings = runtime_of(bureau.app).settings
    object.__setattr__(settings, "report_font", "/nowhere/font.ttf")
    export_id = bureau.asked()
    bureau.work()
    shown = bureau.shown(export_id)
    assert shown["state"] == "failed"
    assert "TIEZHENG_REPORT_FONT" in shown["problem"]


def test_a_row_that_was_edited_by_hand_is_not_believed(bureau: Bureau) -> None:
    export_id = bureau.asked()
    sequence(bureau.app)
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.update(Export).values(recipient="somebody else"))
    bureau.work()
    shown = bureau.shown(export_id)
    assert shown["state"] == "failed"
    assert "not what was asked for" in shown["problem"]


def test_a_full_disk_is_waited_for(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    export_id = bureau.asked()
    sequence(bureau.app)
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        bureau.work()
    waiting = bureau.shown(export_id)
    assert waiting["state"] == "copying"
    assert "No space left" in waiting["waits_for"]
    bureau.soon(61)
    sign_log(bureau.app)
    bureau.soon()
    assert bureau.shown(export_id)["state"] == "done"


def test_unforeseen_trouble_is_shown_and_tried_again(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoiled(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a mistake of the code")

    export_id = bureau.asked()
    with monkeypatch.context() as patched:
        patched.setattr(Package, "add_bytes", spoiled)
        bureau.work()
    assert "a mistake of the code" in bureau.shown(export_id)["waits_for"]
    bureau.soon(61)
    sign_log(bureau.app)
    bureau.soon()
    assert bureau.shown(export_id)["state"] == "done"


def test_folders_that_nobody_works_in_are_swept(bureau: Bureau) -> None:
    export_id = bureau.asked()
    bureau.work()
    left = bureau.folder / "exports" / str(uuid.uuid4())
    left.mkdir()
    ctx = Context(system_actor(), db.session(), runtime_of(bureau.app))
    assert upkeep.sweep(ctx) == 1
    assert not left.exists()
    assert (bureau.folder / "exports" / export_id).is_dir()
