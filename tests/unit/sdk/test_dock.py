import json
from pathlib import Path
from typing import Any

import pytest

from client_sdk._cli.app import Exit
from client_sdk._dock import counter_gaps
from client_sdk._transport.mock import MockTransport
from client_sdk.client import FieldClient
from client_sdk.errors import CaptureError
from client_sdk.protocol.times import parse_rfc3339
from tests.unit.sdk.cli_support import (
    CAMERA,
    CASE,
    DAY,
    MISSION,
    MORNING,
    NIGHT,
    OTHER_CASE,
    Run,
    card,
    payloads,
    put,
    snapshot,
)
from tests.unit.sdk.fake_server import DEVICE, OFFICER, FakeServer


def test_docking_a_matched_card_needs_one_confirm(
    run: Run, enrolled: FakeServer, tmp_path: Path
) -> None:
    folder = card(tmp_path / "card", **DAY)
    before = snapshot(folder)
    result = run("dock", folder, stdin="\n")
    assert result.exit_code == 0, result.output
    assert "The card may be removed." in result.stderr
    found = payloads(enrolled, "capture.recorded")
    assert [p["captured_by"] for p in found] == [CAMERA] * 3
    assert [(p["who"], p["mission"], p["case"]) for p in found] == [(OFFICER, MISSION, CASE)] * 3
    assert found[0]["match"] == {
        "booking": "b1",
        "certainty": "sure",
        "reason": "booked",
        "file_time": parse_rfc3339(MORNING).astimezone().isoformat(timespec="milliseconds"),
        "time_source": "file",
    }
    assert snapshot(folder) == before
    assert len(enrolled.blobs) == 3


def test_docking_again_takes_nothing_twice(run: Run, enrolled: FakeServer, tmp_path: Path) -> None:
    folder = card(tmp_path / "card", **DAY)
    run("dock", folder, "--yes")
    result = run("--json", "dock", folder, "--no-input")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["taken"] == []
    assert len(told["docked_before"]) == 3
    assert len(payloads(enrolled, "capture.recorded")) == 3


def test_unmatched_files_are_left_and_listed(
    run: Run, enrolled: FakeServer, tmp_path: Path
) -> None:
    folder = card(tmp_path / "card", A1_jpg=MORNING, B1_jpg=NIGHT)
    result = run("--json", "dock", folder, "--no-input")
    assert result.exit_code == Exit.NEEDS_PERSON
    told = json.loads(result.stdout)
    assert [item["file"] for item in told["taken"]] == ["DCIM/100NIKON/A1.jpg"]
    assert [item["reason"] for item in told["unmatched"]] == ["no-booking"]
    assert told["passed_over"] == ["NIKON.DB"]
    assert told["sync"]["uploaded"] == 1
    again = run("--json", "dock", folder, "--no-input", "--case", "(2026)虚0106执124号")
    assert again.exit_code == 0
    (item,) = json.loads(again.stdout)["taken"]
    assert (item["case"], item["officer"], item["reason"]) == (OTHER_CASE, None, "told")
    night = payloads(enrolled, "capture.recorded")[1]
    assert (night["who"], night["mission"], night["case"]) == (None, None, OTHER_CASE)


