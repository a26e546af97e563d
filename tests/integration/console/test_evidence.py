"""The evidence page without scripts: what it shows, what it records, what it refuses."""

from __future__ import annotations

import html
import json
import re
import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from client_sdk.protocol.ids import short_code
from server.audit.models import Event, OutboxRow
from server.core.transactions import EVERY_COURT, unit_of_work
from server.disclosure.models import Export
from server.evidence.finding import code_range
from server.evidence.models import Blob, Derivative, Evidence
from storage.digest import Digest
from tests.factories.cases import add_case
from tests.factories.console import Desk, desk
from tests.factories.field import sequence
from tests.factories.ground import Ground
from tests.factories.identity import runtime_of
from tests.factories.uploads import sha256_of


@pytest.fixture
def ground(app: Flask) -> Ground:
    return Ground.build(app)


@pytest.fixture
def lead(ground: Ground) -> Desk:
    return desk(ground.app, ground.first.world.people["president"])


def opened(who: Desk, path: str, status: int = 200) -> str:
    answer = who.get(path)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return html.unescape(answer.get_data(as_text=True))


def events(kind: str) -> list[dict[str, Any]]:
    with unit_of_work(EVERY_COURT, write=False) as session:
        found = []
        for table in (Event, OutboxRow):
            rows = session.execute(sa.select(table.p).where(table.kind == kind)).scalars()
            found += [json.loads(text or "{}") for text in rows]
        return found


def change(evidence: str, **values: Any) -> None:
    with unit_of_work(EVERY_COURT) as session:
        session.execute(
            sa.update(Evidence).where(Evidence.id == uuid.UUID(evidence)).values(**values)
        )


@pytest.mark.parametrize("part", ["", "/custody", "/metadata", "/diff", "/print"])
def test_each_page_opens_in_both_languages_and_a_view_is_recorded_once(
    ground: Ground, lead: Desk, part: str
) -> None:
    path = f"/e/{ground.first.ids['evidence']}{part}"
    before = len(events("custody.viewed"))
    chinese, english = opened(lead, path), opened(lead, f"{path}?lang=en")
    assert chinese != english
    assert short_code(uuid.UUID(ground.first.ids["evidence"])) in chinese
    assert len(events("custody.viewed")) == before + 1


def test_another_courts_item_and_nobodys_are_the_same_absence(ground: Ground, lead: Desk) -> None:
    for part in ("", "/custody", "/metadata", "/diff", "/print", "/thumb", "/thumb/1.x"):
        opened(lead, f"/e/{ground.second.ids['evidence']}{part}", 404)
        opened(lead, f"/e/{uuid.uuid4()}{part}", 404)


def outcomes(page: str) -> dict[str, str]:
    return dict(re.findall(r'data-check="(\w+)" data-outcome="(\w+)"', page))


def test_the_five_checks_look_instead_of_believing(ground: Ground, lead: Desk) -> None:
    evidence = ground.first.ids["evidence"]
    path = f"/e/{evidence}"
    assert outcomes(opened(lead, path)) == {
        "signature": "pass", "digest": "pass", "log": "warn", "clock": "warn", "place": "warn",
    }  # fmt: skip
    with unit_of_work(EVERY_COURT) as session:
        item = session.get_one(Evidence, uuid.UUID(evidence))
        entry = session.query(Event).filter(Event.hid == item.record_hid).one()
        entry.p = (entry.p or "").replace("no-fix", "no-fax")
        session.get_one(Blob, item.sha256).copies = 0
    change(evidence, clock_class="D", findings=[{"code": "media-position-differs", "detail": "x"}])
    found = outcomes(opened(lead, path))
    assert {name: found[name] for name in ("signature", "digest", "clock", "place")} == {
        "signature": "fail", "digest": "fail", "clock": "fail", "place": "fail",
    }  # fmt: skip
    change(evidence, clock_class="A", error_ms=20, lat="38.2", lon="104.4", findings=[])
    found = outcomes(opened(lead, path))
    assert (found["clock"], found["place"]) == ("pass", "pass")
    change(evidence, findings=[{"code": "media-time-differs", "detail": "x"}], state="missing")
    found = outcomes(opened(lead, path))
    assert (found["clock"], found["digest"]) == ("warn", "unknown")


def test_custody_names_every_reader_with_purpose_and_address(ground: Ground, lead: Desk) -> None:
    evidence = ground.first.ids["evidence"]
    got = lead.get(f"/api/v1/evidence/{evidence}/content?purpose=reading-room")
    assert got.status_code == 200
    sequence(ground.app)
    page = opened(lead, f"/e/{evidence}/custody")
    row = next(one for one in re.findall(r"<tr.*?</tr>", page, re.DOTALL) if "reading-room" in one)
    assert "president" in row
    assert "127.0.0.1" in row


def test_a_download_asks_for_its_purpose(ground: Ground, lead: Desk) -> None:
    evidence = ground.first.ids["evidence"]
    page = opened(lead, f"/e/{evidence}")
    assert f'action="/api/v1/evidence/{evidence}/content"' in page
    assert 'name="purpose"' in page
    assert lead.get(f"/api/v1/evidence/{evidence}/content?purpose=").status_code == 400


