"""From a line in the field to what observers see: the delay, the rules, the desk's decisions."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from server.audit.models import OutboxRow
from server.cases.states import MissionState
from server.core.problem import Kind, Problem
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence import redactions
from server.evidence import service as evidence
from server.evidence.commands import Rebind
from server.evidence.models import Evidence
from server.evidence.redaction_models import Redaction
from server.live.commands import Decision
from server.live.redaction import Place
from tests.factories.identity import World
from tests.factories.live import Outing


def refused(outing: Outing, row: Any, decision: Decision, **how: Any) -> Kind:
    with pytest.raises(Problem) as refusal:
        outing.decide(row, decision, **how)
    return refusal.value.kind


def facts(kind: str) -> list[dict[str, Any]]:
    """Facts of the events of a kind that wait in the outbox."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        texts = session.execute(
            sa.select(OutboxRow.p).where(OutboxRow.kind == kind).order_by(OutboxRow.id)
        ).scalars()
        return [json.loads(text or "{}")["facts"] for text in texts]


def test_nothing_is_taken_in_before_the_start(app: Flask) -> None:
    outing = Outing.build(app)
    outing.note()
    outing.read()
    assert outing.rows() == []
    assert not outing.state().started


def test_what_came_before_the_start_is_taken_in_with_it(app: Flask) -> None:
    outing = Outing.build(app)
    outing.note("到达现场(虚构)")
    outing.read()
    outing.start()
    outing.read()
    (row,) = outing.rows()
    assert (row.state, row.act, row.position) == ("waiting", "note", None)
    assert outing.state().started


def test_an_entry_is_released_when_its_delay_is_over_and_not_before(app: Flask) -> None:
    outing = Outing.build(app)
    outing.start()
    outing.note("到达现场(虚构)")
    outing.read()
    outing.pass_time(seconds=599)
    assert outing.release_due() == 0
    assert outing.seen() == []
    outing.pass_time(seconds=1)
    assert outing.release_due() == 1
    (entry,) = outing.seen()
    assert (entry.position, entry.state, entry.act) == (1, "released", "note")
    assert (entry.place, entry.happened_at) == ("清河镇", "2026-03-02 09:00")
    assert facts("live.released")[0]["by"] == "delay"


def test_a_slow_clock_of_a_device_does_not_shorten_the_delay(app: Flask) -> None:
    outing = Outing.build(app)
    outing.start()
    outing.recorder.wall_offset -= outing.recorder.wall_offset.resolution * 7200 * 10**6
    outing.note()
    outing.read()
    assert outing.release_due() == 0


def test_a_line_that_speaks_of_a_lead_is_held_and_shown_as_held_only_after_the_delay(
    app: Flask,
) -> None:
    outing = Outing.build(app)
    outing.start()
    outing.note("据线索人反映，车辆停在后院(虚构)")
    outing.read()
    (row,) = outing.rows()
    assert (row.state, row.categories) == ("held", ["lead-source"])
    assert outing.seen() == []
    outing.pass_time(minutes=10)
    outing.release_due()
    (entry,) = outing.seen()
    assert (entry.state, entry.text, entry.act, entry.place) == ("held", None, "entry", None)
    assert refused(outing, row, Decision.RELEASE, reason="无妨") is Kind.CONFLICT


def test_a_held_line_can_be_rewritten_and_goes_out_masked(app: Flask) -> None:
    outing = Outing.build(app)
    outing.start()
    outing.note("据线索人反映，云虚构的车辆停在后院")
    outing.read()
    outing.pass_time(minutes=11)
    outing.release_due()
    (row,) = outing.rows()
    assert refused(outing, row, Decision.REDACT, text="线索属实") is Kind.CONFLICT
    outing.decide(row, Decision.REDACT, text="云虚构的车辆已经找到")
    (entry,) = outing.seen()
    assert (entry.state, entry.text) == ("released", "云某的车辆已经找到")
    assert entry.position == 2  # held first, then this


def test_a_redaction_before_the_delay_waits_for_it(app: Flask) -> None:
    outing = Outing.build(app)
    outing.start()
    outing.note("到达云虚构的门口")
    outing.read()
    (row,) = outing.rows()
    outing.decide(row, Decision.REDACT, text="到达现场")
    assert outing.seen() == []
    outing.pass_time(minutes=10)
    outing.release_due()
    assert [entry.text for entry in outing.seen()] == ["到达现场"]


def test_an_early_release_needs_a_reason_and_is_logged_as_early(app: Flask) -> None:
    outing = Outing.build(app)
    outing.start()
    outing.note()
    outing.read()
    (row,) = outing.rows()
    assert refused(outing, row, Decision.RELEASE) is Kind.VALIDATION
    outing.decide(row, Decision.RELEASE, reason="任务已公开宣布(虚构)")
    assert [entry.state for entry in outing.seen()] == ["released"]
    (event,) = facts("live.released")
    assert (event["early"], event["by"], event["reason"]) == (
        True, "person", "任务已公开宣布(虚构)"
    )  # fmt: skip


