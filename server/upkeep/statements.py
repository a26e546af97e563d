"""Signed texts in tables of their own: receipts, kept records, cosignatures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.records import open_record
from client_sdk.protocol.statements import SignedStatement, StatementKind, verify
from client_sdk.protocol.times import parse_rfc3339
from client_sdk.protocol.tlog.cosignatures import verify_cosignature
from client_sdk.protocol.tlog.notes import VerifierKey, parse_note, parse_signature_line
from server.audit.models import (
    CheckpointRow,
    CosignatureRow,
    HeldRecord,
    ReceiptRow,
    RecordConflict,
)
from server.core.db import Base, table_of
from server.core.keyring import KeyRing
from server.upkeep.findings import Code, Report

BATCH: Final = 500
_STAMP_BYTES: Final = slice(0, 8)  # a cosignature begins with its time (C2SP tlog-cosignature)


def pages(session: Session, model: type[Base], at: Any) -> Iterator[Sequence[Any]]:
    """All rows of a table with a key of one column, a page at a time."""
    table, last = table_of(model), None
    while True:
        statement = sa.select(table).order_by(at).limit(BATCH)
        if last is not None:
            statement = statement.where(at > last)
        rows = session.execute(statement).all()
        if rows:
            yield rows
        if len(rows) < BATCH:
            return
        last = getattr(rows[-1], at.name)


def receipts(session: Session, keyring: KeyRing, report: Report) -> None:
    """Every receipt says what its row says, signed by this server."""
    for rows in pages(session, ReceiptRow, table_of(ReceiptRow).c.id):
        for row in rows:
            where = f"receipts/{row.id}"
            try:
                signed = SignedStatement(row.s, row.sig, row.k)
                body = verify(StatementKind.RECEIPT, signed, keyring)
            except ProtocolError as error:
                report.add(Code.RECEIPT, where, f"it does not verify: {error}")
                continue
            if _said(body) != _held(row):
                report.add(Code.RECEIPT, where, "the row differs from what was signed")
        report.looked_at("receipts", len(rows))


def kept_records(session: Session, report: Report) -> None:
    """Held and contradicting records are still what their devices signed.

    Their signatures are part of what their rows' seals cover.
    """
    for model in (HeldRecord, RecordConflict):
        table = table_of(model)
        for row in session.execute(sa.select(table)):
            where = f"{table.name}/{row.device_id}/{row.ep}/{row.seq}"
            try:
                opened = open_record(row.wire)
            except ProtocolError as error:
                report.add(Code.HEADER, where, str(error))
                continue
            header = opened.header
            said = (header.src, header.ep, header.seq, opened.hid)
            if said != (str(row.device_id), row.ep, row.seq, row.hid):
                report.add(Code.COLUMN, where, "the row differs from its record")
            report.looked_at("kept records")


def cosignatures(session: Session, witnesses: Mapping[str, VerifierKey], report: Report) -> None:
    """Each row of a witness says what its line says, and the line is over its checkpoint.

    :param witnesses: the keys that are known, by name; other lines are only read.
    """
    table = table_of(CosignatureRow)
    statement = sa.select(table, CheckpointRow.note).outerjoin(
        CheckpointRow, CheckpointRow.size == table.c.size
    )
    for row in session.execute(statement):
        detail = _cosignature(row, witnesses.get(row.name))
        if detail:
            report.add(Code.COSIGNATURE, f"cosignatures/{row.size}/{row.name}", detail)
        report.looked_at("cosignatures")


def _said(body: dict[str, Any]) -> tuple[Any, ...]:
    generation = 2 if body.get("checkpoint") is not None else 1
    return (
        body["court"], body["device"], body["ep"], body["seq"], body["sha256"] or "",
        parse_rfc3339(body["issued"]), generation,
    )  # fmt: skip


def _held(row: Any) -> tuple[Any, ...]:
    return (
        str(row.court_id), str(row.device_id), row.ep, row.seq, row.sha256, row.issued_at,
        row.generation,
    )  # fmt: skip


def _cosignature(row: Any, key: VerifierKey | None) -> str | None:
    if row.note is None:
        return "there is no such checkpoint"
    try:
        signature = parse_signature_line(row.line)
        at = int.from_bytes(signature.signature[_STAMP_BYTES])
        if key is not None:
            at = verify_cosignature(parse_note(row.note).with_signatures([signature]), key)
    except ProtocolError as error:
        return f"it does not hold: {error}"
    if signature.name != row.name or at != int(row.cosigned_at.timestamp()):
        return "the row differs from the line"
    return None
