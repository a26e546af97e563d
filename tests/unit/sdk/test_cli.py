import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from client_sdk import cli, errors
from client_sdk._cli.app import Exit, exit_of_error, exit_of_sync, size_text
from client_sdk._cli.messages import Lang, detect, keys, text
from client_sdk._dock import counter_gaps
from client_sdk._match import Reason
from client_sdk._transport import Request
from client_sdk._transport.mock import MockTransport
from client_sdk.client import FieldClient
from client_sdk.errors import CaptureError
from client_sdk.models import ItemState, Pending, Problem, SyncReport
from client_sdk.protocol.times import parse_rfc3339, unix_ms
from tests.unit.sdk.conftest import FakeClock
from tests.unit.sdk.fake_server import BASE_URL, CODE, DEVICE, OFFICER, FakeServer

CAMERA = "01936b1e-0000-7000-8000-0000000000ca"
CASE = "01936b1e-0000-7000-8000-0000000000a0"
OTHER_CASE = "01936b1e-0000-7000-8000-0000000000a1"
MISSION = "01936b1e-0000-7000-8000-0000000000e0"
NIGHT = "2026-11-22T23:00:00+08:00"

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, transport: MockTransport, clock: FakeClock) -> Run:
    def make(base_url: str | None, **settings: Any) -> FieldClient:
        return FieldClient(
            base_url, **{**settings, "secrets": None, "transport": transport, "clock": clock}
        )

    def invoke(
        *args: object, stdin: str | None = None, env: dict[str, str] | None = None
    ) -> Result:
        return CliRunner().invoke(
            cli.main,
            [
                "--store",
                str(tmp_path / "store"),
                "--server",
                BASE_URL,
                "--lang",
                "en",
                *map(str, args),
            ],
            obj={"make_client": make},
            input=stdin,
            env=env or {},
        )

    return invoke


@pytest.fixture
def enrolled(run: Run, server: FakeServer) -> FakeServer:
    server.changes = [
        _put("mission", MISSION, title="搜查", case_ids=[CASE]),
        _put("case", CASE, case_no="(2026)虚0106执123号"),
        _put("case", OTHER_CASE, case_no="(2026)虚0106执124号"),
        _put(
            "booking",
            "b1",
            device_id=CAMERA,
            user_id=OFFICER,
            mission_id=MISSION,
            device_name="Nikon 2",
            starts_at="2026-11-23T08:00:00+08:00",
            ends_at="2026-11-23T18:00:00+08:00",
        ),
    ]
    assert run("enrol", CODE, "--name", "dock").exit_code == 0
    assert run("sign-in", "liu", "--password-stdin", stdin="password\n").exit_code == 0
    return server


def _put(kind: str, identifier: str, **data: Any) -> dict[str, Any]:
    return {"kind": kind, "op": "put", "id": identifier, "data": data}


def card(folder: Path, **times: str) -> Path:
    """A card whose files were closed at the given times."""
    (folder / "DCIM" / "100NIKON").mkdir(parents=True)
    for name, when in times.items():
        path = folder / "DCIM" / "100NIKON" / name.replace("_", ".")
        path.write_bytes(f"content of {name}".encode())
        ns = unix_ms(parse_rfc3339(when)) * 1_000_000
        os.utime(path, ns=(ns, ns))
    (folder / "NIKON.DB").write_bytes(b"index")
    (folder / ".hidden.jpg").write_bytes(b"hidden")
    (folder / "link.jpg").symlink_to(folder / "NIKON.DB")
    return folder


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


MORNING = "2026-11-23T09:00:00+08:00"
DAY = {
    "A1_jpg": MORNING,
    "A2_jpg": "2026-11-23T10:00:00+08:00",
    "A3_mp4": "2026-11-23T11:00:00+08:00",
}


def payloads(server: FakeServer, act: str) -> list[dict[str, Any]]:
    found = [server.wires[key].payload for key in sorted(server.wires)]
    return [payload for payload in found if payload["act"] == act]


# -- dock


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
            _put(
                "booking",
                f"p{number}",
                device_id=device,
                user_id=CASE,
                starts_at="2026-11-23T08:00:00+08:00",
            )
        )
        enrolled.changes.append(
            _put("mission", device, title=kind, devices=[{"id": phone, "kind": "phone"}])
        )
    run("sync")
    told = json.loads(run("--json", "dock", card(tmp_path / "card", **DAY), "--no-input").stdout)
    assert [(item["officer"], item["camera"]) for item in told["taken"]] == [(OFFICER, CAMERA)] * 3


def test_counter_gaps() -> None:
    names = ["D/DSC_0231.JPG", "D/DSC_0234.JPG", "D/DSC_0235.JPG", "E/DSC_0001.JPG", "notes.txt"]
    assert counter_gaps(names) == ["D/DSC_0231 → D/DSC_0234"]


# -- the other commands


