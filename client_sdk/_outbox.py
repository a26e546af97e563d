"""The durable outbox: captures and log entries become chained, signed records.

Steps of a capture, each safe to be cut after: copy and hash into `tmp/`, fsync, note
the intent, rename, fsync the directory, then one transaction with sequence,
predecessor, digest, times and signature. Only then is it captured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from client_sdk._clock import DeviceClock, read_instant
from client_sdk._durable import FileLock
from client_sdk._epochs import SigningKeys
from client_sdk._files import FileStore, Leftover, Staged
from client_sdk._ledger import Head, Ledger, ObjectState
from client_sdk.errors import (
    CaptureError,
    NotEnrolledError,
    StoreBusyError,
    StoreCorruptError,
    StoreFullError,
)
from client_sdk.protocol.epochs import certify
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.keys import PrivateKey
from client_sdk.protocol.parts import CaptureRef
from client_sdk.protocol.payloads import Geo, Instant, Media, NoGeo, ObjectRef, Payload, RecordKind
from client_sdk.protocol.records import SALT_BYTES, Sealed, seal

NOT_RECORDED: Final = NoGeo("not-recorded")
# Instead of a mission and of an officer: those that the client was told.
IN_USE: Final = "in-use"
SIGNED_IN: Final = "signed-in"
_LOCK: Final = "capture.lock"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this device is to the server."""

    device_id: UUID
    court_id: UUID
    ep: int
    key: PrivateKey
    court_name: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a record is about, besides its bytes."""

    who: UUID | None = None
    case: UUID | None = None
    mission: UUID | None = None
    ticket: str | None = None
    geo: Geo | NoGeo = NOT_RECORDED
    captured_by: UUID | None = None
    text: str | None = None
    match: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to capture: its name's bytes and its kind."""

    name: bytes
    mime: str
    media: Media


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record that is durable on this device."""

    ep: int
    seq: int
    hid: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a start found: files without rows, rows without files, interrupted copies."""

    recovered: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    interrupted: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing needs telling."""
        return not (self.recovered or self.lost or self.damaged or self.interrupted)


class Outbox:
    """Appends to the device's chain. Safe for threads and processes on one store."""

    def __init__(
        self,
        root: Path,
        ledger: Ledger,
        files: FileStore,
        clock: DeviceClock,
        randbytes: Callable[[int], bytes],
        keys: SigningKeys,
    ) -> None:
        self._ledger = ledger
        self.keys = keys
        self._files = files
        self._clock = clock
        self._randbytes = randbytes
        self._lock = FileLock(root / _LOCK)
        self.identity: Identity | None = None
        self.recover_recordings: Callable[[], Iterable[str]] = tuple
        self.finish_deletions: Callable[[], None] = lambda: None

    def require_identity(self) -> Identity:
        """The identity; NotEnrolledError without one."""
        if self.identity is None:
            raise NotEnrolledError("this device is not enrolled yet")
        return self.identity

    def append(
        self, payload: Payload, *, keep_instant: bool = False, place: str | None = None
    ) -> Recorded:
        """Seal `payload` as the next record, in one transaction.

        Its instant is replaced by a fresh one if another record was appended since
        it was read: in a chain the monotonic clock never goes back. With
        `keep_instant` that is a CaptureError instead. A signing key that is due is
        followed by its successor first.
        """
        if not keep_instant:
            self.rotate_if_due(payload.t)
        try:
            return self._append(payload, place, keep_instant=keep_instant)
        except StoreFullError:
            store = self._ledger.store
            if store.in_transaction or not store.release_ballast():
                raise
            return self._append(payload, place, keep_instant=keep_instant)

    def _append(self, payload: Payload, place: str | None, *, keep_instant: bool) -> Recorded:
        identity = self.require_identity()
        with self._ledger.store.transaction():
            head = self._ledger.head(identity.ep)
            if not head.may_precede(payload.t):
                if keep_instant:
                    raise CaptureError("another record was appended meanwhile")
                payload = replace(payload, t=read_instant(self._clock, payload.t.gnss))
            sealed = self._seal(identity, head, payload)
            if place is not None and payload.obj:
                digest = payload.obj[0].sha256
                self._ledger.add_docked(place, digest, identity.ep, head.seq + 1)
        return Recorded(identity.ep, head.seq + 1, sealed.hid, payload)

    def _seal(self, identity: Identity, head: Head, payload: Payload) -> Sealed:
        """Sign and insert the record after `head`."""
        sealed = seal(
            payload.to_dict(),
            src=str(identity.device_id),
            ep=identity.ep,
            seq=head.seq + 1,
            prev=head.hid,
            salt=self._randbytes(SALT_BYTES),
            key=self.keys.current(identity.key),
        )
        self._ledger.add(sealed, payload)
        return sealed

    def rotate_if_due(self, at: Instant | None = None) -> bool:
        """Let the next key follow when the present one was used enough; whether it did.

        The record that certifies it and its coming into force are one transaction; then
        the old key is destroyed. `at` is the instant of the record that comes after it.
        """
        store, identity = self._ledger.store, self.identity
        now = at or read_instant(self._clock)
        if identity is None or store.in_transaction or not self.keys.due(identity.ep, now):
            return False
        with store.transaction():
            if not self.keys.due(identity.ep, now):
                return False  # another process was first
            head = self._ledger.head(identity.ep)
            if not head.may_precede(now):
                now = read_instant(self._clock)
            name, successor = self.keys.make(identity.key.alg)
            src, seq = str(identity.device_id), head.seq + 1
            key = certify(successor, src=src, ep=identity.ep, seq=seq, prev=head.hid)
            self._seal(identity, head, Payload(RecordKind.KEY_NEXT, now, NOT_RECORDED, key=key))
            self.keys.adopt(name, head.seq + 2)
        self.keys.destroy_others()
        return True

    def capture(
        self,
        source: Iterable[bytes],
        file: NewFile,
        subject: Subject,
        *,
        place: str | None = None,
        at: Instant | None = None,
        size_hint_bytes: int = 0,
        on_bytes: Callable[[int], None] | None = None,
        unchanged: Callable[[], None] | None = None,
    ) -> Recorded:
        """Keep the bytes of `source` and record them; durable when it returns.

        `place` is remembered with it, so that a dock does not capture a file twice.
        `unchanged` is asked after the copy and raises when the source moved meanwhile.
        """
        self.require_identity()
        moment = at or read_instant(self._clock)
        self._files.require_space(size_hint_bytes)
        with self._lock.hold(shared=True):
            staged = self._files.stage(source, on_bytes)
            if unchanged is not None:
                try:
                    unchanged()
                except BaseException:
                    staged.path.unlink(missing_ok=True)
                    raise
            return self.keep(staged, capture_payload(staged, file, subject, moment), place)

    def keep(
        self,
        staged: Staged,
        payload: Payload,
        place: str | None = None,
        also: Callable[[], None] | None = None,
    ) -> Recorded:
        """Give a complete copy its name and its record; the capture lock is held.

        `also` is done in the transaction of the record.
        """
        meant = {"payload": payload.to_dict(), "place": place}
        intent = self._files.write_intent(staged.sha256, meant)
        self._files.publish(staged)
        if also is None:
            recorded = self.append(payload, place=place)
        else:
            self.rotate_if_due(payload.t)
            with self._ledger.store.transaction():
                recorded = self.append(payload, place=place)
                also()
        self._files.drop_intent(intent)
        return recorded

    def capturing(self) -> AbstractContextManager[None]:
        """Holds off reconciliation while something is being captured."""
        return self._lock.hold(shared=True)

    def note(self, text: str, subject: Subject, *, at: Instant | None = None) -> Recorded:
        """Append a log entry."""
        moment = at or read_instant(self._clock)
        return self.append(payload_of(RecordKind.LOG_NOTE, moment, replace(subject, text=text)))

    # -- reconciliation at start

    def reconcile(self) -> Reconciled:
        """Make files and rows agree after a crash; nothing is deleted.

        Does nothing while another process captures into the same store.
        """
        self.keys.destroy_others()
        if self.identity is None:
            return Reconciled()
        self.rotate_if_due()
        try:
            with self._lock.hold(wait=False):
                interrupted = tuple(self.recover_recordings())
                return replace(self._reconcile(), interrupted=interrupted)
        except StoreBusyError:
            return Reconciled()

    def _reconcile(self) -> Reconciled:
        self._files.collect_leftovers()
        self.finish_deletions()
        present = self._files.digests()
        intents = self._files.intents()
        recovered, damaged = [], []
        for sha256 in sorted(present - self._ledger.known_digests()):
            intent = next((i for digest, i in intents.values() if digest == sha256), None)
            try:
                self._recover(sha256, intent)
            except StoreCorruptError:
                damaged.append(sha256)
            else:
                recovered.append(sha256)
        lost = self._record_losses(present)
        for path in intents:
            self._files.drop_intent(path)
        leftovers = tuple(self._files.leftovers())
        return Reconciled(tuple(recovered), tuple(lost), tuple(damaged), leftovers)

    def _recover(self, sha256: str, intent: Any) -> None:
        """Record a file that has no row, with what its intent tells."""
        size_bytes = self._files.measure(sha256)
        now = read_instant(self._clock)
        ref = CaptureRef(sha256, "no-row")
        place = None
        try:
            meant = Payload.from_dict(intent["payload"])
            place = intent["place"]
        except (ProtocolError, TypeError, KeyError):
            unknown = ObjectRef(sha256, size_bytes, "application/octet-stream", b"")
            payload = Payload(
                RecordKind.CAPTURE_RECOVERED, now, NOT_RECORDED, obj=(unknown,), ref=ref
            )
        else:
            match = {**(meant.match or {}), "intended_t": meant.t.to_dict()}
            payload = replace(meant, act=RecordKind.CAPTURE_RECOVERED, t=now, ref=ref, match=match)
        self.append(payload, place=place)

    def _record_losses(self, present: set[str]) -> list[str]:
        """Sign a `lost` record for every row whose file is gone."""
        lost = []
        gone = (ObjectState.LOST, ObjectState.WIPED)
        rows = [r for r in self._ledger.objects() if r.state not in gone]
        for row in rows:
            if row.sha256 in present:
                continue
            sent = row.state in (ObjectState.SENT, ObjectState.CONFIRMED)
            reason = "file-missing-after-upload" if sent else "file-missing"
            if sent and self._ledger.store.get(f"missing:{row.key}"):
                continue
            payload = Payload(
                RecordKind.CAPTURE_LOST,
                read_instant(self._clock),
                NOT_RECORDED,
                ref=CaptureRef(row.sha256, reason, row.seq),
            )
            with self._ledger.store.transaction():
                self.append(payload)
                if sent:
                    self._ledger.store.put(f"missing:{row.key}", value=True)
                else:
                    self._ledger.mark_object(row, ObjectState.LOST, reason)
            lost.append(row.sha256)
        return lost


def payload_of(act: RecordKind, at: Instant, subject: Subject, **more: Any) -> Payload:
    """A payload about a subject."""
    return Payload(
        act,
        at,
        subject.geo,
        who=subject.who,
        case=subject.case,
        mission=subject.mission,
        ticket=subject.ticket,
        captured_by=subject.captured_by,
        text=subject.text,
        match=subject.match,
        **more,
    )


def capture_payload(staged: Staged, file: NewFile, subject: Subject, at: Instant) -> Payload:
    """The record of a complete copy."""
    ref = ObjectRef(staged.sha256, staged.size_bytes, file.mime, file.name)
    return payload_of(RecordKind.CAPTURE_RECORDED, at, subject, obj=(ref,), media=file.media)
