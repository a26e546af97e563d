"""Supervisor and officer: an item goes back and comes again, is asked about, moved, handed out."""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tusclient.client import TusClient

from client_sdk import FieldClient
from client_sdk.errors import ApiError, NotFoundError
from client_sdk.models import Captured
from deploy.demo import media
from tests.functional.journeys.test_dock import DAY_IN_2008
from tests.support.bureau import Bureau, bureau, eventually, tiezheng, until_synced

DATABASE = "postgresql"


@pytest.fixture
def phone(office: Bureau) -> FieldClient:
    """The officer's phone."""
    return office.enrol("phone", office.court.officer)


@pytest.fixture
def case(office: Bureau) -> str:
    """The officer's case."""
    return office.case(office.court.officer)


@pytest.fixture
def photo(tmp_path: Path) -> Callable[[str], Path]:
    """Makes pictures, each another one."""

    def make(name: str) -> Path:
        seed = len(list(tmp_path.glob("*.jpg")))
        return media.gps_photo(
            tmp_path / f"{name}.jpg", 38.21, 104.41, DAY_IN_2008, seed=seed, size_px=(320, 240)
        )

    return make


def decide(office: Bureau, evidence: str, decision: str, **more: str) -> dict[str, Any]:
    """A decision of the supervisor."""
    return office.post(f"/evidence/{evidence}/review", {"decision": decision, **more})


def evidence_of(office: Bureau, case: str, captured: Captured) -> str:
    """Id of the item that a capture became."""
    rows = office.desk.items(f"/cases/{case}/evidence")
    return next(str(row["id"]) for row in rows if row["seq"] == captured.seq)


def came_back(phone: FieldClient) -> dict[str, dict[str, Any]]:
    """What was returned or asked about, pulled until there is something."""

    def pulled() -> dict[str, dict[str, Any]]:
        phone.pull()
        return phone.returns()

    return eventually(pulled)


def nothing_is_open(phone: FieldClient) -> bool:
    """Pull until nothing waits for the officer any more."""

    def pulled() -> bool:
        phone.pull()
        return not phone.returns()

    return eventually(pulled)


def refused(client: FieldClient, method: str, path: str, **more: Any) -> ApiError:
    """What a refused request was answered with."""
    with pytest.raises(ApiError) as caught:
        client.request(method, path, **more)
    return caught.value


def test_a_returned_item_comes_again_and_is_accepted(
    office: Bureau, phone: FieldClient, case: str, photo: Callable[[str], Path]
) -> None:
    blurred = phone.capture(photo("模糊"), case=case)
    until_synced(phone)
    office.evidence(case, 1, examined=False)
    item = evidence_of(office, case, blurred)
    assert refused(
        office.desk, "POST", f"/evidence/{item}/review", json={"decision": "return"}
    ).slug.startswith("validation")
    decide(office, item, "return", reason_code="3", text="封条不清，请重拍")

    back = came_back(phone)[item]
    shown = tiezheng(phone.root, "sync")
    assert "tiezheng returns" in shown.out, shown.out + shown.err
    assert (back["decision"], back["reason"]["name"], back["seq"]) == (
        "return", "unclear", blurred.seq
    )  # fmt: skip
    assert back["by"]["name"] == office.court.supervisor.name
    listed = tiezheng(phone.root, "returns", "--json")
    assert [one["text"] for one in listed.json["returns"]] == ["封条不清，请重拍"]

    sharp = phone.capture(photo("清晰"), case=case)
    until_synced(phone)
    office.evidence(case, 2, examined=False)
    decide(office, evidence_of(office, case, sharp), "accept")
    decide(office, item, "accept")
    assert nothing_is_open(phone)
    states = {row["seq"]: row["review_state"] for row in office.evidence(case, 2, examined=False)}
    assert states == {blurred.seq: "accepted", sharp.seq: "accepted"}
    kinds = [row["kind"] for row in office.custody(item, "review.accepted")]
    assert [one for one in kinds if one.startswith("review.")] == [
        "review.returned", "review.accepted"
    ]  # fmt: skip


def test_a_question_reaches_the_officer_who_answers(
    office: Bureau, phone: FieldClient, case: str, photo: Callable[[str], Path]
) -> None:
    captured = phone.capture(photo("查封"), case=case)
    until_synced(phone)
    office.evidence(case, 1, examined=False)
    item = evidence_of(office, case, captured)
    decide(office, item, "query", text="此处是哪一间？")
    assert came_back(phone)[item]["decision"] == "query"
    answer = {"decision": "comment", "text": "二楼东侧"}
    phone.request("POST", f"/evidence/{item}/review", json=answer)
    said = [(row["decision"], row["text"]) for row in phone.items(f"/evidence/{item}/review")]
    assert said == [("query", "此处是哪一间？"), ("comment", "二楼东侧")]
    own = {"decision": "accept"}
    assert refused(phone, "POST", f"/evidence/{item}/review", json=own).status == 403
    decide(office, item, "accept")
    assert nothing_is_open(phone)


def test_an_item_of_the_wrong_case_is_moved_and_both_cases_show_it(
    office: Bureau, phone: FieldClient, case: str, photo: Callable[[str], Path]
) -> None:
    right = office.case(office.court.second_officer)
    captured = phone.capture(photo("误归"), case=case)
    until_synced(phone)
    office.evidence(case, 1, examined=False)
    item = evidence_of(office, case, captured)
    second = office.enrol("second", office.court.second_officer)
    assert refused(second, "GET", f"/evidence/{item}").status == 404
    move = {"case_id": right, "reason": "归属案件有误"}
    assert refused(phone, "POST", f"/evidence/{item}/rebind", json=move).status == 403
    moved = office.post(f"/evidence/{item}/rebind", move)
    assert moved["case_id"] == right
    assert list(office.desk.items(f"/cases/{case}/evidence")) == []
    assert [row["id"] for row in second.items(f"/cases/{right}/evidence")] == [item]
    rebound = [
        json.loads(row["payload"])
        for row in office.custody(item, "evidence.rebound", 2)
        if row["kind"] == "evidence.rebound"
    ]
    assert [one["case"] for one in rebound] == [right, case]
    assert {one["facts"]["reason"] for one in rebound} == {"归属案件有误"}


