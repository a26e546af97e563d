"""What every store of uploads promises."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.errors import InvalidUploadId, OffsetConflict, PartialNotFound
from storage.ports import Quarantined, UploadStore

BAD_IDS = [
    "",
    ".",
    "..",
    "../x",
    "../../etc/passwd",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "a.b",
    "a\0b",
    "a\n",
    "a b",
    "证据",
    "a\u202eb",
    "x" * 129,
]


def fill(uploads: UploadStore, upload_id: str, data: bytes) -> None:
    uploads.create(upload_id)
    with uploads.writer(upload_id, 0) as writer:
        writer.write(data)
        assert writer.sync() == len(data)


def content(uploads: UploadStore, upload_id: str) -> bytes:
    return uploads.path_of(upload_id).read_bytes()


def test_a_new_partial_is_empty_and_creating_it_again_changes_nothing(
    uploads: UploadStore,
) -> None:
    uploads.create("u1")
    assert uploads.durable_length("u1") == 0
    fill(uploads, "u1", b"abc")
    uploads.create("u1")
    assert uploads.durable_length("u1") == 3


def test_bytes_arrive_in_order_over_several_writers(uploads: UploadStore) -> None:
    uploads.create("u1")
    expected = b""
    for piece in (b"one", b"", b"two" * 100_000, b"three"):
        with uploads.writer("u1", len(expected)) as writer:
            assert writer.offset == len(expected)
            assert writer.write(memoryview(piece)) == len(piece)
            expected += piece
            assert writer.offset == len(expected)
            assert writer.sync() == len(expected)
        assert uploads.durable_length("u1") == len(expected)
    assert hashlib.sha256(content(uploads, "u1")).digest() == hashlib.sha256(expected).digest()


def test_a_writer_takes_buffers_of_any_item_size(uploads: UploadStore) -> None:
    uploads.create("u1")
    with uploads.writer("u1", 0) as writer:
        assert writer.write(memoryview(bytearray(16)).cast("Q")) == 16
        assert writer.sync() == 16


@pytest.mark.parametrize("offset", [0, 1, 4, 1 << 40])
def test_a_wrong_offset_is_refused_and_told(uploads: UploadStore, offset: int) -> None:
    fill(uploads, "u1", b"abc")
    with pytest.raises(OffsetConflict) as caught, uploads.writer("u1", offset):
        pytest.fail("opened")
    assert (caught.value.expected, caught.value.actual) == (offset, 3)
    assert content(uploads, "u1") == b"abc"


def test_an_unverified_chunk_can_be_dropped(uploads: UploadStore) -> None:
    fill(uploads, "u1", b"kept")
    with uploads.writer("u1", 4) as writer:
        writer.write(b"doubtful")
        writer.truncate(4)
        assert writer.offset == 4
        with pytest.raises(OffsetConflict):
            writer.truncate(5)
        writer.write(b"!")
        writer.sync()
    assert content(uploads, "u1") == b"kept!"
    assert uploads.durable_length("u1") == 5


def test_what_an_interrupted_writer_left_is_counted(uploads: UploadStore) -> None:
    uploads.create("u1")
    with contextlib.suppress(ConnectionResetError), uploads.writer("u1", 0) as writer:
        writer.write(b"received")
        raise ConnectionResetError
    assert uploads.durable_length("u1") == 8
    assert content(uploads, "u1") == b"received"


def test_parts_are_put_together_and_stay(uploads: UploadStore) -> None:
    for name in ("a", "b", "c"):
        fill(uploads, name, name.encode() * 300_000)
    uploads.create("all")
    for _ in range(2):  # repeated after a crash
        assert uploads.concatenate("all", ["b", "a", "b", "c"]) == 1_200_000
    expected = b"b" * 300_000 + b"a" * 300_000 + b"b" * 300_000 + b"c" * 300_000
    assert content(uploads, "all") == expected
    assert uploads.durable_length("a") == 300_000


def test_no_parts_make_an_empty_upload(uploads: UploadStore) -> None:
    uploads.create("all")
    assert uploads.concatenate("all", []) == 0


def test_a_missing_part_changes_nothing(uploads: UploadStore) -> None:
    fill(uploads, "all", b"before")
    with pytest.raises(PartialNotFound):
        uploads.concatenate("all", ["gone"])
    with pytest.raises(OffsetConflict):
        uploads.concatenate("all", ["all"])
    assert content(uploads, "all") == b"before"


def test_a_discarded_partial_is_gone(uploads: UploadStore) -> None:
    fill(uploads, "u1", b"abc")
    uploads.discard("u1")
    uploads.discard("u1")
    assert list(uploads.upload_ids()) == []
    with pytest.raises(PartialNotFound):
        uploads.durable_length("u1")


def test_quarantine_keeps_the_bytes_with_the_reason(uploads: UploadStore) -> None:
    for data, reason in ((b"abc", "摘要不符: \x1b[31m"), (b"second", "terminated")):
        fill(uploads, "u1", data)
        uploads.quarantine("u1", reason)
    assert list(uploads.upload_ids()) == []
    found = sorted(uploads.quarantined(), key=lambda entry: entry.size_bytes)
    assert found == [
        Quarantined("u1", "摘要不符: \x1b[31m", 3),
        Quarantined("u1", "terminated", 6),
    ]


def test_all_partials_are_listed(uploads: UploadStore) -> None:
    names = {f"upload-{n}_x" for n in range(9)}
    for name in names:
        uploads.create(name)
    assert set(uploads.upload_ids()) == names


@pytest.mark.parametrize(
    "call",
    [
        lambda u: u.durable_length("gone"),
        lambda u: u.writer("gone", 0).__enter__(),
        lambda u: u.quarantine("gone", "why"),
        lambda u: u.concatenate("gone", []),
    ],
)
def test_an_absent_partial_is_told(
    uploads: UploadStore, call: Callable[[UploadStore], object]
) -> None:
    with pytest.raises(PartialNotFound):
        call(uploads)


@pytest.mark.parametrize("upload_id", BAD_IDS)
def test_no_text_of_a_client_names_a_file(
    uploads: UploadStore, tmp_path: Path, upload_id: str
) -> None:
    before = sorted(tmp_path.rglob("*"))
    calls: list[Callable[[], object]] = [
        lambda: uploads.create(upload_id),
        lambda: uploads.durable_length(upload_id),
        lambda: uploads.writer(upload_id, 0).__enter__(),
        lambda: uploads.path_of(upload_id),
        lambda: uploads.concatenate(upload_id, []),
        lambda: uploads.discard(upload_id),
        lambda: uploads.quarantine(upload_id, "why"),
    ]
    for call in calls:
        with pytest.raises(InvalidUploadId):
            call()
    uploads.create("ok")
    with pytest.raises(InvalidUploadId):
        uploads.concatenate("ok", [upload_id])
    uploads.discard("ok")
    assert sorted(tmp_path.rglob("*")) == before


def test_the_room_is_measured(uploads: UploadStore) -> None:
    space = uploads.space()
    assert 0 < space.free_bytes <= space.total_bytes
    assert 0.0 <= space.used_ratio < 1.0
