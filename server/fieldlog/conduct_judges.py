"""Judges of the conduct rules that plain facts do not decide.  Pure; see ``conduct_rules``."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from server.core.months import add_months
from server.fieldlog.conduct_facts import OUTSIDER_POSTS, ActionFacts, Approval, Record, Sex
from server.fieldlog.conduct_rules import Config, Finding, Judge, Reason
from server.fieldlog.recording_coverage import Coverage, Recording, Span, coverage_of

COERCIVE: Final = frozenset({"seal", "impound", "search", "evict", "detain", "summon_by_force"})
DETENTION_DAYS_MAX: Final = 15
FAMILY_TOLD_WITHIN: Final = timedelta(hours=24)
SUMMONS_HOURS: Final = 8
SUMMONS_HOURS_COMPLEX: Final = 24
# Freezing, movables, real estate and other rights (解释485).
SEIZURE_YEARS: Final = MappingProxyType({"deposit": 1, "movable": 2, "real_estate": 3, "other": 3})
SEAL_NOTICE: Final = "seal_notice"
OFFICERS: Final = "officers"

GOOD: Final = Finding("good")
NOT_APPLICABLE: Final = Finding("not_applicable")


def bad(code: str, *evidence: str, **values: str) -> Finding:
    """The rule is broken."""
    return Finding("bad", (Reason(code, values, evidence),))


def unknown(code: str, **values: str) -> Finding:
    """It cannot be said."""
    return Finding("unknown", (Reason(code, values),))


def staffed(facts: ActionFacts, config: Config) -> Finding:
    """Enough enforcement staff by post (CC02)."""
    if not facts.participants:
        return unknown("participants-absent")
    count = len(facts.staff)
    if count < config.staff_min:
        return bad("too-few-staff", count=str(count), needed=str(config.staff_min))
    return GOOD


def no_outsiders_counted(facts: ActionFacts, _config: Config) -> Finding:
    """Liaisons and observers are not entered as staff (CC23)."""
    if not facts.participants:
        return unknown("participants-absent")
    outsiders = [one for one in facts.participants if one.post in OUTSIDER_POSTS]
    return bad("outsider-as-staff", count=str(len(outsiders))) if outsiders else GOOD


def record_signed(facts: ActionFacts, _config: Config) -> Finding:
    """Signed by officers and somebody else, or the refusal noted (CC03, CC09)."""
    if facts.record is None:
        return unknown("record-absent")
    return _signed(facts.record)


def _signed(record: Record) -> Finding:
    if OFFICERS not in record.signed_by:
        return bad("officers-unsigned")
    if record.refused_by and not record.refusal_noted:
        if record.refusal_noted is None:
            return unknown("refusal-note-absent")
        return bad("refusal-not-noted")
    if not (record.signed_by - {OFFICERS}) and not record.refused_by:
        return bad("nobody-else-signed")
    return GOOD


def parties_told(facts: ActionFacts, _config: Config) -> Finding:
    """For a citizen, employer or local organisation attends (CC05)."""
    if facts.debtor_is_natural is None:
        return unknown("debtor-kind-absent")
    if not facts.debtor_is_natural:
        return GOOD
    if facts.grassroots_present or facts.says("grassroots_refused"):
        return GOOD
    if facts.grassroots_present is None:
        return unknown("grassroots-absent")
    return bad("no-local-organisation")


def warrant(facts: ActionFacts, _config: Config) -> Finding:
    """A search warrant, signed by the president (CC06)."""
    return _approved(facts.warrant, paper=True)


def _approved(approval: Approval | None, *, paper: bool) -> Finding:
    if approval is None:
        return unknown("approval-absent")
    if not approval.by_president:
        return bad("president-not-approved")
    if paper and not approval.paper_no:
        return bad("paper-number-missing")
    return GOOD


def search_witnessed(facts: ActionFacts, _config: Config) -> Finding:
    """Family or local body attends a search (CC07)."""
    if facts.grassroots_present or facts.says("family_present"):
        return GOOD
    if facts.grassroots_present is None and facts.says("family_present") is None:
        return unknown("grassroots-absent")
    return bad("search-without-witness")


def body_searched(facts: ActionFacts, config: Config) -> Finding:
    """A woman is searched by a woman (CC08)."""
    search = facts.body_search
    if search is None or search.of is not Sex.FEMALE:
        return NOT_APPLICABLE
    if search.by is None or search.by.sex is None:
        return unknown("searcher-absent")
    by_police = any(one.id == search.by.id for one in facts.police)
    if search.by.sex is not Sex.FEMALE or (by_police and not config.female_police_may_search):
        return bad("searched-by-wrong-person")
    return GOOD


def opened_after_order(facts: ActionFacts, _config: Config) -> Finding:
    """Forced opening only after a refused order (CC10)."""
    if not facts.says("force_opened"):
        return NOT_APPLICABLE
    ordered = facts.says("ordered_to_open")
    if ordered is None:
        return unknown("fact-absent", fact="ordered_to_open")
    return GOOD if ordered else bad("opened-without-order")


def evicted(facts: ActionFacts, config: Config) -> Finding:
    """Notice by the president, its deadline passed, goods delivered (CC11)."""
    found = _approved(facts.eviction_notice, paper=False)
    if found is not GOOD:
        return found
    notice = facts.eviction_notice
    deadline = notice.deadline_on if notice else None
    if deadline is None:
        return unknown("notice-deadline-absent")
    if _local(facts.begins_at, config).date() <= deadline:
        return bad("before-deadline", deadline=deadline.isoformat())
    if not facts.items_delivered_to:
        return unknown("delivery-absent")
    return record_signed(facts, config)


def exempt_untouched(facts: ActionFacts, _config: Config) -> Finding:
    """Nothing that law exempts was taken (CC12)."""
    if facts.seizure is None or facts.seizure.exempt_items is None:
        return unknown("item-list-absent")
    count = facts.seizure.exempt_items
    return bad("exempt-items", count=str(count)) if count else GOOD


def not_over_seized(facts: ActionFacts, config: Config) -> Finding:
    """No obvious over-seizure (CC13)."""
    taken = facts.seizure
    if taken is None or taken.value_fen is None or taken.claim_fen is None:
        return unknown("value-absent")
    if taken.value_fen > taken.claim_fen * config.seizure_ratio_max:
        return bad("over-seizure", value=str(taken.value_fen), claim=str(taken.claim_fen))
    return GOOD


def notice_posted(facts: ActionFacts, _config: Config) -> Finding:
    """A photo of the seal or notice (CC14)."""
    if SEAL_NOTICE in facts.tags:
        return GOOD
    return unknown("evidence-awaited") if facts.awaited else bad("notice-photo-missing")


def third_party_told(facts: ActionFacts, _config: Config) -> Finding:
    """Whoever holds the thing gets an assistance notice (CC15)."""
    if not facts.says("held_by_third_party"):
        return GOOD
    told = facts.says("assistance_notice_served")
    if told is None:
        return unknown("fact-absent", fact="assistance_notice_served")
    return GOOD if told else bad("third-party-not-told")


def within_duration(facts: ActionFacts, _config: Config) -> Finding:
    """No longer than one, two or three years (CC16)."""
    taken = facts.seizure
    if taken is None or taken.kind is None or taken.from_on is None or taken.until_on is None:
        return unknown("duration-absent")
    latest = add_months(taken.from_on, 12 * SEIZURE_YEARS[taken.kind])
    if taken.until_on > latest:
        return bad("too-long", latest=latest.isoformat())
    return GOOD


def detained(facts: ActionFacts, _config: Config) -> Finding:
    """Approved, at most 15 days, handed to the police, the family told within a day (CC17)."""
    one = facts.detention
    if one is None:
        return unknown("detention-absent")
    found = _approved(one.approval, paper=True)
    if one.days is not None and one.days > DETENTION_DAYS_MAX:
        return bad("detained-too-long", days=str(one.days))
    if one.handed_to_police is False:
        return bad("not-handed-to-police")
    if one.detained_at is not None and one.family_told_at is not None:
        waited = one.family_told_at - one.detained_at
        if waited > FAMILY_TOLD_WITHIN:
            return bad("family-told-late", hours=f"{waited / timedelta(hours=1):.1f}")
    if found.verdict != "good":
        return found
    if None in (one.days, one.handed_to_police, one.detained_at, one.family_told_at):
        return unknown("detention-incomplete")
    return GOOD


def summoned(facts: ActionFacts, _config: Config) -> Finding:
    """Approved, questioned for 8 hours at most, 24 in complex cases (CC18)."""
    one = facts.summons
    if one is None:
        return NOT_APPLICABLE
    found = _approved(one.approval, paper=False)
    if found is not GOOD:
        return found
    if one.begins_at is None or one.ends_at is None:
        return unknown("summons-times-absent")
    hours = SUMMONS_HOURS_COMPLEX if one.complex else SUMMONS_HOURS
    if one.ends_at - one.begins_at > timedelta(hours=hours):
        return bad("questioned-too-long", hours=str(hours))
    return GOOD


def cash_taken(facts: ActionFacts, config: Config) -> Finding:
    """Two officers, receipt, signature, handed over the same day (CC19)."""
    money = facts.cash
    if money is None:
        return unknown("cash-absent")
    found = staffed(facts, config)
    if found.verdict == "bad":
        return found
    if money.receipt_issued is False or money.payer_signed is False:
        return bad("cash-not-receipted")
    if money.handed_over_on is not None:
        late = (money.handed_over_on - money.taken_on).days
        if late > (1 if money.reason else 0):
            return bad("cash-handed-over-late", days=str(late))
    if None in (money.receipt_issued, money.payer_signed, money.handed_over_on):
        return unknown("cash-incomplete")
    return found


def recorded(facts: ActionFacts, config: Config) -> Finding:
    """Announced, and recorded throughout by enough cameras (CC20)."""
    if facts.ends_at is None:
        return unknown("not-ended")
    needed = config.recorders_min if facts.type in COERCIVE else 1
    seen = coverage_of(
        facts.begins_at, facts.ends_at, [one for one in facts.recordings if one.has_picture],
        needed=needed, slack=config.recording_slack,
    )  # fmt: skip
    awaited = facts.awaited or any(not one.is_known for one in facts.recordings)
    if seen.thin or seen.gaps or seen.recorders < needed:
        return unknown("evidence-awaited") if awaited else _uncovered(facts, seen, needed)
    announced = facts.says("recording_announced")
    if announced is None:
        return unknown("fact-absent", fact="recording_announced")
    return GOOD if announced else bad("not-announced")


def _uncovered(facts: ActionFacts, seen: Coverage, needed: int) -> Finding:
    ids = tuple(str(one.evidence_id) for one in facts.recordings)
    # An action that was over before a gap counts is not shown by that.
    thin = seen.thin or (Span(facts.begins_at, facts.ends_at or facts.begins_at, 0),)
    reasons = [Reason("recording-gap", _times(span), ids) for span in seen.gaps]
    reasons += [
        Reason("too-few-recorders", {**_times(span), "needed": str(needed)}, ids)
        for span in thin
        if span not in seen.gaps
    ]
    return Finding("bad", tuple(reasons))


def _times(span: Span) -> dict[str, str]:
    return {"from": span.begins_at.isoformat(), "to": span.ends_at.isoformat()}


def by_day(facts: ActionFacts, config: Config) -> Finding:
    """At night or on a holiday only with approval (CC21)."""
    if not facts.on_holiday and not _touches_night(facts, config):
        return NOT_APPLICABLE
    approved = facts.says("night_approval")
    if approved is None and facts.awaited:
        return unknown("evidence-awaited")
    return GOOD if approved else bad("night-without-approval")


def _touches_night(facts: ActionFacts, config: Config) -> bool:
    begins = _local(facts.begins_at, config)
    ends = _local(facts.ends_at or facts.begins_at, config)
    if ends - begins >= timedelta(hours=24):
        return True
    night = _is_night(begins.time(), config) or _is_night(ends.time(), config)
    return night or ends.date() != begins.date()


def _is_night(at: time, config: Config) -> bool:
    return at >= config.night_begins or at < config.night_ends


def minors_kept_safe(facts: ActionFacts, _config: Config) -> Finding:
    """Somebody looks after them, and no picture shows them (CC22)."""
    if not facts.minors_on_site:
        return NOT_APPLICABLE
    said = facts.says("guardian_arranged"), facts.says("minors_redacted")
    if facts.awaited and None in said and False not in said:
        return unknown("evidence-awaited")
    if not said[0]:
        return bad("no-guardian")
    return GOOD if said[1] else bad("minors-not-redacted")


def explained_ruling(facts: ActionFacts, _config: Config) -> Finding:
    """Reason, law, service, explanation (CC24)."""
    ruling = facts.ruling
    if ruling is None:
        return NOT_APPLICABLE
    if not ruling.reason or not ruling.law:
        return bad("ruling-without-reason")
    if ruling.served is False or ruling.explained is False:
        return bad("ruling-not-explained")
    if ruling.served is None or ruling.explained is None:
        return unknown("service-absent")
    return GOOD


def settled(facts: ActionFacts, _config: Config) -> Finding:
    """In the record, signed by both, an agent with special authority (CC25)."""
    one = facts.settlement
    if one is None:
        return NOT_APPLICABLE
    if one.in_record is False or not {"applicant", "debtor"} <= one.signed_by:
        return bad("settlement-unsigned")
    if one.by_agent and one.special_authority is False:
        return bad("agent-without-authority")
    if one.in_record is None or (one.by_agent and one.special_authority is None):
        return unknown("settlement-incomplete")
    return GOOD


def uploaded_in_time(facts: ActionFacts, config: Config) -> Finding:
    """Every recording is there within a day of the return (CC26)."""
    if facts.ends_at is None:
        return unknown("not-ended")
    if not facts.recordings:
        return unknown("evidence-awaited") if facts.awaited else NOT_APPLICABLE
    late = [one for one in facts.recordings if _is_late(one, facts, config)]
    if late:
        return bad("uploaded-late", *(str(one.evidence_id) for one in late))
    if any(one.verified_at is None for one in facts.recordings):
        return unknown("evidence-awaited")
    return GOOD


def _is_late(one: Recording, facts: ActionFacts, config: Config) -> bool:
    came_at, ends_at = one.verified_at or facts.as_of, facts.ends_at
    return bool(came_at and ends_at and came_at - ends_at > config.upload_within)


def left_papers(facts: ActionFacts, _config: Config) -> Finding:
    """Service refused: papers left, with a picture or a witness (CC27)."""
    if not facts.says("service_refused"):
        return NOT_APPLICABLE
    if facts.says("papers_left") is False:
        return bad("papers-not-left")
    if facts.says("papers_left") is None:
        return unknown("fact-absent", fact="papers_left")
    shown = "service" in facts.tags or facts.says("service_witnessed")
    if shown:
        return GOOD
    return unknown("evidence-awaited") if facts.awaited else bad("service-without-proof")


def _local(at: datetime, config: Config) -> datetime:
    return at.astimezone(ZoneInfo(config.time_zone))


JUDGES: Final = MappingProxyType[str, Judge](
    {
        judge.__name__: judge
        for judge in (
            staffed, no_outsiders_counted, record_signed, parties_told, warrant, search_witnessed,
            body_searched, opened_after_order, evicted, exempt_untouched, not_over_seized,
            notice_posted, third_party_told, within_duration, detained, summoned, cash_taken,
            recorded, by_day, minors_kept_safe, explained_ruling, settled, uploaded_in_time,
            left_papers,
        )
    }
)  # fmt: skip
