"""How recordings cover an action, what they leave out, and the list of items against its photos."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from flask import Flask

from server.clocks import service as clocks
from server.clocks.correction import Reading
from server.conduct.covering import Covering
from server.conduct.reconciliation import Reconciled
from server.evidence import service as evidence
from server.evidence.models import Evidence
from tests.factories.acting import HOUR, Acting
from tests.factories.cases import add_mission
from tests.factories.identity import add_device

MINUTE = timedelta(minutes=1)


@pytest.fixture
def acting(app: Flask) -> Acting:
    """A search of an hour, announced; nothing is filmed yet."""
    acting = Acting.build(app)
    acting.run("search")
    acting.write("action.announcement", what="recording")
    return acting


def covering(acting: Acting) -> Covering:
    found = acting.judgement().covering
    assert found is not None
    return found


def gaps(acting: Acting) -> list[tuple[str, int, int, bool]]:
    """Kind, from and to in minutes, whether it was explained."""
    return [
        (
            one.kind, (one.span.begins_at - acting.begin) // MINUTE,
            (one.span.ends_at - acting.begin) // MINUTE, bool(one.by),
        )
        for one in covering(acting).stretches
    ]  # fmt: skip


def explain(acting: Acting, first: int, last: int, reason: str = "更换电池(虚构)") -> uuid.UUID:
    begins, ends = acting.begin + first * MINUTE, acting.begin + last * MINUTE
    return acting.write(
        "action.gap", begins_at=begins.isoformat(), ends_at=ends.isoformat(), reason=reason
    )


def test_two_cameras_throughout(acting: Acting) -> None:
    acting.film("A")
    acting.film("B", begins=-MINUTE, length=HOUR + 2 * MINUTE)
    found = covering(acting)
    assert (gaps(acting), found.coverage.recorders, found.is_final) == ([], 2, True)
    assert found.coverage.covered == 1.0
    assert acting.outcome("CC20") == "pass"


def test_a_pause_of_one_camera_is_a_thin_stretch_and_an_interruption(acting: Acting) -> None:
    acting.film("A1", length=30 * MINUTE)
    acting.film("A2", begins=40 * MINUTE, length=20 * MINUTE)
    acting.film("B")
    assert gaps(acting) == [("thin", 30, 40, False)]
    (pause,) = covering(acting).interruptions
    assert (pause.code, pause.device_id) == ("pause", acting.court.phone.id)
    assert acting.outcome("CC20") == "warn"


def test_sound_is_shown_but_does_not_count(acting: Acting) -> None:
    acting.film("A")
    acting.declare(b"sound", media="audio", captured_by=acting.court.dock.id, at=acting.begin)
    acting.bring(b"sound")
    acting.examine(acting.declare(b"other", media="audio"), HOUR)
    assert acting.outcome("CC20") == "unknown"  # its length is not known yet


def test_a_gap_that_nobody_explains_is_an_open_finding(acting: Acting) -> None:
    acting.film("A", length=30 * MINUTE)
    acting.film("B", length=30 * MINUTE)
    acting.worker()
    assert [one.state for one in acting.findings("CC20")] == ["open"]
    assert gaps(acting) == [("gap", 30, 60, False)]
    explain(acting, 30, 45)
    acting.worker()
    assert [one.state for one in acting.findings("CC20")] == ["open"]
    explain(acting, 45, 60, "被执行人抢夺设备(虚构)")
    acting.worker()
    (found,) = acting.findings("CC20")
    assert gaps(acting) == [("gap", 30, 60, True)]
    assert found.state == "explained"
    assert found.explanation == "更换电池(虚构)\n被执行人抢夺设备(虚构)"
    assert found.explained_by == acting.court.supervisor.id
    assert acting.outcome("CC20") == "warn"


def test_an_explanation_of_another_time_explains_nothing(acting: Acting) -> None:
    acting.film("A", length=30 * MINUTE)
    acting.film("B", length=30 * MINUTE)
    explain(acting, 0, 20)
    explain(acting, 31, 60)
    assert gaps(acting) == [("gap", 30, 60, False)]


def test_a_recording_that_nobody_can_play_shows_nothing(acting: Acting) -> None:
    acting.film("A", length=HOUR)
    digest = acting.declare(b"B", media="video", captured_by=acting.court.dock.id, at=acting.begin)
    acting.bring(b"B")
    assert acting.outcome("CC20") == "unknown"
    acting.examine(digest, None)
    assert acting.outcome("CC20") == "warn"


def test_bytes_that_have_not_come_cover_nothing(acting: Acting) -> None:
    acting.film("A")
    acting.declare(b"B", media="video", captured_by=acting.court.dock.id, at=acting.begin)
    found = covering(acting)
    assert not found.is_final
    assert [(one.kind, one.span.count) for one in found.stretches] == [("thin", 1)]
    assert acting.outcome("CC20") == "unknown"


def test_films_of_another_case_or_time_are_not_of_the_action(acting: Acting) -> None:
    acting.film("A", begins=timedelta(hours=2))
    acting.film("B", case_id=None)
    assert covering(acting).recordings == ()
    assert acting.outcome("CC26") == "not_applicable"


def test_a_film_of_the_mission_counts_whichever_case_it_names(app: Flask) -> None:
    acting = Acting.build(app)
    acting.mission = add_mission(app, acting.court.id, case_ids=[acting.case])
    acting.run("visit")
    acting.film("A", case_id=None, mission_id=acting.mission)
    assert len(covering(acting).recordings) == 1


def test_a_corrected_clock_moves_the_recordings(acting: Acting) -> None:
    """A camera an hour fast: its films lie outside until its clock is known."""
    camera = add_device(acting.app, acting.court.id, "camera", alg=None).id
    fast = timedelta(seconds=3725)
    acting.film("A")
    wall = (acting.begin + fast).isoformat()
    acting.film("B", begins=fast, captured_by=camera, boot="", mono_ms=0, wall=wall)
    assert [one.kind for one in covering(acting).stretches] == ["thin"]
    with acting.unit() as ctx:
        at_ms = int((acting.begin + fast).timestamp() * 1000)
        reading = Reading(at_ms, -3725 * 1000, 500, source="qr")
        clocks.observe(ctx, camera, reading)
        item = ctx.session.query(Evidence).filter_by(captured_by=camera).one()
        item.media_wall = wall
        ctx.session.flush()
        evidence.recorrect(ctx, camera, None)
    assert covering(acting).stretches == ()


# ------------------------------------------------------------------------- the list of items


def listed(acting: Acting) -> Reconciled:
    found = acting.judgement().reconciled
    assert found is not None
    return found


def test_an_item_needs_photo_place_and_signature(acting: Acting) -> None:
    photo = acting.photo(b"truck", tag="item")
    whole = {"place": "清河镇仓库(虚构)", "signed_by": ["officers", "debtor"]}
    acting.write("action.item", no=1, name="货车(虚构)", photos=[photo], **whole)
    assert listed(acting).is_complete
    acting.write("action.item", no=2, name="机床(虚构)")
    assert [one.missing for one in listed(acting).lines] == [
        (), ("photo", "place", "signature"),
    ]  # fmt: skip
    acting.says(list_signed=True)
    assert listed(acting).lines[1].missing == ("photo", "place")


def test_both_ways(acting: Acting) -> None:
    named, unnamed = acting.photo(b"one", tag="item"), acting.photo(b"two", tag="item")
    whole = {"place": "仓库(虚构)", "signed_by": ["officers"]}
    acting.write("action.item", no=1, name="甲", photos=[named], **whole)
    acting.write("action.item", no=2, name="乙", photos=["ab" * 32], **whole)
    acting.write("action.item", no=2, name="丙", photos=[named], **whole)
    found = listed(acting)
    assert [one.missing for one in found.lines] == [
        (), ("photo-awaited", "number"), ("number",),
    ]  # fmt: skip
    assert found.shared == (named,)
    with acting.unit() as ctx:
        item = ctx.session.query(Evidence).filter_by(sha256=unnamed).one()
        assert found.unlisted == (item.id,)
    assert not found.is_complete


def test_a_photo_whose_bytes_are_away_is_awaited(acting: Acting) -> None:
    digest = acting.declare(b"truck")
    acting.write("action.item", no=1, name="货车", photos=[digest], place="仓库",
                 signed_by=["officers"])  # fmt: skip
    assert listed(acting).lines[0].missing == ("photo-awaited",)
    acting.bring(b"truck")
    assert listed(acting).is_complete
