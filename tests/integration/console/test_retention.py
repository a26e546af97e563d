"""Rules, holds and disposal by plain forms, in both languages."""

from __future__ import annotations

import uuid

import pytest
from flask import Flask

from client_sdk.protocol.ids import short_code
from server.core.clock import FixedClock
from tests.factories.console import Desk, desk
from tests.factories.retention import Archive

ROOT = "/admin/retention"


@pytest.fixture
def archive(app: Flask, clock: FixedClock) -> Archive:
    return Archive.build(app, clock)


def of(archive: Archive, who: str = "supervisor", lang: str = "en") -> Desk:
    return desk(archive.app, getattr(archive.court, who), lang)


def number_of(archive: Archive, case: str) -> str:
    return str(archive.supervisor.get(f"/cases/{case}").get_json()["case_no"])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_page_opens_in_both_languages(archive: Archive, lang: str) -> None:
    items = archive.old(2)
    archive.propose(items[0])
    archive.hold(evidence_id=items[0])
    archive.supervisor.post(
        "/retention/rules", json={"category": "log", "months": 12, "reason": "x"}
    )
    here = of(archive, lang=lang)
    for path in (
        "", "/preview?category=ordinary&months=120", "/preview?category=ordinary&forever=true",
        "/preview?category=recording&months=6", "/holds", "/holds?lifted=true", "/due",
        "/proposals", f"/items/{items[0]}", f"/items/{items[1]}",
    ):  # fmt: skip
        answer = here.get(ROOT + path)
        assert answer.status_code == 200, (path, answer.text[:300])


@pytest.mark.parametrize("who", ["officer", "administrator", "police"])
def test_who_may_not(archive: Archive, who: str) -> None:
    here = of(archive, who)
    for path in ("", "/holds", "/due", "/proposals", f"/items/{uuid.uuid4()}"):
        assert here.get(ROOT + path).status_code == 403
    hold = {"target": "x", "reason": "x"}
    assert here.post(f"{ROOT}/holds", hold).status_code == 403


def test_another_court_sees_nothing(archive: Archive) -> None:
    (item,) = archive.old()
    case = archive.judged(item)["case_id"]
    hold = archive.hold(case_id=uuid.UUID(case))
    other = desk(archive.app, archive.world.second.supervisor, "en")
    for path in ("", "/holds", "/due", "/proposals", "/preview?category=ordinary&months=6"):
        text = other.get(ROOT + path).text
        assert str(item) not in text
        assert hold not in text
    assert other.get(f"{ROOT}/items/{item}").status_code == 404
    lift = other.post(f"{ROOT}/holds/{hold}/lift", {"reason": "x"})
    assert lift.status_code == 404
    place = {"target": number_of(archive, case), "reason": "x"}
    assert other.post(f"{ROOT}/holds", place).status_code == 404


def test_a_rule_is_tried_and_made(archive: Archive) -> None:
    archive.old(3)
    here = of(archive)
    shown = here.get(f"{ROOT}/preview?category=ordinary&months=120").text
    assert "3 items change" in shown
    assert "3 are kept longer" in shown
    form = {"category": "ordinary", "months": "120", "reason": "院长办公会(虚构)"}
    made = here.post(f"{ROOT}/rules", form)
    assert made.status_code == 303
    text = here.get(made.headers["Location"]).text
    assert "The rule was made." in text
    assert "120 months" in text
    assert "院长办公会(虚构)" in text


@pytest.mark.parametrize(
    "form",
    [
        {"category": "ordinary", "months": "5", "reason": "x"},
        {"category": "coercive", "months": "60", "reason": "x"},
        {"category": "ordinary", "reason": "x"},
        {"category": "ordinary", "months": "12", "forever": "true", "reason": "x"},
        {"category": "ordinary", "months": "12"},
    ],
    ids=["too-short", "coercive", "neither", "both", "no-reason"],
)
def test_a_rule_that_cannot_be(archive: Archive, form: dict[str, str]) -> None:
    assert of(archive).post(f"{ROOT}/rules", form).status_code == 422