def test_only_what_cannot_be_matched_is_asked(
    run: Run, enrolled: FakeServer, tmp_path: Path
) -> None:
    folder = card(tmp_path / "card", A1_jpg=MORNING, B1_jpg=NIGHT, B2_jpg=NIGHT, B3_jpg=NIGHT)
    answers = ["no such case", "（2026）虚0106执124号", "", "", ""]  # again, then the offer twice
    result = run("dock", folder, stdin="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    cases = sorted(str(p["case"]) for p in payloads(enrolled, "capture.recorded"))
    assert cases == [CASE, OTHER_CASE, OTHER_CASE, OTHER_CASE]


def test_a_dry_run_does_nothing(run: Run, enrolled: FakeServer, tmp_path: Path) -> None:
    result = run("dock", card(tmp_path / "card", **DAY), "--dry-run")
    assert result.exit_code == 0
    assert "3 to take" in result.output
    assert not enrolled.wires


def test_refusing_the_confirm_does_nothing(run: Run, enrolled: FakeServer, tmp_path: Path) -> None:
    result = run("dock", card(tmp_path / "card", **DAY), stdin="n\n")
    assert result.exit_code == 1
    assert not enrolled.wires


def test_a_card_that_goes_away_is_resumed(
    run: Run, enrolled: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = card(tmp_path / "card", **DAY)
    real, left = FieldClient.capture, [2]

    def capture(client: FieldClient, *args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise CaptureError("A3.mp4: Input/output error")
        return real(client, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(FieldClient, "capture", capture)
        result = run("dock", folder, "--yes")
    assert result.exit_code == Exit.UNFINISHED
    assert "Insert it again" in result.stderr
    assert "may be removed" not in result.stderr
    assert len(payloads(enrolled, "capture.recorded")) == 2
    assert run("dock", folder, "--yes").exit_code == 0
    assert len(payloads(enrolled, "capture.recorded")) == 3


def test_docking_offline_seals_and_says_so(
    run: Run, enrolled: FakeServer, tmp_path: Path, transport: MockTransport
) -> None:
    transport.online = False
    result = run("--json", "dock", card(tmp_path / "card", **DAY), "--yes")
    assert result.exit_code == Exit.UNFINISHED
    told = json.loads(result.stdout)
    assert len(told["taken"]) == 3
    assert told["sync"]["paused"] == "offline"


def test_a_crash_between_file_and_row_is_not_docked_twice(
    run: Run, enrolled: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from client_sdk._outbox import Outbox  # noqa: PLC0415 - only here

    def dies(*_args: object, **_kwargs: object) -> None:
        raise SystemExit(137)

    folder = card(tmp_path / "card", A1_jpg=MORNING)
    with monkeypatch.context() as patch:
        patch.setattr(Outbox, "append", dies)
        run("dock", folder, "--yes")
    result = run("dock", folder, "--yes")
    assert result.exit_code == 0
    assert "recovered" in result.stderr
    assert not payloads(enrolled, "capture.recorded")
    (recovered,) = payloads(enrolled, "capture.recovered")
    assert (recovered["case"], recovered["captured_by"]) == (CASE, CAMERA)


@pytest.mark.parametrize(
    ("camera", "code"), [("Nikon 2", 0), (CAMERA, 0), (DEVICE, 3), ("Nikon 9", 1)]
)
def test_the_camera_by_id_or_name(
    run: Run, enrolled: FakeServer, tmp_path: Path, camera: str, code: int
) -> None:
    folder = card(tmp_path / "card", **DAY)
    result = run("--json", "dock", folder, "--no-input", "--camera", camera)
    assert result.exit_code == code
    again = run("--json", "dock", folder, "--no-input", "--case", CASE, "--camera", DEVICE)
    told = json.loads(again.stdout)["taken"]
    assert {item["camera"] for item in told} == ({DEVICE} if code else set())


def test_the_officers_phone_is_no_camera(run: Run, enrolled: FakeServer, tmp_path: Path) -> None:
    phone = "01936b1e-0000-7000-8000-0000000000cb"
    for number, (device, kind) in enumerate(((phone, "phone"), (DEVICE, "dock"))):
        enrolled.changes.append(
            put(
                "booking",
                f"p{number}",
                device_id=device,
                user_id=CASE,
                starts_at="2026-11-23T08:00:00+08:00",
            )
        )
        enrolled.changes.append(
            put("mission", device, title=kind, devices=[{"id": phone, "kind": "phone"}])
        )
    run("sync")
    told = json.loads(run("--json", "dock", card(tmp_path / "card", **DAY), "--no-input").stdout)
    assert [(item["officer"], item["camera"]) for item in told["taken"]] == [(OFFICER, CAMERA)] * 3


def test_counter_gaps() -> None:
    names = ["D/DSC_0231.JPG", "D/DSC_0234.JPG", "D/DSC_0235.JPG", "E/DSC_0001.JPG", "notes.txt"]
    assert counter_gaps(names) == ["D/DSC_0231 → D/DSC_0234"]
