"""What the fields of an entry name: entries, people, parties, evidence; to choose and to link."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from client_sdk.protocol.entries import EntryKind, Field, kinds
from server.cases import queries as cases
from server.cases.case_no import CaseNoError, normalise
from server.cases.models import Case
from server.console.court_names import Named, people
from server.core.context import Context
from server.evidence.models import Evidence
from server.evidence.visibility import sees_evidence
from server.register import queries
from server.register.models import Entry
from server.register.references import MEANT

PICK_MAX: Final = 60
_USERS: Final = frozenset({"handler", "supervising_leader", "package_leader"})


@dataclass(frozen=True, slots=True)
class Names:
    """What ids in entries of one case stand for."""

    people: Mapping[uuid.UUID, Named]
    parties: Mapping[str, str]
    files: Mapping[str, Evidence]
    cases: Mapping[str, str]


def target(field: Field) -> str:
    """What a field of the type ``id`` names: ``user``, ``party``, ``case`` or ``entry``."""
    if field.name in _USERS:
        return "user"
    return field.name if field.name in {"party", "case"} else "entry"


def names(ctx: Context, case: Case, entries: Iterable[Entry]) -> Names:
    """Names for showing these entries."""
    shown = list(entries)
    digests = {
        digest
        for entry in shown
        for field in kinds()[entry.kind].fields.values()
        if field.type == "digests"
        for digest in entry.data.get(field.name, ())
    }
    resumed = {entry.data["case"] for entry in shown if entry.kind == "case.resumed"}
    return Names(
        people=people(ctx),
        parties={str(party.id): party.name for party in case.parties},
        files=files_of(ctx, case, digests),
        cases=_numbers(ctx, resumed),
    )


def files_of(ctx: Context, case: Case, digests: Collection[str]) -> dict[str, Evidence]:
    """Items of the case with these bytes, the first of each."""
    if not digests:
        return {}
    statement = (
        sa.select(Evidence)
        .where(sees_evidence(ctx.actor), Evidence.case_id == case.id, Evidence.sha256.in_(digests))
        .order_by(Evidence.captured_at.desc(), Evidence.id.desc())
    )
    return {item.sha256: item for item in ctx.session.execute(statement).scalars()}


def items_to_pick(ctx: Context, case: Case) -> Sequence[Evidence]:
    """The newest items of the case, from which an entry's evidence is chosen."""
    statement = (
        sa.select(Evidence)
        .where(sees_evidence(ctx.actor), Evidence.case_id == case.id)
        .order_by(Evidence.captured_at.desc(), Evidence.id.desc())
        .limit(PICK_MAX)
    )
    return ctx.session.execute(statement).scalars().all()


def entries_to_pick(ctx: Context, case: Case, kind: EntryKind) -> list[Entry]:
    """Entries of the case that an entry of this kind may be about."""
    wanted = MEANT.get(kind.id)
    return queries.current_entries(ctx.session, case.id, wanted) if wanted else []


def case_named(ctx: Context, text: str) -> str | None:
    """Id of the visible case with this number, in any customary writing."""
    try:
        case = cases.case_numbered(ctx.session, ctx.actor.court_id, normalise(text))
    except CaseNoError:
        return None
    return None if case is None or not _numbers(ctx, [str(case.id)]) else str(case.id)


def _numbers(ctx: Context, ids: Collection[str]) -> dict[str, str]:
    wanted = [uuid.UUID(one) for one in ids]
    statement = sa.select(Case.id, Case.case_no).where(
        Case.id.in_(wanted), Case.id.in_(cases.visible_case_ids(ctx.actor))
    )
    found = ctx.session.execute(statement).all() if wanted else []
    return {str(one): number for one, number in found}
