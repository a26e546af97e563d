"""Resumable uploads: a client of tus 1.0.0 (core, creation, creation-with-upload).

Creation carries an idempotency key, so that a lost answer makes no second upload.
A cut upload goes on from the offset that HEAD reports and nowhere else: what the
server acknowledged is never sent again.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any, Final

from client_sdk._api import Api, Authoriser, Call
from client_sdk._files import FileStore
from client_sdk._ledger import Ledger, ObjectRow, ObjectState
from client_sdk._transport import Body, Response
from client_sdk.errors import ConflictError, ContractError, GoneError, NotFoundError
from client_sdk.models import OnProgress, Progress

TUS_VERSION: Final = "1.0.0"
MISSING_MAX: Final = 1000
_UPLOADS: Final = "/uploads"
_OFFSET: Final = "upload-offset"
_BYTES: Final = "application/offset+octet-stream"
_TRIES: Final = 3
_WHOLE_BYTES_MAX: Final = 1 << 20


class Uploader:
    """Sends objects of the outbox, one at a time."""

    def __init__(
        self,
        api: Api,
        ledger: Ledger,
        files: FileStore,
        authorise: Callable[[], Authoriser],
        on_progress: OnProgress,
        on_acknowledged: Callable[[int], None],
    ) -> None:
        self._api = api
        self._ledger = ledger
        self._files = files
        self._authorise = authorise
        self._on_progress = on_progress
        self._on_acknowledged = on_acknowledged
        self._tried_whole: set[str] = set()

    def ask_missing(self) -> None:
        """Ask which unconfirmed objects the server has, and note the answer."""
        rows = self._ledger.objects(ObjectState.WAITING, ObjectState.SENDING, ObjectState.SENT)
        by_digest: dict[str, list[ObjectRow]] = {}
        for row in rows:
            by_digest.setdefault(row.sha256, []).append(row)
        digests = list(by_digest)
        for start in range(0, len(digests), MISSING_MAX):
            some = [by_digest[digest][0] for digest in digests[start : start + MISSING_MAX]]
            objects = [{"sha256": row.sha256, "size_bytes": row.size_bytes} for row in some]
            call = Call("POST", "/blobs/missing", json={"objects": objects})
            answer = self._api.once(call, self._authorise()).json()
            for found in _listed(answer, "objects"):
                for row in by_digest.get(str(found.get("sha256")), ()):
                    self._note_found(row, found)

    def _note_found(self, row: ObjectRow, found: dict[str, Any]) -> None:
        state = found.get("state")
        if state == "present":
            self._ledger.mark_digest_sent(row.sha256)
            return
        if row.state is ObjectState.SENT:
            # The server does not have what it took: send it again, from where it says.
            self._ledger.mark_object(row, ObjectState.WAITING)
        url, offset = found.get("upload_url"), found.get("offset")
        if state == "partial" and isinstance(url, str) and isinstance(offset, int):
            self._ledger.note_upload(row, self._api.target_of(url, _UPLOADS), offset)
        elif row.state is ObjectState.SENT:
            self._ledger.note_upload(row, None, 0)

    def send(self, row: ObjectRow) -> None:
        """Bring one object to the server; may be called again after any error."""
        target = row.upload_url
        for _ in range(_TRIES):
            try:
                if target is None:
                    target, offset = self._create(row)
                else:
                    offset = self._offset(target)
                self._acknowledge(row, target, offset)
                if offset < row.size_bytes:
                    offset = self._patch(row, target, offset)
                    self._acknowledge(row, target, offset)
                if offset == row.size_bytes:
                    return
            except ConflictError:
                continue  # somebody else moved the offset: HEAD tells where it is
            except (NotFoundError, GoneError):
                if target is None:
                    raise
                target = None
                self._ledger.note_upload(row, None, 0)
        raise ContractError("the upload does not come to an end")

    def _create(self, row: ObjectRow) -> tuple[str, int]:
        """Address and offset of the (one) upload for this object.

        A small object travels with its creation (tus creation-with-upload), once: should the
        answer be lost, the next try asks first what has arrived.
        """
        headers = {
            "Tus-Resumable": TUS_VERSION,
            "Upload-Length": str(row.size_bytes),
            "Upload-Metadata": _metadata(row),
            "Idempotency-Key": row.key,
        }
        body = None
        if 0 < row.size_bytes <= _WHOLE_BYTES_MAX and row.key not in self._tried_whole:
            self._tried_whole.add(row.key)
            headers["Content-Type"] = _BYTES
            body = self._body(row, 0)
        call = Call("POST", _UPLOADS, headers=headers, body=body)
        response = self._api.once(call, self._authorise())
        location = response.headers.get("location")
        if not location:
            raise ContractError("a created upload without an address")
        target = self._api.target_of(location, _UPLOADS)
        if _OFFSET in response.headers:
            return target, _offset(response, row.size_bytes)
        self._ledger.note_upload(row, target, 0)
        return target, self._offset(target, row.size_bytes)

    def _offset(self, target: str, size_bytes: int | None = None) -> int:
        head = Call("HEAD", target, headers={"Tus-Resumable": TUS_VERSION})
        return _offset(self._api.once(head, self._authorise()), size_bytes)

    def _patch(self, row: ObjectRow, target: str, offset: int) -> int:
        """Stream the rest in one request; the offset that the server acknowledges."""
        headers = {
            "Tus-Resumable": TUS_VERSION,
            "Upload-Offset": str(offset),
            "Content-Type": _BYTES,
        }
        call = Call("PATCH", target, headers=headers, body=self._body(row, offset))
        response = self._api.once(call, self._authorise())
        return _offset(response, row.size_bytes)

    def _body(self, row: ObjectRow, offset: int) -> Body:
        return Body(row.size_bytes - offset, lambda: self._rest(row, offset))

    def _rest(self, row: ObjectRow, offset: int) -> Iterator[bytes]:
        sent, name = offset, row.name.decode("utf-8", "replace")
        for data in self._files.read(row.sha256, offset):
            yield data
            sent += len(data)
            self._on_progress(Progress("upload", name, sent, row.size_bytes))

    def _acknowledge(self, row: ObjectRow, target: str, offset: int) -> None:
        if offset == row.size_bytes:
            self._ledger.mark_digest_sent(row.sha256)
        else:
            self._ledger.note_upload(row, target, offset)
        self._on_acknowledged(offset)
        name = row.name.decode("utf-8", "replace")
        self._on_progress(Progress("upload", name, offset, row.size_bytes))


def _offset(response: Response, size_bytes: int | None) -> int:
    text = response.headers.get(_OFFSET, "")
    if not (text.isascii() and text.isdecimal()):
        raise ContractError("an upload without an offset")
    offset = int(text)
    if size_bytes is not None and offset > size_bytes:
        raise ContractError("an offset past the end")
    return offset


def _metadata(row: ObjectRow) -> str:
    """Upload-Metadata (tus 1.0.0, creation): keys with base64 values, empty ones bare."""
    pairs = {"sha256": row.sha256.encode(), "filename": row.name, "filetype": row.mime.encode()}
    return ",".join(
        f"{key} {base64.b64encode(value).decode()}" if value else key
        for key, value in pairs.items()
    )


def _listed(answer: object, name: str) -> list[dict[str, Any]]:
    listed = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise ContractError(f"the answer lacks its list of {name}")
    return listed
