"""The guest payload leak test: canaries in all that a mission has, and in no byte for a guest.

A guest's whole life is played: the link before the start, wrong codes, the room while entries wait,
are held, redacted, released and withdrawn, streams, photos, opinions, replay, the attendance note,
error pages, the end.  Every answer is kept, headers and all.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from server.cases.commands import PartyCommand
from server.cases.models import Case, Mission
from server.cases.parties import PartyKind, PartyRole
from server.cases.states import MissionState
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Evidence
from server.fieldlog.models import LogEntry
from server.identity.models import Device, User
from server.live.commands import Decision
from server.live.models import LiveEntry
from tests.factories.guests import Watching, browser, invite, photo_of
from tests.factories.live import Outing

DEBTOR = PartyCommand(
    role=PartyRole.DEBTOR,
    kind=PartyKind.NATURAL,
    name="司徒金丝雀",
    id_no="990102200901201217",
    details={"sex": "M", "address": "清河镇金雀花路18号3栋502室"},
)
FIRM = PartyCommand(
    role=PartyRole.APPLICANT,
    kind=PartyKind.LEGAL,
    name="雀鸣商行(虚构)",
    details={"legal_representative": "欧阳雀鸣"},
)
TEXTS = {
    "full name of the debtor": "司徒金丝雀",
    "given name of the debtor": "金丝雀",
    "name of a representative": "欧阳雀鸣",
    "name of an officer": "端木执勤员",
    "name of a neighbour": "皇甫街坊",
    "identity number": "990102200901201217",
    "telephone number": "13800771234",
    "home address": "金雀花路18号3栋502室",
    "street of the home": "金雀花",
    "exact latitude of the mission": "38.2177777",
    "exact longitude of the mission": "104.4188888",
    "exact latitude of an entry": "38.2199991",
    "exact longitude of an entry": "104.4166663",
    "exact place of the mission": "晒谷场东仓库",
    "source of a lead": "牌友老聂反映",
    "result of a query": "尾号7781账户",
    "entry that waits": "尚在途中的笔记",
    "entry that is withdrawn": "写错了的笔记",
    "text of a held entry": "卧室衣柜",
    "reason of the desk": "内部理由甲乙丙",
    "metadata of a photo": "canary-in-the-metadata",
    "name of a file": "DSC_CANARY.jpg",
    "serial of a device": "CANARY-SERIAL-9",
    "title of the mission": "晒谷场突击清点",
}


PATHS = (
    "/g", "/g?lang=zh", "/g/opinions", "/g/replay", "/g/replay?step=1", "/g/attendance",
    "/g/attendance.json", "/g/mark.svg", "/g/closed", "/g/taken",
)  # fmt: skip


@dataclass
class Tape:
    """Every byte that a guest got."""

    app: Flask
    visitor: Watching
    bytes: list[bytes] = field(default_factory=list)

    def keep(self, answer: TestResponse, echo: str = "nothing") -> TestResponse:
        """Headers and body."""
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers)
        parts = [answer.status.encode(), head.encode(), answer.get_data()]
        self.bytes += [part.replace(echo.encode(), b"(asked)") for part in parts]
        return answer

    def get(self, path: str) -> TestResponse:
        return self.keep(self.visitor.get(path))

    def post(self, path: str, data: dict[str, str]) -> TestResponse:
        return self.keep(self.visitor.post(path, data))

    def stream(self, pieces: int = 1) -> None:
        """The first pieces from the beginning; all entries that there are come in the second."""
        answer = self.visitor.stream(0)
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers)
        self.bytes.append(head.encode())
        source: Iterator[bytes] = iter(answer.response)  # type: ignore[arg-type]
        for _ in range(pieces):
            piece = next(source, b"")
            self.bytes.append(piece)
            if not piece or b"event: end" in piece:
                break
        answer.close()

    def everywhere(self, ids: dict[str, str]) -> None:
        """Each route that a guest may ask, well and badly."""
        for path in PATHS:
            self.get(path)
        for one in ids.values():
            # What a guest asked for may stand in the refusal.
            self.keep(self.visitor.get(f"/g/photo/{one}"), echo=one)
            said = {"kind": "opinion", "text": "x", "entry": one}
            self.keep(self.visitor.post("/g/opinions", said), echo=one)
        self.get("/g/photo/none")
        self.get("/g/replay?step=x")
        self.get(f"/g/{'A' * 43}")
        self.post("/g/opinions", {"kind": "nonsense"})
        self.post("/g", {"code": "000000", "agree": "true"})
        self.get("/cases")
        self.get("/api/v1/cases")
        self.get("/api/v1/events")


@pytest.fixture
def outing(app: Flask) -> Outing:
    """A mission full of canaries, planned."""
    outing = Outing.build(app, parties=(DEBTOR, FIRM), title="晒谷场突击清点(虚构)")
    with outing.system() as ctx:
        mission = ctx.session.get_one(Mission, outing.mission)
        mission.place = {
            "name": "云岭县清河镇晒谷场东仓库", "lat": "38.2177777", "lon": "104.4188888",
        }  # fmt: skip
        ctx.session.get_one(User, outing.court.officer.id).name = "端木执勤员"
        ctx.session.get_one(Device, outing.court.phone.id).serial = "CANARY-SERIAL-9"
    return outing


def planted(outing: Outing) -> None:
    """Lines and a photo of which each has something to hide."""
    geo = {"lat": "38.2199991", "lon": "104.4166663", "acc": "8", "datum": "WGS84", "src": "gnss"}
    outing.note("端木执勤员到达现场，司徒金丝雀在场，电话13800771234(虚构)", geo=geo)
    outing.note("向司徒 金丝雀送达裁定，身份证990102200901201217(虚构)", geo=geo)
    outing.note("其住址为金雀花路18号3栋502室，邻居皇甫街坊围观(虚构)")
    outing.note("牌友老聂反映线索：仓库内有货(虚构)")
    outing.note("查询结果：尾号7781账户余额(虚构)")
    outing.note("在卧室衣柜内发现(虚构)")
    outing.note("写错了的笔记(虚构)")
    thing = outing.recorder
    outing.push(thing.capture(b"a photo", **outing.named({"geo": geo})))
    outing.read()


def ids_of(outing: Outing, *, released: bool = False) -> dict[str, str]:
    """Ids that no guest may learn: of rows, and of entries that were not released."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        found: dict[str, Any] = {
            "case": outing.case,
            "mission": outing.mission,
            "phone": outing.court.phone.id,
            "officer": outing.court.officer.id,
            "case number": session.get_one(Case, outing.case).case_no,
        }
        for name, model in (("evidence", Evidence), ("line", LogEntry)):
            for number, one in enumerate(session.execute(sa.select(model.id)).scalars()):
                found[f"{name} {number}"] = one
        for number, digest in enumerate(session.execute(sa.select(Evidence.sha256)).scalars()):
            found[f"digest {number}"] = digest
        waiting = sa.select(LiveEntry.id, LiveEntry.position)
        for number, (one, position) in enumerate(session.execute(waiting)):
            if position is None and not released:
                found[f"entry that waits {number}"] = one
    return {name: str(value) for name, value in found.items()}


