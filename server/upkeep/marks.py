"""Rows beside the log that say again what it says: marks, mirrors, keys, attested heads, tokens."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.heads import HeadText
from client_sdk.protocol.keys import PublicKey
from client_sdk.protocol.timestamps import open_token, token_time
from client_sdk.protocol.tlog.leaves import case_tag
from client_sdk.protocol.tlog.notes import parse_note
from server.audit.device_models import DeviceKey, HeadAttestation
from server.audit.models import (
    CaseChain,
    CheckpointRow,
    Event,
    LogTile,
    OutboxRow,
    TileMirror,
    TimestampRow,
)
from server.audit.outbox import entry_mac, mac_key
from server.audit.timestamping import Authority, authorities
from server.cases.models import Case
from server.core.db import table_of
from server.core.keyring import KeyRing
from server.settings import Settings
from server.upkeep.entries import Keys, json_object
from server.upkeep.findings import Code, Report

_outbox, _keys = table_of(OutboxRow), table_of(DeviceKey)
_BUNDLES: Final = -1


def waiting(session: Session, keyring: KeyRing, report: Report) -> None:
    """What waits for the log was written by this server."""
    key = mac_key(keyring)
    for row in session.execute(sa.select(_outbox)).mappings():
        if entry_mac(key, row) != row["mac"]:
            report.add(Code.STATE, f"outbox/{row['id']}", "this server did not write it so")


def device_keys(session: Session, keys: Keys, report: Report) -> None:
    """Each key of a chain is one that an entry bound at that place."""
    for row in session.execute(sa.select(_keys)):
        where = f"device_keys/{row.device_id}/{row.ep}/{row.from_seq}"
        bound = keys.bound.pop((str(row.device_id), row.ep, row.from_seq), None)
        try:
            kid = PublicKey.from_jwk(row.jwk).thumbprint
        except ProtocolError:
            kid = ""
        if bound is None or (row.kid, row.record_hid, str(row.court_id)) != bound or kid != row.kid:
            report.add(Code.COLUMN, where, "it is not the key that the log binds there")
    for device_id, ep, from_seq in keys.bound:
        name = f"device_keys/{device_id}/{ep}/{from_seq}"
        report.add(Code.ROW_MISSING, name, "the log binds a key there")


def attested_heads(session: Session, report: Report) -> None:
    """Each attested head is what the attesting record says."""
    table = table_of(HeadAttestation)
    for row in session.execute(sa.select(table)):
        where = f"head_attestations/{row.by_device_id}/{row.by_ep}/{row.by_seq}"
        mine = (Event.src == str(row.by_device_id), Event.ep == row.by_ep, Event.seq == row.by_seq)
        columns = (Event.hid, Event.p, Event.rx, Event.court_id)
        entry = session.execute(sa.select(*columns).where(*mine)).first()
        if entry is None or not _attests(entry, row):
            report.add(Code.COLUMN, where, "it is not what the record says")


def case_keys(session: Session, report: Report) -> None:
    """Each case's chain begins with the case's own key and number."""
    chain = table_of(CaseChain)
    statement = sa.select(
        chain, Case.case_key.label("own"), Case.case_no, Case.court_id.label("of")
    )
    for row in session.execute(statement.outerjoin(Case, Case.id == chain.c.case_id)):
        where = f"case_chains/{row.case_id}"
        if row.own is None:
            report.add(Code.CASE_CHAIN, where, "there is no such case")
        elif row.case_key.hex() != row.own or row.court_id != row.of:
            report.add(Code.CASE_CHAIN, where, "key or court is not the case's")
        elif row.tag != case_tag(row.case_key, row.case_no):
            report.add(Code.CASE_CHAIN, where, "the tag is not that of the case's number")


def mirrors(session: Session, report: Report) -> None:
    """What was mirrored is what the table of tiles holds."""
    table = table_of(TileMirror)
    for row in session.execute(sa.select(table).where(table.c.level != _BUNDLES)):
        data = session.execute(
            sa.select(LogTile.data).where(LogTile.level == row.level, LogTile.index == row.index)
        ).scalar()
        mirrored = (data or b"")[: row.size_bytes]
        if (row.sha256, row.size_bytes) != (sha256(mirrored).hexdigest(), len(mirrored)):
            name = f"tile_mirrors/{row.level}/{row.index}"
            report.add(Code.TILE, name, "it does not name the tile's bytes")


def timestamps(session: Session, settings: Settings, report: Report) -> None:
    """Each token is over its checkpoint and says the time that its row says.

    One of an authority that the settings name is judged by its roots as well; others are judged
    by whoever verifies a dossier.
    """
    table = table_of(TimestampRow)
    statement = sa.select(table, CheckpointRow.note).outerjoin(
        CheckpointRow, CheckpointRow.size == table.c.size
    )
    known = {one.name: one for one in authorities(settings)}
    for row in session.execute(statement):
        for detail in _token(row, known.get(row.authority)):
            report.add(Code.TIMESTAMP, f"timestamps/{row.size}/{row.authority}", detail)
        report.looked_at("timestamps")


def _token(row: Any, authority: Authority | None) -> Iterator[str]:
    if row.note is None:
        yield "there is no such checkpoint"
        return
    try:
        body = parse_note(row.note).text.encode()
        at = token_time(row.token, body)
        if authority is not None:
            at = open_token(row.token, body, authority.roots()).at
    except ProtocolError as error:
        yield str(error)
        return
    if abs((at - row.gen_time).total_seconds()) >= 1:
        yield "gen_time is not the token's"


def _attests(entry: Any, row: Any) -> bool:
    payload = json_object(entry.p)
    if payload is None:
        return entry.p is None  # erased: only the number is left
    try:
        head = HeadText.from_value(payload.get("head"))
    except ProtocolError:
        return False
    said = (head.device, head.ep, head.seq, head.hid, head.unix_ms)
    held = (uuid.UUID(str(row.device_id)), row.ep, row.seq, row.hid, row.shown_ms)
    return said == held and (entry.hid, entry.rx, entry.court_id) == (
        row.by_hid, row.rx, row.court_id,
    )  # fmt: skip
