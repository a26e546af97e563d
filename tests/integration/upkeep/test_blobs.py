"""Bytes that rot are found, and replaced where a second copy is sound."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit.events import EventKind
from server.audit.models import OutboxRow
from server.core.transactions import EVERY_COURT, unit_of_work
from server.core.units import system_units
from server.evidence.models import Blob
from server.upkeep import blobs as upkeep_blobs
from server.upkeep.blobs import BlobScrub, Place
from server.upkeep.findings import Code, Report
from server.upkeep.scrub import Options, scrub
from storage.digest import Digest
from tests.factories.commands import asked, run
from tests.factories.identity import runtime_of
from tests.factories.upkeep import Installation
from tests.factories.uploads import sha256_of

Spoil = Callable[[Path], None]
BYTES = Options(log=False, resume=False)


@pytest.fixture
def installation(app: Flask) -> Installation:
    return Installation.build(app)


def photo(installation: Installation) -> tuple[Digest, Path]:
    """The first court's photo and its file."""

    digest = Digest(sha256_of(installation.ground.first.photo))
    store = runtime_of(installation.app).stores.blobs
    path: Path = store.path_of(digest)  # type: ignore[attr-defined]
    path.chmod(0o600)
    return digest, path


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def events(kind: EventKind) -> int:
    with unit_of_work(EVERY_COURT, write=False) as session:
        count = sa.select(sa.func.count()).where(OutboxRow.kind == kind.value)
        return int(session.execute(count).scalar_one())


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (flip, Code.BLOB_DAMAGED),
        (cut, Code.BLOB_DAMAGED),
        (Path.unlink, Code.BLOB_MISSING),
    ],
)
def test_tamper_a_single_copy(installation: Installation, spoil: Spoil, code: Code) -> None:
    digest, path = photo(installation)
    spoil(path)
    report = scrub(runtime_of(installation.app), BYTES)
    assert (code, f"blobs/{digest.hex}") in {(one.code, one.subject) for one in report.findings}
    assert not report.is_clean
    assert events(EventKind.BLOB_DAMAGED) == 1
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.get_one(Blob, digest.hex).copies == 0
    assert not scrub(runtime_of(installation.app), BYTES).is_clean
    assert events(EventKind.BLOB_DAMAGED) == 1, "told once"


def test_bytes_that_nobody_names_are_a_note(installation: Installation, tmp_path: Path) -> None:
    path = tmp_path / "stray"
    path.write_bytes(b"stray")
    digest = Digest(sha256(b"stray").hexdigest())
    runtime_of(installation.app).stores.blobs.put_file(digest, path)
    report = scrub(runtime_of(installation.app), BYTES)
    assert report.is_clean
    assert [(one.code, one.subject) for one in report.findings] == [
        (Code.BLOB_UNKNOWN, f"blobs/{digest.hex}")
    ]


def test_an_interrupted_reading_goes_on(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep_blobs, "BATCH", 1)
    runtime, place = runtime_of(installation.app), Place(tmp_path / "place.json")
    first, second = Report(), Report()

    def stop(_seconds: float) -> None:
        raise KeyboardInterrupt

    slow = BlobScrub(
        system_units(runtime), runtime.stores.blobs, first, place, rate_bytes=1, sleep=stop
    )
    with pytest.raises(KeyboardInterrupt):
        slow.run()
    place.write(min(_digests()))
    BlobScrub(system_units(runtime), runtime.stores.blobs, second, place).run()
    assert second.counts["blobs"] == len(_digests()) - 1
    assert place.read() == ""


def _digests() -> list[str]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        return list(session.execute(sa.select(Blob.sha256)).scalars())


def test_the_command_says_it_and_ends_with_four(installation: Installation) -> None:
    assert asked(installation.app, "scrub")["clean"] is True
    digest, path = photo(installation)
    flip(path)
    found = asked(installation.app, "scrub", "--no-log", "--fresh", code=4)
    assert [one["code"] for one in found["findings"]] == ["blob-damaged"]
    said = run(installation.app, "scrub", "--no-log", "--fresh")
    assert digest.hex in said.stdout
