"""The one stream of events, the chains of the devices, and the receipts."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, BigId, CourtOfChain, CourtScoped


class _Entry(CourtScoped):
    """Columns that a row of the outbox and an event share.

    ``h``, ``p`` are the JCS texts exactly as signed; ``k`` is the id of the signing key and ``rx``
    the server's receipt time.  A server event has no ``ep`` and ``seq``.
    """

    kind: Mapped[str]
    src: Mapped[str]
    ep: Mapped[int | None]
    seq: Mapped[int | None] = mapped_column(BigId)
    hid: Mapped[str]
    h: Mapped[str]
    p: Mapped[str | None]  # erased lawfully: payload and salt go, the header stays
    salt: Mapped[str | None]
    sig: Mapped[str]
    k: Mapped[str]
    rx: Mapped[str]
    actor_id: Mapped[uuid.UUID | None]
    subject_type: Mapped[str | None]
    subject_id: Mapped[str | None]
    case_id: Mapped[uuid.UUID | None]
    mission_id: Mapped[uuid.UUID | None]


class OutboxRow(_Entry, Base):
    """Written in the transaction of its cause; only the sequencer reads and deletes it."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    changes: Mapped[list[Any]]  # [[recipient, topic, entity id, op], …]
    mac: Mapped[str]  # over every other column, see entry_mac: only the server can make it


class RefusedRow(Base):
    """An outbox row that no server of this installation wrote: kept for people, never sequenced.

    ``row`` is the row as it was found.  It belongs to no court, since what it says proves nothing.
    """

    __tablename__ = "outbox_refused"

    outbox_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    found_at: Mapped[datetime] = mapped_column(primary_key=True)
    reason: Mapped[str]  # mac | repeated
    row: Mapped[dict[str, Any]]


class Event(_Entry, Base):
    """An entry of the log; the index has no gaps.

    ``case_tag``, ``case_seq``, ``case_prev`` are ``ct``, ``cs``, ``cp`` of 04 §4.1: all or none.
    """

    __tablename__ = "events"
    __table_args__ = (
        sa.Index(None, "court_id", "log_index"),
        sa.Index(None, "court_id", "kind", "log_index"),
        sa.Index(None, "court_id", "actor_id", "log_index"),
        sa.Index(None, "mission_id", "log_index"),
        sa.Index(None, "case_id", "log_index"),
        sa.Index(None, "subject_id", "log_index"),
        sa.Index(None, "src", "ep", "seq"),
        sa.Index(None, "hid", unique=True),
    )

    log_index: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    case_tag: Mapped[str | None]
    case_seq: Mapped[int | None] = mapped_column(BigId)
    case_prev: Mapped[str | None]  # leaf hash of the case's previous entry, hex
    leaf_hash: Mapped[bytes]


class LogState(Base):
    """One row: the next index, and the generation of the feed (new after a restore)."""

    __tablename__ = "log_state"

    id: Mapped[int] = mapped_column(primary_key=True)
    next_index: Mapped[int] = mapped_column(BigId)
    generation: Mapped[str]
    feed_horizon: Mapped[int] = mapped_column(BigId)  # changes below it are compacted away


class CaseChain(CourtScoped, Base):
    """Where a case's own sequence of entries stands; ``case_key`` travels in its dossier."""

    __tablename__ = "case_chains"

    case_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_key: Mapped[bytes]
    tag: Mapped[str]
    last_seq: Mapped[int] = mapped_column(BigId)
    last_leaf: Mapped[bytes]


class LogTile(Base):
    """A tile of the tree (C2SP tlog-tiles): up to 256 hashes of 32 bytes, one after another.

    The right edge of each level grows in place; a row of ``width`` 256 never changes again.
    """

    __tablename__ = "log_tiles"

    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    index: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    width: Mapped[int]
    data: Mapped[bytes]


class TileMirror(Base):
    """That a full tile lies in the store of bytes too; ``level`` -1 are bundles of entries."""

    __tablename__ = "tile_mirrors"

    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    index: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    sha256: Mapped[str] = mapped_column(index=True)
    size_bytes: Mapped[int]


class CheckpointRow(Base):
    """A tree head that the signer signed (L1).

    ``note`` is the signed note with the log's own signatures; ``witnessed_at`` is when the quorum
    of witnesses had cosigned it (L2), ``timestamped_at`` when an authority had (L3).
    """

    __tablename__ = "checkpoints"
    __table_args__ = (
        sa.Index(None, "witnessed_at"),
        sa.Index(None, "timestamped_at"),
    )

    size: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    root: Mapped[bytes]
    note: Mapped[str]
    signed_at: Mapped[datetime]
    witnessed_at: Mapped[datetime | None]
    timestamped_at: Mapped[datetime | None]


