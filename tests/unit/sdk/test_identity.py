from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from client_sdk import errors
from client_sdk._transport.mock import MockTransport
from client_sdk.client import FieldClient
from client_sdk.protocol.enrolment import Invitation
from client_sdk.protocol.keys import Algorithm, PrivateKey
from tests.unit.sdk.conftest import Opener
from tests.unit.sdk.fake_clock import FakeClock
from tests.unit.sdk.fake_server import CODE, DEVICE, OFFICER, FakeServer
from tests.unit.sdk.fake_tus import BASE_URL

CASE = "01936b1e-0000-7000-8000-0000000000a0"
MISSION = "01936b1e-0000-7000-8000-0000000000e0"


def acts(server: FakeServer) -> list[str]:
    return [server.wires[key].payload["act"] for key in sorted(server.wires)]


def captured(server: FakeServer) -> list[dict[str, Any]]:
    found = [server.wires[key].payload for key in sorted(server.wires)]
    return [payload for payload in found if payload["act"] == "capture.recorded"]


def test_the_device_syncs_without_an_officer(client: FieldClient, server: FakeServer) -> None:
    client.log("x")
    assert client.sync().complete
    assert {kind for kind, _ in server.tokens.values()} == {"device"}


def test_an_expired_token_is_refreshed(
    client: FieldClient, server: FakeServer, clock: FakeClock
) -> None:
    client.sign_in("liu", "password")
    clock.move(10_000)
    client.log("x")
    assert client.sync().complete
    assert {kind for kind, _ in server.tokens.values()} == {"officer"}


def test_a_token_that_expires_early_is_renewed(client: FieldClient, server: FakeServer) -> None:
    client.sign_in("liu", "password")
    client.log("x")
    server.tokens.clear()
    assert client.sync().complete


def test_an_ended_sign_in_leaves_unattended_sync(
    client: FieldClient, server: FakeServer, clock: FakeClock
) -> None:
    client.sign_in("liu", "password")
    client.log("x")
    server.refresh_tokens.clear()
    clock.move(10_000)
    assert client.sync().complete
    with pytest.raises(errors.NotSignedInError):
        client.ticket(MISSION)


def test_nonces_may_change_with_every_answer(client: FieldClient, server: FakeServer) -> None:
    server.rotate_nonce = True
    client.capture(b"x")
    assert client.sync().complete
    server.nonce = "stale for the client"
    assert client.sync().complete


def test_wrong_credentials(client: FieldClient) -> None:
    with pytest.raises(errors.AuthenticationError) as caught:
        client.sign_in("liu", "wrong")
    assert caught.value.slug == "credentials-invalid"
    assert client.officer_id is None


def test_signing_out(client: FieldClient) -> None:
    client.sign_in("liu", "password")
    client.sign_out()
    assert client.officer_id is None
    assert client.log("x").seq == 1


# -- enrolment


def test_a_lost_enrolment_answer_is_healed_by_the_same_code(
    open_client: Opener, server: FakeServer
) -> None:
    client = open_client()
    server.fault = lambda _request: "lost-answer"
    with pytest.raises(errors.TransportError):
        client.enrol(CODE, name="phone")
    client.close()
    server.fault = None
    again = open_client()
    assert again.enrol(CODE, name="phone").device_id == UUID(DEVICE)
    with pytest.raises(errors.StoreError):
        again.enrol(CODE, name="phone")


def test_a_server_with_another_key_than_the_code_named(open_client: Opener) -> None:
    client = open_client()
    with pytest.raises(errors.TrustError):
        client.enrol(CODE, name="phone", fingerprint="not this")
    assert not client.enrolled


def test_the_qr_brings_address_and_fingerprint(
    tmp_path: Path, transport: MockTransport, server: FakeServer
) -> None:
    for name, fingerprint in (("bad", "A" * 43), ("good", server.keys.fingerprint)):
        client = FieldClient(store=tmp_path / name, transport=transport, secrets=None)
        invitation = Invitation(BASE_URL, CODE, fingerprint)
        try:
            if name == "bad":
                with pytest.raises(errors.TrustError):
                    client.enrol(invitation.text, name="phone")
                server.device_key = None
                server.key_line = None
            else:
                client.enrol(invitation.text, name="phone")
                assert client.base_url == BASE_URL
        finally:
            client.close()


