"""A workstation's browser docks a card: enrolled, cut, reloaded, resumed, receipted."""

from __future__ import annotations

import hashlib
import os
import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from server.core.cookies import Kind
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Evidence
from server.identity.models import Device
from tests.conftest import fresh_database
from tests.factories.cases import add_case, add_mission
from tests.factories.console import browser_cookie, desk, session_secret
from tests.factories.identity import World, add_booking, add_device
from tests.factories.identity_rows import Person
from tests.support.live import running
from tests.support.proxy import FaultProxy

MIB: Final = 2**20
FILM_BYTES: Final = 12 * MIB
PIECE_BYTES: Final = 4 * MIB
WAIT_MS: Final = 60_000


@dataclass
class Office:
    """A server behind a bad line, an officer's mission with a camera, and a browser."""

    world: World
    proxy: FaultProxy
    browser: Browser
    case: str
    other_case: str

    @contextmanager
    def workstation(self, person: Person, lang: str = "zh") -> Iterator[Page]:
        """A browser profile of its own, signed in; what it keeps ends with it."""
        context = self.browser.new_context(base_url=self.proxy.url)
        context.set_default_timeout(20_000)
        cookies: list[Any] = [
            {"name": "tz-lang", "value": lang, "url": self.proxy.url},
            browser_cookie(self.world.app, Kind.STAFF, session_secret(self.world.app, person)),
        ]
        context.add_cookies(cookies)
        page = context.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        try:
            yield page
        finally:
            context.close()
        assert wrong == []

    def code(self, name: str) -> str:
        """The text of an enrolment QR that an administrator made."""
        form = {"kind": "workstation", "name": name}
        here = desk(self.world.app, self.world.first.administrator)
        found = re.search(r'id="qr-text">([^<]+)<', here.post("/devices/enrolment", form).text)
        assert found is not None
        return found[1]

    def evidence(self) -> dict[str, Evidence]:
        """Items by the name of their file."""
        with unit_of_work(EVERY_COURT, write=False) as session:
            rows = list(session.execute(sa.select(Evidence)).scalars())
            session.expunge_all()
            return {(one.name or b"").decode(): one for one in rows}

    def content(self, item: Evidence) -> bytes:
        """What the store has."""
        boss = self.world.caller(self.world.first.supervisor)
        answer = boss.get(f"/evidence/{item.id}/content?purpose=review")
        assert answer.status_code == 200
        return answer.get_data()


@pytest.fixture
def office(request: pytest.FixtureRequest, tmp_path: Path, chrome: Browser) -> Iterator[Office]:
    """A court with a mission of now; the camera is booked for its officer."""
    worlds: list[World] = []
    url = fresh_database(request, "sqlite", tmp_path)
    with FaultProxy(0) as proxy, running(
        tmp_path, url, worker=True, public_url=proxy.url,
        fill=lambda app: worlds.append(World.build(app)),
    ) as server:  # fmt: skip
        proxy.upstream_port = server.port
        (world,) = worlds
        court = world.first
        case = add_case(server.app, court.id, serial=41, handler_id=court.officer.id)
        other = add_case(server.app, court.id, serial=42, handler_id=court.officer.id)
        camera = add_device(server.app, court.id, "camera", alg=None)
        start = datetime.now(UTC) - timedelta(hours=2)
        mission = add_mission(
            server.app, court.id, [case], officer_ids=[court.officer.id],
            device_ids=[camera.id], starts_at=start, ends_at=start + timedelta(hours=1),
        )  # fmt: skip
        add_booking(
            server.app, camera, court.officer,
            starts_in=timedelta(hours=-2), hours=1, mission_id=mission,
        )  # fmt: skip
        yield Office(world, proxy, chrome, str(case), str(other))


def file_at(folder: Path, name: str, size: int, minutes_ago: float) -> Path:
    """A file with the camera's time."""
    path = folder / name
    path.write_bytes(random.Random(name).randbytes(size))
    at = time.time() - 60 * minutes_ago
    os.utime(path, (at, at))
    return path


def enrolled(page: Page, office: Office) -> None:
    """Enrol this browser by keyboard alone."""
    page.goto("/dock")
    page.get_by_label("注册码").focus()
    page.keyboard.insert_text(office.code("一号工作站(虚构)"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="选择存储卡")).to_be_visible(timeout=WAIT_MS)


def take(page: Page, files: list[Path]) -> None:
    page.get_by_label("或选择文件").set_input_files(files)


def confirmed(page: Page, count: int) -> None:
    button = page.get_by_role("button", name=f"导入 {count} 个文件")
    button.focus()
    page.keyboard.press("Enter")


