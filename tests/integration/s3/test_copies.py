"""Damage is found, repaired or named; what is only in S3 is served from there.

The databases do the same here, so one of them is enough.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.digest import Digest
from storage.errors import StoreUnavailable
from tests.conftest import fresh_database
from tests.factories.identity import runtime_of
from tests.factories.shipping import Place, key_of
from tests.support.s3 import Bucket

DATA = "查封清单(虚构)".encode() * 5_000


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return fresh_database(request, "sqlite", tmp_path)


def test_damaged_bytes_are_not_spread_and_are_called_so(place: Place, own_bucket: Bucket) -> None:
    place.take(DATA, b"sound")
    place.spoil(DATA)
    place.work()
    assert own_bucket.keys() == [key_of(b"sound")]
    assert place.copies(DATA, b"sound") == [0, 2]
    assert place.events() == ["blob.damaged", "blob.shipped"]
    found = place.readiness()
    assert (found["degraded"], found["damaged"], found["waiting"]) == (True, 1, 0)
    assert place.near(DATA).exists()


def test_a_local_copy_that_is_gone_too_early_is_called_damaged(place: Place) -> None:
    place.take(DATA)
    place.near(DATA).unlink()
    place.work()
    assert place.copies(DATA) == [0]
    assert place.events() == ["blob.damaged"]


def test_damaged_bytes_that_come_again_are_sound_again(place: Place, own_bucket: Bucket) -> None:
    place.take(DATA)
    place.spoil(DATA)
    place.work()
    place.sender.send(DATA)
    place.work()
    assert own_bucket.content(key_of(DATA)) == DATA
    assert place.copies(DATA) == [2]
    assert place.readiness()["degraded"] is False


def test_a_damaged_local_copy_is_repaired_from_the_sound_one(place: Place) -> None:
    place.take(DATA)
    runtime_of(place.app).stores.blobs.ship(Digest.of(DATA))  # type: ignore[attr-defined]
    place.spoil(DATA)
    place.work()
    assert place.near(DATA).read_bytes() == DATA
    assert place.copies(DATA) == [2]
    assert place.events() == ["blob.repaired"]


def test_a_wrong_object_of_that_name_is_set_aside_and_replaced(
    place: Place, own_bucket: Bucket
) -> None:
    own_bucket.put(key_of(DATA), b"something else")
    place.take(DATA)
    place.work()
    assert own_bucket.content(key_of(DATA)) == DATA
    (aside,) = own_bucket.keys("quarantine/")
    assert own_bucket.content(aside) == b"something else"
    assert place.copies(DATA) == [2]


@pytest.fixture
def only_far(place: Place) -> Place:
    """A place whose local copy was lost after it was shipped."""
    place.take(DATA)
    place.work()
    place.near(DATA).unlink()
    return place


def test_downloads_are_served_from_s3_with_ranges(only_far: Place) -> None:
    whole = only_far.download(DATA)
    assert (whole.status_code, whole.data) == (200, DATA)
    part = only_far.download(DATA, Range="bytes=1000-2999")
    assert (part.status_code, part.data) == (206, DATA[1000:3000])
    assert part.headers["Content-Range"] == f"bytes 1000-2999/{len(DATA)}"
    last = only_far.download(DATA, Range="bytes=-7")
    assert last.data == DATA[-7:]
    assert only_far.download(DATA, Range=f"bytes={len(DATA)}-").status_code == 416
    assert only_far.download(DATA, **{"If-None-Match": whole.headers["ETag"]}).status_code == 304


def test_without_both_places_a_download_says_to_come_again(
    only_far: Place, own_bucket: Bucket
) -> None:
    own_bucket.server.stop_gateway()
    try:
        answer = only_far.download(DATA)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        only_far.take(b"new")
        assert only_far.download(b"new").data == b"new"
        with pytest.raises(StoreUnavailable):
            only_far.verify(DATA)
    finally:
        own_bucket.server.start_gateway()
    assert only_far.download(DATA).data == DATA
