import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from client_sdk import errors
from client_sdk._cli.app import Exit, exit_of_error, exit_of_sync, size_text
from client_sdk._cli.messages import Lang, detect, keys, text
from client_sdk._transport import Request
from client_sdk._transport.mock import MockTransport
from client_sdk.models import ItemState, Pending, Problem, SyncReport
from client_sdk.protocol.matching import Reason
from tests.unit.sdk.cli_support import (
    CASE,
    MISSION,
    Run,
    payloads,
)
from tests.unit.sdk.fake_server import FakeServer


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
