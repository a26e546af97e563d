"""What the server exports is what the verifier accepts, and says what is left out."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from client_sdk.dossier.report import Report
from client_sdk.dossier.verify import verify_dossier
from client_sdk.protocol import jcs
from client_sdk.protocol.dossier import EntryLine
from client_sdk.protocol.epochs import certify
from client_sdk.protocol.heads import show
from client_sdk.protocol.keys import PrivateKey
from client_sdk.protocol.verdicts import Verdict
from server.disclosure import building
from server.disclosure.report.custody import custody_pdf
from tests.factories.cases import add_case, add_mission
from tests.factories.exports import Bureau, enrol, entries_of, kinds_of
from tests.factories.field import Recorder, sequence
from tests.factories.log import sign_log
from tests.factories.retention import without_rules
from tests.factories.trusting import trust_of
from tests.factories.uploads import sha256_of


@pytest.fixture
def bureau(app: Flask) -> Bureau:
    return Bureau.build(app)


def judged(bureau: Bureau, folder: Path, **body: Any) -> tuple[Report, list[EntryLine]]:
    """Export, verify; the report without the remark that no time authority is pinned."""
    package = bureau.package(bureau.export(**body), folder)
    return verify_dossier(package, trust_of(bureau)), entries_of(package)


def reasons(report: Report) -> list[str]:
    """Reasons of the findings, but for what nobody was asked for: time tokens, witnesses."""
    assert report.verdict in {Verdict.VERIFIED, Verdict.FINDINGS}, report.findings
    found = sorted(finding.reason.value for finding in report.findings)
    return [reason for reason in found if reason not in {"token-unpinned", "quorum-unpinned"}]


def acts(lines: list[EntryLine]) -> list[str]:
    """Kinds of the disclosed entries."""
    return [jcs.loads_object(line.payload)["act"] for line in lines if line.payload]


def test_a_whole_case(bureau: Bureau, tmp_path: Path) -> None:
    report, lines = judged(bureau, tmp_path)
    assert reasons(report) == []
    assert all(line.payload for line in lines)


def test_a_second_export_tells_of_the_first(bureau: Bureau, tmp_path: Path) -> None:
    first, _ = judged(bureau, tmp_path)
    second, lines = judged(bureau, tmp_path)
    assert reasons(first) == reasons(second) == []
    assert acts(lines).count("custody.exported") == 2


def test_records_of_other_cases_are_stubs(bureau: Bureau, tmp_path: Path) -> None:
    other = add_case(bureau.app, bureau.world.first.id, serial=12)
    bureau.note("别案(虚构)", other)
    bureau.photo(b"of another case", other)
    bureau.note("又回本案(虚构)")
    sequence(bureau.app)
    report, lines = judged(bureau, tmp_path)
    assert reasons(report) == []
    stubs = [line for line in lines if line.payload is None]
    assert len(stubs) == 2
    whole = "".join(line.payload or "" for line in lines)
    assert "别案" not in whole
    assert sha256_of(b"of another case") not in whole


def test_a_selection_discloses_its_items_and_no_others(bureau: Bureau, tmp_path: Path) -> None:
    chosen, hidden = bureau.photos
    report, lines = judged(bureau, tmp_path, evidence_ids=[str(bureau.item(chosen))])
    assert set(reasons(report)) == {"redaction-declared"}
    whole = "".join(line.payload or "" for line in lines)
    assert sha256_of(chosen) in whole
    assert sha256_of(hidden) not in whole
    assert "到达现场" not in whole


def test_an_original_that_never_came_is_declared(bureau: Bureau, tmp_path: Path) -> None:
    bureau.photo(b"never sent", sent=False)
    sequence(bureau.app)
    report, _ = judged(bureau, tmp_path)
    assert reasons(report) == ["object-missing"]


def test_items_that_were_moved(bureau: Bureau, tmp_path: Path) -> None:
    other = add_case(bureau.app, bureau.world.first.id, serial=12)
    bureau.photo(b"found in the wrong case", other)
    away, _ = bureau.photos[:2]
    moves = ((b"found in the wrong case", bureau.case_id), (away, other))
    for photo, case_id in moves:
        body = {"case_id": str(case_id), "reason": "归错(虚构)"}
        answer = bureau.person("president").post(
            f"/evidence/{bureau.item(photo)}/rebind", json=body
        )
        assert answer.status_code == 200, answer.get_json()
    sequence(bureau.app)
    report, lines = judged(bureau, tmp_path)
    assert set(reasons(report)) <= {"redaction-declared", "evidence-rebound"}
    captures = "".join(
        line.payload or "" for line in lines if "capture.recorded" in (line.payload or "")
    )
    assert sha256_of(b"found in the wrong case") in captures
    assert sha256_of(away) not in captures


def test_an_erased_record_leaves_its_header(bureau: Bureau, tmp_path: Path) -> None:
    photo = bureau.photos[0]
    erase(bureau, photo)
    report, lines = judged(bureau, tmp_path)
    assert set(reasons(report)) == {"erasure-declared"}
    assert [line for line in lines if line.payload is None]
    assert sha256_of(photo) not in "".join(
        line.payload or "" for line in lines if "capture.recorded" in (line.payload or "")
    )


def erase(bureau: Bureau, photo: bytes) -> None:
    """One person asks, another agrees."""
    without_rules(bureau.app)
    why = {"legal_basis": "个人信息保护法第四十七条", "reason": "误摄(虚构)"}
    path = f"/evidence/{bureau.item(photo)}/erasures"
    asked = bureau.person("supervisor").post(path, json=why)
    assert asked.status_code == 201, asked.get_json()
    path = f"/erasures/{asked.get_json()['id']}/approve"
    assert bureau.person("president").post(path, json={}).status_code == 200
    sequence(bureau.app)


def test_an_erasure_while_it_waits_is_followed(bureau: Bureau, tmp_path: Path) -> None:
    export_id = bureau.asked()
    bureau.work()
    erase(bureau, bureau.photos[0])
    for _ in range(3):
        sign_log(bureau.app)
        bureau.soon()
    shown = bureau.shown(export_id)
    assert shown["state"] == "done", shown
    package = bureau.package(shown, tmp_path)
    assert set(reasons(verify_dossier(package, trust_of(bureau)))) == {"erasure-declared"}
    with zipfile.ZipFile(package) as archive:
        assert not [name for name in archive.namelist() if sha256_of(bureau.photos[0]) in name]


def test_a_gap_that_a_person_let_pass_is_declared(bureau: Bureau, tmp_path: Path) -> None:
    bureau.recorder.note("从未到达(虚构)", case=str(bureau.case_id))
    late = bureau.recorder.note("之后(虚构)", case=str(bureau.case_id))
    assert bureau.recorder.outcomes([late]) == ["held"]
    path = f"/sync/held/{bureau.recorder.device.id}/1/{bureau.recorder.seq}/release"
    answer = bureau.person().post(path, json={"reason": "设备损坏(虚构)"})
    assert answer.status_code < 300, answer.get_json()
    sequence(bureau.app)
    report, _ = judged(bureau, tmp_path)
    assert "chain-gap-declared" in reasons(report)


def test_a_range_begins_at_the_ticket(bureau: Bureau, tmp_path: Path) -> None:
    other = add_case(bureau.app, bureau.world.first.id, serial=12)
    officer = bureau.person("officer")
    recorder = bureau.recorder
    body = {"mission_id": str(bureau.mission_id), "ep": 1, "seq": recorder.seq,
            "head": recorder.prev}  # fmt: skip
    answer = officer.post("/tickets", json=body)
    assert answer.status_code < 300, answer.get_json()
    nonce = jcs.loads_object(answer.get_json()["s"])["nonce"]
    bureau.push(recorder.note("凭票出发(虚构)", case=str(other), ticket=nonce))
    sequence(bureau.app)
    bureau.case_id = other
    report, lines = judged(bureau, tmp_path)
    assert reasons(report) == []
    assert "ticket.issued" in acts(lines)
    assert "到达现场" not in "".join(line.payload or "" for line in lines)
    assert not [line for line in lines if line.payload is None]


def test_rotated_keys_are_proven(bureau: Bureau, tmp_path: Path) -> None:
    recorder, phone = bureau.recorder, bureau.world.first.phone
    successor = PrivateKey.generate(phone.key.alg)
    place = {"src": str(phone.id), "ep": 1, "seq": recorder.seq + 1, "prev": recorder.prev}
    key = certify(successor, **place).to_dict()  # type: ignore[arg-type]
    bureau.push(recorder.seal(recorder.payload("key.next", key=key)))
    recorder.signs_with = successor
    bureau.photo(b"signed with the next key")
    sequence(bureau.app)
    report, lines = judged(bureau, tmp_path)
    assert reasons(report) == []
    assert "key.next" in acts(lines)


def test_heads_seen_by_another_device_travel_along(bureau: Bureau, tmp_path: Path) -> None:
    court = bureau.world.first
    enrol(bureau.app, court.dock)
    phone, recorder = court.phone, bureau.recorder
    head = show(
        phone.key, device=phone.id, ep=1, seq=recorder.seq, hid=recorder.prev,
        unix_ms=int(bureau.clock.now().timestamp() * 1000),
    )  # fmt: skip
    witness = Recorder(bureau.app, court.dock)
    about = {"head": head.to_dict(), "case": None}
    outcomes = witness.outcomes([witness.seal(witness.payload("head.attest", **about))])
    assert outcomes == ["accepted"]
    sequence(bureau.app)
    package = bureau.package(bureau.export(), tmp_path)
    report = verify_dossier(package, trust_of(bureau, court.dock))
    assert reasons(report) == []
    assert "head.attest" in acts(entries_of(package))


def test_closings_and_tombstones_of_other_missions_stay_stubs(
    bureau: Bureau, tmp_path: Path
) -> None:
    court, recorder = bureau.world.first, bureau.recorder
    other = add_case(bureau.app, court.id, serial=12)
    elsewhere = add_mission(
        bureau.app, court.id, [other], officer_ids=[court.officer.id], device_ids=[court.phone.id],
    )  # fmt: skip

    def close(mission: object, witness: str) -> None:
        closing = {"count": 1, "head": recorder.prev, "witness": witness}
        about = {"mission": str(mission), "case": None, "who": str(court.officer.id)}
        recorder.outcomes(
            [recorder.seal(recorder.payload("mission.closed", closing=closing, **about))]
        )

    def bury(data: bytes) -> None:
        ref = {"sha256": sha256_of(data), "reason": "confirmed"}
        recorder.outcomes([recorder.seal(recorder.payload("capture.deleted", ref=ref, case=None))])

    bureau.photo(b"of another case", other)
    close(elsewhere, "李四(虚构)")
    bury(b"of another case")
    close(bureau.mission_id, "张三(虚构)")
    bury(bureau.photos[0])
    bureau.note("又回本案(虚构)")
    sequence(bureau.app)
    report, lines = judged(bureau, tmp_path)
    assert reasons(report) == []
    assert acts(lines).count("mission.closed") == acts(lines).count("capture.deleted") == 1
    whole = "".join(line.payload or "" for line in lines)
    assert "张三" in whole
    assert "李四" not in whole
    assert sha256_of(b"of another case") not in whole


def test_a_revoked_device_is_told(bureau: Bureau, tmp_path: Path) -> None:
    path = f"/devices/{bureau.world.first.phone.id}/revoke"
    dock = bureau.world.caller(bureau.world.first.people["administrator"], bureau.world.first.dock)
    assert dock.post(path, json={"reason": "遗失(虚构)"}).status_code == 200
    sequence(bureau.app)
    answer = bureau.world.caller(
        bureau.world.first.people["supervisor"], bureau.world.first.dock
    ).post("/exports", json={"case_id": str(bureau.case_id), "purpose": "x", "recipient": "y"})
    export_id = answer.get_json()["id"]
    bureau.work()
    sign_log(bureau.app)
    bureau.soon()
    shown = bureau.row(export_id)
    found = {"id": export_id, "sha256": shown.sha256}
    report = verify_dossier(bureau.package(found, tmp_path), trust_of(bureau))
    assert "device.revoked" in acts(entries_of(tmp_path / f"{export_id}.zip"))
    assert reasons(report) == []


def test_views_while_it_waits_do_not_hold_it_up(bureau: Bureau, tmp_path: Path) -> None:
    export_id = bureau.asked()
    bureau.work()
    answer = bureau.person().get(f"/evidence/{bureau.item(bureau.photos[0])}")
    assert answer.status_code == 200
    sequence(bureau.app)
    sign_log(bureau.app)
    bureau.soon()
    shown = bureau.shown(export_id)
    assert shown["state"] == "done"
    report = verify_dossier(bureau.package(shown, tmp_path), trust_of(bureau))
    assert reasons(report) == []
    assert kinds_of(bureau.app).count("custody.exported") == 1


def test_a_record_between_decision_and_entry_is_exported_too(
    bureau: Bureau, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, waiting = (
        custody_pdf,
        [bureau.recorder.note("迟到(虚构)", case=str(bureau.case_id))],
    )

    def slow(*given: Any) -> bytes:
        while waiting:
            bureau.push(waiting.pop())
            sequence(bureau.app)
        return real(*given)

    monkeypatch.setattr(building, "custody_pdf", slow)
    export_id = bureau.asked()
    bureau.work()
    for _ in range(2):
        sign_log(bureau.app)
        bureau.soon()
    shown = bureau.shown(export_id)
    assert shown["state"] == "done", shown
    package = bureau.package(shown, tmp_path)
    assert reasons(verify_dossier(package, trust_of(bureau))) == []
    assert kinds_of(bureau.app).count("custody.exported") == 2
    assert "迟到" in "".join(line.payload or "" for line in entries_of(package))
