"""The tus part of the server in memory."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from client_sdk._transport import Request, Response

BASE_URL = "https://bureau.test"


@dataclass
class Upload:
    """One tus upload."""

    sha256: str
    name: bytes
    mime: str
    size_bytes: int
    data: bytearray = field(default_factory=bytearray)
    gone: bool = False


class RefusedError(Exception):
    def __init__(self, status: int, slug: str, **headers: str) -> None:
        super().__init__(slug)
        self.status, self.slug, self.headers = status, slug, headers


class FakeTus:
    """Uploads by tus 1.0.0: core, creation, creation-with-upload."""

    def begin_tus(self) -> None:
        self.uploads: dict[str, Upload] = {}
        self.upload_keys: dict[str, str] = {}
        self.blobs: dict[str, bytes] = {}
        self.received_bytes = 0

    def tus(self, request: Request, path: str, cut: int | None) -> Response:
        assert request.headers["Tus-Resumable"] == "1.0.0"
        if request.method == "POST":
            return self._create(request, cut)
        upload = self.uploads.get(path.rpartition("/")[2])
        if upload is None:
            raise RefusedError(404, "not-found")
        if upload.gone:
            raise RefusedError(410, "upload-gone")
        if request.method == "HEAD":
            return Response(200, {"upload-offset": str(len(upload.data)), "upload-length": "?"})
        assert request.method == "PATCH"
        if int(request.headers["Upload-Offset"]) != len(upload.data):
            raise RefusedError(409, "offset-conflict")
        self._append(upload, request, cut)
        return Response(204, {"upload-offset": str(len(upload.data))})

    def _append(self, upload: Upload, request: Request, cut: int | None) -> None:
        assert request.headers["Content-Type"] == "application/offset+octet-stream"
        assert request.body is not None
        for data in _limited(iter(request.body.chunks()), cut):
            upload.data += data
            self.received_bytes += len(data)
        assert len(upload.data) <= upload.size_bytes
        if len(upload.data) == upload.size_bytes:
            self._finish(upload)

    def _create(self, request: Request, cut: int | None) -> Response:
        key = request.headers["Idempotency-Key"]
        metadata = {}
        for pair in request.headers["Upload-Metadata"].split(","):
            name, _, value = pair.partition(" ")
            metadata[name] = base64.b64decode(value)
        digest = metadata["sha256"].decode()
        assert key.endswith(digest)
        identifier = self.upload_keys.get(key)
        if identifier is None or self.uploads[identifier].gone:
            identifier = f"u{len(self.uploads)}"
            self.upload_keys[key] = identifier
            self.uploads[identifier] = Upload(
                digest,
                metadata["filename"],
                metadata["filetype"].decode(),
                int(request.headers["Upload-Length"]),
            )
            if not self.uploads[identifier].size_bytes:
                self._finish(self.uploads[identifier])
        answer = {"location": f"{BASE_URL}/api/v1/uploads/{identifier}"}
        upload = self.uploads[identifier]
        if "Content-Type" in request.headers:
            self._append(upload, request, cut)
        if upload.sha256 in self.blobs or upload.data:
            answer["upload-offset"] = str(len(upload.data))
        return Response(201, answer)

    def _finish(self, upload: Upload) -> None:
        if hashlib.sha256(upload.data).hexdigest() != upload.sha256:
            upload.gone = True
            raise RefusedError(460, "digest-mismatch")
        self.blobs[upload.sha256] = bytes(upload.data)


def _limited(chunks: Iterator[bytes], limit: int | None) -> Iterator[bytes]:
    """Chunks up to `limit` bytes, as when the connection breaks in mid-body."""
    for data in chunks:
        if limit is None:
            yield data
            continue
        yield data[:limit]
        limit -= len(data)
        if limit <= 0:
            return
