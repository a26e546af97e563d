from typing import Any

import pytest

from client_sdk.client import FieldClient
from client_sdk.models import ItemState
from client_sdk.protocol.keys import Algorithm, PrivateKey
from tests.unit.sdk.fake_server import OFFICER, FakeServer

CASE = "01936b1e-0000-7000-8000-0000000000a0"
MISSION = "01936b1e-0000-7000-8000-0000000000e0"


@pytest.mark.parametrize(
    "change",
    [
        {"hid": "0" * 64},
        {"sha256": "0" * 64},
        {"size_bytes": 4},
        {"device": OFFICER},
        {"court": OFFICER},
        {"seq": 99},
        {"copies": 0},
    ],
)
def test_a_receipt_for_something_else_confirms_nothing(
    client: FieldClient, server: FakeServer, change: dict[str, Any]
) -> None:
    client.capture(b"photo")
    server.receipts_on = False
    client.sync(receipts_wait_seconds=0)
    opened = server.wires[1, 1]
    server.receipt_list.append(server.receipt(opened, opened.payload["obj"][0], **change))
    report = client.sync(receipts_wait_seconds=0)
    assert "receipt-rejected" in {problem.code for problem in report.problems}
    assert next(client.outbox()).state is ItemState.RECEIVED


def test_a_forged_receipt_confirms_nothing(client: FieldClient, server: FakeServer) -> None:
    client.capture(b"photo")
    server.receipts_on = False
    client.sync(receipts_wait_seconds=0)
    true_key, server.key = server.key, PrivateKey.generate(Algorithm.ED25519)
    opened = server.wires[1, 1]
    server.receipt_list.append(server.receipt(opened, opened.payload["obj"][0]))
    server.key = true_key
    report = client.sync(receipts_wait_seconds=0)
    assert not report.complete
    assert not client.receipts()


def test_a_superseding_receipt_adds_the_log_index(client: FieldClient, server: FakeServer) -> None:
    client.log("x")
    client.sync()
    opened = server.wires[1, 1]
    none = {"sha256": "", "size": None}
    server.receipt_list.append(server.receipt(opened, none, log_index=2**60, copies=2))
    assert client.sync().complete
    assert (client.receipts()[0][0].log_index, client.receipts()[0][0].copies) == (2**60, 2)


def test_a_device_that_was_away_for_months_gets_all_its_receipts(
    client: FieldClient, server: FakeServer
) -> None:
    client.log("第一条(虚构)")
    client.sync(receipts_wait_seconds=0)
    server.expired_cursors = {str(number) for number in range(1, 9)}
    client.log("第二条(虚构)")
    report = client.sync(receipts_wait_seconds=0)
    assert report.complete, report
    assert len(client.receipts()) == 3  # with that of the comparison of clocks
