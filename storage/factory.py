"""Builds the stores that the settings name; the only module that knows every backend."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from storage.errors import StorageConfigError
from storage.local import LocalBlobStore
from storage.local_uploads import LocalUploadStore
from storage.locks import FileLocker, MemoryLocker
from storage.memory import MemoryBlobStore, MemoryUploadStore
from storage.ports import BlobStore, Locker, UploadStore
from storage.replicated import ReplicatedBlobStore


@dataclass(frozen=True, slots=True)
class S3Config:
    """Where the second copy of every blob lives."""

    bucket: str
    endpoint: str | None = None
    """Address of the service; ``None`` means AWS."""
    region: str = "us-east-1"
    access_key: str | None = None
    """``None`` leaves the choice of credentials to the AWS client's own chain."""
    secret_key: str | None = field(default=None, repr=False)
    prefix: str = ""
    """Put before every key, such as ``court-a/``."""


@dataclass(frozen=True, slots=True)
class StorageConfig:
    """What ``build_stores`` needs; nothing is read from the environment here.

    ``local``: blobs below ``root``.  ``s3``: blobs below ``root`` first, and shipped to the bucket
    by the worker.  ``memory``: for tests, gone with the process.  Partials and locks live below
    ``root``; ``lock_root`` moves the locks to another local folder, such as one in memory.
    """

    kind: Literal["local", "s3", "memory"]
    root: Path | None = None
    s3: S3Config | None = None
    lock_root: Path | None = None


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of one server process."""

    blobs: BlobStore
    uploads: UploadStore
    locker: Locker


def build_stores(config: StorageConfig) -> Stores:
    """Open the stores, making folders where they are missing.

    Raises ``StorageConfigError`` for settings that do not go together, and other
    ``StorageError`` s when the volume refuses.  S3 is not contacted.
    """
    if config.kind == "memory":
        return Stores(MemoryBlobStore(), MemoryUploadStore(), MemoryLocker())
    if config.root is None:
        raise StorageConfigError(f"storage of kind {config.kind} needs a root folder")
    blobs: BlobStore
    if config.kind == "s3":
        if config.s3 is None:
            raise StorageConfigError("storage of kind s3 needs a bucket")
        blobs = ReplicatedBlobStore(LocalBlobStore(config.root), build_s3(config.s3))
    else:
        blobs = LocalBlobStore(config.root)
    locker = FileLocker(config.lock_root or config.root / "locks")
    return Stores(blobs, LocalUploadStore(config.root), locker)


def build_s3(config: S3Config) -> BlobStore:
    """The bucket as a blob store of its own; loads the AWS client library."""
    from storage.s3 import S3BlobStore, open_client  # noqa: PLC0415  heavy, and rarely needed

    client = open_client(
        endpoint=config.endpoint,
        region=config.region,
        access_key=config.access_key,
        secret_key=config.secret_key,
    )
    return S3BlobStore(client, config.bucket, prefix=config.prefix)
