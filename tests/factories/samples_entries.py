"""What the sample cases say, as entries of the register with the moment each is written down.

The samples leave out what nobody is expected to find; what an expected pass needs besides is in
:data:`ADDED`, and nothing else is invented.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any, Final

CHINA: Final = timezone(timedelta(hours=8))
Row = Mapping[str, Any]

# Facts that an expected pass needs and the sample does not state: of each action, by the rule.
ADDED: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "FA01": {"CC01": "uniform", "CC20": "recording_announced"},
        "FA02": {"CC01": "uniform", "CC20": "recording_announced"},
        "FA03": {"CC07": "outsiders_kept_out"},
        "FA04": {"CC01": "uniform", "CC15": "ruling_served"},
        "FA05": {"CC01": "uniform", "CC20": "recording_announced"},
        "FA06": {"CC01": "uniform"},
        "FA07": {"CC01": "uniform"},
        "FA08": {"CC01": "uniform", "CC15": "ruling_served"},
        "FA09": {"CC01": "uniform"},
        "FA10": {"CC07": "outsiders_kept_out"},
    }
)
# The same for closings that the samples call lawful: what their gates ask for besides.
ADDED_TO_CASES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "CS03": ("ruling",),
        "CS07": ("enforcement_notice", "no_asset_left", "listing_not_due", "debtor_found",
                 "no_obstruction"),
        "CS10": ("explanation", "ruling"),
    }
)  # fmt: skip

FACTS: Final = (
    "credentials_shown", "uniform", "notified_party", "list_signed", "list_copy_given",
    "ruling_served", "warrant_shown", "ordered_to_open", "force_opened", "items_list_signed",
    "guardian_arranged", "night_approval",
)  # fmt: skip
_SIGNERS: Final = {"adult_family": "family", "法定代表人": "legal_representative"}
_INQUIRIES: Final = {
    "网络查询": "network", "传统查询": "traditional", "现场调查": "on_site", "询问": "questioning",
}  # fmt: skip
_EXCLUSIONS: Final = {"评估期间": "appraisal", "中止执行期间": "suspension"}
_SOURCES: Final = {"assistance_liaison": "liaison", "applicant": "applicant"}
_CONDITIONS: Final = frozenset(
    {"no_asset_left", "listing_not_due", "debtor_found", "no_obstruction"}
)
_SEIZES: Final = frozenset({"seal", "impound", "freeze"})


@dataclass(frozen=True, slots=True)
class Step:
    """An entry: when it is written down, what, and what of the case it refers to.

    :param key: name under which later steps refer to it.
    :param refers: a field and the key of the entry whose id goes there.
    """

    at: datetime
    kind: str
    data: Mapping[str, Any]
    key: str | None = None
    refers: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Staff:
    """A person of the court, as an action's entries name them."""

    id: str
    name: str
    post: str
    sex: str

    def present(self, role: str) -> dict[str, str]:
        """As somebody present."""
        return {"id": self.id, "name": self.name, "role": role, "post": self.post, "sex": self.sex}


def moment(day: str, minute: int = 0) -> datetime:
    """A working moment of a day, before anybody goes out."""
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), CHINA) + timedelta(
        hours=6, minutes=minute
    )


def of_action(
    case: Row, action: Row, staff: Mapping[str, Staff], added: Mapping[str, Mapping[str, str]]
) -> list[Step]:
    """Everything that is written down about an action, from its begin to its end.

    :param added: :data:`ADDED`, or nothing for the bare sample.
    """
    begins, ends = (datetime.fromisoformat(action[name]) for name in ("started_at", "ended_at"))
    told: list[tuple[str, dict[str, Any]]] = [("action.started", {"type": action["type"]})]
    told.append(("action.people", _people(action, staff)))
    facts = {name: action[name] for name in FACTS if action.get(name) is not None}
    more = set(added.get(action["id"], {}).values())
    facts |= dict.fromkeys(sorted(more - {"recording_announced"}), True)
    told.append(("action.facts", {"facts": facts}))
    if "recording_announced" in more:
        told.append(("action.announcement", {"what": "recording"}))
    told += _measures(case, action, staff)
    told.append(("action.record", _record(action["record"])))
    steps = [
        Step(begins + timedelta(seconds=number), kind, data)
        for number, (kind, data) in enumerate(told)
    ]
    return [*steps, Step(ends, "action.ended", {})]


def _people(action: Row, staff: Mapping[str, Staff]) -> dict[str, Any]:
    people = [staff[one].present("staff") for one in action["officer_ids"]]
    people += [staff[one].present("police") for one in action["judicial_police_ids"]]
    people += [
        {"name": name, "role": "grassroots"} for name in action.get("grassroots_present") or ()
    ]
    return {"people": people} | (
        {"minors_on_site": action["minors_on_site"]} if "minors_on_site" in action else {}
    )