def test_the_board_shows_what_did_not_come_and_what_nobody_claims(
    office: Bureau, phone: FieldClient, case: str, photo: Callable[[str], Path]
) -> None:
    captured = phone.capture(photo("只到记录"), case=case)
    records = [wire for _, _, wire in phone._ledger.unsent_records(10, 1 << 20)]
    phone.request("POST", "/sync/push", json={"records": records})
    data = random.Random("vendor").randbytes(40_000)
    vendor_uploads(office, phone, case, data)

    board = office.desk.request("GET", "/missing-items").json()
    absent = [row["sha256"] for row in board["records_without_bytes"]]
    assert absent == [captured.sha256]
    unclaimed = [row["sha256"] for row in board["bytes_without_record"]]
    assert unclaimed == [hashlib.sha256(data).hexdigest()]
    item = evidence_of(office, case, captured)
    error = refused(office.desk, "GET", f"/evidence/{item}/content", headers={"Purpose": "review"})
    assert error.slug == "content-missing"

    until_synced(phone)
    phone.capture(io.BytesIO(data), name="vendor.bin", case=case)
    until_synced(phone)
    board = office.desk.request("GET", "/missing-items").json()
    assert not board["records_without_bytes"]
    assert not board["bytes_without_record"]


def vendor_uploads(office: Bureau, phone: FieldClient, case: str, data: bytes) -> None:
    """An unmodified tus client with a token that the officer asked for."""
    digest = hashlib.sha256(data).hexdigest()
    wanted = {"case_id": case, "objects": [{"sha256": digest, "size_bytes": len(data)}]}
    token = phone.request("POST", "/upload-grants", json=wanted).json()["token"]
    endpoint = f"{office.server.url}/api/v1/uploads"
    client = TusClient(endpoint, headers={"Authorization": f"Bearer {token}"})
    metadata = {"sha256": digest, "filename": "执法仪.mp4", "filetype": "video/mp4"}
    client.uploader(file_stream=io.BytesIO(data), metadata=metadata, chunk_size=16_384).upload()


def test_a_download_in_ranges_is_recorded_with_its_purpose(
    office: Bureau, phone: FieldClient, case: str, photo: Callable[[str], Path]
) -> None:
    path = photo("原件")
    until_synced_with(phone, path, case)
    office.evidence(case, 1, examined=False)
    item = next(str(row["id"]) for row in office.desk.items(f"/cases/{case}/evidence"))
    content = f"/evidence/{item}/content"
    assert refused(office.desk, "GET", content).slug == "purpose-required"
    whole = path.read_bytes()
    pieces = []
    for first in range(0, len(whole), 5000):
        last = min(first + 5000, len(whole)) - 1
        headers = {"Purpose": "court hearing", "Range": f"bytes={first}-{last}"}
        answer = office.desk.request("GET", content, headers=headers)
        assert answer.status == 206
        assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"
        pieces.append(answer.body)
    assert b"".join(pieces) == whole
    beyond = {"Purpose": "court hearing", "Range": f"bytes={len(whole)}-"}
    assert refused(office.desk, "GET", content, headers=beyond).status == 416
    rows = office.custody(item, "custody.downloaded")
    downloads = [row for row in rows if row["kind"] == "custody.downloaded"]
    assert len(downloads) == 1, "ranges of one reading are one event"
    assert downloads[0]["actor_id"] == str(office.court.supervisor.id)
    told = json.loads(downloads[0]["payload"])
    assert "court hearing" in json.dumps(told)
    assert "127.0.0.1" in json.dumps(told)


def until_synced_with(phone: FieldClient, path: Path, case: str) -> None:
    """Capture and send one file."""
    phone.capture(path, case=case)
    until_synced(phone)


def test_another_courts_supervisor_sees_nothing(
    office: Bureau, phone: FieldClient, case: str, photo: Callable[[str], Path], tmp_path: Path
) -> None:
    until_synced_with(phone, photo("本院"), case)
    office.evidence(case, 1, examined=False)
    item = next(str(row["id"]) for row in office.desk.items(f"/cases/{case}/evidence"))
    with bureau(office.server, tmp_path / "other") as other:
        for method, path in (
            ("GET", f"/cases/{case}"),
            ("GET", f"/cases/{case}/evidence"),
            ("GET", f"/evidence/{item}"),
            ("GET", f"/evidence/{item}/custody"),
            ("GET", f"/evidence/{item}/content"),
            ("GET", f"/evidence/{item}/review"),
            ("GET", f"/devices/{phone.identity.device_id}/clock"),
        ):
            with pytest.raises(NotFoundError):
                other.desk.request(method, path, headers={"Purpose": "curious"})
        with pytest.raises(NotFoundError):
            decide(other, item, "accept")
        assert not list(other.desk.items("/cases"))
        board = other.desk.request("GET", "/missing-items").json()
        assert not any(board.values())
    kinds = {row["kind"] for row in office.custody(item, "custody.viewed")}
    assert not kinds & {"custody.downloaded", "review.accepted"}
