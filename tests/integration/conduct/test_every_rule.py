"""Every rule through entries and evidence in the database: pass, broken, not applicable, unknown.

``SOUND`` is an action by which every rule of its type passes; each case leaves out or replaces some
of its steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from server.cases.commands import PartyCommand
from server.cases.parties import PartyKind, PartyRole
from server.fieldlog.conduct_rules import Outcome, standard
from tests.factories.acting import BAILIFF, HOUR, JUDGE, OFFICER, VILLAGE, Acting

RULES = {rule.id: rule for rule in standard()}
FACTS = dict.fromkeys(
    (
        "credentials_shown", "uniform", "notified_party", "list_signed", "list_copy_given",
        "items_list_signed", "ruling_served", "held_by_third_party", "assistance_notice_served",
        "warrant_shown", "outsiders_kept_out", "force_opened", "ordered_to_open",
        "night_approval", "guardian_arranged", "minors_redacted", "service_refused",
        "papers_left", "service_witnessed",
    ),
    True,
)  # fmt: skip
SOUND: Mapping[str, tuple[str, dict[str, Any]]] = {
    "people": ("action.people", {"people": [JUDGE, OFFICER, BAILIFF, VILLAGE],
                                 "minors_on_site": 1}),
    "facts": ("action.facts", {"facts": FACTS}),
    "announced": ("action.announcement", {"what": "recording"}),
    "record": ("action.record", {"signed_by": ["officers", "debtor"]}),
    "warrant": ("action.paper", {"paper": "search_warrant", "by_president": True, "no": "搜1号"}),
    "notice": ("action.paper", {"paper": "eviction_notice", "by_president": True, "no": "迁1号",
                                "deadline_on": "2026-02-20"}),
    "decision": ("action.paper", {"paper": "detention_decision", "by_president": True,
                                  "no": "拘1号"}),
    "ticket": ("action.paper", {"paper": "summons", "by_president": True, "no": "传1号"}),
    "ruling": ("action.paper", {"paper": "stay_or_end", "reason": "理由(虚构)",
                                "law": "民事诉讼法第267条", "served": True, "explained": True}),
    "delivery": ("action.delivery", {"to": "成年家属(虚构)"}),
    "seizure": ("action.seizure", {"kind": "movable", "from_on": "2026-03-02",
                                   "until_on": "2028-03-02", "value_fen": 100}),
    "item": ("action.item", {"no": 1, "name": "货车(虚构)", "exempt": False}),
    "detention": ("action.detention", {"days": 10, "detained_at": "2026-03-02T08:10:00+08:00",
                                       "family_told_at": "2026-03-02T12:00:00+08:00",
                                       "handed_to_police": True}),
    "summons": ("action.summons", {"begins_at": "2026-03-02T08:10:00+08:00",
                                   "ends_at": "2026-03-02T08:50:00+08:00"}),
    "cash": ("action.cash", {"amount_fen": 100, "taken_on": "2026-03-02", "receipt_issued": True,
                             "payer_signed": True, "handed_over_on": "2026-03-02"}),
    "search": ("action.body-search", {"of": "F", "by": JUDGE["name"]}),
    "claim": ("case.claim", {"on": "2026-01-02", "principal_fen": 100}),
    "settlement": ("case.settlement", {"on": "2026-03-02", "terms": "分期(虚构)",
                                       "signed_by": ["applicant", "debtor"], "in_record": True}),
}  # fmt: skip
HERE, DECLARED, LATE, NONE = "here", "declared", "late", "none"


@dataclass(frozen=True)
class Given:
    """An action of a type, spoiled: steps replaced or (``None``) left out, facts likewise."""

    type: str
    steps: Mapping[str, dict[str, Any] | None] = field(default_factory=dict)
    facts: Mapping[str, bool | None] = field(default_factory=dict)
    films: tuple[str, str] = (HERE, HERE)
    photo: str = HERE
    at: timedelta = timedelta(0)
    cancelled: bool = False
    ends: bool = True
    debtor: str = "natural"

    def play(self, app: Flask) -> Acting:
        """Write it all down."""
        party = PartyCommand(role=PartyRole.DEBTOR, kind=PartyKind(self.debtor), name="云虚构")
        acting = Acting.build(app, parties=[party])
        acting.begin += self.at
        if self.cancelled:
            acting.write("action.planned", type=self.type)
            acting.write("action.cancelled", reason="改期(虚构)")
            return acting
        acting.run(self.type, length=HOUR if self.ends else None)
        for name, (kind, data) in SOUND.items():
            changed = self._facts() if name == "facts" else self.steps.get(name, {})
            if changed is not None:
                whole = {**data, **changed}
                acting.write(kind, **{key: one for key, one in whole.items() if one is not ...})
        self._film(acting)
        return acting

    def _facts(self) -> dict[str, Any]:
        said = {**FACTS, **self.facts}
        return {"facts": {one: holds for one, holds in said.items() if holds is not None}}

    def _film(self, acting: Acting) -> None:
        digest = acting.declare(b"notice") if self.photo != NONE else None
        if digest is not None:
            acting.write("action.tag", evidence=[digest], tag="seal_notice")
        if self.photo == HERE:
            acting.bring(b"notice")
        for letter, state in zip("AB", self.films, strict=True):
            if state == LATE:
                acting.clock.advance(timedelta(hours=30))
            if state in {HERE, LATE}:
                acting.film(letter)
            elif state == DECLARED:
                acting.declare(
                    letter.encode(), media="video", at=acting.begin,
                    captured_by=acting.camera(letter),
                )  # fmt: skip


def without(type_: str, *names: str) -> Given:
    return Given(type_, dict.fromkeys(names))


def instead(type_: str, name: str, /, **data: Any) -> Given:
    return Given(type_, {name: data})


def says(type_: str, **facts: bool | None) -> Given:
    return Given(type_, facts=facts)


NIGHT = timedelta(hours=-9)  # 23:00 in China
SEARCHED_BY_A_MAN = instead("search", "search", by=OFFICER["name"])
CASES: dict[str, tuple[Given, Given, Given, Given]] = {
    # rule: passes, broken, not applicable, unknown
    "CC01": (Given("visit"), says("visit", uniform=False), Given("visit", cancelled=True),
             says("visit", uniform=None)),
    "CC02": (Given("visit"), instead("visit", "people", people=[JUDGE, BAILIFF, VILLAGE]),
             Given("visit", cancelled=True), without("visit", "people")),
    "CC03": (Given("evict"), instead("evict", "record", signed_by=["officers"]), Given("visit"),
             without("evict", "record")),
    "CC04": (Given("seal"), says("seal", list_copy_given=False), Given("visit"),
             says("seal", list_signed=None)),
    "CC05": (Given("impound"), says("impound", grassroots_present=False), Given("visit"),
             instead("impound", "people", people=[JUDGE, OFFICER])),
    "CC06": (Given("search"), instead("search", "warrant", by_president=False), Given("visit"),
             without("search", "warrant")),
    "CC07": (Given("search"), says("search", grassroots_present=False, family_present=False),
             Given("visit"), says("search", outsiders_kept_out=None)),
    "CC08": (Given("search"), SEARCHED_BY_A_MAN, without("search", "search"),
             instead("search", "search", by="不知名(虚构)")),
    "CC09": (Given("search"), instead("search", "record", refused_by=["debtor"],
                                      refusal_noted=False),
             Given("visit"), without("search", "record")),
    "CC10": (Given("search"), says("search", ordered_to_open=False),
             says("search", force_opened=None), says("search", ordered_to_open=None)),
    "CC11": (Given("evict"), instead("evict", "notice", deadline_on="2026-03-02"), Given("visit"),
             without("evict", "delivery")),
    "CC12": (Given("seal"), instead("seal", "item", exempt=True), Given("visit"),
             instead("seal", "item", exempt=...)),
    "CC13": (Given("freeze"), instead("freeze", "seizure", value_fen=121), Given("visit"),
             without("freeze", "claim")),
    "CC14": (Given("seal"), Given("seal", photo=NONE), Given("visit"),
             Given("seal", photo=DECLARED)),
    "CC15": (Given("seal"), says("seal", assistance_notice_served=False), Given("visit"),
             says("seal", ruling_served=None)),
    "CC16": (Given("seal"), instead("seal", "seizure", until_on="2028-03-03"), Given("visit"),
             without("seal", "seizure")),
    "CC17": (Given("detain"), instead("detain", "detention",
                                      family_told_at="2026-03-03T09:40:00+08:00"),
             Given("visit"), instead("detain", "detention", family_told_at=...)),
    "CC18": (Given("summon_by_force"),
             instead("summon_by_force", "summons", ends_at="2026-03-02T16:11:00+08:00"),
             without("detain", "summons"), without("summon_by_force", "summons")),
    "CC19": (Given("cash_collection"), instead("cash_collection", "cash",
                                               handed_over_on="2026-03-06"),
             Given("visit"), instead("cash_collection", "cash", handed_over_on=...)),
    "CC20": (Given("search"), Given("search", films=(HERE, NONE)), Given("search", cancelled=True),
             Given("search", films=(HERE, DECLARED))),
    "CC21": (Given("visit", at=NIGHT), Given("visit", at=NIGHT, facts={"night_approval": None}),
             Given("visit"), Given("visit", at=NIGHT, facts={"night_approval": None},
                                   films=(HERE, DECLARED))),
    "CC22": (Given("visit"), says("visit", minors_redacted=None),
             instead("visit", "people", minors_on_site=...),
             Given("visit", facts={"minors_redacted": None}, photo=DECLARED)),
    "CC23": (Given("visit"),
             instead("visit", "people", people=[JUDGE, {**OFFICER, "post": "liaison"}]),
             Given("visit", cancelled=True), without("visit", "people")),
    "CC24": (Given("service"), instead("service", "ruling", law=...), without("service", "ruling"),
             instead("service", "ruling", explained=...)),
    "CC25": (Given("visit"), instead("visit", "settlement", signed_by=["debtor"]),
             without("visit", "settlement"), instead("visit", "settlement", in_record=...)),
    "CC26": (Given("seal"), Given("seal", films=(HERE, LATE)), Given("seal", films=(NONE, NONE)),
             Given("seal", films=(HERE, DECLARED))),
    "CC27": (Given("service"), says("service", papers_left=False),
             says("service", service_refused=None), says("service", papers_left=None)),
}  # fmt: skip


def test_every_rule_has_its_cases() -> None:
    assert set(CASES) == set(RULES)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_passes(app: Flask, rule: str) -> None:
    assert CASES[rule][0].play(app).outcome(rule) == "pass"


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_is_broken(app: Flask, rule: str) -> None:
    acting = CASES[rule][1].play(app)
    found = acting.check(rule)
    assert found.outcome is RULES[rule].severity
    assert found.reasons
    acting.worker()
    assert [one.state for one in acting.findings(rule)] == ["open"]


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_does_not_apply(app: Flask, rule: str) -> None:
    assert CASES[rule][2].play(app).check(rule).outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_is_unknown_and_no_finding(app: Flask, rule: str) -> None:
    acting = CASES[rule][3].play(app)
    found = acting.check(rule)
    assert found.outcome is Outcome.UNKNOWN
    assert found.reasons
    acting.worker()
    assert acting.findings(rule) == []