def test_a_card_is_docked_cut_reloaded_and_resumed(office: Office, tmp_path: Path) -> None:
    folder = tmp_path / "CARD"
    folder.mkdir()
    film = file_at(folder, "DSC_0231.mp4", FILM_BYTES, 100)
    photos = [file_at(folder, f"DSC_02{n}.jpg", 70_000 + n, 100) for n in (32, 35)]
    note = file_at(folder, "INFO.TXT", 40, 100)
    everything = [film, *photos, note]
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in everything}
    # Whoever docks is not who carried.
    with office.workstation(office.world.first.supervisor) as page:
        enrolled(page, office)
        take(page, everything)
        rows = page.get_by_role("row").filter(has_text="DSC_02")
        expect(rows).to_have_count(3, timeout=WAIT_MS)
        for row in rows.all():
            expect(row).to_contain_text(office.world.first.officer.name)
            expect(row).to_contain_text("执41号")
            expect(row).to_contain_text("值勤登记")
        expect(page.get_by_text("DSC_0232 与 DSC_0235 之间缺少文件")).to_be_visible()
        expect(page.get_by_text("1 个文件不是影音资料")).to_be_visible()
        up_before = office.proxy.counters.bytes_up
        confirmed(page, 3)
        while office.proxy.counters.bytes_up - up_before < FILM_BYTES // 2:
            time.sleep(0.005)
        office.proxy.offline = True
        office.proxy.cut_all()
        broken = page.get_by_role("status").filter(has_text="连接中断")
        expect(broken).to_be_visible(timeout=WAIT_MS)
        office.proxy.offline = False
        page.reload()
        expect(page.get_by_text("请再次选择同一张卡")).to_be_visible(timeout=WAIT_MS)
        take(page, everything)
        expect(page.get_by_role("heading", name="导入完成")).to_be_visible(timeout=WAIT_MS)
        expect(page.get_by_text("可以取卡。").first).to_be_visible()
        # What had been acknowledged did not travel again.
        sent = office.proxy.counters.bytes_up - up_before
        assert sent < FILM_BYTES + 2 * PIECE_BYTES
        for path in (film, *photos):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            expect(page.get_by_role("row").filter(has_text=digest)).to_have_count(1)
    items = office.evidence()
    assert set(items) == {path.name for path in (film, *photos)}
    with unit_of_work(EVERY_COURT, write=False) as session:
        enrolled_now = sa.select(Device.id, Device.name).where(Device.kind == "workstation")
        ((station, name),) = session.execute(enrolled_now).all()
    assert name == "一号工作站(虚构)"
    for path in (film, *photos):
        item = items[path.name]
        assert item.state == "verified"
        assert office.content(item) == path.read_bytes()
        assert (item.officer_id, str(item.case_id)) == (office.world.first.officer.id, office.case)
        assert item.officer_source == "booking"
        assert item.device_id == station
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in everything} == before


def test_a_card_that_is_pulled_out_is_asked_for_again(office: Office, tmp_path: Path) -> None:
    film = file_at(tmp_path, "DSC_0300.mp4", FILM_BYTES, 100)
    away = tmp_path / "pulled-out"
    with office.workstation(office.world.first.officer) as page:
        enrolled(page, office)
        take(page, [film])
        up_before = office.proxy.counters.bytes_up
        confirmed(page, 1)
        while office.proxy.counters.bytes_up - up_before < FILM_BYTES // 4:
            time.sleep(0.002)
        film.rename(away)
        expect(page.get_by_text("请再次选择同一张卡")).to_be_visible(timeout=WAIT_MS)
        expect(page.get_by_text("可以取卡。").first).to_be_hidden()
        away.rename(film)
        take(page, [film])
        expect(page.get_by_role("heading", name="导入完成")).to_be_visible(timeout=WAIT_MS)
    assert office.content(office.evidence()[film.name]) == film.read_bytes()


def test_only_what_is_unclear_is_asked_and_a_second_time_nothing_is_new(
    office: Office, tmp_path: Path
) -> None:
    sure = file_at(tmp_path, "A001.jpg", 5_000, 100)
    unclear = file_at(tmp_path, "B001.jpg", 6_000, 60 * 24 * 9)
    with office.workstation(office.world.first.officer) as page:
        enrolled(page, office)
        take(page, [sure, unclear])
        expect(page.get_by_text("1 个文件无法确定归属").first).to_be_visible(timeout=WAIT_MS)
        choice = page.get_by_label("B001.jpg 所属案件")
        choice.select_option(office.other_case)
        confirmed(page, 2)
        expect(page.get_by_role("heading", name="导入完成")).to_be_visible(timeout=WAIT_MS)
        with page.expect_navigation():
            page.get_by_role("button", name="下一张卡").click()
        take(page, [sure, unclear])
        said = page.get_by_text("没有新文件，2 个文件此前已导入")
        expect(said).to_be_visible(timeout=WAIT_MS)
    items = office.evidence()
    assert str(items["A001.jpg"].case_id) == office.case
    assert str(items["B001.jpg"].case_id) == office.other_case
    assert items["B001.jpg"].officer_id is None


def test_a_wrong_code_and_another_servers_code_are_explained(office: Office) -> None:
    with office.workstation(office.world.first.officer, lang="en") as page:
        page.goto("/dock")
        code = page.get_by_label("Enrolment code")
        for text, said in (
            ("AAAA-BBBB-CCCC-DDDD", "wrong, used or expired"),
            (f"TZE1|https://other.example|AAAA-BBBB|{'A' * 43}", "for another server"),
        ):
            code.fill(text)
            page.keyboard.press("Enter")
            expect(page.get_by_role("alert").filter(has_text=said)).to_be_visible()
        forged = office.code("x").rpartition("|")[0] + "|" + "A" * 43
        code.fill(forged)
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert").filter(has_text="Stop")).to_be_visible()
    with unit_of_work(EVERY_COURT, write=False) as session:
        enrolled_now = sa.select(Device).where(Device.kind == "workstation")
        assert session.execute(enrolled_now).first() is None
