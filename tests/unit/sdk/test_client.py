import hashlib
import json
from typing import Any
from uuid import UUID

import pytest

from client_sdk import errors
from client_sdk._transport import Request
from client_sdk._transport.mock import MockTransport
from client_sdk.client import FieldClient
from client_sdk.models import ItemState
from client_sdk.protocol.keys import Algorithm
from client_sdk.protocol.payloads import Geo
from tests.unit.sdk.conftest import Opener
from tests.unit.sdk.fake_clock import FakeClock
from tests.unit.sdk.fake_server import CODE, DEVICE, OFFICER, FakeServer

CASE = "01936b1e-0000-7000-8000-0000000000a0"
MISSION = "01936b1e-0000-7000-8000-0000000000e0"


def acts(server: FakeServer) -> list[str]:
    return [server.wires[key].payload["act"] for key in sorted(server.wires)]


def captured(server: FakeServer) -> list[dict[str, Any]]:
    found = [server.wires[key].payload for key in sorted(server.wires)]
    return [payload for payload in found if payload["act"] == "capture.recorded"]


@pytest.mark.parametrize("alg", list(Algorithm))
def test_an_officers_day(alg: Algorithm, open_client: Opener, server: FakeServer) -> None:
    client = open_client()
    with pytest.raises(errors.NotEnrolledError):
        client.capture(b"too early")
    identity = client.enrol(CODE, name="phone", alg=alg)
    assert identity.device_id == UUID(DEVICE)
    assert client.sign_in("liu", "password") == UUID(OFFICER)
    server.changes = [
        {
            "kind": "mission",
            "op": "put",
            "id": MISSION,
            "data": {"case_ids": [CASE], "title": "搜查"},
        },
        {"kind": "mission", "op": "put", "id": CASE, "data": {"title": "other"}},
        {"kind": "mission", "op": "drop", "id": CASE},
    ]
    assert client.pull() == 3
    assert [mission.title for mission in client.missions()] == ["搜查"]
    client.ticket(MISSION)
    client.use_mission(MISSION)
    geo = Geo("38.2100000", "104.4100000", acc_m="8.0")
    photo = client.capture(b"photo", name="证据.jpg", geo=geo)
    entry = client.log("到达现场")
    assert (photo.seq, entry.seq) == (1, 2)
    assert [item.state for item in client.outbox()] == [ItemState.ON_DEVICE] * 2

    report = client.sync()

    assert report.complete, report
    assert (report.uploaded, report.uploaded_bytes) == (1, 5)
    assert acts(server) == ["capture.recorded", "log.note", "clock.observed"]
    payload = captured(server)[0]
    assert (payload["who"], payload["case"], payload["mission"]) == (OFFICER, CASE, MISSION)
    assert payload["ticket"] == "ticket-nonce"
    assert payload["geo"] == geo.to_dict()
    assert payload["media"] == "photo"
    assert next(iter(server.uploads.values())).name == "证据.jpg".encode()
    assert server.blobs[hashlib.sha256(b"photo").hexdigest()] == b"photo"
    assert [item.state for item in client.outbox()] == [ItemState.CONFIRMED] * 3
    assert len(client.receipts()) == 3


def test_syncing_again_sends_nothing_again(client: FieldClient, server: FakeServer) -> None:
    client.capture(b"x" * 1000)
    client.sync()
    before = (server.received_bytes, len(server.records))
    server.calls.clear()
    report = client.sync()
    assert report.complete
    assert (server.received_bytes, len(server.records)) == before
    assert not [call for call in server.calls if "push" in call or "uploads" in call]


def test_offline_is_not_an_error(
    client: FieldClient, transport: MockTransport, server: FakeServer
) -> None:
    transport.online = False
    client.capture(b"a")
    client.log("b")
    report = client.sync(patience_seconds=20)
    assert report.paused == "offline"
    assert not report.complete
    assert (report.pending.records, report.pending.objects) == (2, 1)
    transport.online = True
    assert client.sync().complete
    assert len(server.records) == 3


def test_a_cut_upload_goes_on_where_it_was_acknowledged(
    client: FieldClient, server: FakeServer
) -> None:
    data = bytes(range(256)) * 4097
    client.capture(data)
    cuts = iter([100_000, 1, 300_000, 0, 500_000])

    def fault(request: Request) -> int | None:
        return next(cuts, None) if request.method == "PATCH" else None

    server.fault = fault
    report = client.sync()
    assert report.complete, report
    assert server.received_bytes == len(data)  # never a byte twice
    assert len(server.uploads) == 1


def test_small_files_travel_with_their_creation_and_large_ones_do_not(
    client: FieldClient, server: FakeServer
) -> None:
    client.capture(b"small")
    client.capture(b"x" * (1 << 20) + b"y", name="large.mp4")
    client.sync()
    assert [call.split()[0] for call in server.calls if "/uploads" in call] == [
        "POST",
        "POST",
        "HEAD",
        "PATCH",
    ]


def test_a_creation_that_is_cut_in_its_bytes_goes_on_from_there(
    client: FieldClient, server: FakeServer
) -> None:
    data = b"0123456789" * 1000
    client.capture(data)
    cuts = iter([4_000])
    server.fault = lambda r: next(cuts, None) if r.url.endswith("/uploads") else None
    assert client.sync().complete
    assert server.received_bytes == len(data)
    assert len(server.uploads) == 1


def test_lost_answers_make_no_duplicates(client: FieldClient, server: FakeServer) -> None:
    for n in range(5):
        client.capture(b"%d" % n * 100)
    lost: set[str] = set()

    def fault(request: Request) -> str | None:
        key = f"{request.method} {request.url.split('?')[0]}"
        if key not in lost and "clock" not in key:
            lost.add(key)
            return "lost-answer"
        return None

    server.fault = fault
    report = client.sync(patience_seconds=600)
    assert report.complete, report
    assert len(server.uploads) == len(server.blobs) == 5
    assert len(server.records) == 6


