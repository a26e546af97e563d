"""Reading evidence: always of one court, always within what the caller may see."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from client_sdk.protocol.bundle import MEDIA_TYPE as BUNDLE_TYPE
from server.audit import binding, log
from server.audit.events import EventKind
from server.audit.models import Event, OutboxRow
from server.cases import queries as cases
from server.core.clock import rfc3339
from server.core.context import Context
from server.core.paging import Page, decode_id, page_of
from server.core.problem import not_found
from server.evidence.commands import EvidenceFilter
from server.evidence.derivative_names import LENT
from server.evidence.models import Derivative, Evidence, Examination, Upload
from server.evidence.rules import is_unclaimed
from server.evidence.visibility import sees_evidence

ONE_READING = timedelta(minutes=10)  # ranges of one item by one viewer within it are one event
_CUSTODY = ("log_index", "kind", "rx", "actor_id", "p", "hid")
_AWAITING = sa.select(Evidence).where(
    Evidence.device_id == sa.bindparam("device"),
    Evidence.sha256 == sa.bindparam("sha256"),
    Evidence.state.in_(("declared", "receiving", "missing", "quarantined")),
)
_brought = sa.select(Upload.sha256).where(
    Upload.device_id == sa.bindparam("device"), Upload.state == "complete"
)
# Built once, by whether it is for PostgreSQL: every push asks.
_BROUGHT = {
    True: _brought.where(
        Upload.sha256 == sa.any_(sa.bindparam("digests", type_=postgresql.ARRAY(sa.Text())))
    ),
    False: _brought.where(Upload.sha256.in_(sa.bindparam("digests", expanding=True))),
}


def visible_evidence(ctx: Context, evidence_id: uuid.UUID) -> Evidence:
    """The item, if the caller may see it; 404 otherwise."""
    statement = sa.select(Evidence).where(Evidence.id == evidence_id, _visible(ctx))
    found = ctx.session.execute(statement).scalar_one_or_none()
    if found is None:
        raise not_found()
    return found


def evidence_of_case(ctx: Context, case_id: uuid.UUID, wanted: EvidenceFilter) -> Page[Evidence]:
    """Evidence of a visible case, newest capture last."""
    cases.visible_case(ctx, case_id)
    rules = [Evidence.court_id == ctx.actor.court_id, Evidence.case_id == case_id]
    exact = {
        Evidence.state: wanted.state,
        Evidence.media: wanted.media,
        Evidence.officer_id: wanted.officer_id,
        Evidence.review_state: wanted.review,
    }
    rules += [column == value for column, value in exact.items() if value is not None]
    if wanted.captured_from is not None:
        rules.append(Evidence.captured_at >= wanted.captured_from)
    if wanted.captured_to is not None:
        rules.append(Evidence.captured_at < wanted.captured_to)
    if wanted.cursor:
        rules.append(Evidence.id > decode_id(wanted.cursor))
    statement = sa.select(Evidence).where(*rules).order_by(Evidence.id).limit(wanted.limit + 1)
    rows = ctx.session.execute(statement).scalars().all()
    return page_of(rows, wanted.limit, lambda row: (str(row.id),))


def awaiting_bytes(session: Session, device_id: uuid.UUID, sha256: str) -> Sequence[Evidence]:
    """Rows of this device that name the digest and do not have their bytes yet."""
    wanted = {"device": device_id, "sha256": sha256}
    return session.execute(_AWAITING, wanted).scalars().all()


def digests_uploaded_by(session: Session, device_id: uuid.UUID, digests: Iterable[str]) -> set[str]:
    """Those of ``digests`` whose bytes this very device has brought completely."""
    wanted = sorted(set(digests))
    if not wanted:
        return set()
    statement = _BROUGHT[session.get_bind().dialect.name == "postgresql"]
    found = session.execute(statement, {"device": device_id, "digests": wanted})
    return {digest for digest in found.scalars() if digest}


def is_declared(session: Session, device_id: uuid.UUID, sha256: str) -> bool:
    """Whether a record of this device names the digest, whatever became of it."""
    statement = sa.select(sa.literal(1)).where(
        Evidence.device_id == device_id, Evidence.sha256 == sha256
    )
    return session.execute(statement.limit(1)).first() is not None


def claim(session: Session, device_id: uuid.UUID, digests: Collection[str]) -> None:
    """Records of the device name what it has brought: those uploads are claimed from now on."""
    session.execute(
        sa.update(Upload)
        .where(Upload.device_id == device_id, Upload.sha256.in_(digests), sa.not_(Upload.claimed))
        .values(claimed=True)
    )


def examination_of(session: Session, sha256: str) -> Examination | None:
    """What the worker found in these bytes."""
    return session.get(Examination, sha256)


def derivatives_of(session: Session, sha256: str) -> Sequence[Derivative]:
    """What was made from these bytes; films lent to outsiders are their shares' own."""
    statement = sa.select(Derivative).where(
        Derivative.source_sha256 == sha256, ~Derivative.name.startswith(LENT)
    )
    return session.execute(statement.order_by(Derivative.name)).scalars().all()


