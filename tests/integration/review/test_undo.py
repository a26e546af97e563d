"""Undo is a logged reversal: it restores what was before and hides nothing."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from flask import Flask

from server.core.permissions import Role
from server.core.problem import Problem
from server.core.transactions import unit_of_work
from server.disclosure.models import Export
from server.review import queries, reversal
from server.review.commands import Decision, Reverse
from tests.factories.review import ReviewDesk


@pytest.fixture
def desk(app: Flask) -> ReviewDesk:
    return ReviewDesk.build(app)


def undo(desk: ReviewDesk, **more: object) -> object:
    by = more.pop("by", None)
    with desk.context(by) as ctx:  # type: ignore[arg-type]
        return reversal.reverse(ctx, desk.items[0], Reverse(**more)).id  # type: ignore[arg-type]


def state(desk: ReviewDesk) -> tuple[str, str | None]:
    item = desk.item(desk.items[0])
    return item.review_state, item.review_reason


def exported(desk: ReviewDesk, items: list[str] | None, outcome: str = "done") -> None:
    with desk.context() as ctx:
        ctx.session.add(
            Export(
                id=ctx.new_id(), court_id=desk.scene.court_id, case_id=desk.scene.case_id,
                evidence_ids=items, purpose="移送(虚构)", recipient="虚构", state=outcome,
                requested_at=ctx.clock.now(),
            )
        )  # fmt: skip


def test_who_decided_takes_it_back_without_a_word(desk: ReviewDesk) -> None:
    accepted = desk.decide(desk.items[0])
    reversed_by = undo(desk)
    assert state(desk) == ("pending", None)
    (event,) = desk.bench.events("review.reversed")
    facts = json.loads(event.p or "")["facts"]
    assert (facts["reverses"], facts["entry"]) == (str(accepted), str(reversed_by))
    assert facts["state"] == {"from": "accepted", "to": "pending"}
    assert facts["reason"] is None


def test_undoing_a_return_reaches_the_device_and_undoing_over_one_brings_it_back(
    desk: ReviewDesk,
) -> None:
    evidence_id = desk.items[0]
    desk.decide(evidence_id, Decision.RETURN, reason_code="3", text="请重拍(虚构)")
    desk.decide(evidence_id)
    undo(desk)
    assert state(desk) == ("returned", "3")
    put = {(recipient, topic, op) for recipient, topic, _, op in notices(desk)}
    assert put == {
        (f"user:{desk.scene.officer_id}", "return", "put"),
        (f"device:{desk.scene.device_id}", "return", "put"),
    }
    with unit_of_work(desk.scene.court_id, write=False) as session:
        extract = queries.return_extract(session, evidence_id)
        assert extract is not None
        assert extract["text"] == "请重拍(虚构)"
    undo(desk)
    assert state(desk) == ("pending", None)
    assert {op for _, _, _, op in notices(desk)} == {"drop"}


def notices(desk: ReviewDesk) -> list[list[str]]:
    return desk.bench.events("review.reversed")[-1].changes


def test_a_return_that_was_taken_back_is_not_shown_as_the_open_one(desk: ReviewDesk) -> None:
    evidence_id = desk.items[0]
    desk.decide(evidence_id, Decision.RETURN, reason_code="3", text="第一次(虚构)")
    desk.decide(evidence_id)
    desk.decide(evidence_id, Decision.RETURN, reason_code="4", text="第二次(虚构)")
    undo(desk)
    undo(desk)
    assert state(desk) == ("returned", "3")
    with unit_of_work(desk.scene.court_id, write=False) as session:
        extract = queries.return_extract(session, evidence_id)
        assert extract is not None
        assert extract["text"] == "第一次(虚构)"


def test_later_or_for_others_it_takes_a_reason(desk: ReviewDesk) -> None:
    desk.decide(desk.items[0])
    with pytest.raises(Problem, match="say why"):
        undo(desk, by=desk.other_id)
    undo(desk, by=desk.other_id, reason="看错案件(虚构)")
    desk.decide(desk.items[0])
    desk.scene.clock.advance(timedelta(minutes=11))
    with pytest.raises(Problem, match="say why"):
        undo(desk)
    undo(desk, reason="复核(虚构)")
    assert state(desk) == ("pending", None)


@pytest.mark.parametrize(
    ("holds", "outcome", "needed"),
    [("case", "done", True), ("item", "queued", True), ("other", "done", False),
     ("case", "failed", False)],
    ids=["whole-case", "this-item", "another-item", "failed"],
)  # fmt: skip
def test_what_has_left_the_house_is_taken_back_with_a_reason(
    desk: ReviewDesk, holds: str, outcome: str, needed: bool
) -> None:
    desk.decide(desk.items[0])
    items = {"case": None, "item": [str(desk.items[0])], "other": [str(desk.scene.case_id)]}
    exported(desk, items[holds], outcome)
    if needed:
        with pytest.raises(Problem, match="say why"):
            undo(desk)
        undo(desk, reason="移送后发现有误(虚构)")
    else:
        undo(desk)
    assert state(desk) == ("pending", None)


def test_nobody_undoes_what_is_not_there_or_was_overtaken(desk: ReviewDesk) -> None:
    with pytest.raises(Problem, match="no decision"):
        undo(desk)
    first = desk.decide(desk.items[0], Decision.RETURN, reason_code="3")
    desk.decide(desk.items[0], by=desk.other_id)
    with pytest.raises(Problem, match="precondition-failed") as late:
        undo(desk, entry_id=first)
    assert (late.value.extra["by"], late.value.extra["decision"]) == ("乙虚构", "accept")


def test_an_officer_takes_nothing_back(desk: ReviewDesk) -> None:
    desk.decide(desk.items[0])
    officer = desk.actor(desk.scene.officer_id, Role.OFFICER)
    with pytest.raises(Problem, match="a supervisor"), desk.scene.unit(officer) as ctx:
        reversal.reverse(ctx, desk.items[0], Reverse(reason="x"))
    lead = desk.actor(desk.scene.officer_id, Role.SUPERVISOR)  # their own capture, promoted since
    with pytest.raises(Problem, match="recorded yourself"), desk.scene.unit(lead) as ctx:
        reversal.reverse(ctx, desk.items[0], Reverse(reason="x"))


def test_a_decision_on_an_old_page_is_refused_with_who_came_before(desk: ReviewDesk) -> None:
    seen = desk.item(desk.items[0]).version
    desk.decide(desk.items[0], by=desk.other_id)
    body = {"decision": "return", "reason_code": "3", "version": seen}
    path = f"/evidence/{desk.items[0]}/review"
    answer = desk.bench.call("POST", path, desk.scene.supervisor_id, body)
    assert (answer.status_code, answer.slug) == (412, "precondition-failed")
    assert (answer.json["by"], answer.json["state"]) == ("乙虚构", "accepted")
    answer = desk.bench.call(
        "POST", f"{path}/undo", desk.scene.supervisor_id, {"reason": "再看(虚构)"}
    )
    assert (answer.status_code, answer.json["decision"]) == (201, "reverse")
