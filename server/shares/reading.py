"""What an outsider gets to see of an item, and the custody event that each look causes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from server.audit.events import EventKind
from server.audit.service import Subject, record
from server.core.context import Context
from server.core.problem import not_found
from server.core.transactions import take_turns
from server.evidence import redactions
from server.evidence.redactions import Released
from server.shares import films, policy, queries
from server.shares.commands import Mode
from server.shares.models import ShareReading
from server.shares.queries import Shared

ONE_READING: Final = timedelta(minutes=10)  # ranges of one item within it are one event
_KINDS: Final = {"viewed": EventKind.EVIDENCE_VIEWED, "downloaded": EventKind.EVIDENCE_DOWNLOADED}


@dataclass(frozen=True, slots=True)
class Bytes:
    """Stored bytes that an outsider gets; ``name`` is nobody's file name unless it is offered."""

    sha256: str
    mime: str
    name: bytes | None


def picture_of(ctx: Context, shared: Shared) -> Bytes | None:
    """A still that the worker made, or the redacted photo; never an original."""
    if not shared.form.original:
        copy = _copy_of(ctx, shared)
        return None if copy is None or copy.kind != "photo" else _bytes_of(copy)
    made = queries.derivatives_by_digest(ctx.session, [shared.item.sha256])[shared.item.sha256]
    for name in policy.PICTURES:
        if name in made:
            return Bytes(made[name].sha256, made[name].mime, None)
    return None


def film_of(ctx: Context, shared: Shared) -> Bytes | None:
    """A film or sound that the worker made: the redacted copy, or the copy for browsers.

    Who may only look gets a film with their name in its pictures; none until it is made.
    """
    if films.is_marked(ctx, shared):
        _, made_for = films.made_for(ctx, shared)
        return None if made_for is None else Bytes(made_for.sha256, made_for.mime, None)
    if not shared.form.original:
        copy = _copy_of(ctx, shared)
        return None if copy is None or copy.kind == "photo" else _bytes_of(copy)
    made = queries.derivatives_by_digest(ctx.session, [shared.item.sha256])[shared.item.sha256]
    film = made.get(policy.FILM)
    return None if film is None else Bytes(film.sha256, film.mime, None)


def film_state(ctx: Context, shared: Shared) -> str | None:
    """How far the marked film is; none where there is none to wait for."""
    return films.made_for(ctx, shared)[0].value if films.is_marked(ctx, shared) else None


def content_of(ctx: Context, shared: Shared) -> Bytes:
    """What may be taken away: the original or its redacted copy; 404 unless downloads are allowed.

    A copy that was withdrawn since is not replaced by its original.
    """
    if shared.share.mode != Mode.DOWNLOAD:
        raise not_found()
    if shared.form.original:
        return Bytes(shared.item.sha256, shared.item.mime, shared.item.name)
    copy = _copy_of(ctx, shared)
    if copy is None:
        raise not_found()
    return _bytes_of(copy)


def seen(ctx: Context, shared: Shared, kind: str, served: Bytes | None = None) -> None:
    """Tell the log that the recipient ``viewed`` or ``downloaded`` the item, once in a while."""
    take_turns(ctx.session, f"share-reading:{shared.opening.id}")
    key = (shared.opening.id, shared.item.id, kind)
    row, now = ctx.session.get(ShareReading, key), ctx.clock.now()
    if row is not None and row.recorded_at > now - ONE_READING:
        return
    if row is None:
        row = ShareReading(
            opening_id=key[0], evidence_id=key[1], kind=kind, court_id=shared.share.court_id,
            first_at=now, recorded_at=now, times=0,
        )  # fmt: skip
        ctx.session.add(row)
    row.recorded_at, row.times = now, row.times + 1
    facts = {
        "sha256": shared.item.sha256, "share": str(shared.share.id),
        "opening": str(shared.opening.id), "recipient": shared.share.recipient,
        "form": shared.form.name,
        "served": None if served is None else served.sha256,
    }  # fmt: skip
    record(
        ctx, _KINDS[kind], Subject("evidence", shared.item.id), facts,
        case_id=shared.item.case_id, mission_id=shared.item.mission_id,
    )  # fmt: skip


def _copy_of(ctx: Context, shared: Shared) -> Released | None:
    found = shared.form.redaction_id
    return None if found is None else redactions.released(ctx.session, found)


def _bytes_of(copy: Released) -> Bytes:
    return Bytes(copy.sha256, copy.mime, copy.name.encode())
