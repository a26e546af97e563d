"""A full card at the dock page: two hundred files in one go, chosen as files or as a folder."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.functional.console.test_dock import Office, confirmed, enrolled, file_at, office, take

__all__ = ["office"]  # a fixture

FILES: Final = 200
WAIT_MS: Final = 240_000


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """Folders as cameras make them, with two hundred small photos and what is none."""
    folder = tmp_path / "CARD"
    for number in range(FILES):
        place = folder / "DCIM" / f"{100 + number // 100}MEDIA"
        place.mkdir(parents=True, exist_ok=True)
        file_at(place, f"DSC_{number + 1:04}.jpg", 3_000 + number, 100)
    (folder / "System Volume Information").mkdir()
    (folder / "System Volume Information/DSC_9999.jpg").write_bytes(b"of the system")
    (folder / "INFO.TXT").write_text("no evidence")
    return folder


def photos(card: Path) -> list[Path]:
    return sorted(card.glob("DCIM/**/*.jpg"))


def finished(page: Page, office: Office, card: Path) -> None:
    """Everything is receipted on the page, and in the store byte for byte, once."""
    done = page.get_by_role("heading", name="导入完成")
    expect(done).to_be_visible(timeout=WAIT_MS)
    expect(page.locator("[data-part=receipts] tr")).to_have_count(FILES)
    items = office.evidence()
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in photos(card)}
    assert {name: item.sha256 for name, item in items.items()} == digests
    assert {item.state for item in items.values()} == {"verified"}
    assert sorted(item.seq for item in items.values()) == sorted(
        {item.seq for item in items.values()}
    )


def test_two_hundred_files_are_cut_off_and_resumed(office: Office, card: Path) -> None:
    with office.workstation(office.world.first.officer) as page:
        enrolled(page, office)
        take(page, photos(card))
        expect(page.locator("[data-part=rows] tr")).to_have_count(FILES, timeout=WAIT_MS)
        confirmed(page, FILES)
        while (
            len([one for one in office.evidence().values() if one.state == "verified"]) < FILES // 4
        ):
            time.sleep(0.05)
        office.proxy.offline = True
        office.proxy.cut_all()
        broken = page.get_by_role("status").filter(has_text="连接中断")
        expect(broken).to_be_visible(timeout=WAIT_MS)
        office.proxy.offline = False
        page.reload()
        expect(page.get_by_text("请再次选择同一张卡")).to_be_visible(timeout=WAIT_MS)
        take(page, photos(card))
        finished(page, office, card)


def test_a_folder_is_taken_with_its_folders(office: Office, card: Path) -> None:
    with office.workstation(office.world.first.officer) as page:
        enrolled(page, office)
        page.locator("#dock-folder").set_input_files(card)
        expect(page.locator("[data-part=rows] tr")).to_have_count(FILES, timeout=WAIT_MS)
        expect(page.get_by_text("1 个文件不是影音资料")).to_be_visible()
        confirmed(page, FILES)
        finished(page, office, card)