class CosignatureRow(Base):
    """A witness' signature line under a checkpoint (C2SP tlog-cosignature), verified on receipt."""

    __tablename__ = "cosignatures"

    size: Mapped[int] = mapped_column(
        BigId, sa.ForeignKey("checkpoints.size"), primary_key=True, autoincrement=False
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    line: Mapped[str]
    cosigned_at: Mapped[datetime]


class TimestampRow(Base):
    """A token of a time-stamping authority over a checkpoint's body (RFC 3161), verified."""

    __tablename__ = "timestamps"

    size: Mapped[int] = mapped_column(
        BigId, sa.ForeignKey("checkpoints.size"), primary_key=True, autoincrement=False
    )
    authority: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[bytes]
    gen_time: Mapped[datetime]


class SignerState(Base):
    """One row: what the signer last said of itself; its own folder is what it goes by."""

    __tablename__ = "signer_state"

    id: Mapped[int] = mapped_column(primary_key=True)
    origin: Mapped[str]
    vkey: Mapped[str]
    size: Mapped[int] = mapped_column(BigId)  # newest size it signed, 0 for none
    refusal: Mapped[str | None]  # why it does not sign; None while it does
    detail: Mapped[str | None]
    seen_at: Mapped[datetime]


class Change(CourtScoped, Base):
    """What a recipient has to learn, by log index; serves pull in O(changes)."""

    __tablename__ = "changes"

    recipient: Mapped[str] = mapped_column(primary_key=True)  # device:<id> | user:<id> | court:<id>
    log_index: Mapped[int] = mapped_column(BigId, primary_key=True)
    topic: Mapped[str] = mapped_column(primary_key=True)  # mission | booking | receipt | return | …
    entity_id: Mapped[str] = mapped_column(primary_key=True)
    op: Mapped[str]  # put | drop


class DeviceChain(CourtScoped, Base):
    """Head of a device's chain; its row lock makes pushes of one device wait for each other."""

    __tablename__ = "device_chains"

    device_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("devices.id"), primary_key=True)
    ep: Mapped[int] = mapped_column(primary_key=True)
    last_seq: Mapped[int] = mapped_column(BigId)
    head: Mapped[str]
    held_count: Mapped[int] = mapped_column(default=0)
    last_boot: Mapped[str | None]  # what the newest record's clocks said
    last_mono_ms: Mapped[int | None] = mapped_column(BigId)
    last_wall_ms: Mapped[int | None] = mapped_column(BigId)


class DeviceRecord(CourtOfChain, Base):
    """Index of the records that entered the log: one per (device, ep, seq)."""

    __tablename__ = "device_records"

    device_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    ep: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigId, primary_key=True)
    hid: Mapped[str]
    act: Mapped[str]
    rx: Mapped[str]
    findings: Mapped[list[Any] | None]  # [{"code", "detail"}], shown to people
    seal: Mapped[str | None]  # first digest of the row and of its entry, see seals


class HeldRecord(CourtScoped, Base):
    """A signed record whose predecessor has not come yet; visible, never dropped."""

    __tablename__ = "held_records"

    device_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("devices.id"), primary_key=True)
    ep: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigId, primary_key=True)
    hid: Mapped[str]
    wire: Mapped[dict[str, Any]]
    rx: Mapped[str]
    held_since: Mapped[datetime] = mapped_column(index=True)
    seal: Mapped[str | None]


class RecordConflict(CourtScoped, Base):
    """A second record for a taken place, or one that does not continue the chain: kept, flagged."""

    __tablename__ = "record_conflicts"

    device_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("devices.id"), primary_key=True)
    ep: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigId, primary_key=True)
    hid: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]  # same-seq | chain-break
    wire: Mapped[dict[str, Any]]
    rx: Mapped[str]
    found_at: Mapped[datetime]
    seal: Mapped[str | None]


class ReceiptRow(CourtScoped, Base):
    """A signed receipt: record and bytes are durable."""

    __tablename__ = "receipts"
    __table_args__ = (
        sa.UniqueConstraint("device_id", "ep", "seq", "sha256", "generation"),
        sa.Index(None, "device_id", "id"),
        sa.Index(None, "waits_for"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    device_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("devices.id"))
    ep: Mapped[int]
    seq: Mapped[int] = mapped_column(BigId)
    sha256: Mapped[str] = mapped_column(default="")  # empty for a record without bytes
    generation: Mapped[int] = mapped_column(default=1)  # 2: superseding, with checkpoint and proof
    waits_for: Mapped[int | None] = mapped_column(BigId)  # log index to be proven by its successor
    s: Mapped[str]
    sig: Mapped[str]
    k: Mapped[str]
    issued_at: Mapped[datetime]
