"""What may be deleted here: bytes that others than the court can prove it has, a day later.

An original is safe to delete once its receipt carries a proof under a witnessed checkpoint (L2),
verified anew on this device, and 24 hours have passed since it was captured. The wall clock alone
is never believed: time passes by the running clock of the same boot, or by what the server signed.
A tombstone (`capture.deleted`) is durable before a file goes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID

from client_sdk._clock import DeviceClock, read_instant
from client_sdk._durable import sync_directory
from client_sdk._files import FileStore
from client_sdk._ledger import Ledger, ObjectRow, ObjectState
from client_sdk._outbox import NOT_RECORDED, Outbox
from client_sdk._witness import LogTrust
from client_sdk.errors import CaptureError, TrustError
from client_sdk.protocol.parts import CaptureRef
from client_sdk.protocol.payloads import Payload, RecordKind
from client_sdk.protocol.statements import Receipt, SignedStatement
from client_sdk.protocol.times import parse_rfc3339, unix_ms

WIPE_AFTER_MS: Final = 24 * 3600 * 1000
SERVER_TIME: Final = "time.server"
_READ_BYTES: Final = 1 << 20


class Keep(StrEnum):
    """Why something must not be deleted yet."""

    ALARM = "log-inconsistent"
    NOT_CAPTURED = "not-captured"
    NOT_CONFIRMED = "not-confirmed"
    NO_PROOF = "no-proof"
    NOT_WITNESSED = "not-witnessed"
    TOO_YOUNG = "too-young"
    DIFFERS = "differs"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class CardPlace:
    """A file of a card and its key in the ledger of docked files."""

    path: Path
    relative: str
    size_bytes: int
    place: str


@dataclass(frozen=True, slots=True)
class WipeItem:
    """An original here or on a card; `keep` says why it stays, None that it may go."""

    sha256: str | None
    name: str
    size_bytes: int
    keep: Keep | None
    seq: int | None = None
    card: Path | None = None

    @property
    def safe(self) -> bool:
        """Whether it may be deleted."""
        return self.keep is None


class Wiper:
    """Judges and deletes originals, one by one."""

    def __init__(
        self,
        outbox: Outbox,
        ledger: Ledger,
        files: FileStore,
        clock: DeviceClock,
        officer: Callable[[], UUID | None],
    ) -> None:
        self._outbox = outbox
        self._ledger = ledger
        self._files = files
        self._clock = clock
        self._officer = officer
        self._trust = LogTrust(ledger.store)
        outbox.finish_deletions = self.finish

    # -- looking

    def here(self) -> list[WipeItem]:
        """Every original on this device."""
        by_digest: dict[str, list[ObjectRow]] = {}
        for row in self._ledger.objects():
            by_digest.setdefault(row.sha256, []).append(row)
        return [
            self._item(rows, self._why(rows))
            for sha256, rows in by_digest.items()
            if self._files.exists(sha256)
        ]

    def on_card(self, files: Iterable[CardPlace]) -> list[WipeItem]:
        """Every file of a card; its bytes are read."""
        return [self._on_card(file) for file in files]

    def _on_card(self, file: CardPlace) -> WipeItem:
        known = self._ledger.docked(file.place)
        if known is None:
            return WipeItem(None, file.relative, file.size_bytes, Keep.NOT_CAPTURED, card=file.path)
        sha256, ep, seq = known
        rows = [row for row in self._ledger.objects_of(ep, seq) if row.sha256 == sha256]
        keep = self._why(rows)
        if keep is None:
            try:
                with file.path.open("rb") as opened:
                    keep = None if _digest(opened) == sha256 else Keep.DIFFERS
            except OSError:
                keep = Keep.UNREADABLE
        return WipeItem(sha256, file.relative, file.size_bytes, keep, seq, file.path)

    def _item(self, rows: list[ObjectRow], keep: Keep | None) -> WipeItem:
        first = rows[0]
        name = first.name.decode("utf-8", "replace") or first.sha256[:12]
        return WipeItem(first.sha256, name, first.size_bytes, keep, first.seq)

    # -- judging

    def _rows_of(self, sha256: str) -> list[ObjectRow]:
        """Every record's row of these bytes."""
        places = self._ledger.store.all("SELECT ep, seq FROM objects WHERE sha256=?", sha256)
        rows = [row for ep, seq in places for row in self._ledger.objects_of(ep, seq)]
        return [row for row in rows if row.sha256 == sha256]

    def _receipt_of(self, row: ObjectRow) -> Receipt | None:
        found = self._ledger.store.one(
            "SELECT statement FROM receipts WHERE ep=? AND seq=? AND sha256=?",
            row.ep,
            row.seq,
            row.sha256,
        )
        if found is None:
            return None
        return Receipt.from_body(SignedStatement.from_dict(json.loads(found[0])).body())

    def _why(self, rows: list[ObjectRow]) -> Keep | None:
        """The first reason to keep the bytes of these rows."""
        if self._trust.alarm() is not None:
            return Keep.ALARM
        if not rows:
            return Keep.NOT_CAPTURED
        reasons = (self._why_row(row, self._receipt_of(row)) for row in rows)
        return next((reason for reason in reasons if reason is not None), None)

    def _why_row(self, row: ObjectRow, receipt: Receipt | None) -> Keep | None:
        if row.state not in (ObjectState.CONFIRMED, ObjectState.WIPED) or receipt is None:
            return Keep.NOT_CONFIRMED
        try:
            proven = self._trust.proven(receipt)
        except TrustError:
            return Keep.NO_PROOF
        if proven is None:
            return Keep.NO_PROOF
        if not proven.witnessed:
            return Keep.NOT_WITNESSED
        return None if self._age_ms(row, receipt) >= WIPE_AFTER_MS else Keep.TOO_YOUNG

    def _age_ms(self, row: ObjectRow, receipt: Receipt) -> int:
        """Time since the capture that nobody can have made up by setting a clock."""
        found = self._ledger.store.one(
            "SELECT boot, mono_ms FROM records WHERE ep=? AND seq=?", row.ep, row.seq
        )
        now, passed = read_instant(self._clock), 0
        if found is not None and found[0] == now.boot:
            passed = now.mono_ms - int(found[1])
        signed = self._server_ms() - unix_ms(receipt.rx)
        return max(passed, signed)

    def _server_ms(self) -> int:
        """The latest time that the server signed."""
        (issued,) = self._ledger.store.one("SELECT max(issued) FROM receipts") or (None,)
        told = self._ledger.store.get(SERVER_TIME) or 0
        return max(told, unix_ms(parse_rfc3339(issued)) if issued else 0)

    # -- deleting

    def wipe(self, item: WipeItem) -> bool:
        """Judge again, write the tombstone, delete; False when it has to stay."""
        if item.sha256 is None or item.seq is None:
            return False
        return self._wipe_card(item) if item.card is not None else self._wipe_here(item)

    def _wipe_here(self, item: WipeItem) -> bool:
        sha256 = str(item.sha256)
        if not self._files.exists(sha256) or self._why(self._rows_of(sha256)) is not None:
            return False
        self._outbox.rotate_if_due()
        with self._ledger.store.transaction():
            if self._why(self._rows_of(sha256)) is not None:
                return False  # the same bytes were captured again meanwhile
            self._bury(item, "confirmed")
            self._ledger.store.run(
                "UPDATE objects SET state=? WHERE sha256=?", ObjectState.WIPED.value, sha256
            )
        self._files.remove(sha256)
        return True

    def _wipe_card(self, item: WipeItem) -> bool:
        """Only bytes that are at this moment those of the receipt."""
        path, sha256 = Path(str(item.card)), str(item.sha256)
        if self._why(self._rows_of(sha256)) is not None:
            return False
        try:
            with path.open("rb") as opened:
                before = os.fstat(opened.fileno())
                if _digest(opened) != sha256 or not _same(before, path.lstat()):
                    return False
                self._outbox.rotate_if_due()
                self._bury(item, "card-confirmed")
                if not _same(before, path.lstat()) or not _same(before, os.fstat(opened.fileno())):
                    raise CaptureError(f"{item.name} changed while it was to be deleted")
                path.unlink()
            sync_directory(path.parent)
        except OSError as error:
            raise CaptureError(f"{item.name}: {error.strerror or error}") from error
        return True

    def _bury(self, item: WipeItem, reason: str) -> None:
        now = read_instant(self._clock)
        ref = CaptureRef(str(item.sha256), reason, item.seq)
        self._outbox.append(
            Payload(RecordKind.CAPTURE_DELETED, now, NOT_RECORDED, who=self._officer(), ref=ref)
        )

    def finish(self) -> None:
        """Delete what has its tombstone already: a cut came in between."""
        states: dict[str, set[ObjectState]] = {}
        for row in self._ledger.objects():
            states.setdefault(row.sha256, set()).add(row.state)
        for sha256, found in states.items():
            if found == {ObjectState.WIPED} and self._files.exists(sha256):
                self._files.remove(sha256)


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while data := file.read(_READ_BYTES):
        digest.update(data)
    return digest.hexdigest()


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_dev, one.st_ino, one.st_size, one.st_mtime_ns) == (
        other.st_dev,
        other.st_ino,
        other.st_size,
        other.st_mtime_ns,
    )
