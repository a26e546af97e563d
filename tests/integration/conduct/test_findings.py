"""The life of a finding, and what makes an action be judged again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from server.conduct import following, service
from server.conduct.commands import Decide, RuleCommand
from server.conduct.due import Judger
from server.conduct.models import ConductCheck, DueAction, Finding
from server.core.context import Context, system_actor
from server.core.problem import Problem
from server.core.transactions import EVERY_COURT, unit_of_work
from server.notices import projecting
from server.notices.models import UserNotice
from server.register import service as register
from server.register.commands import WriteEntry
from server.register.models import Entry
from tests.factories.acting import JUDGE, OFFICER, Acting
from tests.factories.field import sequence
from tests.factories.identity import runtime_of

SAID = Decide(text="另一人被临时抽调(虚构)")


@pytest.fixture
def acting(app: Flask) -> Acting:
    """An action that one judge alone took part in, judged."""
    acting = Acting.build(app)
    acting.run("visit")
    acting.people(JUDGE)
    assert acting.worker() == 1
    return acting


def only(acting: Acting, rule: str = "CC02") -> Finding:
    (found,) = acting.findings(rule)
    return found


def explained(acting: Acting) -> Finding:
    finding_id = only(acting).id
    acting.by = acting.court.officer
    with acting.unit() as ctx:
        service.explain(ctx, finding_id, SAID)
    acting.by = None
    return only(acting)


def outcomes(acting: Acting) -> dict[str, str]:
    with acting.unit() as ctx:
        rows = ctx.session.query(ConductCheck).filter_by(action_id=acting.action)
        return {row.rule: row.outcome for row in rows}


def test_what_came_out_is_kept_and_a_finding_opened(acting: Acting) -> None:
    assert outcomes(acting)["CC02"] == "fail"
    assert outcomes(acting)["CC01"] == "unknown"
    assert len(outcomes(acting)) == 27
    found = only(acting)
    assert (found.state, found.number, found.outcome) == ("open", 1, "fail")
    assert [one["code"] for one in found.reasons] == ["too-few-staff"]


def test_it_is_explained_and_somebody_else_decides(acting: Acting) -> None:
    found = explained(acting)
    assert (found.state, found.explanation) == ("explained", SAID.text)
    with acting.unit() as ctx:
        service.uphold(ctx, found.id, Decide(text="不予认可(虚构)"))
    found = only(acting)
    assert (found.state, found.decided_by) == ("upheld", acting.court.supervisor.id)


@pytest.mark.parametrize("decide", [service.rectify, service.uphold], ids=["rectify", "uphold"])
def test_nobody_decides_about_the_own_explanation_or_none(
    acting: Acting, decide: Callable[..., Finding]
) -> None:
    finding_id = only(acting).id

    def refused() -> int:
        with acting.unit() as ctx, pytest.raises(Problem) as problem:
            decide(ctx, finding_id, SAID)
        return problem.value.status

    assert refused() == 409
    with acting.unit() as ctx:
        service.explain(ctx, finding_id, SAID)
    assert refused() == 403


def test_it_is_cleared_when_the_check_passes_and_opens_anew(acting: Acting) -> None:
    entry = acting.write("action.people", people=[OFFICER])
    acting.worker()
    assert only(acting).state == "cleared"
    bailiff = {**OFFICER, "post": "judicial_police"}
    with acting.unit() as ctx:
        amend = WriteEntry(
            kind="action.people", data={"people": [bailiff]}, action_id=acting.action,
            amends_id=entry,
        )  # fmt: skip
        register.write(ctx, acting.case, amend)
    acting.worker()
    assert [(one.number, one.state) for one in acting.findings("CC02")] == [
        (1, "cleared"), (2, "open"),
    ]  # fmt: skip


def test_what_was_decided_stays(acting: Acting) -> None:
    found = explained(acting)
    with acting.unit() as ctx:
        service.uphold(ctx, found.id, SAID)
    acting.people(OFFICER)
    acting.worker()
    assert outcomes(acting)["CC02"] == "pass"
    assert only(acting).state == "upheld"
    with acting.unit() as ctx, pytest.raises(Problem):
        service.explain(ctx, found.id, SAID)


def test_other_reasons_want_another_explanation(app: Flask) -> None:
    acting = Acting.build(app)
    acting.run("cash_collection")
    acting.people(JUDGE, OFFICER)
    cash = {"amount_fen": 5, "taken_on": "2026-03-02", "receipt_issued": True,
            "payer_signed": True}  # fmt: skip
    acting.write("action.cash", **cash, handed_over_on="2026-03-05")
    acting.worker()
    finding_id = only(acting, "CC19").id
    with acting.unit() as ctx:
        service.explain(ctx, finding_id, SAID)
    acting.write("action.cash", **cash, handed_over_on="2026-03-09")
    acting.worker()
    found = only(acting, "CC19")
    assert (found.state, found.explanation) == ("open", None)
    assert found.reasons[0]["values"] == {"days": "7"}


def test_unknown_clears_nothing(app: Flask) -> None:
    acting = Acting.build(app)
    acting.run("seal")
    acting.worker()
    assert only(acting, "CC14").state == "open"
    digest = acting.declare(b"seal")
    acting.write("action.tag", evidence=[digest], tag="seal_notice")
    acting.worker()
    assert outcomes(acting)["CC14"] == "unknown"
    assert only(acting, "CC14").state == "open"
    acting.bring(b"seal")
    follow(acting)
    acting.worker()
    assert only(acting, "CC14").state == "cleared"


def follow(acting: Acting, after: int = -1) -> int:
    """Let the reader of the log read."""
    sequence(acting.app)
    with unit_of_work(EVERY_COURT) as session:
        return following.project(Context(system_actor(), session, runtime_of(acting.app)), after)


def due(acting: Acting) -> bool:
    with acting.unit() as ctx:
        row = ctx.session.get(DueAction, acting.action)
        return row is not None and row.run_after <= ctx.clock.now()


def test_evidence_that_comes_has_the_action_judged_again(acting: Acting) -> None:
    after = follow(acting)
    acting.worker()
    assert not due(acting)
    assert follow(acting, after) >= after
    acting.declare(b"film", media="video")
    acting.bring(b"film")
    follow(acting, after)
    assert due(acting)


def test_an_entry_about_the_case_has_its_actions_judged_again(acting: Acting) -> None:
    acting.worker()
    assert not due(acting)
    acting.write("case.persuasion", on="2026-03-02", **{"with": "某"}, content="释法(虚构)")
    assert not due(acting)
    acting.write("case.claim", on="2026-03-02", principal_fen=5)
    assert due(acting)


def test_time_alone_turns_unknown_into_late(app: Flask) -> None:
    acting = Acting.build(app)
    acting.run("visit")
    acting.declare(b"film", media="video")
    acting.worker()
    assert outcomes(acting)["CC26"] == "unknown"
    assert not due(acting)
    acting.clock.advance(timedelta(hours=25))
    assert due(acting)
    acting.worker()
    assert outcomes(acting)["CC26"] == "warn"


def test_the_worker_judges_one_by_one_and_puts_off_what_it_cannot(acting: Acting) -> None:
    judger = Judger(runtime_of(acting.app))
    assert judger.turn() > 0
    with acting.unit() as ctx:  # an entry that no check of ours would have let in
        odd = Entry(
            id=ctx.new_id(), court_id=acting.court.id, case_id=acting.case,
            action_id=acting.action, kind="action.people", data={},
            happened_at=ctx.clock.now(), created_at=ctx.clock.now(),
        )  # fmt: skip
        ctx.session.add(odd)
        odd_id = odd.id
    acting.people(OFFICER)
    assert judger.turn() == 0
    assert not due(acting)
    assert outcomes(acting)["CC02"] == "fail"
    with acting.unit() as ctx:
        ctx.session.get_one(Entry, odd_id).data = {"people": [OFFICER]}
    acting.clock.advance(timedelta(minutes=11))
    assert judger.turn() == 0
    assert outcomes(acting)["CC02"] == "pass"
    assert judger.turn() > 0


def test_a_courts_own_rules_are_judged_and_given_up(acting: Acting) -> None:
    own = (
        '[X1]\nseverity = "warn"\nzh = "甲"\nen = "a"\nbasis = [{ law = "本院规定" }]\n'
        'types = ["visit"]\nrequire = ["family_present"]\n[config]\nstaff_min = 3\n'
    )
    with acting.unit() as ctx:
        assert service.rule(ctx, RuleCommand(text=own, reason="加强(虚构)")).version == 1
    acting.says(family_present=False)
    acting.people(OFFICER)
    acting.worker()
    assert (outcomes(acting)["X1"], outcomes(acting)["CC02"]) == ("warn", "fail")
    assert only(acting, "X1").state == "open"
    with acting.unit() as ctx:
        assert service.rule(ctx, RuleCommand(text="", reason="取消(虚构)")).version == 2
    acting.worker()
    assert "X1" not in outcomes(acting)
    assert only(acting, "X1").state == "cleared"
    assert outcomes(acting)["CC02"] == "pass"


def test_a_text_that_holds_no_rules_is_refused(acting: Acting) -> None:
    with acting.unit() as ctx, pytest.raises(Problem) as problem:
        service.rule(ctx, RuleCommand(text="[config]\nstaff_min = 1", reason="放宽(虚构)"))
    assert problem.value.status == 422


def test_leaders_and_the_handler_are_told(acting: Acting) -> None:
    follow(acting)
    with unit_of_work(EVERY_COURT) as session:
        ctx = Context(system_actor(), session, runtime_of(acting.app))
        projecting.project(ctx, -1)
    with acting.unit() as ctx:
        opened = ctx.session.query(Finding).filter_by(action_id=acting.action).count()
        told = ctx.session.query(UserNotice).filter_by(topic="finding").all()
        assert {one.user_id for one in told} == {
            acting.court.supervisor.id, acting.court.people["president"].id,
            acting.court.officer.id,
        }  # fmt: skip
        assert {(one.count, one.link) for one in told} == {(opened, "/findings?state=open")}