def test_a_withdrawn_entry_loses_its_content_for_everybody(app: Flask) -> None:
    outing = Outing.build(app)
    outing.start()
    outing.note("到达现场(虚构)")
    outing.read()
    outing.pass_time(minutes=10)
    outing.release_due()
    (row,) = outing.rows()
    assert refused(outing, row, Decision.HOLD) is Kind.CONFLICT
    assert refused(outing, row, Decision.WITHDRAW) is Kind.VALIDATION
    outing.decide(row, Decision.WITHDRAW, reason="误发(虚构)")
    (entry,) = outing.seen()
    assert (entry.position, entry.state, entry.text, entry.happened_at) == (
        2, "withdrawn", None, None
    )  # fmt: skip
    assert refused(outing, row, Decision.RELEASE) is Kind.VALIDATION


def test_what_was_never_shown_is_withdrawn_without_a_trace_for_observers(app: Flask) -> None:
    outing = Outing.build(app)
    outing.start()
    outing.note()
    outing.read()
    outing.decide(outing.rows()[0], Decision.WITHDRAW, reason="误记(虚构)")
    outing.pass_time(minutes=11)
    outing.release_due()
    assert outing.seen() == []


def test_a_decision_on_what_changed_meanwhile_is_refused(app: Flask) -> None:
    outing = Outing.build(app)
    outing.start()
    outing.note()
    outing.read()
    (row,) = outing.rows()
    outing.decide(row, Decision.HOLD, version=row.version)
    assert refused(outing, row, Decision.RELEASE, version=row.version) is Kind.CONFLICT


def test_a_court_that_does_not_release_by_itself_waits_for_a_person(app: Flask) -> None:
    outing = Outing.build(app)
    outing.set_rules(automatic=False)
    outing.start()
    outing.note()
    outing.read()
    outing.pass_time(minutes=30)
    assert outing.release_due() == 0
    (row,) = outing.rows()
    outing.decide(row, Decision.RELEASE)
    assert [entry.state for entry in outing.seen()] == ["released"]


def test_captures_of_a_search_are_never_shown_not_even_redacted(app: Flask) -> None:
    outing = Outing.build(app, title="搜查(虚构)")
    outing.start()
    outing.capture()
    outing.read()
    (row,) = outing.rows()
    assert (row.state, row.categories) == ("held", ["home-interior"])
    photo = row.source_id
    assert refused(outing, row, Decision.REDACT, text="拍照", photos=(photo,)) is Kind.CONFLICT


def test_a_capture_that_turns_out_to_belong_to_a_search_is_held(app: Flask) -> None:
    outing = Outing.build(app)
    outing.start()
    outing.capture()
    outing.read()
    assert [row.state for row in outing.rows()] == ["waiting"]
    outing.note("开始搜查(虚构)")
    outing.read()
    outing.pass_time(minutes=10)
    outing.release_due()
    states = {row.act: row.state for row in outing.rows()}
    assert states == {"photo": "held", "note": "released"}


def test_only_a_redaction_of_the_item_itself_may_be_its_photo(app: Flask) -> None:
    outing = Outing.build(app)
    outing.start()
    outing.capture()
    outing.read()
    (row,) = outing.rows()
    assert refused(outing, row, Decision.REDACT, photos=(row.id,)) is Kind.VALIDATION


def redacted_copy(outing: Outing, evidence_id: uuid.UUID) -> uuid.UUID:
    """A finished redacted copy of a photo, as the worker leaves it."""
    with outing.unit(outing.court.officer) as ctx:
        item = ctx.session.get_one(Evidence, evidence_id)
        now, copy_id = ctx.clock.now(), ctx.new_id()
        ctx.session.add(
            Redaction(
                id=copy_id, court_id=item.court_id, evidence_id=item.id, number=1, kind="photo",
                recipe={}, recipe_sha256="ab" * 32, reason="遮盖(虚构)", state="made",
                asked_by=ctx.actor.user(), asked_at=now, source_sha256=item.sha256,
                sha256="cd" * 32, size_bytes=9, mime="image/jpeg", width=4, height=3,
                duration_ms=0, complete=True, finished_at=now,
            )
        )  # fmt: skip
    return copy_id


