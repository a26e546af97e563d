"""An action's facts, put together from what was written down and what was captured.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from server.cases.calendar import Calendar, days
from server.conduct import measures, people
from server.conduct.materials import Material, Materials
from server.conduct.people import Present
from server.fieldlog.conduct_facts import ActionFacts
from server.fieldlog.conduct_rules import Config
from server.register.folding import Written

# An announcement that was made, or a paper that was served, states a plain fact.
_ANNOUNCED: Final = MappingProxyType(
    {"recording": "recording_announced", "order_to_open": "ordered_to_open"}
)
_SERVED: Final = MappingProxyType(
    {"ruling": "ruling_served", "assistance_notice": "assistance_notice_served"}
)
_PRESENT: Final = MappingProxyType({"grassroots": "grassroots_present", "family": "family_present"})
ITEM_TAG: Final = "item"
_PHOTO_TAGS: Final = MappingProxyType({"action.item": ITEM_TAG, "action.record": "record"})


@dataclass(frozen=True, slots=True)
class Told:
    """What was written down about an action, and what its case says."""

    type: str
    begins_at: datetime
    ends_at: datetime | None
    entries: Sequence[Written]
    case_entries: Sequence[Written]
    debtor_kinds: frozenset[str]
    claim_fen: int | None
    posts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Assembled:
    """Facts, and where they come from: of each plain fact its entry, of each tag its items."""

    facts: ActionFacts
    stated_by: Mapping[str, Written]
    tagged: Mapping[str, Sequence[Material]]


def named_digests(entries: Iterable[Written]) -> set[str]:
    """Files that the entries name."""
    return {
        digest
        for entry in entries
        for name in ("photos", "evidence")
        for digest in entry.data.get(name, ())
    }


def assemble(
    told: Told, materials: Materials, config: Config, calendar: Calendar, as_of: datetime,
    *, waits: bool,
) -> Assembled:  # fmt: skip
    """Put the facts together.

    :param waits: a device may still have something to send.
    """
    there = people.present(told.entries, told.posts)
    stated, stated_by = stated_facts(told.entries, there)
    tagged = tags(told.entries, materials)
    on_days = _days(told, config)
    begun_on = on_days[0]
    approvals = _approvals(told, begun_on)
    facts = ActionFacts(
        type=told.type, begins_at=told.begins_at, ends_at=told.ends_at,
        participants=there.staff, police=there.police, stated=stated,
        record=measures.record(told.entries), debtor_is_natural=_natural(told.debtor_kinds),
        grassroots_present=stated.get("grassroots_present"), minors_on_site=there.minors_on_site,
        warrant=approvals["search"], eviction_notice=approvals["evict"],
        items_delivered_to=_delivered_to(told.entries),
        detention=measures.detention(told.entries, approvals["detain"]),
        summons=measures.summons(
            told.entries, approvals["summon"], always=told.type == "summon_by_force"
        ),
        seizure=measures.seizure(told.entries, told.case_entries, told.claim_fen),
        cash=measures.cash(told.entries), body_search=people.body_search(told.entries, there),
        ruling=measures.ruling(told.entries, told.case_entries),
        settlement=measures.settlement(told.case_entries, on_days),
        recordings=tuple(one.recording() for one in materials.recordings),
        tags=frozenset(tag for tag, items in tagged.items() if any(one.is_here for one in items)),
        awaited=waits or told.ends_at is None or _awaited(told.entries, materials),
        on_holiday=any(calendar.is_holiday(day) for day in on_days), as_of=as_of,
    )  # fmt: skip
    return Assembled(facts, stated_by, tagged)


def stated_facts(
    entries: Iterable[Written], there: Present
) -> tuple[dict[str, bool], dict[str, Written]]:
    """Plain facts, the last word about each, and the entry that has it."""
    stated: dict[str, bool] = {}
    said_by: dict[str, Written] = {}
    for entry in entries:
        for name, holds in _stated(entry):
            stated[name], said_by[name] = holds, entry
    for role, name in _PRESENT.items():
        if name not in stated and there.with_role(role):
            stated[name] = True
    return stated, said_by


def _stated(entry: Written) -> Iterable[tuple[str, bool]]:
    data: Mapping[str, Any] = entry.data
    if entry.kind == "action.facts":
        yield from data["facts"].items()
    elif entry.kind == "action.announcement" and data["what"] in _ANNOUNCED:
        yield _ANNOUNCED[data["what"]], True
    elif entry.kind == "action.paper" and data["paper"] in _SERVED and "served" in data:
        yield _SERVED[data["paper"]], data["served"]


def tags(entries: Iterable[Written], materials: Materials) -> dict[str, list[Material]]:
    """Items by what an entry says they show; a photo of an item or a record says so itself."""
    known = materials.by_digest()
    found: dict[str, list[Material]] = {}
    for entry in entries:
        tag, digests = _tagged(entry)
        for digest in digests:
            if digest in known and known[digest] not in found.setdefault(tag, []):
                found[tag].append(known[digest])
    return found


def _tagged(entry: Written) -> tuple[str, Sequence[str]]:
    if entry.kind == "action.tag":
        return entry.data["tag"], entry.data["evidence"]
    tag = _PHOTO_TAGS.get(entry.kind)
    return (tag, entry.data.get("photos", ())) if tag else ("", ())


def _awaited(entries: Iterable[Written], materials: Materials) -> bool:
    known = materials.by_digest()
    named = named_digests(entries)
    return (
        any(one.is_awaited for one in materials.during)
        or not named <= known.keys()
        or any(known[digest].is_awaited for digest in named)
    )


def _approvals(told: Told, day: date) -> dict[str, Any]:
    names = {
        "search": ("search_warrant", "search"),
        "evict": ("eviction_notice", "eviction_notice"),
        "detain": ("detention_decision", "detain"),
        "summon": ("summons", "summon_by_force"),
    }
    return {
        key: measures.approval(told.entries, told.case_entries, pair, day)
        for key, pair in names.items()
    }


def _delivered_to(entries: Iterable[Written]) -> str | None:
    found = measures.newest(entries, "action.delivery")
    return None if found is None else str(found.data["to"])


def _natural(kinds: frozenset[str]) -> bool | None:
    """Of several debtors one citizen is enough for what protects citizens."""
    return "natural" in kinds if kinds else None


def _days(told: Told, config: Config) -> list[date]:
    zone = ZoneInfo(config.time_zone)
    last = told.ends_at or told.begins_at
    return list(days(told.begins_at.astimezone(zone).date(), last.astimezone(zone).date())) or [
        told.begins_at.astimezone(zone).date()
    ]
