"""What the records say of the facts that closing gates need.  Pure.

A fact that nobody recorded is unknown, and what is unknown is missing.  The three exhaustions are
computed: measures by the ways of inquiry that were used, leads by their verification, persuasion by
the talks that were had.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from server.cases.closing_rules import (
    Closing,
    Fact,
    Money,
    all_of,
    fact_of_waiting,
    facts_of_money,
)
from server.conduct.case_lines import Book, Line
from server.conduct.case_parts import CaseState
from server.conduct.case_state import is_signed

# 终本规定3: what has to be tried before measures count as exhausted; a search stands for a visit.
EXHAUSTING: Final[tuple[frozenset[str], ...]] = (
    frozenset({"network"}),
    frozenset({"traditional"}),
    frozenset({"on_site", "search"}),
    frozenset({"questioning"}),
)
_NEEDED_INQUIRIES: Final[tuple[frozenset[str], ...]] = (
    frozenset({"network"}),
    frozenset({"traditional", "on_site", "search", "audit"}),
)
_PUNISHES: Final = frozenset({"fine", "detain"})
_APPROVALS: Final = frozenset({"applicant_signed", "panel_reviewed", "president_approved"})
# A long-term settlement is ended by a ruling that ends the enforcement (法〔2018〕141号).
_ALSO: Final = MappingProxyType({Closing.SETTLEMENT_LONG_TERM: (Closing.TERMINATED,)})
_RULING: Final = "ruling"


def facts_of(
    state: CaseState, book: Book, closing: Closing, data: Mapping[str, Any]
) -> dict[str, Fact]:
    """Facts by their name, as they are on the day of the state.

    :param data: the fields of the entry that closes; a suspension gives its reason there.
    """
    book = book.until(state.today)
    since = _since(book)
    found = _conditions(book, since)
    found |= _served(book)
    found |= _measures(state)
    found |= exhaustions(state)
    found |= _settlement(state, book)
    found |= _rulings(book, closing, since, data)
    money = state.amounts
    if money.claimed is not None:
        found |= facts_of_money(
            Money(claimed=money.claimed, received=money.received, disbursed=money.disbursed)
        )
    else:
        found["money_disbursed"] = Fact(money.disbursed >= money.received)
    if state.facts.filed_on is not None:
        found["three_months_passed"] = fact_of_waiting(state.facts.filed_on, state.today)
    if state.facts.minor_debtor:
        found["listing_not_due"] = Fact(holds=True)  # minors are never listed
    return _without_asset_left(found, state, book)


def _since(book: Book) -> date:
    """What was said before enforcement went on again is about another suspension."""
    return max((one.day for one in book.of("case.continued")), default=date.min)


def _conditions(book: Book, since: date) -> dict[str, Fact]:
    """What people found to be so, the last word on each."""
    found: dict[str, Fact] = {}
    for line in book.of("case.condition"):
        if line.day >= since or line.data["fact"] not in _APPROVALS:
            found[line.data["fact"]] = Fact(line.data["holds"], (line.id,))
    return found


def _served(book: Book) -> dict[str, Fact]:
    papers = {"enforcement_notice": "notice_served", "report_property_order": "report_order_served"}
    found = {
        papers[line.data["paper"]]: Fact(holds=True, evidence=(line.id,))
        for line in book.of("case.paper")
        if line.data["paper"] in papers
    }
    for line in book.of("case.measure"):
        if line.data["type"] == "report_property_order":
            found.setdefault("report_order_served", Fact(holds=True, evidence=(line.id,)))
    return found


def _measures(state: CaseState) -> dict[str, Fact]:
    names = {"restrict_consumption": "consumption_restricted", "list_dishonest": "listed"}
    found = {
        names[one.type]: Fact(holds=True, evidence=(one.id,))
        for one in state.in_force
        if one.type in names
    }
    punished = [one.id for one in state.measures if one.type in _PUNISHES]
    if punished:
        found["obstruction_punished"] = Fact(holds=True, evidence=tuple(punished))
    seized = [one.id for one in state.measures if one.seizes]
    if seized:
        found["preserved"] = Fact(holds=True, evidence=tuple(seized))
    return found


def exhaustions(state: CaseState) -> dict[str, Fact]:
    """The three exhaustions, and the inquiry that 终本规定3 asks for, as the records show them."""
    verified = {f"lead {one.id}": one.verified_on is not None for one in state.leads}
    leads = all_of(verified or {"none": True}, [one.id for one in state.leads])
    open_promise = any(one.state == "open" for one in state.promises)
    return {
        "measures_exhausted": _tried(state, EXHAUSTING),
        "leads_exhausted": leads,
        "inquiry_exhausted": Fact(leads.holds and _tried(state, _NEEDED_INQUIRIES).holds,
                                  _tried(state, _NEEDED_INQUIRIES).evidence),
        "persuasion_exhausted": Fact(bool(state.persuasions) and not open_promise,
                                     state.persuasions),
    }  # fmt: skip


def tried(state: CaseState) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Each thing that has to be tried, and the entries that show it was."""
    return [(tuple(sorted(ways)), tuple(_shown(state, ways))) for ways in EXHAUSTING]


def _tried(state: CaseState, needed: Iterable[frozenset[str]]) -> Fact:
    shown = [list(_shown(state, ways)) for ways in needed]
    return Fact(all(shown), tuple(dict.fromkeys(entry for one in shown for entry in one)))


def _shown(state: CaseState, ways: frozenset[str]) -> Iterable[str]:
    return (entry for way, entry in state.inquiries if way in ways)


def _settlement(state: CaseState, book: Book) -> dict[str, Fact]:
    line = book.last("case.settlement")
    if line is None or state.settlement is None:
        return {}
    performed = [one.id for one in state.settlements if one.performed_on is not None]
    return {
        "settlement_signed": Fact(is_signed(line.data), (line.id,)),
        "schedule_set": Fact(
            bool(state.settlement.instalments),
            tuple(one.id for one in state.settlement.instalments),
        ),
        "settlement_performed": Fact(bool(performed), tuple(performed)),
    }


def _rulings(book: Book, closing: Closing, since: date, data: Mapping[str, Any]) -> dict[str, Fact]:
    meant = {closing.value, *(one.value for one in _ALSO.get(closing, ()))}

    def about(kind: str) -> list[Line]:
        return [one for one in book.of(kind) if one.data.get("for") in meant and one.day >= since]

    found: dict[str, Fact] = {}
    explained = about("case.explanation")
    if explained:
        found["explained_to_applicant"] = Fact(
            holds=True, evidence=tuple(one.id for one in explained)
        )
    served = [one for one in about("case.paper") if one.data["paper"] == _RULING]
    if served:
        found["ruling_served"] = Fact(holds=True, evidence=tuple(one.id for one in served))
        given = [one for one in served if _has_reason(one.data) or _has_reason(data)]
        found["ruling_reasoned"] = Fact(bool(given), tuple(one.id for one in given))
    return found


def _has_reason(data: Mapping[str, Any]) -> bool:
    return bool(data.get("reason")) and bool(data.get("law"))


def _without_asset_left(found: dict[str, Fact], state: CaseState, book: Book) -> dict[str, Fact]:
    """That nothing is left was said before something turned up: then it is not known any more."""
    said = [one for one in book.of("case.condition") if one.data["fact"] == "no_asset_left"]
    if not said:
        return found
    on = said[-1].day
    seized = any(one.seizes and one.on > on for one in state.in_force)
    confirmed = any(
        one.result == "confirmed" and (one.verified_on or on) > on for one in state.leads
    )
    return found | {"no_asset_left": Fact(None)} if seized or confirmed else found
