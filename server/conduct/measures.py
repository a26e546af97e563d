"""What was done in an action, by its entries and those of its case.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from client_sdk.protocol.times import parse_rfc3339
from server.core.months import add_months
from server.fieldlog.conduct_facts import (
    Approval,
    Cash,
    Detention,
    Record,
    Ruling,
    Seizure,
    Settlement,
    Summons,
)
from server.fieldlog.conduct_judges import SEIZURE_YEARS
from server.register.folding import Written

# Ways of standing still or ending that have to be explained to the applicant.
_EXPLAINED: Final = frozenset({"suspended", "terminated", "round_terminated", "denied"})


def of_kind(entries: Iterable[Written], kind: str) -> list[Written]:
    """Entries of a kind, in their order."""
    return [entry for entry in entries if entry.kind == kind]


def newest(entries: Iterable[Written], kind: str) -> Written | None:
    """The last entry of a kind."""
    found = of_kind(entries, kind)
    return found[-1] if found else None


def approval(
    entries: Iterable[Written], case_entries: Iterable[Written], names: tuple[str, str], day: date
) -> Approval | None:
    """A president's approval: the paper that was entered with the action, else the case's measure.

    :param names: of the paper, and of the measure.
    :param day: of the action; a later measure says nothing about it.
    """
    papers = [one for one in of_kind(entries, "action.paper") if one.data["paper"] == names[0]]
    measures = [
        one
        for one in of_kind(case_entries, "case.measure")
        if one.data["type"] == names[1] and date.fromisoformat(one.data["on"]) <= day
    ]
    given = [*measures[-1:], *papers[-1:]]
    by_president = _last(given, "by_president")
    if by_president is None:
        return None
    return Approval(
        by_president, _last(given, "no"), _day(_last(given, "on")),
        _day(_last(papers[-1:], "deadline_on") or _last(measures[-1:], "until_on")),
    )  # fmt: skip


def record(entries: Iterable[Written]) -> Record | None:
    """The written record."""
    found = newest(entries, "action.record")
    if found is None:
        return None
    return Record(
        frozenset(found.data["signed_by"]),
        frozenset(found.data.get("refused_by", ())),
        found.data.get("refusal_noted"),
    )


def detention(entries: Iterable[Written], approved: Approval | None) -> Detention | None:
    """A judicial detention."""
    found = newest(entries, "action.detention")
    if found is None:
        return None
    data = found.data
    return Detention(
        approved, data.get("days"), _moment(data.get("detained_at")),
        _moment(data.get("family_told_at")), data.get("handed_to_police"),
    )  # fmt: skip


def summons(
    entries: Iterable[Written], approved: Approval | None, *, always: bool
) -> Summons | None:
    """A forced summons.

    :param always: the action is one, also while nobody has written down its hours.
    """
    found = newest(entries, "action.summons")
    if found is None:
        return Summons(approved, None, None) if always else None
    data = found.data
    return Summons(
        approved, _moment(data.get("begins_at")), _moment(data.get("ends_at")),
        data.get("complex", False),
    )  # fmt: skip


def seizure(
    entries: Sequence[Written], case_entries: Iterable[Written], claim_fen: int | None
) -> Seizure | None:
    """What was taken: the stretch that is longest for its kind, values added up.

    An item is known not to be exempt only when somebody said so.
    """
    taken = of_kind(entries, "action.seizure")
    items = of_kind(entries, "action.item")
    if not taken and not items:
        return None
    longest = max(taken, key=_excess, default=None)
    flags = [item.data.get("exempt") for item in items]
    exempt = sum(flag is True for flag in flags)
    return Seizure(
        longest.data["kind"] if longest else None,
        _day(longest.data["from_on"]) if longest else None,
        _day(longest.data["until_on"]) if longest else None,
        _sum(taken) if _sum(taken) is not None else _sum(items),
        claim(case_entries, claim_fen),
        exempt if exempt or (flags and None not in flags) else None,
    )


def claim(case_entries: Iterable[Written], claim_fen: int | None) -> int | None:
    """What is claimed and has not been received yet; fen."""
    given = list(case_entries)
    found = newest(given, "case.claim")
    if found is not None:
        names = ("principal_fen", "interest_fen", "delay_fen", "fee_fen")
        claim_fen = sum(int(found.data.get(name, 0)) for name in names)
    if claim_fen is None:
        return None
    received = sum(int(one.data["amount_fen"]) for one in of_kind(given, "case.received"))
    return max(0, claim_fen - received)


def cash(entries: Iterable[Written]) -> Cash | None:
    """Money taken: of several takings the one handed over last, all of their signatures."""
    takings = of_kind(entries, "action.cash")
    if not takings:
        return None
    late = max(takings, key=_lateness).data
    missing = any("handed_over_on" not in one.data for one in takings)
    handed = _day(late.get("handed_over_on"))
    taken_on = date.fromisoformat(late["taken_on"])
    if missing and (handed is None or handed - taken_on <= timedelta(days=1)):
        handed = None
    return Cash(
        taken_on, _all(takings, "receipt_issued"), _all(takings, "payer_signed"), handed,
        late.get("reason"),
    )  # fmt: skip


def ruling(entries: Iterable[Written], case_entries: Iterable[Written]) -> Ruling | None:
    """A ruling that was served to suspend or end enforcement."""
    papers = [one for one in of_kind(entries, "action.paper") if one.data["paper"] == "stay_or_end"]
    if not papers:
        return None
    data = papers[-1].data
    explained = data.get("explained")
    if explained is None and any(
        one.data["for"] in _EXPLAINED for one in of_kind(case_entries, "case.explanation")
    ):
        explained = True
    return Ruling(data.get("reason"), data.get("law"), data.get("served"), explained)


def settlement(case_entries: Iterable[Written], days: Sequence[date]) -> Settlement | None:
    """The settlement that was reached on a day of the action."""
    found = [
        one
        for one in of_kind(case_entries, "case.settlement")
        if date.fromisoformat(one.data["on"]) in days
    ]
    if not found:
        return None
    data = found[-1].data
    return Settlement(
        data.get("in_record"), frozenset(data["signed_by"]), data.get("by_agent", False),
        data.get("special_authority"),
    )  # fmt: skip


def _excess(entry: Written) -> int:
    data = entry.data
    latest = add_months(date.fromisoformat(data["from_on"]), 12 * SEIZURE_YEARS[data["kind"]])
    return (date.fromisoformat(data["until_on"]) - latest).days


def _lateness(entry: Written) -> tuple[int, bool]:
    handed = entry.data.get("handed_over_on")
    if handed is None:
        return -1, False
    late = date.fromisoformat(handed) - date.fromisoformat(entry.data["taken_on"])
    return late.days, "reason" not in entry.data


def _sum(entries: Sequence[Written]) -> int | None:
    values = [entry.data.get("value_fen") for entry in entries]
    return None if not values or None in values else sum(value or 0 for value in values)


def _all(entries: Iterable[Written], name: str) -> bool | None:
    values = [entry.data.get(name) for entry in entries]
    return False if False in values else None if None in values else True


def _last(entries: Iterable[Written], name: str) -> Any:
    said = [entry.data[name] for entry in entries if name in entry.data]
    return said[-1] if said else None


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else parse_rfc3339(text).astimezone(UTC)
