"""Blobs as objects of one S3 bucket; the only module that knows the AWS client library.

Tried against Ceph's gateway and written for AWS too.  What a server claims is not relied upon:
checksums sent along may be neither stored nor verified, and ``If-None-Match`` is ignored on
versioned buckets, so every object is read back and hashed before it counts, and the server's
database row is what makes it unique.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import quote

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError

from storage._names import ALGORITHM, blob_parts, digest_of_name
from storage.digest import Digest
from storage.errors import BlobNotFound, DigestMismatch, NoSpace, StorageError, StoreUnavailable
from storage.ports import BlobStat

PART_BYTES_MIN: Final = 16 << 20
PARTS_MAX: Final = 9_000  # S3 takes 10,000
_READ_BYTES: Final = 1 << 20
_REASON_CHARS_MAX: Final = 1_000  # S3 takes 2 KB of metadata

_ABSENT: Final = frozenset({"404", "NoSuchKey", "NotFound"})
_FULL: Final = frozenset({"QuotaExceeded", "InsufficientCapacity", "507", "StorageFull"})
_EXISTS: Final = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict"})
_NO_CONDITIONS: Final = frozenset({"NotImplemented", "501"})
# One call, so that nothing else runs on threads of the library.
_COPY: Final = TransferConfig(
    multipart_threshold=1 << 30, multipart_chunksize=512 << 20, use_threads=False
)


def open_client(
    *, endpoint: str | None, region: str, access_key: str | None, secret_key: str | None
) -> Any:
    """Make a client; nothing is contacted.  Without ``endpoint`` it speaks to AWS."""
    config = Config(
        signature_version="s3v4",
        connect_timeout=5,
        read_timeout=60,
        retries={"mode": "standard", "max_attempts": 3},
        # The defaults fail over HTTPS against servers that do not know trailing checksums.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path"} if endpoint else {},
    )
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=config,
    )


def part_bytes(size_bytes: int) -> int:
    """Size of every part but the last: all equal, and never more than 9,000 of them."""
    return max(PART_BYTES_MIN, -(-size_bytes // PARTS_MAX))


class S3BlobStore:
    """Immutable objects named by their SHA-256 (``BlobStore``, ``SetsAside``)."""

    def __init__(self, client: Any, bucket: str, *, prefix: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._conditional = True

    def put_file(self, digest: Digest, source: Path) -> BlobStat:
        """Upload the file in parts, read the object back, hash it."""
        stat = self._sound(digest)
        if stat is not None:
            return stat
        try:
            with source.open("rb") as file:
                self._send(digest, file, source.stat().st_size)
        except OSError as error:
            raise StoreUnavailable(error.strerror or str(error)) from error
        return self._read_back(digest)

    def put_stream(self, digest: Digest, source: BinaryIO, size_bytes: int) -> BlobStat:
        """As ``put_file``; holds one part in memory at a time."""
        stat = self._sound(digest)
        if stat is not None:
            _drain(digest, source, size_bytes)
            return stat
        self._send(digest, source, size_bytes)
        return self._read_back(digest)

    def stat(self, digest: Digest) -> BlobStat | None:
        """Size of the object."""
        try:
            with _typed_errors():
                head = self._client.head_object(Bucket=self._bucket, Key=self._key(digest))
        except BlobNotFound:
            return None
        return BlobStat(digest, int(head["ContentLength"]))

    def read(
        self, digest: Digest, offset: int = 0, length: int | None = None, chunk_bytes: int = 262_144
    ) -> Iterator[bytes]:
        """Iterate over a range of the object, as it arrives."""
        stat = self.stat(digest)
        if stat is None:
            raise BlobNotFound(digest.hex)
        end = stat.size_bytes if length is None else min(stat.size_bytes, offset + length)
        return self._chunks(digest, offset, end, chunk_bytes)

    def verify(self, digest: Digest) -> BlobStat:
        """Download the object and hash it."""
        hasher = hashlib.sha256()
        size_bytes = 0
        for chunk in self.read(digest, chunk_bytes=_READ_BYTES):
            hasher.update(chunk)
            size_bytes += len(chunk)
        if hasher.hexdigest() != digest.hex:
            raise DigestMismatch(digest.hex, hasher.hexdigest())
        return BlobStat(digest, size_bytes)

    def digests(self) -> Iterator[Digest]:
        """List the bucket, page by page; objects with other names are left alone."""
        pages = self._client.get_paginator("list_objects_v2")
        with _typed_errors():
            for page in pages.paginate(Bucket=self._bucket, Prefix=f"{self._prefix}{ALGORITHM}/"):
                for entry in page.get("Contents", ()):
                    digest = digest_of_name(entry["Key"].rpartition("/")[2])
                    if digest is not None and entry["Key"] == self._key(digest):
                        yield digest

    def check(self) -> None:
        """Write, read back and delete a probe."""
        token = secrets.token_bytes(64)
        key = f"{self._prefix}probe/{secrets.token_hex(16)}"
        with _typed_errors():
            self._client.put_object(Bucket=self._bucket, Key=key, Body=token)
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
                with contextlib.closing(answer["Body"]) as body:
                    if body.read() != token:
                        raise StoreUnavailable("the probe reads back changed")
            finally:
                self._client.delete_object(Bucket=self._bucket, Key=key)

    def set_aside(self, digest: Digest, reason: str) -> None:
        """Copy the object below ``quarantine/`` with the reason as metadata, then delete it.

        The reason is percent-encoded, since metadata is ASCII.
        """
        if self.stat(digest) is None:
            raise BlobNotFound(digest.hex)
        source = {"Bucket": self._bucket, "Key": self._key(digest)}
        aside = f"{self._prefix}quarantine/blobs/{digest.hex}.{secrets.token_hex(8)}"
        extra = {
            "Metadata": {"reason": quote(reason)[:_REASON_CHARS_MAX]},
            "MetadataDirective": "REPLACE",
        }
        with _typed_errors():
            self._client.copy(source, self._bucket, aside, ExtraArgs=extra, Config=_COPY)
            self._client.delete_object(**source)

    def erase(self, digest: Digest) -> bool:
        """Delete the object and, in a bucket that keeps versions, every one of them.

        Object lock is GOVERNANCE at most (00), so that this is possible with the right to it.
        """
        key = self._key(digest)
        pages = self._client.get_paginator("list_object_versions")
        found = False
        with _typed_errors():
            for page in pages.paginate(Bucket=self._bucket, Prefix=key):
                for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    if entry["Key"] == key:
                        found = True
                        self._client.delete_object(
                            Bucket=self._bucket, Key=key, VersionId=entry["VersionId"]
                        )
        return found

    def abort_abandoned(self, begun_before: datetime) -> int:
        """Abort the multipart uploads that a killed process left; returns how many.

        Parts of an unfinished upload cost room and are seen by nobody.
        """
        aborted = 0
        pages = self._client.get_paginator("list_multipart_uploads")
        with _typed_errors():
            for page in pages.paginate(Bucket=self._bucket, Prefix=f"{self._prefix}{ALGORITHM}/"):
                for entry in page.get("Uploads", ()):
                    if entry["Initiated"] < begun_before:
                        self._abort(entry["Key"], entry["UploadId"])
                        aborted += 1
        return aborted

    def _key(self, digest: Digest) -> str:
        return self._prefix + "/".join(blob_parts(digest))

    def _sound(self, digest: Digest) -> BlobStat | None:
        """The blob when it is there and sound; one that is damaged is set aside."""
        try:
            return self.verify(digest)
        except BlobNotFound:
            return None
        except DigestMismatch as damage:
            self.set_aside(digest, str(damage))
            return None

    def _read_back(self, digest: Digest) -> BlobStat:
        try:
            return self.verify(digest)
        except BlobNotFound as error:
            raise StoreUnavailable("the object just written is not there") from error
        except DigestMismatch as damage:
            self.set_aside(digest, str(damage))
            raise

    def _send(self, digest: Digest, source: BinaryIO, size_bytes: int) -> None:
        if size_bytes <= PART_BYTES_MIN:
            self._send_whole(digest, source, size_bytes)
        else:
            self._send_parts(digest, source, size_bytes)

    def _send_whole(self, digest: Digest, source: BinaryIO, size_bytes: int) -> None:
        data = _read_exactly(source, size_bytes)
        _compare(digest, hashlib.sha256(data).hexdigest(), len(data), size_bytes)
        arguments = {
            "Bucket": self._bucket,
            "Key": self._key(digest),
            "Body": data,
            "ChecksumSHA256": base64.b64encode(digest.raw).decode(),
        }
        with _typed_errors():
            self._unless_present(self._client.put_object, arguments)

    def _send_parts(self, digest: Digest, source: BinaryIO, size_bytes: int) -> None:
        key = self._key(digest)
        with _typed_errors():
            begun = self._client.create_multipart_upload(Bucket=self._bucket, Key=key)
            upload_id = begun["UploadId"]
            try:
                parts = self._send_each_part(digest, source, size_bytes, upload_id)
                arguments = {
                    "Bucket": self._bucket,
                    "Key": key,
                    "UploadId": upload_id,
                    "MultipartUpload": {"Parts": parts},
                }
                if not self._unless_present(self._client.complete_multipart_upload, arguments):
                    self._abort(key, upload_id)
            except BaseException:
                with contextlib.suppress(BotoCoreError, ClientError, StorageError):
                    self._abort(key, upload_id)
                raise

    def _send_each_part(
        self, digest: Digest, source: BinaryIO, size_bytes: int, upload_id: str
    ) -> list[dict[str, Any]]:
        hasher = hashlib.sha256()
        parts: list[dict[str, Any]] = []
        step = part_bytes(size_bytes)
        sent = 0
        while sent < size_bytes:
            data = _read_exactly(source, min(step, size_bytes - sent))
            if not data:
                break
            hasher.update(data)
            sent += len(data)
            md5 = hashlib.md5(
                data, usedforsecurity=False
            ).digest()  # buckets with a lock ask for it
            answer = self._client.upload_part(
                Bucket=self._bucket,
                Key=self._key(digest),
                UploadId=upload_id,
                PartNumber=len(parts) + 1,
                Body=data,
                ContentMD5=base64.b64encode(md5).decode(),
            )
            parts.append({"PartNumber": len(parts) + 1, "ETag": answer["ETag"]})
        _compare(digest, hasher.hexdigest(), sent, size_bytes)
        return parts

    def _unless_present(self, call: Any, arguments: dict[str, Any]) -> bool:
        """Call with ``If-None-Match: *``; ``False`` when the object is there already.

        Whoever was faster is not believed either: the caller reads the object back.
        """
        try:
            if self._conditional:
                try:
                    call(**arguments, IfNoneMatch="*")
                except ClientError as error:
                    if _code(error) not in _NO_CONDITIONS:
                        raise
                    self._conditional = False
            if not self._conditional:
                call(**arguments)
        except ClientError as error:
            if _code(error) not in _EXISTS:
                raise
            return False
        return True

    def _abort(self, key: str, upload_id: str) -> None:
        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)
        except ClientError as error:
            if _code(error) != "NoSuchUpload":
                raise

    def _chunks(self, digest: Digest, offset: int, end: int, chunk_bytes: int) -> Iterator[bytes]:
        if offset >= end:
            return
        with _typed_errors():
            answer = self._client.get_object(
                Bucket=self._bucket, Key=self._key(digest), Range=f"bytes={offset}-{end - 1}"
            )
            with contextlib.closing(answer["Body"]) as body:
                for chunk in body.iter_chunks(chunk_bytes):
                    offset += len(chunk)
                    yield chunk
        if offset != end:
            raise StoreUnavailable(f"object {digest.hex} ended {end - offset} bytes early")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def _typed_errors() -> Iterator[None]:
    """Turn the library's errors into ours; keys and addresses stay out of the message."""
    try:
        yield
    except ClientError as error:
        code = _code(error)
        if code in _ABSENT:
            raise BlobNotFound("the bucket does not hold this object") from error
        if code in _FULL:
            raise NoSpace(code) from error
        raise StoreUnavailable(f"S3 answered {code}") from error
    except (BotoCoreError, Boto3Error) as error:
        raise StoreUnavailable(f"S3 does not answer: {type(error).__name__}") from error


def _read_exactly(source: BinaryIO, size_bytes: int) -> bytes:
    """Read until there are ``size_bytes`` or the source ends."""
    data = source.read(size_bytes)
    if len(data) == size_bytes or not data:
        return data
    pieces = [data]
    missing = size_bytes - len(data)
    while missing:
        data = source.read(missing)
        if not data:
            break
        pieces.append(data)
        missing -= len(data)
    return b"".join(pieces)


def _drain(digest: Digest, source: BinaryIO, size_bytes: int) -> None:
    hasher = hashlib.sha256()
    done = 0
    while done < size_bytes:
        data = source.read(min(_READ_BYTES, size_bytes - done))
        if not data:
            break
        hasher.update(data)
        done += len(data)
    _compare(digest, hasher.hexdigest(), done, size_bytes)


def _compare(digest: Digest, actual: str, read_bytes: int, size_bytes: int) -> None:
    if actual != digest.hex or read_bytes != size_bytes:
        raise DigestMismatch(digest.hex, f"{actual} ({read_bytes} of {size_bytes} bytes)")
