"""Searches of the log with names: what was typed becomes a filter, what is found gets its words."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.ids import short_code
from server.audit.search import SUBJECTS_MAX, AuditFilter, Hit
from server.cases.case_no import CaseNoError, normalise
from server.cases.models import Case, Mission
from server.console import words
from server.console.admin_forms import in_court_zone
from server.console.audit_forms import AuditAsk
from server.console.filters import Look
from server.console.spreadsheet import csv_lines as lines_of
from server.console.words import Language
from server.core.context import Context
from server.evidence import finding
from server.identity.models import Device, User

EXPORT_BATCH: Final = 500
COLUMNS: Final = (
    "log_index", "received", "who", "who_id", "act", "kind", "about", "about_code", "about_id",
    "case_id", "mission_id", "device", "seq", "level", "reason", "hid",
)  # fmt: skip
_PAGES: Final = {
    "case": "/cases/{id}", "evidence": "/e/{id}", "mission": "/missions/{id}",
    "user": "/admin/users/{id}", "device": "/devices/{id}", "booking": "/duty/{id}",
    "invitation": "/guests/{id}", "retention-rule": "/admin/retention",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One entry as people read it.

    :param who: name of the person or device; none for the server itself, guests and outsiders.
    :param token: how whoever did it had proven who they are.
    :param href: page of what it is about, when there is one.
    """

    hit: Hit
    who: str | None
    token: str
    act: str
    code: str | None
    href: str | None
    reason: str | None

    @property
    def proof(self) -> str:
        """Where its proof is."""
        return f"/api/v1/log/proofs/{self.hit.log_index}"


def act_key(kind: str) -> str:
    """Key of the sentence for a kind of entry."""
    return f"acts.{re.sub('[.-]', '_', kind)}"


def act_words(lang: Language, kind: str) -> str:
    """What an entry says, after the name of who did it."""
    key = act_key(kind)
    if key in words.texts():
        return words.text(lang, key)
    return words.text(lang, "acts.other", kind=kind)


def filter_of(ctx: Context, ask: AuditAsk) -> AuditFilter:
    """The filter that was meant; a name that nothing has finds nothing."""
    since, until = (
        None if wall is None else in_court_zone(ctx, wall) for wall in (ask.since, ask.until)
    )
    wanted = AuditFilter(
        kinds=ask.kinds, actor_id=ask.actor, device_id=ask.device, since=since, until=until,
        cursor=ask.cursor, limit=ask.limit,
    )  # fmt: skip
    if ask.subject is not None:
        wanted = replace(wanted, subject_ids=_subjects(ctx, ask.subject))
    if ask.case is not None:
        cases = cases_called(ctx, ask.case)
        wanted = replace(wanted, case_id=cases[0]) if cases else replace(wanted, subject_ids=())
    if ask.mission is not None:
        found = _with_code(ctx, Mission, ask.mission)
        wanted = replace(wanted, mission_id=found[0]) if found else replace(wanted, subject_ids=())
    return wanted


def rows_of(session: Session, lang: Language, hits: Sequence[Hit]) -> list[Row]:
    """Entries with names and sentences; few statements for many entries."""
    people = names(session, User, {one.actor_id for one in hits})
    sources = {_as_id(one.src) for one in hits if one.of_device}
    gear = names(session, Device, sources | {one.actor_id for one in hits})
    return [_row(lang, one, people, gear) for one in hits]


def csv_lines(rows: Sequence[Row], look: Look, *, heading: bool = False) -> str:
    """Entries for a spreadsheet, with a line of headings when asked."""
    lines: list[list[object]] = []
    if heading:
        lines.append([words.text(look.lang, f"audit.column_{name}") for name in COLUMNS])
    for row in rows:
        cells = {**as_json(row), "received": look.when(row.hit.rx)}
        lines.append([cells[name] for name in COLUMNS])
    return lines_of(lines)


def json_parts(batches: Iterator[Sequence[Row]]) -> Iterator[str]:
    """One JSON document, part by part."""
    yield '{"items":['
    between = ""
    for rows in batches:
        for row in rows:
            yield between + json.dumps(as_json(row), ensure_ascii=False)
            between = ",\n"
    yield "]}\n"


