"""One set of promises, several backends: memory, local files, a real S3 server, both together."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from storage.digest import Digest
from storage.local import LocalBlobStore
from storage.local_uploads import LocalUploadStore
from storage.locks import FileLocker, MemoryLocker
from storage.memory import MemoryBlobStore, MemoryUploadStore
from storage.ports import BlobStore, Locker, UploadStore
from storage.replicated import ReplicatedBlobStore
from tests.support.s3 import Bucket


@dataclass(frozen=True)
class BlobCase:
    """A store, and a way to damage a blob behind its back, as a failing medium does."""

    store: BlobStore
    damage: Callable[[Digest, bytes], None]


@pytest.fixture
def prefix() -> str:
    """A part of the bucket that no other test uses."""
    return f"{secrets.token_hex(6)}/"


@pytest.fixture
def s3_store(bucket: Bucket, prefix: str) -> Iterator[Any]:
    from storage.s3 import S3BlobStore, open_client  # noqa: PLC0415  only when S3 is used

    client = open_client(
        endpoint=bucket.server.endpoint,
        region="us-east-1",
        access_key=bucket.server.access_key,
        secret_key=bucket.server.secret_key,
    )
    yield S3BlobStore(client, bucket.name, prefix=prefix)
    client.close()


@pytest.fixture(params=["memory", "local", "s3", "replicated"])
def blob_case(request: pytest.FixtureRequest, tmp_path: Path) -> BlobCase:
    if request.param == "memory":
        memory = MemoryBlobStore()
        return BlobCase(memory, memory.damage)
    if request.param == "s3":
        bucket: Bucket = request.getfixturevalue("bucket")
        prefix: str = request.getfixturevalue("prefix")

        def damage_object(digest: Digest, data: bytes) -> None:
            key = f"{prefix}sha256/{digest.hex[:2]}/{digest.hex[2:4]}/{digest.hex}"
            bucket.client.put_object(Bucket=bucket.name, Key=key, Body=data)

        return BlobCase(request.getfixturevalue("s3_store"), damage_object)
    local = LocalBlobStore(tmp_path / "store")

    def damage_file(digest: Digest, data: bytes) -> None:
        path = local.path_of(digest)
        path.chmod(0o640)
        path.write_bytes(data)

    if request.param == "replicated":
        return BlobCase(ReplicatedBlobStore(local, MemoryBlobStore()), damage_file)
    return BlobCase(local, damage_file)


@pytest.fixture
def blobs(blob_case: BlobCase) -> BlobStore:
    return blob_case.store


@pytest.fixture(params=["memory", "local"])
def uploads(request: pytest.FixtureRequest, tmp_path: Path) -> UploadStore:
    return MemoryUploadStore() if request.param == "memory" else LocalUploadStore(tmp_path / "up")


@pytest.fixture(params=["memory", "file"])
def locker(request: pytest.FixtureRequest, tmp_path: Path) -> Locker:
    return MemoryLocker() if request.param == "memory" else FileLocker(tmp_path / "locks")
