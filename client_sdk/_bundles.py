"""Carrying records and bytes in a file, where no network reaches, and receipts back.

A device *exports* what is not confirmed yet.  Somebody *carries* the file to a place with a
network and sends it with a client of their own; what they get back, the device *imports*.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from client_sdk._api import Call
from client_sdk._clock import wall_ms
from client_sdk._feed import Feed
from client_sdk._ledger import ObjectState, RecordState
from client_sdk._transport import Body
from client_sdk.errors import ContractError, FieldError, GoneError, NotFoundError
from client_sdk.protocol.bundle import (
    MEDIA_TYPE,
    BundleError,
    BundleHead,
    BundleReader,
    Part,
    as_lines,
    write_bundle,
)
from client_sdk.protocol.times import format_rfc3339, from_unix_ms

if TYPE_CHECKING:
    from client_sdk._clock import DeviceClock
    from client_sdk._files import FileStore
    from client_sdk._ledger import Ledger
    from client_sdk._link import Link
    from client_sdk._outbox import Identity

_UPLOADS: Final = "/uploads"
_OFFSET: Final = "upload-offset"
_TUS: Final = {"Tus-Resumable": "1.0.0"}
_PIECE_BYTES: Final = 8 * 2**20
_UNCONFIRMED: Final = (ObjectState.WAITING, ObjectState.SENDING, ObjectState.SENT)


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written into a bundle."""

    path: Path
    records: int
    objects: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Carried:
    """What the server said to a bundle: counts by outcome; where its receipts were kept."""

    device: str
    records: dict[str, int]
    objects: dict[str, int]
    receipts: Path | None


class Carrying:
    """The part of a client that deals with bundles."""

    _ledger: Ledger
    _files: FileStore
    _link: Link
    _clock: DeviceClock

    if TYPE_CHECKING:

        @property
        def identity(self) -> Identity: ...

    def export_bundle(self, path: Path | str) -> Exported:
        """Write every unconfirmed record and its bytes into one signed file.

        FieldError when everything is confirmed.  What is exported stays in the outbox until its
        receipts come, by a bundle or by a sync.
        """
        target, identity = Path(path), self.identity
        found = list(self._unconfirmed(identity.ep))
        if not found:
            raise FieldError("everything here is confirmed: there is nothing to carry")
        objects = {
            row.sha256: Part(row.sha256, row.size_bytes)
            for row in self._ledger.objects(*_UNCONFIRMED)
            if row.ep == identity.ep and self._files.exists(row.sha256)
        }
        lines, part = as_lines(wire for _, wire in found)
        head = BundleHead(
            kind="records", court=str(identity.court_id), device=str(identity.device_id),
            ep=identity.ep, made=format_rfc3339(from_unix_ms(wall_ms(self._clock))),
            first=found[0][0], last=found[-1][0], count=len(lines), lines=part,
            objects=tuple(objects.values()),
        )  # fmt: skip
        signature = head.signed(identity.key)
        write_bundle(target, head, lines, signature=signature, read_object=self._files.read)
        return Exported(target, len(lines), len(objects), target.stat().st_size)

    def import_bundle(self, path: Path | str) -> int:
        """Take the receipts out of a bundle that came back; how many were new and good."""
        identity = self.identity
        with BundleReader(Path(path)) as bundle:
            head = bundle.head
            if head.kind != "receipts":
                raise BundleError("this bundle holds records: send it", code="bundle-head")
            if (head.device, head.court) != (str(identity.device_id), str(identity.court_id)):
                raise BundleError("these receipts are for another device", code="bundle-device")
            bundle.require_bytes()
            values = list(bundle.lines())
        feed = Feed(self._link.api(), self._ledger, self._link.trust(), identity)
        count = feed.accept(values)
        if feed.problems:
            raise FieldError(f"{count} receipts taken; refused: {feed.problems[0].detail}")
        return count

    def send_bundle(self, path: Path | str, *, receipts: Path | str | None = None) -> Carried:
        """Bring another device's bundle to the server, resuming where it stopped.

        :param receipts: where to write the receipts that are there by now, to be carried back.
        """
        source = Path(path)
        with BundleReader(source) as bundle:
            device = bundle.head.device
        sha256 = _digest(source)
        self._bring(source, sha256)
        body = self._ask(Call("POST", "/bundles", json={"sha256": sha256})).json()
        if not isinstance(body, dict):
            raise ContractError("not an answer to a bundle")
        kept = None if receipts is None else self._fetch(sha256, Path(receipts))
        return Carried(device, _counts(body, "records"), _counts(body, "objects"), kept)

    def _unconfirmed(self, ep: int) -> Iterator[tuple[int, dict[str, str]]]:
        store = self._ledger.store
        rows = store.all(
            "SELECT seq, wire FROM records WHERE ep=? AND state<>? ORDER BY seq",
            ep,
            RecordState.CONFIRMED.value,
        )
        for seq, wire in rows:
            yield seq, store.unseal(wire, f"record:{ep}:{seq}")

    def _ask(self, call: Call) -> Any:
        return self._link.api().call(call, self._link.tokens().best())

    def _bring(self, source: Path, sha256: str) -> None:
        """Upload the file (tus 1.0.0): what the server has acknowledged is not sent again."""
        size_bytes = source.stat().st_size
        pairs = {"sha256": sha256, "filename": source.name, "filetype": MEDIA_TYPE}
        metadata = ",".join(
            f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items()
        )
        headers = {
            **_TUS, "Upload-Length": str(size_bytes), "Upload-Metadata": metadata,
            "Idempotency-Key": f"bundle-{sha256}",
        }  # fmt: skip
        response = self._ask(Call("POST", _UPLOADS, headers=headers))
        target = self._link.api().target_of(response.headers.get("location", ""), _UPLOADS)
        offset = self._offset(target)
        while offset < size_bytes:
            length = min(_PIECE_BYTES, size_bytes - offset)
            body = Body(length, lambda at=offset, n=length: (_piece(source, at, n),))  # type: ignore[misc]
            more = {
                **_TUS, "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream",
            }  # fmt: skip
            self._ask(Call("PATCH", target, headers=more, body=body))
            offset = self._offset(target)

    def _offset(self, target: str) -> int:
        text = self._ask(Call("HEAD", target, headers=_TUS)).headers.get(_OFFSET, "")
        if not (text.isascii() and text.isdecimal()):
            raise ContractError("an upload without an offset")
        return int(text)

    def _fetch(self, sha256: str, path: Path) -> Path | None:
        try:
            answer = self._ask(Call("GET", f"/bundles/{sha256}/receipts"))
        except (NotFoundError, GoneError):
            return None
        draft = path.with_name(path.name + ".new")
        draft.write_bytes(answer.body)
        with BundleReader(draft) as bundle:
            bundle.require_bytes()
        draft.rename(path)
        return path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _piece(path: Path, offset: int, size_bytes: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(size_bytes)


def _counts(body: dict[str, Any], name: str) -> dict[str, int]:
    found = body.get(name)
    if not isinstance(found, dict):
        raise ContractError(f"the answer lacks {name}")
    return {str(key): int(value) for key, value in found.items()}