def as_json(row: Row) -> dict[str, Any]:
    """The cells of a row by column."""
    hit = row.hit
    return {
        "log_index": hit.log_index, "received": hit.rx, "who": row.who,
        "who_id": _text(hit.actor_id), "act": row.act, "kind": hit.kind,
        "about": hit.subject_type, "about_code": row.code, "about_id": hit.subject_id,
        "case_id": _text(hit.case_id), "mission_id": _text(hit.mission_id),
        "device": hit.src if hit.of_device else None, "seq": hit.seq, "level": hit.level,
        "reason": row.reason, "hid": hit.hid,
    }  # fmt: skip


def _row(lang: Language, hit: Hit, people: dict[uuid.UUID, str], gear: dict[uuid.UUID, str]) -> Row:
    payload = json.loads(hit.p) if hit.p is not None else {}
    actors = [people.get(hit.actor_id), gear.get(hit.actor_id)] if hit.actor_id else []
    source = _as_id(hit.src)
    actors += [gear.get(source)] if source is not None else []
    token = "device" if hit.of_device else (payload.get("by") or {}).get("token", "system")
    subject = _as_id(hit.subject_id)
    return Row(
        hit, " · ".join(dict.fromkeys(one for one in actors if one)) or None, token,
        act_words(lang, hit.kind), None if subject is None else short_code(subject),
        _page_of(hit, subject), _reason(payload),
    )  # fmt: skip


def _page_of(hit: Hit, subject: uuid.UUID | None) -> str | None:
    """The page of what it is about; a record's is its device."""
    if hit.of_device:
        return f"/devices/{hit.src}"
    path = _PAGES.get(hit.subject_type or "")
    return path.format(id=subject) if path and subject is not None else None


def _reason(payload: dict[str, Any]) -> str | None:
    """Why, as whoever did it said; a purpose counts as well."""
    facts, by = payload.get("facts") or {}, payload.get("by") or {}
    for found in (facts.get("reason"), facts.get("purpose"), by.get("purpose")):
        if isinstance(found, str) and found:
            return found
    return None


def _subjects(ctx: Context, text: str) -> tuple[str, ...]:
    """Ids of what a short code, an id or a login names."""
    found = [str(one.id) for one in finding.by_code(ctx, text)]
    for model in (Case, Mission, User, Device):
        found += [str(one) for one in _with_code(ctx, model, text)]
    given = _as_id(text.strip())
    found += [str(given)] if given is not None else []
    return tuple(dict.fromkeys(found))[:SUBJECTS_MAX]


def cases_called(ctx: Context, text: str) -> list[uuid.UUID]:
    """By number, short code or id."""
    try:
        number = normalise(text)
    except CaseNoError:
        return _with_code(ctx, Case, text)
    statement = sa.select(Case.id).where(
        Case.court_id == ctx.actor.court_id, Case.case_no == number
    )
    return list(ctx.session.execute(statement).scalars())


def _with_code(ctx: Context, model: Any, text: str) -> list[uuid.UUID]:
    """Things of the court with this id, or whose short code this is: its last 40 bits."""
    mine = sa.select(model.id).where(model.court_id == ctx.actor.court_id)
    given = _as_id(text.strip())
    if given is not None:
        return list(ctx.session.execute(mine.where(model.id == given)).scalars())
    numbers = finding.code_range(text)
    if numbers is None or numbers[0] != numbers[1]:
        return []
    tail = f"%{numbers[0]:010x}"
    statement = mine.where(sa.cast(model.id, sa.Text).like(tail)).limit(SUBJECTS_MAX)
    return list(ctx.session.execute(statement).scalars())


def names(session: Session, model: Any, ids: set[uuid.UUID | None]) -> dict[uuid.UUID, str]:
    """Names of people or devices by id."""
    known = [one for one in ids if one is not None]
    if not known:
        return {}
    found = session.execute(sa.select(model.id, model.name).where(model.id.in_(known)))
    return {row.id: row.name for row in found}


def _as_id(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None


def _text(value: uuid.UUID | None) -> str | None:
    return None if value is None else str(value)
