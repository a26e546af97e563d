"""What each rule's outcome rests on, so that people can look: entries and items of evidence."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from server.conduct.facts import Assembled, Told
from server.conduct.materials import Materials
from server.fieldlog.conduct_rules import Check, Rule
from server.register.folding import Written


@dataclass(frozen=True, slots=True)
class _Look:
    """Where a judge looks."""

    kinds: frozenset[str] = frozenset()
    facts: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    recordings: bool = False


@dataclass(frozen=True, slots=True)
class Grounds:
    """Entries and evidence behind an outcome, by their ids."""

    entries: tuple[uuid.UUID, ...] = field(default=())
    evidence: tuple[uuid.UUID, ...] = field(default=())


def _look(
    *kinds: str, facts: Sequence[str] = (), tags: Sequence[str] = (), recordings: bool = False
) -> _Look:
    return _Look(frozenset(kinds), tuple(facts), tuple(tags), recordings)


LOOKS: Final[Mapping[str, _Look]] = MappingProxyType(
    {
        "staffed": _look("action.people"),
        "no_outsiders_counted": _look("action.people"),
        "record_signed": _look("action.record", tags=["record"]),
        "parties_told": _look("action.people", facts=["grassroots_present", "grassroots_refused"]),
        "warrant": _look("action.paper", tags=["document"]),
        "search_witnessed": _look("action.people", facts=["grassroots_present", "family_present"]),
        "body_searched": _look("action.body-search", "action.people"),
        "opened_after_order": _look(facts=["force_opened", "ordered_to_open"]),
        "evicted": _look("action.paper", "action.delivery", "action.record", tags=["record"]),
        "exempt_untouched": _look("action.item", tags=["item"]),
        "not_over_seized": _look("action.seizure", "action.item", "case.claim"),
        "notice_posted": _look("action.tag", tags=["seal_notice"]),
        "third_party_told": _look(facts=["held_by_third_party", "assistance_notice_served"]),
        "within_duration": _look("action.seizure"),
        "detained": _look("action.detention", "action.paper"),
        "summoned": _look("action.summons", "action.paper"),
        "cash_taken": _look("action.cash", "action.people"),
        "recorded": _look("action.gap", facts=["recording_announced"], recordings=True),
        "by_day": _look("action.started", "action.ended", facts=["night_approval"]),
        "minors_kept_safe": _look(
            "action.people", facts=["guardian_arranged", "minors_redacted"]
        ),
        "explained_ruling": _look("action.paper", "case.explanation"),
        "settled": _look("case.settlement"),
        "uploaded_in_time": _look("action.ended", recordings=True),
        "left_papers": _look(
            facts=["service_refused", "papers_left", "service_witnessed"], tags=["service"]
        ),
    }
)  # fmt: skip
_NOWHERE: Final = _look()


def grounds_of(check: Check, told: Told, found: Assembled, materials: Materials) -> Grounds:
    """Where the outcome of a check comes from."""
    look = _look_of(check.rule)
    said = [*told.entries, *told.case_entries]
    entries = [one for one in said if one.kind in look.kinds]
    entries += [found.stated_by[name] for name in look.facts if name in found.stated_by]
    items = [one.item.id for tag in look.tags for one in found.tagged.get(tag, ())]
    if look.recordings:
        items += [one.item.id for one in materials.recordings]
    return Grounds(_once(one.id for one in _ordered(entries)), _once(items))


def _look_of(rule: Rule) -> _Look:
    look = LOOKS[rule.judge] if rule.judge else _NOWHERE
    return _Look(look.kinds, (*rule.require, *look.facts), look.tags, look.recordings)


def _ordered(entries: Iterable[Written]) -> list[Written]:
    return sorted(entries, key=lambda one: (one.happened_at, str(one.id)))


def _once(ids: Iterable[uuid.UUID]) -> tuple[uuid.UUID, ...]:
    return tuple(dict.fromkeys(ids))
