"""How outsiders get in, and how every other link is answered."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from server.core.db import table_of
from server.core.transactions import EVERY_COURT, unit_of_work
from server.notices.models import UserNotice
from server.shares import queries, service
from server.shares.authentication import OPENED_MAX
from server.shares.commands import Mode
from server.shares.models import Share, ShareOpening
from tests.factories.cases import believe
from tests.factories.evidence import Scene, build_scene
from tests.factories.shares import RECIPIENT, Outsider, photo, plain, share


@pytest.fixture
def scene(app: Flask) -> Scene:
    return build_scene(app)


def facts_of(scene: Scene, kind: str) -> list[dict[str, object]]:
    return [json.loads(row.p or "")["facts"] for row in believe(scene.app).events(kind)]


def test_link_terms_and_code_lead_to_the_items(scene: Scene) -> None:
    item = photo(scene, b"one")
    made = share(scene, item, with_code=True)
    browser = Outsider(scene.app)
    first = browser.get(f"/s/{made.token}")
    assert (first.status_code, first.headers["Location"]) == (303, "/s")
    assert first.headers["Referrer-Policy"] in {"no-referrer", "same-origin"}
    rules = browser.get("/s")
    assert (rules.status_code, RECIPIENT in rules.text) == (200, True)
    assert str(item.id) not in rules.text
    assert made.code is not None
    assert browser.enter(made.code).status_code == 303
    shown = browser.get("/s")
    assert (shown.status_code, f"/s/items/{item.id}" in shown.text) == (200, True)
    (opened,) = facts_of(scene, "custody.share-opened")
    assert (opened["recipient"], opened["terms"]) == (RECIPIENT, "2026-11")
    by = json.loads(believe(scene.app).events("custody.share-opened")[0].p or "")["by"]
    assert (by["token"], by["user"], by["address"]) == ("share", None, "127.0.0.1")


def test_the_one_who_shared_is_told_of_the_opening(scene: Scene) -> None:
    made = share(scene, photo(scene, b"one"))
    Outsider(scene.app).into(made)
    with scene.everywhere() as ctx:
        (told,) = ctx.session.query(UserNotice).all()
        ctx.session.expunge(told)
    assert (told.user_id, told.topic) == (scene.supervisor_id, "share-opened")
    assert told.link == f"/shares/{made.share.id}"
    assert RECIPIENT not in json.dumps([told.facts, told.link, told.subject_id])


def test_neither_token_nor_code_nor_cookie_is_stored(scene: Scene) -> None:
    made = share(scene, photo(scene, b"one"), with_code=True)
    browser = Outsider(scene.app).into(made)
    assert made.code is not None
    assert browser.cookie is not None
    with scene.everywhere() as ctx:
        rows = [
            *ctx.session.connection().exec_driver_sql("SELECT * FROM shares").all(),
            *ctx.session.connection().exec_driver_sql("SELECT * FROM share_openings").all(),
            *ctx.session.connection().exec_driver_sql("SELECT p FROM outbox").all(),
        ]
    whole = str(rows)
    assert [one for one in (made.token, browser.cookie) if one in whole] == []
    assert f"'{made.code}'" not in whole


def test_every_link_that_opens_nothing_gets_the_same_page(scene: Scene) -> None:
    item = photo(scene, b"one")
    revoked, expired, full = (share(scene, item, days=days, **more) for days, more in (
        (14, {}), (1, {}), (14, {"openings_max": 1}),
    ))  # fmt: skip
    Outsider(scene.app).into(full)
    with scene.unit() as ctx:
        service.revoke(ctx, revoked.share.id)
    scene.clock.advance(timedelta(days=2))
    answers = {
        name: plain(Outsider(scene.app).get(f"/s/{token}"))
        for name, token in (
            ("revoked", revoked.token), ("expired", expired.token), ("full", full.token),
            ("unknown", "A" * 43), ("malformed", "!" * 43),
        )
    }  # fmt: skip
    answers["nothing"] = plain(Outsider(scene.app).get("/s"))
    assert {status for status, _ in answers.values()} == {404}
    assert len(set(answers.values())) == 1


def test_a_wrong_code_is_counted_recorded_and_locks_after_five(scene: Scene) -> None:
    made = share(scene, photo(scene, b"one"), with_code=True)
    assert made.code is not None
    wrong = f"{(int(made.code) + 1) % 10**6:06d}"
    browser = Outsider(scene.app)
    browser.follow(made.token)
    for left in (4, 3, 2, 1, 0):
        answer = browser.enter(wrong)
        assert answer.status_code == 403
        assert f"{left} 次" in answer.text
    assert browser.enter(made.code).status_code == 403, "the right code comes too late"
    assert len(facts_of(scene, "custody.share-refused")) == 5
    with scene.unit() as ctx:
        renewed = service.renew_code(ctx, made.share.id)
    assert renewed.code is not None
    assert browser.enter(renewed.code).status_code == 303


def test_without_agreeing_nobody_gets_in(scene: Scene) -> None:
    made = share(scene, photo(scene, b"one"))
    browser = Outsider(scene.app)
    browser.follow(made.token)
    assert browser.desk.post("/s", {"terms": "2026-11"}).status_code == 422
    assert browser.enter(terms="1999-01").status_code == 403
    with scene.everywhere() as ctx:
        assert ctx.session.query(ShareOpening).count() == 0


def test_openings_are_limited_and_the_same_browser_needs_no_second(scene: Scene) -> None:
    made = share(scene, photo(scene, b"one"), openings_max=1)
    browser = Outsider(scene.app).into(made)
    again = browser.get(f"/s/{made.token}")
    assert (again.status_code, again.headers["Location"]) == (303, f"/s?of={made.share.id}")
    assert browser.get("/s").status_code == 200
    assert Outsider(scene.app).follow(made.token).status_code == 404


def test_two_shares_are_open_in_one_browser(scene: Scene) -> None:
    one, other = photo(scene, b"one"), photo(scene, b"other")
    first = share(scene, one, recipient="甲律师(虚构)", mode=Mode.DOWNLOAD)
    second = share(scene, other, one, recipient="乙律师(虚构)")
    browser = Outsider(scene.app).into(first)
    browser.follow(second.token)
    assert browser.item(one, "/content").data == b"one", "before the second one's terms"
    assert browser.enter(second.code).status_code == 303
    assert browser.item(other).status_code == 200
    page = browser.get("/s").text
    assert f"/s/items/{other.id}?of={second.share.id}" in page
    assert f"/s?of={first.share.id}" in page
    page = browser.get(f"/s?of={first.share.id}").text
    assert f"/s/items/{one.id}?of={first.share.id}" in page
    assert f"/s/items/{other.id}" not in page
    downloaded = browser.item(one, f"/content?of={first.share.id}")
    assert (downloaded.status_code, downloaded.data) == (200, b"one")
    assert browser.item(one, f"/content?of={second.share.id}").status_code == 404
    assert "乙律师" in browser.get(f"/s/mark.svg?of={second.share.id}").text
    assert "甲律师" in browser.get(f"/s/mark.svg?of={first.share.id}").text
    with scene.unit() as ctx:
        service.revoke(ctx, second.share.id)
    assert browser.item(other).status_code == 404
    assert browser.item(one, "/content").status_code == 200


def test_a_browser_holds_the_newest_shares_alone(scene: Scene) -> None:
    item = photo(scene, b"one")
    browser = Outsider(scene.app)
    made = [share(scene, item) for _ in range(OPENED_MAX + 1)]
    for one in made:
        browser.into(one)
    page = browser.get("/s").text
    assert [f"?of={one.share.id}" in page for one in made] == [False] + [True] * OPENED_MAX


def test_a_link_of_an_open_share_goes_back_to_it(scene: Scene) -> None:
    one, other = photo(scene, b"one"), photo(scene, b"other")
    first = share(scene, one, openings_max=1)
    browser = Outsider(scene.app).into(first).into(share(scene, other))
    answer = browser.get(f"/s/{first.token}")
    assert answer.headers["Location"] == f"/s?of={first.share.id}"
    assert str(one.id) in browser.get(answer.headers["Location"]).text


def test_a_foreign_origin_cannot_open_a_share(scene: Scene) -> None:
    made = share(scene, photo(scene, b"one"))
    browser = Outsider(scene.app)
    browser.follow(made.token)
    answer = browser.desk.client.post(
        "/s", data={"terms": "2026-11", "agree": "true"}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    with scene.everywhere() as ctx:
        assert ctx.session.query(ShareOpening).count() == 0


def test_the_cookie_opens_nothing_of_the_staff_and_the_other_way_round(scene: Scene) -> None:
    item = photo(scene, b"one")
    browser = Outsider(scene.app).into(share(scene, item))
    for path in ("/inbox", "/shares", f"/e/{item.id}", "/cases"):
        assert browser.get(path).status_code in {303, 401, 403, 404}, path
    for path in ("/api/v1/cases", f"/api/v1/evidence/{item.id}/content", "/api/v1/shares"):
        assert browser.get(path).status_code == 401, path
    assert Outsider(scene.app).item(item).status_code == 401


def test_another_shares_items_do_not_exist(scene: Scene) -> None:
    one, other = photo(scene, b"one"), photo(scene, b"other")
    browser = Outsider(scene.app).into(share(scene, one, mode=Mode.DOWNLOAD))
    share(scene, other, mode=Mode.DOWNLOAD)
    absent = uuid.uuid4()
    for part in ("", "/picture", "/media", "/content", "/facts.json"):
        answers = {plain(browser.get(f"/s/items/{name}{part}"))[0] for name in (other.id, absent)}
        assert answers == {404}, part


def test_a_lapsed_share_lets_its_browser_out(scene: Scene) -> None:
    item = photo(scene, b"one")
    browser = Outsider(scene.app).into(share(scene, item, days=1))
    assert browser.item(item).status_code == 200
    scene.clock.advance(timedelta(days=1, seconds=1))
    assert browser.item(item).status_code == 401
    assert browser.get("/s").status_code == 404


def test_terms_that_were_accepted_stay_known(scene: Scene) -> None:
    made = share(scene, photo(scene, b"one"))
    Outsider(scene.app).into(made)
    with scene.everywhere() as ctx:
        row = ctx.session.query(Share).one()
        opening = ctx.session.query(ShareOpening).one()
        assert (row.terms, opening.terms, row.openings) == ("2026-11", "2026-11", 1)


def test_a_share_that_is_locked_to_be_opened_is_read_anew(scene: Scene) -> None:
    share(scene, photo(scene, b"one"))
    with unit_of_work(EVERY_COURT) as session:
        (looked_up,) = session.execute(sa.select(Share)).scalars()
        other = sa.update(table_of(Share)).values(openings=7, code_failures=4)
        session.execute(other)  # as another browser would have done meanwhile
        found = queries.by_token(session, looked_up.token_hash, to_open=True)
        assert found is not None
        assert (found.openings, found.code_failures) == (7, 4)
