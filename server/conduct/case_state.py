"""Where a case stands: its entries folded into amounts, measures, periods, talks and petitions.

Pure.  The order in which entries came does not matter, only the days that they name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from server.cases.calendar import national
from server.cases.clock_table import standard
from server.cases.deadlines import Exclusion, end_of
from server.conduct.case_lines import Book, Line
from server.conduct.case_parts import (
    SEIZING,
    Amounts,
    CaseFacts,
    CaseState,
    Closed,
    Explanation,
    Instalment,
    Lead,
    Measure,
    Objection,
    Petition,
    Promise,
    PromiseState,
    Relief,
    Settlement,
    SettlementState,
)

# Entries by which nobody enforces anything: what others did, and what is ruled about time.
_NOT_ACTIVITY: Final = frozenset(
    {
        "case.claim", "case.applicant", "case.lead", "case.excluded", "case.extended",
        "case.suspended", "case.deferred", "case.condition", "case.instalment",
        "case.instalment-paid", "case.objection", "case.petition", "action.planned",
        "action.cancelled",
    }
)  # fmt: skip
# The longest term of a seizure goes by what was seized, or by how (解释485).
_TERM_OF: Final = MappingProxyType(
    {
        "deposit": "freeze_expires", "movable": "impound_expires",
        "real_estate": "seal_expires", "other": "seal_expires",
        "freeze": "freeze_expires", "impound": "impound_expires", "seal": "seal_expires",
    }
)  # fmt: skip
_SEIZED_BY: Final = MappingProxyType(
    {"deposit": "freeze", "movable": "impound", "real_estate": "seal", "other": "freeze"}
)
_INQUIRIES_OF: Final = MappingProxyType(
    {"query": "network", "search": "search", "summon_by_force": "questioning"}
)
_ACTION_INQUIRIES: Final = MappingProxyType(
    {
        "on_site_investigation": "on_site", "search": "search", "visit": "questioning",
        "summon_by_force": "questioning",
    }
)  # fmt: skip
_CONSENT: Final = frozenset({"debtor", "legal_representative"})


def fold(facts: CaseFacts, book: Book, today: date) -> CaseState:
    """Where the case stands on a day; entries of later days are not there yet."""
    book = book.until(today)
    measures = tuple(_measures(book))
    closed = _closed(book)
    return CaseState(
        facts=facts, today=today, amounts=_amounts(facts, book, measures, today),
        measures=measures, periods=tuple(_periods(book, closed)),
        extended_to=max(
            (day for one in book.of("case.extended") if (day := one.day_of("until_on"))),
            default=None,
        ),
        inquiries=tuple(_inquiries(book)),
        leads=tuple(_lead(book, one) for one in book.of("case.lead")),
        persuasions=tuple(one.id for one in book.of("case.persuasion")),
        promises=tuple(_promise(book, one, today) for one in book.of("case.promise")),
        settlements=tuple(_settlement(book, one, today) for one in book.of("case.settlement")),
        petitions=tuple(_petition(book, one) for one in book.of("case.petition")),
        objections=tuple(_objection(book, one) for one in book.of("case.objection")),
        reliefs=tuple(_relief(book, one) for one in book.of("case.relief")),
        explanations=tuple(
            Explanation(
                id=one.id, on=one.day, closing=one.data["for"], accepted=one.data.get("accepted")
            )
            for one in book.of("case.explanation")
        ),
        closed=closed, last_activity_on=_last_activity(book),
    )  # fmt: skip


# ------------------------------------------------------------------------- money


def _amounts(facts: CaseFacts, book: Book, measures: Iterable[Measure], today: date) -> Amounts:
    claim = book.last("case.claim")
    parts = ("principal_fen", "interest_fen", "delay_fen", "fee_fen")
    held = sum(one.controlled_fen for one in measures if one.seizes and one.in_force(today))
    loose = sum(one.fen("amount_fen") for one in book.of("case.controlled") if one.of is None)
    return Amounts(
        claimed=facts.claim_fen if claim is None else sum(claim.fen(name) for name in parts),
        controlled=held + loose,
        received=_sum(book.of("case.received")),
        disbursed=_sum(book.of("case.disbursed")),
    )


def _sum(lines: Iterable[Line]) -> int:
    return sum(one.fen("amount_fen") for one in lines)


# ---------------------------------------------------------------------- measures


def _measures(book: Book) -> Iterable[Measure]:
    stated = [_measure(book, one) for one in book.of("case.measure")]
    yield from stated
    known = {(one.type, one.on) for one in stated}
    for measure in _field_seizures(book):
        if (measure.type, measure.on) not in known:
            yield measure


def _measure(book: Book, line: Line) -> Measure:
    data = line.data
    renewals = book.about("case.measure-renewed", line.id)
    lifted = book.about("case.measure-lifted", line.id)
    said = book.about("case.controlled", line.id)
    return Measure(
        id=line.id, type=data["type"], on=line.day,
        until_on=_until(line, data["type"], data.get("asset_kind"), renewals),
        renewals=len(renewals), lifted_on=lifted[0].day if lifted else None,
        asset=data.get("asset"), party=data.get("party"),
        controlled_fen=said[-1].fen("amount_fen") if said else line.fen("value_fen"),
    )  # fmt: skip


def _field_seizures(book: Book) -> Iterable[Measure]:
    """What was seized on the spot and nobody has entered as a measure of the case besides."""
    types = _types_of_actions(book)
    for line in book.of("action.seizure"):
        type_ = types.get(line.action or "", "")
        type_ = type_ if type_ in SEIZING else _SEIZED_BY[line.data["kind"]]
        on = line.day_of("from_on") or line.day
        renewals = book.about("case.measure-renewed", line.id)
        lifted = book.about("case.measure-lifted", line.id)
        yield Measure(
            id=line.id, type=type_, on=on, renewals=len(renewals),
            until_on=_until(line, type_, line.data["kind"], renewals, begins_on=on),
            lifted_on=lifted[0].day if lifted else None, controlled_fen=line.fen("value_fen"),
        )  # fmt: skip


def _until(
    line: Line,
    type_: str,
    asset_kind: str | None,
    renewals: Iterable[Line],
    begins_on: date | None = None,
) -> date | None:
    """The last day of a measure: as stated, but no later than the law allows for its kind."""
    begins_on, until_on = begins_on or line.day, line.day_of("until_on")
    term = _TERM_OF.get(asset_kind or "") if type_ in _TERM_OF else None
    term = term or _TERM_OF.get(type_)
    for renewal in renewals:
        begins_on, until_on = renewal.day, renewal.day_of("until_on")
    if term is None:
        return until_on
    longest = end_of(begins_on, _LIMITS[term], national())
    return longest if until_on is None else min(until_on, longest)


_LIMITS: Final = MappingProxyType(
    {clock.id: clock.limit for clock in standard() if clock.id in set(_TERM_OF.values())}
)


def _types_of_actions(book: Book) -> Mapping[str, str]:
    return {
        one.action: str(one.data["type"])
        for kind in ("action.planned", "action.started")
        for one in book.of(kind)
        if one.action is not None
    }


def _inquiries(book: Book) -> Iterable[tuple[str, str]]:
    for line in book.of("case.inquiry"):
        yield line.data["what"], line.id
    for line in book.of("case.measure"):
        if line.data["type"] in _INQUIRIES_OF:
            yield _INQUIRIES_OF[line.data["type"]], line.id
    for line in book.of("action.started"):
        if line.data["type"] in _ACTION_INQUIRIES:
            yield _ACTION_INQUIRIES[line.data["type"]], line.id


# ----------------------------------------------------------------------- periods


def _periods(book: Book, closed: Closed | None) -> Iterable[Exclusion]:
    for line in book.of("case.excluded"):
        yield Exclusion(line.day, line.day_of("until_on"), line.data["reason"])
    for kind, reason in (("case.suspended", "suspension"), ("case.deferred", "deferral")):
        for line in book.of(kind):
            yield Exclusion(line.day, _end_of_pause(book, line, closed), reason)


def _end_of_pause(book: Book, line: Line, closed: Closed | None) -> date | None:
    ends = [
        one.day
        for one in book.of("case.continued")
        if (one.day, one.at, one.id) > (line.day, line.at, line.id)
    ]
    until_on = line.day_of("until_on")
    ends += [until_on] if until_on is not None else []
    ends += [closed.on] if closed is not None and closed.on >= line.day else []
    return min(ends, default=None)


def _closed(book: Book) -> Closed | None:
    line, resumed = book.last("case.closed"), book.last("case.resumed")
    if line is None:
        return None
    return Closed(
        id=line.id, on=line.day, method=line.data["method"],
        resumed_on=resumed.day if resumed else None,
        resumed_as=str(resumed.data["case"]) if resumed else None,
    )  # fmt: skip


# --------------------------------------------------------- leads, talks, petitions


def _lead(book: Book, line: Line) -> Lead:
    verified = _first(book.about("case.lead-verified", line.id))
    term = line.day_of("term_until_on")
    return Lead(
        id=line.id, on=line.day, kind=line.data["kind"],
        specific=line.data.get("specific") is True, urgent=line.data.get("urgent") is True,
        verified_on=verified.day if verified else None,
        result=verified.data["result"] if verified else None,
        expired_term_on=term if term is not None and term < line.day else None,
    )  # fmt: skip


def _promise(book: Book, line: Line, today: date) -> Promise:
    due_on = line.day_of("due_on") or line.day
    said = book.about("case.promise-kept", line.id)
    state = PromiseState.BROKEN if due_on < today else PromiseState.OPEN
    if said:
        state = PromiseState.KEPT if said[-1].data["kept"] else PromiseState.BROKEN
    return Promise(
        id=line.id, on=line.day, by=line.data["by"], due_on=due_on, state=state,
        amount_fen=line.data.get("amount_fen"),
    )  # fmt: skip


def _settlement(book: Book, line: Line, today: date) -> Settlement:
    parts = tuple(_instalment(book, one) for one in book.about("case.instalment", line.id))
    parts = tuple(sorted(parts, key=lambda one: (one.due_on, one.id)))
    performed = _first(book.about("case.settlement-performed", line.id))
    found = Settlement(
        id=line.id, on=line.day, state=SettlementState.DRAFT, instalments=parts,
        long_term=line.data.get("long_term") is True,
        performed_on=performed.day if performed else None,
    )  # fmt: skip
    return _with_state(found, line.data, today)


def _with_state(found: Settlement, data: Mapping[str, Any], today: date) -> Settlement:
    state = SettlementState.DRAFT
    if found.performed_on is not None:
        state = SettlementState.PERFORMED
    elif is_signed(data):
        begun = any(one.paid_fen for one in found.instalments)
        state = SettlementState.PERFORMING if begun else SettlementState.SIGNED
        if found.late(today):
            state = SettlementState.DEFAULTED
    return Settlement(
        id=found.id, on=found.on, state=state, long_term=found.long_term,
        instalments=found.instalments, performed_on=found.performed_on,
    )  # fmt: skip


def is_signed(data: Mapping[str, Any]) -> bool:
    """Whether both sides signed a settlement; an agent needs a special authority (和解规定4)."""
    signed = frozenset(data.get("signed_by", ()))
    by_right = data.get("by_agent") is not True or data.get("special_authority") is True
    return "applicant" in signed and not _CONSENT.isdisjoint(signed) and by_right


def _instalment(book: Book, line: Line) -> Instalment:
    amount, paid, paid_on = line.fen("amount_fen"), 0, None
    for one in book.about("case.instalment-paid", line.id):
        paid += one.fen("amount_fen")
        if paid >= amount and paid_on is None:
            paid_on = one.day
    return Instalment(
        id=line.id, due_on=line.day_of("due_on") or line.day, amount_fen=amount, paid_fen=paid,
        paid_on=paid_on,
    )  # fmt: skip


def _petition(book: Book, line: Line) -> Petition:
    registered = _first(book.about("case.petition-registered", line.id))
    closed = _first(book.about("case.petition-closed", line.id))
    return Petition(
        id=line.id, on=line.day, repeated=line.data.get("repeated") is True,
        registered_on=registered.day if registered else None,
        closed_on=closed.day if closed else None,
        valid=closed.data.get("valid") if closed else None,
    )  # fmt: skip


def _objection(book: Book, line: Line) -> Objection:
    decided = _first(book.about("case.objection-decided", line.id))
    return Objection(
        id=line.id, on=line.day, kind=line.data["kind"],
        decided_on=decided.day if decided else None,
        result=decided.data["result"] if decided else None,
    )  # fmt: skip


def _relief(book: Book, line: Line) -> Relief:
    decided = _first(book.about("case.relief-decided", line.id))
    return Relief(
        id=line.id, on=line.day, amount_fen=line.data.get("amount_fen"),
        decided_on=decided.day if decided else None,
        granted=decided.data["granted"] if decided else None,
    )  # fmt: skip


def _last_activity(book: Book) -> date | None:
    return max(
        (
            one.day
            for one in book.lines
            if one.kind not in _NOT_ACTIVITY and not one.kind.startswith("key.")
        ),
        default=None,
    )


def _first(lines: list[Line]) -> Line | None:
    return lines[0] if lines else None
