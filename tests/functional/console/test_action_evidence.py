"""Recordings and photos on an action's page: drawn, in tables, matched with the list, chosen."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from flask import Flask

from server.audit.models import OutboxRow
from server.core.transactions import unit_of_work
from server.evidence.models import Evidence
from server.register.models import Action, Entry
from tests.factories.acting import HOUR, Acting
from tests.factories.cases import add_mission
from tests.factories.console import desk

MINUTE = timedelta(minutes=1)


@pytest.fixture
def acting(app: Flask) -> Acting:
    """A search of an hour, announced; one camera ran all the time, another stopped for a while."""
    acting = Acting.build(app)
    acting.run("search")
    acting.write("action.announcement", what="recording")
    acting.film("A")
    acting.film("B1", length=20 * MINUTE)
    acting.film("B2", begins=30 * MINUTE, length=HOUR)
    return acting


def page(acting: Acting, lang: str = "zh") -> str:
    shown = desk(acting.app, acting.court.officer, lang).get(f"/actions/{acting.action}")
    assert shown.status_code == 200
    return shown.text


def test_recordings_are_drawn_with_what_falls_short_over_them(acting: Acting) -> None:
    drawing = re.search(r'<svg viewBox="0 0 1000.*?</svg>', page(acting), re.DOTALL)
    assert drawing
    bars = re.findall(r'<rect class="bar" x="([\d.]+)" y="(\d+)" width="([\d.]+)"', drawing[0])
    assert [(x, width) for x, _, width in bars] == [
        ("0.0", "1000.0"), ("0.0", "333.3"), ("500.0", "500.0"),
    ]  # fmt: skip
    assert len({y for _, y, _ in bars}) == 2
    assert re.findall(r'<rect class="hole thin" x="([\d.]+)"', drawing[0]) == ["333.3"]
    assert "style=" not in drawing[0]


def test_the_tables_say_what_the_picture_shows(acting: Acting) -> None:
    shown = page(acting)
    assert "仅 1 台，要求 2 台" in shown
    assert "停录" in shown
    assert shown.count("<td>10:00</td>") == 1
    assert "1 of 2 recorders" in page(acting, "en")


def test_what_others_may_not_see_stays_unnamed(acting: Acting) -> None:
    """Recordings of the mission count, whichever case they name; only one's own are shown."""
    mission = add_mission(acting.app, acting.court.id, [acting.case])
    with unit_of_work(acting.court.id) as session:
        session.get_one(Action, acting.action).mission_id = mission
        items = session.query(Evidence).order_by(Evidence.captured_at, Evidence.id).all()
        (stays, *moved) = [item.id for item in items]
        for item in items[1:]:
            item.case_id, item.mission_id = None, mission
    shown = page(acting)
    assert "录像设备 2 台" in shown
    assert f"/e/{stays}" in shown
    assert [one for one in moved if f"/e/{one}" in shown] == []
    assert len(re.findall(r'<rect class="bar"', shown)) == 1


def test_photos_are_matched_with_the_list_both_ways(acting: Acting) -> None:
    named, unnamed = acting.photo(b"one", tag="item"), acting.photo(b"two", tag="item")
    acting.write("action.item", no=1, name="货车(虚构)", photos=[named], place="仓库(虚构)")
    shown = page(acting)
    assert "1 张财产照片未列入清单" in shown
    assert f"/e/{item_of(acting, named)}" in shown
    assert f"/e/{item_of(acting, unnamed)}" in shown


def item_of(acting: Acting, sha256: str) -> uuid.UUID:
    with unit_of_work(acting.court.id, write=False) as session:
        return session.query(Evidence).filter_by(sha256=sha256).one().id


def test_photos_are_chosen_of_the_cases_evidence(acting: Acting) -> None:
    first, second = acting.photo(b"one"), acting.photo(b"two")
    officer = desk(acting.app, acting.court.officer)
    address = f"/cases/{acting.case}/register/new?kind=action.item&action={acting.action}"
    form = officer.get(address).text
    assert f'value="{first}"' in form
    assert "/thumb/" in form
    filled = {
        "kind": "action.item", "action": str(acting.action), "f_no": "1", "f_name": "货车(虚构)",
        "f_photos": [first, second],
    }  # fmt: skip
    assert officer.post(f"/cases/{acting.case}/register/new", filled).status_code == 303
    with unit_of_work(acting.court.id, write=False) as session:
        entry = session.query(Entry).filter_by(kind="action.item").one()
        assert entry.data["photos"] == [first, second]
        amends = entry.id
    again = officer.get(f"/cases/{acting.case}/register/new?amends={amends}").text
    assert len(re.findall(r'name="f_photos" value="[0-9a-f]{64}" checked', again)) == 2


def test_that_evidence_was_listed_to_be_chosen_is_recorded(acting: Acting) -> None:
    acting.photo(b"one")
    officer = desk(acting.app, acting.court.officer)
    for _ in range(2):
        officer.get(f"/cases/{acting.case}/register/new?kind=action.tag&action={acting.action}")
    with unit_of_work(acting.court.id, write=False) as session:
        listed = session.query(OutboxRow).filter_by(kind="custody.listed").count()
    assert listed == 1