def leaked(tape: Tape, canaries: dict[str, str]) -> list[str]:
    """Names of the canaries that are in some byte, however written."""
    everything = b"\n".join(tape.bytes)
    found = []
    for name, text in canaries.items():
        ways = {text, json.dumps(text)[1:-1], quote(text), text.replace("-", ""), text.upper()}
        if any(way.encode() in everything for way in ways):
            found.append(name)
    return found


def life(outing: Outing, tape: Tape, invited: Any) -> None:
    """Everything that happens to a guest, in order."""
    tape.get(invited.link)
    tape.get("/g")
    tape.post("/g", {"agree": "true", "code": "000000" if invited.code != "000000" else "1"})
    tape.post("/g", {"agree": "true", "code": invited.code})
    tape.stream()
    tape.everywhere(ids_of(outing))
    outing.start()
    outing.read()
    planted(outing)
    tape.stream()
    tape.everywhere(ids_of(outing))
    withdrawn = next(row for row in outing.rows() if "写错了" in (row.shown_text or ""))
    outing.decide(withdrawn, Decision.WITHDRAW, reason="内部理由甲乙丙")
    outing.pass_time(minutes=10)
    outing.release_due()
    photo = next(row for row in outing.rows() if row.act == "photo")
    copy = photo_of(outing, photo, spoiler=b"canary-in-the-metadata")
    outing.decide(
        photo, Decision.REDACT, text="现场照片(虚构)", photos=(copy,), reason="内部理由甲乙丙"
    )
    outing.note("尚在途中的笔记(虚构)")
    outing.read()
    tape.stream(pieces=2)
    assert tape.get(f"/g/photo/{copy}").status_code == 200
    tape.post("/g/opinions", {"kind": "praise", "text": "规范(虚构)"})
    tape.everywhere(ids_of(outing))
    outing.become(MissionState.ENDED)
    outing.read()
    outing.pass_time(hours=8)
    tape.everywhere(ids_of(outing))
    invited.revoke(outing.court.supervisor, "内部理由甲乙丙")
    tape.everywhere(ids_of(outing))


