"""Re-reading every blob: is it what its name says, are there as many copies as its row says.

A damaged or missing copy is replaced from a sound one where the store keeps two.  The reading is
held to a rate, and where it stopped is kept in a file, so that a scrub of many terabytes can be
spread over days.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.audit.models import TileMirror
from server.core.durable import replace_file
from server.core.transactions import EVERY_COURT, unit_of_work
from server.core.units import Units
from server.disclosure.models import Export
from server.evidence.models import Blob, Derivative, Evidence
from server.evidence.redaction_models import Redaction
from server.evidence.shipping import Outcome, note_copies
from server.upkeep.findings import Code, Report
from storage.digest import Digest
from storage.errors import BlobNotFound, DigestMismatch, StorageError
from storage.ports import BlobStore, KeepsCopies

BATCH: Final = 200


@dataclass(slots=True)
class Place:
    """Where a scrub of the bytes stands, kept in a file."""

    path: Path | None

    def read(self) -> str:
        """The digest it reached, empty for the beginning."""
        if self.path is None or not self.path.exists():
            return ""
        return str(json.loads(self.path.read_text())["after"])

    def write(self, after: str) -> None:
        """Remember where it is; empty when it has come to the end."""
        if self.path is None:
            return
        if after:
            replace_file(self.path, json.dumps({"after": after}).encode())
        else:
            self.path.unlink(missing_ok=True)


@dataclass(slots=True)
class BlobScrub:
    """One reading of all blobs.

    :param rate_bytes: bytes per second at most; 0 for no limit.
    :param every_copy: also re-read sound blobs at the far place, which costs its traffic.
    """

    units: Units
    blobs: BlobStore
    report: Report
    place: Place
    rate_bytes: int = 0
    every_copy: bool = False
    sleep: Callable[[float], None] = time.sleep
    _read: int = field(default=0)
    _since: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Read everything from where the last scrub stopped."""
        after = self.place.read()
        while rows := self._rows(after):
            for row in rows:
                self._one(row)
                self._rest(row.size_bytes)
            after = rows[-1].sha256
            self.place.write(after)
        self.place.write("")

    def _rows(self, after: str) -> list[Any]:
        with unit_of_work(EVERY_COURT, write=False) as session:
            table = Blob.__table__
            statement = sa.select(table).where(table.c.sha256 > after)
            found = session.execute(statement.order_by(table.c.sha256).limit(BATCH))
            return list(found.all())

    def _one(self, row: Any) -> None:
        where, digest = f"blobs/{row.sha256}", Digest(row.sha256)
        self.report.looked_at("blobs")
        self.report.looked_at("bytes", row.size_bytes)
        try:
            if self.every_copy and isinstance(self.blobs, KeepsCopies):
                self._repair(row, digest, where, "")
            else:
                size_bytes = self.blobs.verify(digest).size_bytes
                if size_bytes != row.size_bytes:
                    self.report.add(Code.COLUMN, where, f"size_bytes is not {size_bytes}")
                self._copies(row, digest, where)
        except (DigestMismatch, BlobNotFound) as error:
            self._repair(row, digest, where, str(error))
        except StorageError as error:
            self.report.add(Code.BLOB_MISSING, where, f"it cannot be read now: {error}")

    def _copies(self, row: Any, digest: Digest, where: str) -> None:
        if not isinstance(self.blobs, KeepsCopies):
            if row.copies > 1 or row.evicted_at is not None:
                self.report.add(Code.BLOB_COPIES, where, "there is one place for bytes here")
        elif self.blobs.copies(digest) < row.copies:
            self._repair(row, digest, where, "a copy is not there")
            return
        elif row.evicted_at is not None and (row.copies, self.blobs.copies(digest)) != (1, 1):
            self.report.add(Code.BLOB_COPIES, where, "evicted_at does not fit the copies there are")
        if row.copies == 0:
            with self.units() as ctx:
                note_copies(ctx, row.sha256, 1, Outcome.REPAIRED)
            self.report.add(Code.BLOB_REPAIRED, where, "it is sound again")

    def _repair(self, row: Any, digest: Digest, where: str, why: str) -> None:
        """Bring every copy back from a sound one, or say that there is none."""
        try:
            replaced = _repaired(self.blobs, digest)
        except (DigestMismatch, BlobNotFound):
            code = Code.BLOB_MISSING if self.blobs.stat(digest) is None else Code.BLOB_DAMAGED
            self.report.add(code, where, why or "no sound copy is left")
            if row.copies:
                with self.units() as ctx:
                    note_copies(ctx, row.sha256, 0, Outcome.DAMAGED)
            return
        if replaced:
            self.report.add(Code.BLOB_REPAIRED, where, why or f"{replaced} copies replaced")
            copies = self.blobs.copies(digest) if isinstance(self.blobs, KeepsCopies) else 1
            with self.units() as ctx:
                note_copies(ctx, row.sha256, copies, Outcome.REPAIRED)

    def _rest(self, size_bytes: int) -> None:
        self._read += size_bytes
        if self.rate_bytes:
            ahead = self._read / self.rate_bytes - (time.monotonic() - self._since)
            if ahead > 0:
                self.sleep(min(ahead, 60.0))


