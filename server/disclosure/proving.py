"""Chooses the checkpoint a package stands on, and what else proves it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.dossier import EntryLine, format_consistency
from client_sdk.protocol.tlog.checkpoints import parse_checkpoint
from client_sdk.protocol.tlog.notes import parse_note
from server.audit import log
from server.audit.log import Prover, StoredCheckpoint
from server.audit.models import CheckpointRow, CosignatureRow, TimestampRow
from server.disclosure.facts import Checkpoint, Cosignature, TimeToken
from server.disclosure.logbook import Entry
from server.disclosure.package import Proofs
from server.settings import Settings

_TOKEN_NAME: Final = re.compile(r"[^a-z0-9]+")
_NAME_CHARACTERS_MAX: Final = 28


def covering(session: Session, index: int) -> StoredCheckpoint | None:
    """The best checkpoint over an entry: witnessed before timestamped before merely signed."""
    row = CheckpointRow
    statement = (
        sa.select(row.size)
        .where(row.size > index)
        .order_by(row.witnessed_at.is_(None), row.timestamped_at.is_(None), row.size)
        .limit(1)
    )
    size = session.execute(statement).scalar()
    return None if size is None else log.checkpoint_at(session, size)


def still_missing(settings: Settings, found: StoredCheckpoint | None) -> str | None:
    """What a checkpoint lacks of what this installation can reach, in words."""
    if found is None:
        return "the signature of the log"
    if settings.witness_policy and found.witnessed_at is None:
        return "the quorum of witnesses"
    if settings.tsa_urls and found.timestamped_at is None:
        return "a time token"
    return None


def cited(session: Session) -> tuple[Checkpoint | None, str | None]:
    """The newest checkpoint as a report cites it, and its note."""
    found = log.newest_checkpoint(session)
    if found is None:
        return None, None
    point = parse_checkpoint(parse_note(found.note).text)
    cosignatures = session.execute(
        sa.select(CosignatureRow.name, CosignatureRow.cosigned_at)
        .where(CosignatureRow.size == found.size)
        .order_by(CosignatureRow.name)
    ).all()
    facts = Checkpoint(
        point.origin,
        found.size,
        found.root.hex(),
        found.level,
        found.signed_at,
        tuple(Cosignature(row.name, row.cosigned_at) for row in cosignatures),
        tuple(TimeToken(row.authority, row.gen_time) for row in _tokens(session, found.size)),
    )
    return facts, found.note


def proofs_of(
    session: Session, at: StoredCheckpoint, export_index: int, cited_note: str | None
) -> Proofs:
    """Everything below ``proof/`` for a package that ends with ``export_index``."""
    prover = Prover(session, at)
    texts = {f"{export_index}.tlog-proof": prover.proof_of(export_index).to_text()}
    for prior in _priors(session, at, cited_note):
        hashes = log.consistency(session, prior.size, at.size)
        texts[f"prior/{prior.size}.checkpoint"] = prior.note
        texts[f"prior/{prior.size}.consistency"] = format_consistency(hashes).decode()
    tokens: dict[str, str] = {}
    for row in _tokens(session, at.size):
        tokens[f"tsa-{_token_name(row.authority, len(tokens))}.tsr"] = row.token.hex()
    return Proofs(at.size, at.level, at.note, texts, tokens)


def lines(
    session: Session, at: StoredCheckpoint, entries: Iterable[tuple[Entry, bool]]
) -> Iterator[EntryLine]:
    """Entries as the package holds them; each with its payload or as a stub."""
    prover = Prover(session, at)
    for entry, whole in entries:
        path = prover.proof_of(entry.index).proof
        shown = whole and entry.p is not None
        yield EntryLine(
            entry.index,
            entry.leaf,
            path,
            entry.p if shown else None,
            entry.salt if shown else None,
        )


def _tokens(session: Session, size: int) -> list[TimestampRow]:
    statement = sa.select(TimestampRow).where(TimestampRow.size == size)
    return list(session.execute(statement.order_by(TimestampRow.authority)).scalars())


def _priors(
    session: Session, at: StoredCheckpoint, cited_note: str | None
) -> list[StoredCheckpoint]:
    """The cited checkpoint, and the newest witnessed and timestamped ones before."""
    sizes: set[int] = set()
    if cited_note is not None:
        sizes.add(parse_checkpoint(parse_note(cited_note).text).size)
    for column in (CheckpointRow.witnessed_at, CheckpointRow.timestamped_at):
        newest = sa.select(sa.func.max(CheckpointRow.size)).where(
            column.is_not(None), CheckpointRow.size < at.size
        )
        size = session.execute(newest).scalar()
        if size is not None:
            sizes.add(size)
    found = [log.checkpoint_at(session, size) for size in sorted(sizes) if 0 < size < at.size]
    return [one for one in found if one is not None]


def _token_name(authority: str, place: int) -> str:
    plain = _TOKEN_NAME.sub("-", authority.lower()).strip("-")[:_NAME_CHARACTERS_MAX]
    return f"{place + 1}-{plain}".strip("-")