def test_a_photo_goes_out_as_its_redacted_copy_and_goes_when_that_is_discarded(
    app: Flask,
) -> None:
    outing = Outing.build(app)
    outing.start()
    outing.capture()
    outing.read()
    (row,) = outing.rows()
    copy_id = redacted_copy(outing, row.source_id)
    outing.decide(row, Decision.REDACT, photos=(copy_id,))
    outing.pass_time(minutes=10)
    outing.release_due()
    assert [entry.photos for entry in outing.seen()] == [(copy_id,)]
    with outing.unit(outing.court.supervisor) as ctx:
        redactions.discard(ctx, copy_id, redactions.Discard(reason="仍可辨认(虚构)"))
    outing.read()
    (entry,) = outing.seen()
    assert (entry.position, entry.state, entry.photos) == (2, "released", ())


def test_a_photo_of_what_turned_out_to_be_a_search_cannot_be_chosen(app: Flask) -> None:
    outing = Outing.build(app)
    outing.start()
    outing.capture()
    outing.read()
    (row,) = outing.rows()
    copy_id = redacted_copy(outing, row.source_id)
    outing.note("开始搜查(虚构)")
    outing.read()
    assert refused(outing, row, Decision.REDACT, photos=(copy_id,)) is Kind.CONFLICT


@pytest.mark.parametrize("shown", [False, True], ids=["waiting", "shown"])
def test_a_chosen_photo_goes_when_its_mission_turns_out_to_be_a_search(
    app: Flask, shown: bool
) -> None:
    outing = Outing.build(app)
    outing.start()
    outing.capture()
    outing.read()
    (row,) = outing.rows()
    outing.decide(row, Decision.REDACT, photos=(redacted_copy(outing, row.source_id),))
    if shown:
        outing.pass_time(minutes=10)
        outing.release_due()
        assert [len(entry.photos) for entry in outing.seen()] == [1]
    outing.note("开始搜查(虚构)")
    outing.read()
    outing.pass_time(minutes=10)
    outing.release_due()
    assert [entry.photos for entry in outing.seen()] == [(), ()]


def test_an_item_that_is_bound_elsewhere_is_taken_back(app: Flask) -> None:
    world = World.build(app)
    outing = Outing.build(app, world=world)
    other = Outing.build(app, world=world, serial=12)
    outing.start()
    other.start()
    outing.capture()
    outing.read()
    outing.pass_time(minutes=10)
    outing.release_due()
    (row,) = outing.rows()
    with outing.unit(outing.court.supervisor) as ctx:
        wanted = Rebind(reason="误绑(虚构)", case_id=other.case, mission_id=other.mission)
        evidence.rebind(ctx, row.source_id, wanted)
    outing.read()
    assert [entry.state for entry in outing.seen()] == ["withdrawn"]
    assert [one.state for one in other.rows()] == ["waiting"]
    assert other.seen() == []


def test_the_end_is_learnt_as_late_as_everything_else(app: Flask) -> None:
    outing = Outing.build(app)
    outing.start()
    outing.become(MissionState.ENDED)
    outing.read()
    assert outing.state().stage == "started"
    outing.pass_time(minutes=10)
    outing.release_due()
    assert outing.state().stage == "ended"
    assert [entry.act for entry in outing.seen()] == ["closed"]


def test_reading_the_log_again_takes_nothing_in_twice(app: Flask) -> None:
    outing = Outing.build(app)
    outing.start()
    outing.note()
    outing.read()
    outing.read_until = -1
    outing.read()
    assert len(outing.rows()) == 1


def test_the_rules_are_versions_and_a_stale_author_is_refused(app: Flask) -> None:
    outing = Outing.build(app)
    outing.set_rules(delay_seconds=1200, place=Place.CELL)
    outing.set_rules(round_seconds=900)
    outing.start()
    assert outing.state().delay_seconds == 1200
    assert [one["version"] for one in facts("release-rules.changed")] == [1, 2]


def test_a_cell_is_shown_where_the_court_enables_it(app: Flask) -> None:
    outing = Outing.build(app)
    outing.set_rules(place=Place.CELL, cell_m=1000)
    outing.start()
    geo = {"lat": "38.2112345", "lon": "104.4198765", "datum": "WGS84", "src": "gnss"}
    outing.note(geo=geo)
    outing.read()
    outing.pass_time(minutes=10)
    outing.release_due()
    (entry,) = outing.seen()
    assert entry.place is not None
    assert "(±500 m)" in entry.place
    assert "38.2112" not in entry.place


def test_positions_and_turns_of_a_mission_have_no_gaps(app: Flask) -> None:
    outing = Outing.build(app)
    outing.start()
    for number in range(5):
        outing.note(f"第{number}条(虚构)")
    outing.note("据线索反映(虚构)")
    outing.read()
    outing.decide(outing.rows()[2], Decision.HOLD)
    outing.pass_time(minutes=10)
    outing.release_due()
    assert [entry.position for entry in outing.seen()] == [1, 2, 3, 4, 5, 6]
    assert [row.turn for row in outing.rows()] == [8, 9, 10, 11, 12, 13]