def _record(record: Row) -> dict[str, Any]:
    refused = [_SIGNERS.get(one, one) for one in record.get("refused_signature") or ()]
    said: dict[str, Any] = {"signed_by": [_SIGNERS.get(one, one) for one in record["signed_by"]]}
    if refused:
        said |= {"refused_by": refused, "refusal_noted": record.get("refusal_noted", False)}
    return said


def _measures(
    case: Row, action: Row, staff: Mapping[str, Staff]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Entries about what was done, from the action and from the case's measures of that day."""
    day = action["started_at"][:10]
    measures = {one["type"]: one for one in case["measures"] if one["on"] == day}
    taken = measures.get(action["type"])
    if action["type"] in _SEIZES and taken:
        yield "action.seizure", {
            "kind": _asset_kind(taken), "from_on": day, "until_on": taken["expires_on"],
            "value_fen": taken["value_fen"],
        }  # fmt: skip
    if action["type"] == "detain":
        yield "action.detention", _detention(measures["detain"])
        if "summon_by_force" in measures:
            hours = measures["summon_by_force"]
            yield "action.summons", {
                "begins_at": hours["started_at"], "ends_at": hours["ended_at"],
            }  # fmt: skip
    if "amount_fen" in action:
        yield "action.cash", {
            "amount_fen": action["amount_fen"], "taken_on": day,
            "receipt_issued": action["receipt_issued"],
            "handed_over_on": action["handed_to_finance_on"],
        }  # fmt: skip
    if "body_search" in action:
        searched = action["body_search"]
        yield "action.body-search", {"of": searched["person_sex"], "by": staff[searched["by"]].name}
    if "items_delivered_to" in action:
        yield "action.delivery", {"to": action["items_delivered_to"]}


def _detention(measure: Row) -> dict[str, Any]:
    return {
        "days": measure["days"], "detained_at": measure["detained_at"],
        "family_told_at": measure["family_notified_at"],
        "handed_to_police": measure["handed_to_police"],
    }  # fmt: skip


def _asset_kind(measure: Row) -> str:
    if measure["type"] == "freeze":
        return "deposit"
    return "real_estate" if "商铺" in measure.get("asset", "") else "movable"


def of_case(case: Row, presidents: frozenset[str]) -> list[Step]:
    """Everything that is written down about the case itself, in the order of time."""
    steps = [
        *_of_measures(case, presidents), *_of_money(case), *_of_leads(case), *_of_talks(case),
        *_of_petitions(case), *_of_settlement(case), *_of_exclusions(case), *_of_closing(case),
    ]  # fmt: skip
    return sorted(steps, key=lambda one: one.at)


def _of_measures(case: Row, presidents: frozenset[str]) -> Iterator[Step]:
    if "enforcement_notice" in ADDED_TO_CASES.get(case["id"], ()):
        data = {"on": case["filed_on"], "paper": "enforcement_notice", "to": "被执行人(虚构)"}
        yield Step(moment(case["filed_on"], 1), "case.paper", data)
    for one in case["measures"]:
        data = {
            "on": one["on"], "type": one["type"], "asset": one.get("asset"),
            "value_fen": one.get("value_fen") or one.get("amount_fen"),
            "until_on": one.get("expires_on") or one.get("deadline_on"),
            "no": one.get("warrant_no") or one.get("decision_no"),
            "by_president": True if one["approved_by"] in presidents else None,
            "asset_kind": _asset_kind(one) if one["type"] in _SEIZES else None,
        }  # fmt: skip
        yield Step(moment(one["on"], 2), "case.measure", without_none(data))


def _of_money(case: Row) -> Iterator[Step]:
    for number, fund in enumerate(case["fund_records"]):
        received, amount = fund["received_on"], fund["amount_fen"]
        data = {"on": received, "amount_fen": amount}
        yield Step(moment(received, 3), "case.received", data, f"money-{number}")
        if fund["disbursed_on"]:
            paid = {"on": fund["disbursed_on"], "amount_fen": amount}
            at = moment(fund["disbursed_on"], 4)
            yield Step(at, "case.disbursed", paid, refers=("of", f"money-{number}"))


def _of_leads(case: Row) -> Iterator[Step]:
    for lead in case["leads"]:
        data = {
            "on": lead["received_on"], "kind": lead["kind"], "source": _SOURCES[lead["from_kind"]],
            "content": lead["content"], "specific": lead["specific"], "urgent": lead["urgent"],
        }  # fmt: skip
        yield Step(moment(lead["received_on"], 5), "case.lead", data, lead["id"])
        if lead["verified_on"]:
            found = {"on": lead["verified_on"], "result": lead["result"]}
            at = moment(lead["verified_on"], 6)
            yield Step(at, "case.lead-verified", found, refers=("of", lead["id"]))


def _of_talks(case: Row) -> Iterator[Step]:
    for talk in case["persuasions"]:
        data = {
            "on": talk["on"], "with": talk["target"], "content": talk["content"],
            "response": talk["result"],
        }  # fmt: skip
        yield Step(moment(talk["on"], 7), "case.persuasion", data)
    for name in (case["exhaustion"] or {}).get("measures", {}).get("done", ()):
        on = case["persuasions"][0]["on"]
        data = {"on": on, "what": _INQUIRIES[name], "result": "未发现可供执行财产(虚构)"}
        yield Step(moment(on, 8), "case.inquiry", data)


def _of_petitions(case: Row) -> Iterator[Step]:
    for one in case["petitions"]:
        data = {
            "on": one["received_on"],
            "content": "反映执行问题(虚构)",
            "repeated": one["repeat"],
        }
        yield Step(moment(one["received_on"], 9), "case.petition", data, one["id"])
        done = {"on": one["registered_on"]}
        at = moment(one["registered_on"], 10)
        yield Step(at, "case.petition-registered", done, refers=("of", one["id"]))
        if one["closed_on"]:
            ended = {"on": one["closed_on"], "valid": one["valid"]}
            at = moment(one["closed_on"], 11)
            yield Step(at, "case.petition-closed", ended, refers=("of", one["id"]))


def _of_settlement(case: Row) -> Iterator[Step]:
    made = case["settlement"]
    if made is None:
        return
    data = {
        "on": made["on"], "terms": made["terms"], "signed_by": made["signed_by"],
        "in_record": made["record_made"], "long_term": bool(made.get("schedule")),
    }  # fmt: skip
    yield Step(moment(made["on"], 12), "case.settlement", data, "settlement")
    for number, part in enumerate(made.get("schedule") or ()):
        agreed = {"on": made["on"], "due_on": part["due_on"], "amount_fen": part["amount_fen"]}
        key, of = f"instalment-{number}", ("of", "settlement")
        yield Step(moment(made["on"], 13 + number), "case.instalment", agreed, key, of)
        if part["paid"]:
            paid = {"on": part["due_on"], "amount_fen": part["amount_fen"]}
            at = moment(part["due_on"], 13)
            yield Step(at, "case.instalment-paid", paid, refers=("of", key))
    if made.get("performed_on"):
        at = moment(made["performed_on"], 13)
        done = {"on": made["performed_on"]}
        yield Step(at, "case.settlement-performed", done, refers=("of", "settlement"))


def _of_exclusions(case: Row) -> Iterator[Step]:
    """Days that do not count; those of a suspension follow from the suspension."""
    for one in case["excluded_periods"]:
        reason, on = _EXCLUSIONS[one["reason"]], one["start"]
        if reason != "suspension":
            data = {"on": on, "until_on": one["end"], "reason": reason}
            yield Step(moment(on, 30), "case.excluded", data)
        elif told := case["explanation"]:
            yield from _ruling(case, on, "suspended", told["reason"], told["legal_basis"])
            stop = {"on": on, "reason": told["reason"], "law": told["legal_basis"]}
            yield Step(moment(on, 40), "case.suspended", stop)


def _ruling(case: Row, on: str, about: str, reason: str, law: str) -> Iterator[Step]:
    if "ruling" in ADDED_TO_CASES.get(case["id"], ()):
        data = {
            "on": on, "paper": "ruling", "to": "申请执行人(虚构)", "for": about, "reason": reason,
            "law": law,
        }  # fmt: skip
        yield Step(moment(on, 36), "case.paper", data)


def _of_closing(case: Row) -> Iterator[Step]:
    told, closing = case["explanation"], case["closing"]
    if told:
        about = {"suspension": "suspended"}.get(told["kind"], told["kind"])
        data = {
            "on": told["on"], "for": about, "facts": told["reason"], "law": told["legal_basis"],
            "accepted": told["accepted"], "response": told["feedback"],
        }  # fmt: skip
        yield Step(moment(told["on"], 35), "case.explanation", data)
    if not closing:
        return
    on, method = closing["on"], closing["submethod"] or closing["method"]
    method = method if method == "settlement_long_term" else closing["method"]
    if method == "settlement_long_term" and "explanation" in ADDED_TO_CASES.get(case["id"], ()):
        law = "最高人民法院关于执行和解若干问题的规定"
        data = {"on": on, "for": "terminated", "facts": "达成长期履行和解(虚构)", "law": law}
        yield Step(moment(on, 35), "case.explanation", data)
        yield from _ruling(case, on, "terminated", "达成长期履行和解(虚构)", law)
    holds = {one for one in ADDED_TO_CASES.get(case["id"], ()) if one in _CONDITIONS}
    holds |= {"applicant_signed"} if closing.get("applicant_confirmed") else set()
    holds |= {"president_approved"} if closing.get("president_id") else set()
    for fact in sorted(holds):
        data = {"on": on, "fact": fact, "holds": True, "ground": "样例(虚构)"}
        yield Step(moment(on, 45), "case.condition", data)
    yield Step(moment(on, 50), "case.closed", {"on": on, "method": method})


def without_none(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that have a value."""
    return {name: value for name, value in data.items() if value is not None}
