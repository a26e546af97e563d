"""The second look: drawn by a seed that nobody chooses, by another person, with an outcome."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from server.core.context import Context, system_actor
from server.core.problem import Problem
from server.core.transactions import EVERY_COURT, unit_of_work
from server.review import sampling, second_look
from server.review.commands import Outcome, SecondLook, SetGoal
from tests.factories.review import ReviewDesk

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def desk(app: Flask) -> ReviewDesk:
    desk = ReviewDesk.build(app, 6)
    for item in desk.items[:5]:
        desk.decide(item)
    desk.scene.sequence()
    return desk


def set_goal(desk: ReviewDesk, per_week: int) -> None:
    with desk.context() as ctx:
        second_look.set_goal(ctx, SetGoal(per_week=per_week))


def draw(desk: ReviewDesk) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """The samples: (sample, item)."""
    with desk.context() as ctx:
        made = second_look.draw(ctx)
        ctx.session.flush()
        return [(sample.id, item.id) for sample, item in second_look.samples_of(ctx, made)]


def look(desk: ReviewDesk, sample: uuid.UUID, outcome: Outcome, text: str | None = None,
         by: uuid.UUID | None = None) -> None:  # fmt: skip
    with desk.context(by or desk.other_id) as ctx:
        second_look.decide(ctx, sample, SecondLook(outcome=outcome, text=text))


def test_the_draw_can_be_repeated_from_the_log_alone(desk: ReviewDesk) -> None:
    set_goal(desk, 2)
    samples = draw(desk)
    (event,) = desk.bench.events("review.drawn")
    facts = json.loads(event.p or "")["facts"]
    assert facts["population"] == 5
    assert facts["population_digest"] == sampling.population_digest(desk.items[:5])
    leaf = bytes.fromhex(facts["leaf"])
    seed = sampling.seed_of(desk.scene.court_id, facts["week"], leaf)
    assert seed == facts["seed"]
    drawn = sampling.drawn(seed, desk.items[:5], 2)
    assert [str(one) for one in drawn] == facts["items"]
    assert {item for _, item in samples} == set(drawn)


def test_there_is_one_draw_a_week_and_no_item_twice(desk: ReviewDesk) -> None:
    with pytest.raises(Problem, match="no goal"):
        draw(desk)
    set_goal(desk, 3)
    first = {item for _, item in draw(desk)}
    with pytest.raises(Problem, match="already"):
        draw(desk)
    desk.scene.clock.advance(timedelta(days=6, hours=20))
    second = {item for _, item in draw(desk)}
    assert len(second) == 2
    assert not first & second


def test_another_person_agrees_and_the_progress_shows(desk: ReviewDesk) -> None:
    set_goal(desk, 2)
    (one, item), (two, _) = draw(desk)
    with pytest.raises(Problem, match="someone else"):
        look(desk, one, Outcome.AGREE, by=desk.scene.supervisor_id)
    look(desk, one, Outcome.AGREE)
    with pytest.raises(Problem, match="has had"):
        look(desk, one, Outcome.DISAGREE, "x")
    with pytest.raises(Problem, match="says why"):
        look(desk, two, Outcome.DISAGREE)
    assert desk.item(item).review_state == "accepted"
    with desk.context() as ctx:
        week = second_look.this_week(ctx)
        assert (week.goal, week.done, week.disagreed) == (2, 1, 0)


def test_a_disagreement_takes_the_acceptance_back(desk: ReviewDesk) -> None:
    set_goal(desk, 1)
    ((sample, item),) = draw(desk)
    look(desk, sample, Outcome.DISAGREE, "门牌看不清(虚构)")
    assert desk.item(item).review_state == "pending"
    (event,) = desk.bench.events("review.second-looked")
    assert json.loads(event.p or "")["facts"]["outcome"] == "disagree"
    (back,) = desk.bench.events("review.reversed")
    assert json.loads(back.p or "")["facts"]["reason"] == "门牌看不清(虚构)"


def test_the_worker_draws_for_courts_with_a_goal(desk: ReviewDesk) -> None:
    def due() -> int:
        with unit_of_work(EVERY_COURT) as session:
            return second_look.draw_due(Context(system_actor(), session, desk.scene.runtime))

    assert due() == 0
    set_goal(desk, 2)
    assert due() == 1
    assert due() == 0
    with desk.context() as ctx:
        assert len(second_look.this_week(ctx).samples) == 2


def test_every_item_is_drawn_about_as_often() -> None:
    items = [uuid.UUID(int=number) for number in range(20)]
    counts = dict.fromkeys(items, 0)
    for round_ in range(2_000):
        seed = sampling.seed_of(uuid.UUID(int=1), "2026-W10", round_.to_bytes(32))
        for one in sampling.drawn(seed, items, 5):
            counts[one] += 1
    assert sum(counts.values()) == 10_000
    assert min(counts.values()) > 400
    assert max(counts.values()) < 600


@pytest.mark.parametrize(
    ("at", "week"),
    [("2026-03-01T15:59:59", "2026-W09"), ("2026-03-01T16:00:00", "2026-W10"),
     ("2027-01-01T00:00:00", "2026-W53")],
    ids=["sunday", "monday-there", "last-week"],
)  # fmt: skip
def test_weeks_are_those_of_the_place(at: str, week: str) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert sampling.week_of(moment, SHANGHAI) == week
