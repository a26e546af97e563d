"""With a second copy in S3: rot is repaired, erasure reaches both, backups hold the bytes."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from server.core.context import Context, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence import erasure_bytes
from server.evidence.erasure_models import ErasedDigest
from server.evidence.models import Blob
from server.upkeep.backup import back_up, target_blobs
from server.upkeep.findings import Code
from server.upkeep.scrub import Options, scrub
from storage.digest import Digest
from tests.conftest import fresh_database
from tests.factories.identity import runtime_of
from tests.factories.shipping import Place, key_of
from tests.factories.uploads import sha256_of
from tests.support.s3 import Bucket

DAMAGES = 100
BYTES = Options(log=False, resume=False)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return fresh_database(request, "sqlite", tmp_path)


def found(place: Place, options: Options = BYTES) -> set[tuple[Code, str]]:
    report = scrub(runtime_of(place.app), options)
    assert report.is_clean
    return {(one.code, one.subject) for one in report.findings}


def name(data: bytes) -> str:
    return f"blobs/{sha256_of(data)}"


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


def _cut(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1])


def test_a_hundred_damages_are_found_and_repaired(place: Place) -> None:
    photos = [f"photo {number} (虚构)".encode() * 50 for number in range(DAMAGES // 5)]
    place.take(*photos)
    place.work()
    ways: list[Callable[[Path], None]] = [_flip, _cut, Path.unlink]
    draw = random.Random(11)
    repaired = 0
    for _ in range(DAMAGES // 10):
        victims = draw.sample(photos, 10)
        for data in victims:
            draw.choice(ways)(place.near(data))
        assert found(place) == {(Code.BLOB_REPAIRED, name(data)) for data in victims}
        repaired += len(victims)
        assert found(place) == set()
    assert repaired == DAMAGES
    assert place.copies(*photos) == [2] * len(photos)


def test_a_far_copy_that_rots_is_found_when_every_copy_is_read(
    place: Place, own_bucket: Bucket
) -> None:
    place.take(b"photo (fictional)")
    place.work()
    own_bucket.put(key_of(b"photo (fictional)"), b"photo (Fictional)")
    assert found(place) == set()
    every = Options(log=False, resume=False, every_copy=True)
    assert found(place, every) == {(Code.BLOB_REPAIRED, name(b"photo (fictional)"))}
    assert own_bucket.content(key_of(b"photo (fictional)")) == b"photo (fictional)"


def test_an_erasure_leaves_neither_copy(place: Place, own_bucket: Bucket) -> None:
    place.take(b"to be erased", b"stays")
    place.work()
    sha256 = sha256_of(b"to be erased")
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.delete(Blob).where(Blob.sha256 == sha256))
        now = runtime_of(place.app).clock.now()
        session.add(ErasedDigest(sha256=sha256, erased_at=now))
        ctx = Context(system_actor(), session, runtime_of(place.app))
    assert erasure_bytes.unlink_due(ctx) == 1
    assert own_bucket.keys() == [key_of(b"stays")]
    assert runtime_of(place.app).stores.blobs.stat(Digest(sha256)) is None


def test_a_backup_takes_what_is_only_in_s3(place: Place, tmp_path: Path) -> None:
    place.take(b"photo (fictional)")
    place.work()
    place.near(b"photo (fictional)").unlink()
    assert back_up(runtime_of(place.app), tmp_path / "backup").missing == []
    digest = Digest(sha256_of(b"photo (fictional)"))
    kept = target_blobs(tmp_path / "backup").read(digest)
    assert b"".join(kept) == b"photo (fictional)"