@pytest.mark.parametrize("status", ["500:internal", "503:busy", "429:slow-down", "408:timeout"])
def test_transient_refusals_are_waited_out(
    client: FieldClient, server: FakeServer, clock: FakeClock, status: str
) -> None:
    client.capture(b"x")
    left = [3]

    def fault(_request: Request) -> str | None:
        left[0] -= 1
        return status if left[0] >= 0 else None

    server.fault = fault
    assert client.sync().complete
    assert clock.slept


def test_a_refused_upload_is_parked_and_kept(client: FieldClient, server: FakeServer) -> None:
    bad = client.capture(b"bad")
    good = client.capture(b"good")

    def fault(request: Request) -> str | None:
        key = request.headers.get("Idempotency-Key", "")
        return "422:validation" if bad.sha256 and key.endswith(bad.sha256) else None

    server.fault = fault
    report = client.sync()
    assert [(problem.seq, problem.detail) for problem in report.problems] == [(1, "validation")]
    assert good.sha256 in server.blobs
    assert [item.state for item in client.outbox()][:2] == [
        ItemState.NEEDS_YOU,
        ItemState.CONFIRMED,
    ]
    assert bad.sha256 is not None
    assert b"".join(client.read(bad.sha256)) == b"bad"
    server.fault = None
    assert client.sync().problems  # parked means: not by itself
    assert client.retry_parked() == 1
    assert client.sync().complete


def test_one_refused_record_spoils_nothing(client: FieldClient, server: FakeServer) -> None:
    for n in range(4):
        client.log(f"note {n}")
    server.refuse_record = lambda p: "record-refused" if p.get("text") == "note 1" else None
    report = client.sync()
    assert [problem.seq for problem in report.problems] == [2]
    assert "record-refused" in report.problems[0].detail
    assert report.held
    server.refuse_record = lambda _payload: None
    client.retry_parked()
    report = client.sync()
    assert report.complete, report


def test_a_batch_that_is_refused_as_a_whole_is_halved(
    client: FieldClient, server: FakeServer
) -> None:
    for n in range(8):
        client.log(f"note {n}")

    def fault(request: Request) -> str | None:
        if request.url.endswith("/sync/push"):
            assert request.body is not None
            pushed = json.loads(request.body.read())["records"]
            if any('"note 5"' in wire["p"] for wire in pushed):
                return "413:too-large"
        return None

    server.fault = fault
    report = client.sync()
    assert [problem.seq for problem in report.problems] == [6]
    assert len(server.records) == 8


def test_a_conflict_is_shown_and_kept(client: FieldClient, server: FakeServer) -> None:
    client.log("mine")
    server.records[1, 1] = "f" * 64
    report = client.sync()
    assert report.problems[0].code == "conflict"
    assert next(client.outbox()).state is ItemState.NEEDS_YOU


def test_a_revoked_device_stops_and_keeps_everything(
    client: FieldClient, server: FakeServer
) -> None:
    client.capture(b"x")
    server.revoked = True
    report = client.sync()
    assert {problem.code for problem in report.problems} >= {"device-revoked"}
    assert (report.pending.records, report.pending.objects) == (1, 1)


def test_records_go_before_bytes_and_small_before_large(
    client: FieldClient, server: FakeServer
) -> None:
    client.capture(b"v" * 10, name="a.mp4")
    client.capture(b"s" * 10, name="a.mp3")
    client.capture(b"p" * 10, name="a.jpg")
    client.sync()
    assert [upload.mime for upload in server.uploads.values()] == [
        "image/jpeg",
        "audio/mpeg",
        "video/mp4",
    ]
    assert server.calls.index("POST /sync/push") < server.calls.index("POST /uploads")


def test_bytes_that_the_server_has_are_not_sent(client: FieldClient, server: FakeServer) -> None:
    client.capture(b"same")
    client.sync()
    client.capture(b"same")
    before = server.received_bytes
    assert client.sync().complete
    assert server.received_bytes == before
    assert len([p for p in captured(server) if p["obj"][0]["size"] == 4]) == 2


def test_an_upload_that_vanished_is_made_again(client: FieldClient, server: FakeServer) -> None:
    client.capture(b"x" * 2_000_000)
    cuts = iter([1000])

    def fault(request: Request) -> int | None:
        if request.method == "PATCH":
            for upload in server.uploads.values():
                upload.gone = bool(upload.data)
            return next(cuts, None)
        return None

    server.fault = fault
    assert client.sync().complete
    assert len(server.uploads) == 2


def test_an_empty_file_is_evidence_too(client: FieldClient, server: FakeServer) -> None:
    client.capture(b"", name="empty.bin")
    assert client.sync().complete
    assert server.blobs[hashlib.sha256(b"").hexdigest()] == b""


def test_a_restored_server_gets_back_what_it_lost(client: FieldClient, server: FakeServer) -> None:
    for n in range(3):
        client.capture(b"%d" % n)
    assert client.sync().complete
    for seq in (2, 3, 4):
        del server.records[1, seq], server.wires[1, seq]
    del server.blobs[hashlib.sha256(b"2").hexdigest()]
    server.uploads.clear()
    server.upload_keys.clear()
    server.receipted = {key for key in server.receipted if key[1] < 2}
    client.log("later")
    report = client.sync()
    assert report.complete, report
    assert hashlib.sha256(b"2").hexdigest() in server.blobs
    assert sorted(seq for _, seq in server.records) == [1, 2, 3, 4, 5]