def test_a_case_is_held_by_its_number_and_lifted_by_another(archive: Archive) -> None:
    (item,) = archive.old()
    case = archive.judged(item)["case_id"]
    here = of(archive)
    form = {"target": number_of(archive, case), "ground": "petition", "reason": "信访(虚构)"}
    placed = here.post(f"{ROOT}/holds", form)
    text = here.get(placed.headers["Location"]).text
    assert "The hold was placed." in text
    assert "somebody else lifts it" in text
    (hold,) = archive.supervisor.get("/retention/holds").get_json()["items"]
    assert (hold["case_id"], hold["ground"]) == (case, "petition")
    assert "Legal hold: nothing may be erased" in here.get(f"{ROOT}/items/{item}").text
    lift = {"reason": "已办结(虚构)"}
    assert here.post(f"{ROOT}/holds/{hold['id']}/lift", lift).status_code == 403
    assert of(archive, "president").post(f"{ROOT}/holds/{hold['id']}/lift", lift).status_code == 303
    assert "已办结(虚构)" in here.get(f"{ROOT}/holds?lifted=true").text


def test_an_item_is_held_by_its_code(archive: Archive) -> None:
    (item,) = archive.old()
    form = {"target": short_code(item).lower(), "reason": "信访(虚构)"}
    assert of(archive).post(f"{ROOT}/holds", form).status_code == 303
    assert archive.judged(item)["why_not"] == "held"


def test_what_nothing_is_called_cannot_be_held(archive: Archive) -> None:
    for target in ("ZZZZ-ZZZZ", "no such thing", "(2025)样0101执999号"):
        form = {"target": target, "reason": "x"}
        assert of(archive).post(f"{ROOT}/holds", form).status_code == 404


def test_a_class_says_why(archive: Archive) -> None:
    (item,) = archive.old(note="查封(虚构)")
    here = of(archive)
    before = here.get(f"{ROOT}/items/{item}").text
    assert "“查封” in the field log" in before
    assert "kept for good" in before
    form = {"category": "ordinary", "reason": "仅张贴公告(虚构)"}
    assert here.post(f"{ROOT}/items/{item}/class", form).status_code == 303
    after = here.get(f"{ROOT}/items/{item}").text
    assert "a person classed them" in after
    assert "仅张贴公告(虚构)" in after


def test_two_people_dispose_by_forms(archive: Archive) -> None:
    items = archive.old(2)
    one, other = of(archive), of(archive, "president")
    page = one.get(f"{ROOT}/due").text
    assert all(f'value="{item}"' in page for item in items)
    form = {"evidence_ids": [str(item) for item in items], "reason": "期满(虚构)"}
    asked = one.post(f"{ROOT}/due", form)
    assert "2 were proposed" in one.get(asked.headers["Location"]).text
    mine = one.get(f"{ROOT}/proposals").text
    assert "somebody else decides" in mine
    theirs = other.get(f"{ROOT}/proposals").text
    ids = [part.partition('"')[0] for part in theirs.split('name="erasure_ids" value="')[1:]]
    assert len(ids) == 2
    archive.hold(evidence_id=items[0])
    decided = other.post(f"{ROOT}/proposals", {"erasure_ids": ids, "verb": "approve"})
    assert decided.status_code == 200
    assert "1 were done." in decided.text
    assert "A legal hold is in force" in decided.text
    assert [archive.state(item) for item in items] == ["verified", "erased"]
    refused = other.post(f"{ROOT}/proposals", {"erasure_ids": ids[:1], "verb": "refuse"})
    assert refused.status_code == 303
    assert "1 were refused" in other.get(refused.headers["Location"]).text


def test_a_form_of_another_site_is_refused(archive: Archive) -> None:
    (item,) = archive.old()
    here = of(archive)
    form = {"evidence_ids": [str(item)], "reason": "x"}
    answer = here.client.post(
        f"{ROOT}/due", data=form, headers={"Origin": "https://elsewhere.invalid"}
    )
    assert answer.status_code == 403
    assert archive.due() == [str(item)]