def detail_of(session: Session, item: Evidence) -> dict[str, Any]:
    """The item's own columns, and what is known of its bytes."""
    examination = examination_of(session, item.sha256) if item.state == "verified" else None
    return {
        **{column.key: getattr(item, column.key) for column in sa.inspect(Evidence).columns},
        "examination": examination.findings if examination else None,
        "examination_state": examination.state if examination else None,
        "derivatives": derivatives_of(session, item.sha256) if examination else [],
        "custody": {
            **binding.custody_facts(session, (item.device_id, item.ep, item.seq), item.captured_at),
            **log.place_of(session, item.device_id, item.ep, item.seq),
        },
    }


def custody_of(ctx: Context, evidence: Evidence) -> list[dict[str, Any]]:
    """Every event about the item, in log order, with how well each is secured."""
    statement = (
        sa.select(Event)
        .where(Event.court_id == ctx.actor.court_id, Event.subject_id == str(evidence.id))
        .order_by(Event.log_index)
    )
    levels = log.levels(ctx.session)
    return [
        {
            **{name: getattr(event, name) for name in _CUSTODY},
            "level": levels.of(event.log_index),
        }
        for event in ctx.session.execute(statement).scalars()
    ]


def read_recently(ctx: Context, subject_id: uuid.UUID | str, kind: EventKind) -> bool:
    """True when the caller's last such reading of the item is younger than ten minutes."""
    since = rfc3339(ctx.clock.now() - ONE_READING)
    for table in (OutboxRow, Event):
        statement = sa.select(sa.literal(1)).where(
            table.court_id == ctx.actor.court_id,
            table.subject_id == str(subject_id),
            table.kind == kind.value,
            table.actor_id == (ctx.actor.user_id or ctx.actor.device_id),
            table.rx > since,
        )
        if ctx.session.execute(statement.limit(1)).first() is not None:
            return True
    return False


def without_bytes(ctx: Context, limit: int) -> Sequence[Evidence]:
    """Declared items whose bytes have not come, the longest overdue first."""
    statement = (
        sa.select(Evidence)
        .where(
            Evidence.court_id == ctx.actor.court_id,
            Evidence.state.in_(("declared", "receiving", "missing", "quarantined")),
        )
        .order_by(Evidence.due_at)
        .limit(limit)
    )
    return ctx.session.execute(statement).scalars().all()


def without_record(ctx: Context, limit: int) -> Sequence[Upload]:
    """Finished uploads that no record of their device names: *unclaimed* bytes."""
    claimed = sa.exists().where(
        Evidence.device_id == Upload.device_id, Evidence.sha256 == Upload.sha256
    )
    statement = (
        sa.select(Upload)
        .where(
            Upload.court_id == ctx.actor.court_id,
            is_unclaimed(Upload),
            Upload.sha256.is_not(None),
            sa.or_(Upload.concat.is_(None), Upload.concat != "partial"),
            sa.or_(Upload.filetype.is_(None), Upload.filetype != BUNDLE_TYPE),
            ~claimed,
        )
        .order_by(Upload.id)
        .limit(limit)
    )
    return ctx.session.execute(statement).scalars().all()


def quarantined_uploads(ctx: Context, limit: int) -> Sequence[Upload]:
    """Uploads whose bytes did not match what was declared, or that never ended."""
    statement = (
        sa.select(Upload)
        .where(
            Upload.court_id == ctx.actor.court_id,
            Upload.state.in_(("quarantined", "expired", "terminated")),
        )
        .order_by(Upload.id.desc())
        .limit(limit)
    )
    return ctx.session.execute(statement).scalars().all()


def _visible(ctx: Context) -> sa.ColumnElement[bool]:
    return sees_evidence(ctx.actor)