def test_no_canary_is_in_any_byte_that_a_guest_gets(app: Flask, outing: Outing) -> None:
    invited = invite(app, outing.court.supervisor, outing.mission, name="观察员乙")
    tape = Tape(app, browser(app))
    life(outing, tape, invited)
    everything = b"\n".join(tape.bytes).decode(errors="replace")
    assert "司徒某" in everything, "the room did show entries, masked"
    assert "清河镇" in everything
    assert len(TEXTS) >= 20
    # The title is shown once the mission has started; before that it is a canary as well.
    hidden = {name: text for name, text in TEXTS.items() if name != "title of the mission"}
    assert leaked(tape, hidden) == []
    ids = ids_of(outing)
    assert leaked(tape, {**ids, "code": invited.code}) == []


def test_the_finder_finds(app: Flask) -> None:
    tape = Tape(app, browser(app), [json.dumps("司徒金丝雀").encode(), b"a/%E9%87%91"])
    assert leaked(tape, {"name": "司徒金丝雀", "part": "金", "none": str(uuid.uuid4())}) == [
        "name",
        "part",
    ]


def test_before_the_start_no_title_and_no_place_is_known(app: Flask, outing: Outing) -> None:
    invited = invite(app, outing.court.supervisor, outing.mission, name="观察员乙")
    tape = Tape(app, browser(app))
    planted(outing)
    tape.get(invited.link)
    tape.get("/g")
    tape.post("/g", {"agree": "true", "code": invited.code})
    tape.stream()
    tape.everywhere(ids_of(outing))
    town = {"town": "清河镇", "county": "云岭县", "place": "晒谷场"}
    assert leaked(tape, {**TEXTS, **town, **ids_of(outing)}) == []


def test_before_the_code_nothing_of_a_mission_that_goes_on_is_known(
    app: Flask, outing: Outing
) -> None:
    invited = invite(app, outing.court.supervisor, outing.mission, name="观察员乙")
    planted(outing)
    outing.start()
    outing.read()
    tape = Tape(app, browser(app))
    tape.get(invited.link)
    tape.get("/g")
    tape.post("/g", {"agree": "true", "code": "000000"})
    tape.post("/g", {"code": invited.code})
    assert leaked(tape, {**TEXTS, **ids_of(outing)}) == []


def test_the_token_is_in_no_answer_after_redemption(app: Flask, outing: Outing) -> None:
    invited = invite(app, outing.court.supervisor, outing.mission)
    tape = Tape(app, browser(app))
    tape.visitor.redeem(invited)
    outing.start()
    outing.read()
    tape.everywhere(ids_of(outing))
    assert leaked(tape, {"token": invited.token}) == []
