"""Heads that are shown and recorded, missions that are closed."""

import json
from uuid import UUID

import pytest

from client_sdk import errors
from client_sdk.client import FieldClient
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.heads import HeadText, show
from client_sdk.protocol.keys import Algorithm, PrivateKey
from tests.unit.sdk.chains import assert_chained
from tests.unit.sdk.cli_support import CASE, MISSION, Run
from tests.unit.sdk.conftest import Opener
from tests.unit.sdk.fake_server import CODE, OFFICER, FakeServer

OTHER = UUID("01936b1e-0000-7000-8000-0000000000d1")


def other_head() -> HeadText:
    key = PrivateKey.generate(Algorithm.ES256)
    return show(key, device=OTHER, ep=1, seq=7, hid="ab" * 32, unix_ms=1795413600123)


def test_a_head_is_that_of_the_newest_record_and_signed(client: FieldClient) -> None:
    with pytest.raises(errors.CaptureError):
        client.head()
    client.log("一")
    entry = client.log("二")
    head = HeadText.parse(client.head().text)
    assert (head.ep, head.seq, head.hid) == (1, 2, entry.hid)
    assert head.device == client.identity.device_id
    assert head.signed_by(client.identity.key.public)


def test_another_devices_head_is_recorded_offline(client: FieldClient, server: FakeServer) -> None:
    shown = other_head()
    entry = client.attest(shown.text)
    assert entry.act == "head.attest"
    (opened,) = assert_chained(client, server)
    assert opened.payload["head"] == {"text": shown.text}
    assert client.sync().complete


def test_the_own_head_and_other_texts_are_refused(client: FieldClient) -> None:
    client.log("x")
    with pytest.raises(errors.CaptureError):
        client.attest(client.head().text)
    with pytest.raises(ProtocolError):
        client.attest("TZ1|x")
    assert len(list(client.outbox())) == 1


def test_closing_a_mission_names_count_and_head(
    client: FieldClient, open_client: Opener, server: FakeServer
) -> None:
    client.use_mission(MISSION)
    client.log("一")
    client.capture(b"photo")
    client.log("of another one", mission=None)
    last = client.log("二")
    closed = client.close_mission(witness="见证人(虚构)")
    assert (closed.mission, closed.count, closed.head) == (MISSION, 3, last.hid)
    closing = assert_chained(client, server)[-1].payload
    assert closing["closing"] == {"count": 3, "head": last.hid, "witness": "见证人(虚构)"}
    assert closing["mission"] == MISSION
    with pytest.raises(errors.FieldError):
        client.close_mission()  # it is no longer in use
    assert client.close_mission(MISSION).count == 4


@pytest.mark.usefixtures("enrolled")
def test_the_command_shows_and_records_heads(run: Run) -> None:
    assert run("attest").exit_code == 1
    assert run("log", "到达", "--case", CASE).exit_code == 0
    shown = run("attest")
    assert shown.exit_code == 0
    assert "TZH1|" in shown.stdout
    assert "█" in shown.stdout
    as_json = json.loads(run("attest", "--json").stdout)
    assert HeadText.parse(as_json["text"]).seq == as_json["seq"]
    recorded = run("attest", other_head().text)
    assert recorded.exit_code == 0, recorded.output
    assert "recorded head 7 abab" in recorded.stdout
    assert run("attest", as_json["text"]).exit_code == 1
    assert run("attest", "nonsense").exit_code == 1


@pytest.mark.usefixtures("enrolled")
def test_the_command_closes_a_mission(run: Run) -> None:
    assert run("missions", "--use", MISSION).exit_code == 0
    assert run("log", "到达").exit_code == 0
    closed = run("close", "--witness", "见证人(虚构)", "--json")
    assert closed.exit_code == 0, closed.output
    assert json.loads(closed.stdout)["count"] == 1
    assert run("close").exit_code == 1


def test_a_head_of_an_encrypted_store(open_client: Opener) -> None:
    client = open_client(passphrase="铁证")
    client.enrol(CODE, name="phone")
    client.log("x", case=CASE)
    assert client.head().signed_by(client.identity.key.public)
    client.use_mission(OFFICER)
    assert client.close_mission().count == 0