def test_the_day_by_commands(run: Run, enrolled: FakeServer, tmp_path: Path) -> None:
    photo = tmp_path / "证据 1.jpg"
    photo.write_bytes(b"photo")
    assert run("missions", "--use", MISSION, "--ticket").exit_code == 0
    result = run("capture", photo, "--lat", "38.21", "--lon", "104.41", "--accuracy", "8.0")
    assert result.exit_code == 0, result.output
    assert "证据 1.jpg sealed" in result.stdout
    assert run("log", "到达现场").exit_code == 0
    listed = run("outbox")
    assert "on this device" in listed.stdout
    synced = run("sync")
    assert synced.exit_code == 0
    assert "Everything on this device is confirmed" in synced.stdout
    found = json.loads(run("--json", "outbox").stdout)["items"]
    assert {item["state"] for item in found} == {ItemState.CONFIRMED.value}
    kept = json.loads(run("--json", "receipts").stdout)["receipts"]
    assert len(kept) == 3
    assert set(kept[0]["statement"]) == {"s", "sig", "k"}
    assert run("receipts").exit_code == 0
    payload = payloads(enrolled, "capture.recorded")[0]
    assert (payload["mission"], payload["case"], payload["ticket"]) == (
        MISSION,
        CASE,
        "ticket-nonce",
    )
    assert payload["geo"]["lat"] == "38.21"


@pytest.mark.parametrize(
    "args",
    [
        ["outbox"],
        ["receipts"],
        ["sync"],
        ["sync", "--dry-run"],
        ["missions"],
        ["log", "x"],
        ["sign-out"],
    ],
)
def test_json_is_pure(run: Run, enrolled: FakeServer, args: list[str]) -> None:
    result = run("--json", *args)
    assert result.exit_code == 0
    assert isinstance(json.loads(result.stdout), dict)


def test_not_enrolled(run: Run) -> None:
    result = run("--json", "log", "x")
    assert result.exit_code == Exit.REFUSED
    assert json.loads(result.stdout)["error"] == "not-enrolled"
    assert "tiezheng enrol" in result.stderr


def test_a_wrong_password(run: Run, enrolled: FakeServer) -> None:
    result = run("sign-in", "liu", "--password-stdin", stdin="wrong\n")
    assert result.exit_code == Exit.REFUSED


def test_offline_sync(run: Run, enrolled: FakeServer, transport: MockTransport) -> None:
    run("log", "x")
    transport.online = False
    result = run("sync", "--patience", "1")
    assert result.exit_code == Exit.UNFINISHED
    assert "Nothing is lost" in result.stdout


def test_refused_items_need_a_person_and_can_be_sent_again(
    run: Run, enrolled: FakeServer, tmp_path: Path
) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"photo")
    run("capture", photo)

    def fault(request: Request) -> str | None:
        return "422:validation" if request.url.endswith("/uploads") else None

    enrolled.fault = fault
    assert run("sync").exit_code == Exit.NEEDS_PERSON
    assert run("outbox").exit_code == Exit.NEEDS_PERSON
    enrolled.fault = None
    assert run("sync", "--retry-parked").exit_code == 0


def test_chinese(run: Run, enrolled: FakeServer) -> None:
    assert "已记录" in run("--lang", "zh", "log", "x").stdout


def test_language_of_the_locale() -> None:
    assert detect({"LANG": "zh_CN.UTF-8"}) is Lang.ZH
    assert detect({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}) is Lang.EN
    assert detect({}) is Lang.EN


def test_every_message_exists_in_both_languages() -> None:
    for key in keys():
        for lang in Lang:
            template = text(lang, key, **dict.fromkeys(_names(key), "x"))
            assert template
    assert {f"why.{reason.value}" for reason in Reason} <= keys()
    assert {f"state.{state.value}" for state in ItemState} <= keys()


def _names(key: str) -> list[str]:
    import string  # noqa: PLC0415 - only here

    from client_sdk._cli.messages import _TEXTS  # noqa: PLC0415 - only here

    found = [
        {name for _, name, _, _ in string.Formatter().parse(template) if name}
        for template in _TEXTS[key]
    ]
    assert found[0] == found[1], key
    return sorted(found[0])


def test_exit_codes() -> None:
    assert exit_of_sync(SyncReport()) is Exit.OK
    assert exit_of_sync(SyncReport(paused="offline")) is Exit.UNFINISHED
    assert exit_of_sync(SyncReport(pending=Pending(receipts=1))) is Exit.UNFINISHED
    for code, expected in {
        "parked": Exit.NEEDS_PERSON,
        "receipt-rejected": Exit.TRUST,
        "device-revoked": Exit.REFUSED,
    }.items():
        assert exit_of_sync(SyncReport(problems=(Problem(code, ""),))) is expected
    assert exit_of_error(errors.TrustError()) is Exit.TRUST
    assert exit_of_error(errors.StoreFullError()) is Exit.STORE
    assert exit_of_error(errors.TransportError()) is Exit.UNFINISHED
    assert exit_of_error(errors.api_error(503, {})) is Exit.UNFINISHED
    assert exit_of_error(errors.api_error(403, {})) is Exit.REFUSED
    assert exit_of_error(errors.CaptureError()) is Exit.ERROR


def test_sizes() -> None:
    assert [size_text(n) for n in (0, 1023, 1024, 5 << 20, 3 << 40, 3 << 50)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "5.0 MiB",
        "3.0 TiB",
        "3072.0 TiB",
    ]


def test_the_installed_command_explains_itself() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "client_sdk.cli", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    for word in ("enrol", "dock", "capture", "log", "sync", "outbox", "receipts", "Exit codes:"):
        assert word in result.stdout