def _repaired(blobs: BlobStore, digest: Digest) -> int:
    """How many copies were replaced from a sound one; raises where there is none."""
    if not isinstance(blobs, KeepsCopies):
        raise BlobNotFound(digest.hex)
    return blobs.repair(digest)


def references(session: Session, report: Report) -> None:
    """What names bytes names bytes that there are."""
    known = sa.select(Blob.sha256)
    verified = sa.select(Evidence.id, Evidence.sha256).where(
        Evidence.state == "verified", Evidence.sha256.not_in(known)
    )
    for item_id, sha256 in session.execute(verified):
        report.add(Code.ROW_MISSING, f"blobs/{sha256}", f"evidence/{item_id} needs it")
    made = sa.select(Derivative.source_sha256, Derivative.name, Derivative.sha256).where(
        Derivative.sha256.not_in(known)
    )
    for source, name, sha256 in session.execute(made):
        detail = f"derivatives/{source}/{name} needs it"
        report.add(Code.ROW_MISSING, f"blobs/{sha256}", detail)
    copies = sa.select(Redaction.id, Redaction.sha256).where(
        Redaction.sha256.is_not(None), Redaction.sha256.not_in(known)
    )
    for redaction_id, copy in session.execute(copies):
        detail = f"redactions/{redaction_id} needs it"
        report.add(Code.ROW_MISSING, f"blobs/{copy}", detail)


def named_otherwise(session: Session, blobs: BlobStore, report: Report) -> None:
    """Re-read what is kept in the store without a row of its own: mirrored tiles and packages."""
    for model in (TileMirror, Export):
        statement = sa.select(model.sha256).where(model.sha256.is_not(None))
        for sha256 in session.execute(statement).scalars():
            try:
                blobs.verify(Digest(str(sha256)))
            except DigestMismatch:
                report.add(Code.BLOB_DAMAGED, f"blobs/{sha256}", f"{model.__tablename__} names it")
            except BlobNotFound:
                report.add(Code.BLOB_MISSING, f"blobs/{sha256}", f"{model.__tablename__} names it")
            report.looked_at("blobs")


def strangers(session: Session, blobs: BlobStore, report: Report) -> None:
    """Bytes in the store that no row names: kept, and told."""
    known: set[str | None] = set(session.execute(sa.select(Blob.sha256)).scalars())
    known |= set(session.execute(sa.select(TileMirror.sha256)).scalars())
    known |= set(session.execute(sa.select(Export.sha256)).scalars())
    for digest in blobs.digests():
        if digest.hex not in known:
            report.add(Code.BLOB_UNKNOWN, f"blobs/{digest.hex}", "no row names these bytes")
