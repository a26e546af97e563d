"""What only a real S3 server can get wrong."""

from __future__ import annotations

import io
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from storage.digest import Digest
from storage.errors import BlobNotFound, DigestMismatch, StoreUnavailable
from storage.factory import build_s3
from storage.ports import BlobStat, SetsAside
from tests.support.s3 import Bucket

REPOSITORY = Path(__file__).parents[2]
PART = 16 << 20
BIG = random.Random(3).randbytes(1 << 20) * 40 + b"the end"
BIG_DIGEST = Digest.of(BIG)
DATA = b"evidence"
DIGEST = Digest.of(DATA)


def key_of(prefix: str, digest: Digest) -> str:
    return f"{prefix}sha256/{digest.hex[:2]}/{digest.hex[2:4]}/{digest.hex}"


def keys(bucket: Bucket, prefix: str) -> list[str]:
    answer = bucket.client.list_objects_v2(Bucket=bucket.name, Prefix=prefix)
    return [entry["Key"] for entry in answer.get("Contents", ())]


def unfinished(bucket: Bucket, prefix: str) -> list[str]:
    answer = bucket.client.list_multipart_uploads(Bucket=bucket.name, Prefix=prefix)
    return [entry["UploadId"] for entry in answer.get("Uploads", ())]


@pytest.mark.parametrize(
    ("size_bytes", "expected"),
    [
        (0, PART),
        (PART * 9_000, PART),
        (PART * 9_000 + 1, PART + 1),
        (5 << 40, -(-(5 << 40) // 9_000)),
    ],
)
def test_parts_are_equal_and_never_too_many(size_bytes: int, expected: int) -> None:
    from storage.s3 import part_bytes  # noqa: PLC0415  only when S3 is used

    assert part_bytes(size_bytes) == expected
    assert -(-size_bytes // expected) <= 9_000


def test_a_large_file_goes_in_equal_parts(
    s3_store: Any, bucket: Bucket, prefix: str, tmp_path: Path
) -> None:
    source = tmp_path / "big"
    source.write_bytes(BIG)
    assert s3_store.put_file(BIG_DIGEST, source) == BlobStat(BIG_DIGEST, len(BIG))
    head = bucket.client.head_object(Bucket=bucket.name, Key=key_of(prefix, BIG_DIGEST))
    assert head["ETag"].strip('"').endswith("-3")
    assert unfinished(bucket, prefix) == []
    assert b"".join(s3_store.read(BIG_DIGEST, PART - 3, 7)) == BIG[PART - 3 : PART + 4]


@pytest.mark.parametrize("size_bytes", [PART - 1, PART, PART + 1, 2 * PART])
def test_sizes_around_a_part(s3_store: Any, size_bytes: int) -> None:
    data = BIG[:size_bytes]
    digest = Digest.of(data)
    assert s3_store.put_stream(digest, io.BytesIO(data), size_bytes).size_bytes == size_bytes


def test_a_large_stream_that_hashes_otherwise_leaves_nothing(
    s3_store: Any, bucket: Bucket, prefix: str
) -> None:
    with pytest.raises(DigestMismatch):
        s3_store.put_stream(DIGEST, io.BytesIO(BIG), len(BIG))
    with pytest.raises(DigestMismatch):
        s3_store.put_stream(BIG_DIGEST, io.BytesIO(BIG[:-1]), len(BIG))
    assert keys(bucket, prefix) == []
    assert unfinished(bucket, prefix) == []


def test_a_source_that_fails_leaves_nothing(s3_store: Any, bucket: Bucket, prefix: str) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise RuntimeError("the card was pulled out")
            return super().read(size)

    with pytest.raises(RuntimeError):
        s3_store.put_stream(BIG_DIGEST, Failing(BIG), len(BIG))
    assert keys(bucket, prefix) == []
    assert unfinished(bucket, prefix) == []


def test_what_a_killed_process_left_is_aborted(s3_store: Any, bucket: Bucket, prefix: str) -> None:
    key = key_of(prefix, DIGEST)
    begun = bucket.client.create_multipart_upload(Bucket=bucket.name, Key=key)
    now = datetime.now(UTC)
    assert s3_store.abort_abandoned(now - timedelta(days=1)) == 0
    assert unfinished(bucket, prefix) == [begun["UploadId"]]
    assert s3_store.abort_abandoned(now + timedelta(days=1)) == 1
    assert unfinished(bucket, prefix) == []


def test_the_server_lets_one_of_many_writers_win(s3_store: Any, bucket: Bucket) -> None:
    start = threading.Barrier(16)
    outcomes: list[bool] = []

    def run() -> None:
        start.wait()
        arguments = {"Bucket": bucket.name, "Key": f"race/{id(outcomes)}", "Body": b"x"}
        outcomes.append(s3_store._unless_present(bucket.client.put_object, arguments))

    threads = [threading.Thread(target=run) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(True) == 1
    assert len(outcomes) == 16


def test_a_damaged_object_is_set_aside_with_its_reason(
    s3_store: Any, bucket: Bucket, prefix: str
) -> None:
    s3_store.put_stream(DIGEST, io.BytesIO(DATA), len(DATA))
    s3_store.set_aside(DIGEST, "摘要不符")
    assert s3_store.stat(DIGEST) is None
    (aside,) = keys(bucket, prefix)
    found = bucket.client.get_object(Bucket=bucket.name, Key=aside)
    with found["Body"] as body:
        assert body.read() == DATA
    assert unquote(found["Metadata"]["reason"]) == "摘要不符"
    with pytest.raises(BlobNotFound):
        s3_store.set_aside(DIGEST, "again")


def test_abilities(s3_store: Any) -> None:
    assert isinstance(s3_store, SetsAside)


def test_strange_objects_are_left_alone(s3_store: Any, bucket: Bucket, prefix: str) -> None:
    s3_store.put_stream(DIGEST, io.BytesIO(DATA), len(DATA))
    for name in ("sha256/notes.txt", f"sha256/{DIGEST.hex}", f"else/{DIGEST.hex}"):
        bucket.client.put_object(Bucket=bucket.name, Key=prefix + name, Body=b"x")
    assert list(s3_store.digests()) == [DIGEST]


def test_more_objects_than_a_page_are_listed(s3_store: Any, bucket: Bucket, prefix: str) -> None:
    expected = {Digest.of(b"%d" % number) for number in range(1_005)}

    def put(digest: Digest) -> None:
        bucket.client.put_object(Bucket=bucket.name, Key=key_of(prefix, digest), Body=b"")

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(put, expected))
    assert set(s3_store.digests()) == expected


def test_a_versioned_bucket_works_although_it_ignores_conditions(bucket: Bucket) -> None:
    name = "versioned"
    bucket.client.create_bucket(Bucket=name)
    bucket.client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    store = build_s3(bucket.config(bucket=name))
    for _ in range(2):
        store.put_stream(DIGEST, io.BytesIO(DATA), len(DATA))
    assert store.verify(DIGEST) == BlobStat(DIGEST, len(DATA))


@pytest.mark.parametrize(
    "changes",
    [
        {"secret_key": "wrong"},
        {"access_key": "NOBODY"},
        {"bucket": "no-such-bucket"},
    ],
)
def test_a_server_that_refuses_is_unavailable(bucket: Bucket, changes: dict[str, str]) -> None:
    store = build_s3(bucket.config(**changes))
    with pytest.raises(StoreUnavailable) as caught:
        store.check()
    assert bucket.server.secret_key not in str(caught.value)
    with pytest.raises(StoreUnavailable):
        store.put_stream(DIGEST, io.BytesIO(DATA), len(DATA))
    with pytest.raises(StoreUnavailable):
        list(store.digests())


def test_a_server_that_stops_is_unavailable_and_comes_back(
    s3_store: Any, bucket: Bucket, tmp_path: Path
) -> None:
    source = tmp_path / "big"
    source.write_bytes(BIG)
    s3_store.put_file(BIG_DIGEST, source)
    reader = s3_store.read(BIG_DIGEST)
    assert next(reader) == BIG[:262_144]
    bucket.server.stop_gateway()
    try:
        with pytest.raises(StoreUnavailable):  # cut in the middle of a body
            list(reader)
        for call in (
            s3_store.check,
            lambda: s3_store.stat(DIGEST),
            lambda: s3_store.put_file(DIGEST, source),
            lambda: list(s3_store.digests()),
        ):
            with pytest.raises(StoreUnavailable):
                call()
    finally:
        bucket.server.start_gateway()
    assert s3_store.verify(BIG_DIGEST).size_bytes == len(BIG)


def test_the_client_library_is_loaded_only_for_s3() -> None:
    script = "import sys, storage.factory; sys.exit('boto3' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, check=False).returncode == 0
    )


def test_secrets_are_not_shown(bucket: Bucket) -> None:
    assert bucket.server.secret_key not in repr(bucket.config())