@pytest.mark.parametrize(
    "text",
    ["{code}", "{low}", "{start}", "{plain}", "{id}", " {code} "],
    ids=["code", "lower-case", "beginning", "no-hyphen", "id", "blanks"],
)
def test_an_item_is_found_by_its_short_code(ground: Ground, lead: Desk, text: str) -> None:
    identifier = uuid.UUID(ground.first.ids["evidence"])
    code = short_code(identifier)
    forms = {"code": code, "low": code.lower(), "start": code[:7], "plain": code.replace("-", ""),
             "id": str(identifier)}  # fmt: skip
    answer = lead.get("/find", query_string={"q": text.format(**forms)})
    assert (answer.status_code, answer.headers.get("Location")) == (303, f"/e/{identifier}")


def test_what_is_not_mine_is_not_found(ground: Ground, lead: Desk) -> None:
    foreign = short_code(uuid.UUID(ground.second.ids["evidence"]))
    assert foreign in opened(lead, f"/find?q={foreign}"), "only what was typed"
    assert "/e/" not in opened(lead, f"/find?q={foreign}")
    for odd in ("", "%", "x" * 80, "〇〇〇〇", "<script>"):
        assert "/e/" not in opened(lead, f"/find?q={odd}")


@pytest.mark.parametrize(
    ("text", "found"),
    [("7F3K", True), ("7f3k-29", True), ("7F3K-29QX", True), ("OIL0", True), ("7F3", False),
     ("7F3K29QXX", False), ("7F3U", False), ("", False)],
    ids=["four", "six", "eight", "look-alikes", "three", "nine", "no-letter", "nothing"],
)  # fmt: skip
def test_codes_are_ranges_of_numbers(text: str, found: bool) -> None:
    wanted = code_range(text)
    assert (wanted is not None) == found
    if wanted is not None:
        assert 0 <= wanted[0] <= wanted[1] < 1 << 40


def test_rebinding_takes_a_case_number_and_a_reason(ground: Ground, lead: Desk) -> None:
    evidence, court = ground.first.ids["evidence"], ground.first.world
    case = add_case(ground.app, court.id, serial=501)
    path = f"/e/{evidence}/rebind"
    assert lead.post(path, {"reason": "归错(虚构)"}).status_code == 422
    assert lead.post(path, {"case_no": "nonsense", "reason": "x"}).status_code == 422
    assert (
        lead.post(path, {"case_no": f"(2025){court.code}执999号", "reason": "x"}).status_code == 404
    )
    done = lead.post(path, {"case_no": f"(2025){court.code}执501号", "reason": "归错(虚构)"})
    assert done.status_code == 303
    with unit_of_work(EVERY_COURT, write=False) as session:
        assert session.get_one(Evidence, uuid.UUID(evidence)).case_id == case
    assert events("evidence.rebound")[-1]["facts"]["reason"] == "归错(虚构)"


def test_a_custody_report_is_asked_for_and_followed(ground: Ground, lead: Desk) -> None:
    evidence = ground.first.ids["evidence"]
    asked = lead.post(f"/e/{evidence}/report", {"purpose": "核验(虚构)", "recipient": "中院(虚构)"})
    assert asked.status_code == 303
    where = asked.headers["Location"]
    assert "hx-get" in opened(lead, where)
    export = uuid.UUID(where.rpartition("/")[2])
    with unit_of_work(EVERY_COURT) as session:
        row = session.get_one(Export, export)
        assert row.evidence_ids == [evidence]
        row.state, row.problem = "failed", "no room"
    assert "no room" in opened(lead, where)
    assert lead.get(f"{where}/custody.pdf").status_code == 409


def thumb_of(ground: Ground) -> bytes:
    """The item gets a small picture."""
    data, runtime = b"a small picture", runtime_of(ground.app)
    path = runtime.settings.data_dir / "thumb"
    path.write_bytes(data)
    runtime.stores.blobs.put_file(Digest(sha256_of(data)), path)
    with unit_of_work(EVERY_COURT) as session:
        item = session.get_one(Evidence, uuid.UUID(ground.first.ids["evidence"]))
        session.merge(
            Derivative(source_sha256=item.sha256, name="thumb", mime="image/webp",
                       sha256=sha256_of(data), size_bytes=len(data), created_at=item.created_at)
        )  # fmt: skip
    return data


def test_a_listed_thumbnail_needs_no_event_and_any_other_does(ground: Ground, lead: Desk) -> None:
    data = thumb_of(ground)
    page = opened(lead, "/review?status=all")
    (address,) = set(re.findall(r'src="(/e/[^"]+/thumb/[^"]+)"', page))
    viewed = len(events("custody.viewed"))
    shown = lead.get(address)
    assert (shown.status_code, shown.get_data()) == (200, data)
    inert(shown)
    assert len(events("custody.viewed")) == viewed
    other = desk(ground.app, ground.first.world.people["supervisor"])
    moved = other.get(address)
    assert (moved.status_code, moved.headers["Location"]) == (303, address.rpartition("/")[0])
    inert(other.get(moved.headers["Location"]))
    assert len(events("custody.viewed")) == viewed + 1


def inert(answer: TestResponse) -> None:
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.mimetype == "image/webp"


def test_an_officer_sees_the_page_without_what_a_lead_does(ground: Ground) -> None:
    officer = desk(ground.app, ground.first.world.people["officer"])
    page = opened(officer, f"/e/{ground.first.ids['evidence']}")
    for path in ("/rebind", "/report"):
        assert f"{ground.first.ids['evidence']}{path}" not in page
    for path in ("/review", "/review/second"):
        assert officer.get(path).status_code == 403