def test_the_identity_survives(client: FieldClient, open_client: Opener) -> None:
    client.log("x")
    client.close()
    again = open_client()
    assert again.identity.device_id == client.identity.device_id
    assert again.identity.key.public == client.identity.key.public
    assert again.log("y").seq == 2


def test_only_loopback_may_be_plain_http(tmp_path: Path) -> None:
    for url in ("http://bureau.test", "ftp://x", "bureau", "https://x?y"):
        with pytest.raises(errors.FieldError):
            FieldClient(url, store=tmp_path / "s", secrets=None)
    FieldClient("http://127.0.0.1:5000/", store=tmp_path / "s", secrets=None).close()


# -- pull


def test_an_expired_cursor_brings_a_snapshot(client: FieldClient, server: FakeServer) -> None:
    client.sign_in("liu", "password")
    server.changes = [{"kind": "mission", "op": "put", "id": MISSION, "data": {"title": "old"}}]
    client.pull()
    server.expired_cursors.add("1")
    server.changes = [{"kind": "mission", "op": "put", "id": CASE, "data": {"title": "new"}}]
    client.pull()
    assert [mission.title for mission in client.missions()] == ["new"]


def test_returns_reach_the_officer(client: FieldClient, server: FakeServer) -> None:
    client.sign_in("liu", "password")
    server.changes = [{"kind": "return", "op": "put", "id": "e1", "data": {"reason_code": "blur"}}]
    assert client.sync().pulled == 1
    assert client.returns() == {"e1": {"reason_code": "blur"}}


# -- clock


def test_the_clock_is_observed_at_most_once_a_minute(
    client: FieldClient, server: FakeServer, clock: FakeClock
) -> None:
    client.sync()
    client.sync()
    assert acts(server) == ["clock.observed"]
    clock.move(61)
    client.sync()
    assert acts(server) == ["clock.observed"] * 2
    clock.boot_id = "boot-2"
    client.sync()
    assert acts(server) == ["clock.observed"] * 3


def test_a_forged_clock_reading_is_not_recorded(client: FieldClient, server: FakeServer) -> None:
    server.key = PrivateKey.generate(Algorithm.ED25519)
    report = client.sync()
    assert "clock" in {problem.code for problem in report.problems}
    assert not server.records


def test_within_a_boot_the_chain_never_goes_back_in_time(
    client: FieldClient, clock: FakeClock, server: FakeServer
) -> None:
    class Slow:
        """A large file; somebody logs an entry while it is read."""

        name = "big.mp4"
        parts = iter([b"1", b"2", b""])

        def read(self, _size: int) -> bytes:
            clock.move(5)
            client.log("meanwhile")
            return next(self.parts)

    client.capture(Slow())  # type: ignore[arg-type]
    client.sync()
    monos = [server.wires[key].payload["t"]["mono"] for key in sorted(server.wires)]
    assert monos == sorted(monos)


def test_hand_over(client: FieldClient, server: FakeServer) -> None:
    client.hand_over(OFFICER, booking=CASE)
    client.sync()
    payload = server.wires[1, 1].payload
    assert (payload["act"], payload["to"], payload["booking"]) == ("duty.handover", OFFICER, CASE)


def test_ids_are_checked_before_anything_is_written(client: FieldClient) -> None:
    with pytest.raises(errors.FieldError):
        client.capture(b"x", case="../../x")
    assert not list(client.outbox())


@pytest.mark.parametrize("member", ["device", "mission", "head"])
def test_a_ticket_for_something_else_is_not_kept(
    client: FieldClient, server: FakeServer, member: str
) -> None:
    client.sign_in("liu", "password")
    other = {"device": CASE, "mission": CASE, "head": "f" * 64}[member]
    server.ticket_changes = {member: other}
    with pytest.raises(errors.TrustError):
        client.ticket(MISSION)
    client.log("x", mission=MISSION)
    client.sync()
    assert "ticket" not in server.wires[1, 1].payload
