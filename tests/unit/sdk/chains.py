"""Reading a device's chain as a verifier would."""

from typing import Any

from client_sdk.client import FieldClient
from client_sdk.protocol import records
from client_sdk.protocol.epochs import KeyLine
from client_sdk.protocol.payloads import Payload
from tests.unit.sdk.fake_server import FakeServer


def wires(client: FieldClient) -> list[Any]:
    """Records that the server does not have yet."""
    found = client._ledger.unsent_records(10**6, 10**9)
    return [records.open_record(wire) for _, _, wire in found]


def assert_chained(client: FieldClient, server: FakeServer) -> list[Any]:
    """Contiguous, linked, each signed with the key that was in force; the records."""
    prev = records.GENESIS
    line = KeyLine.starting(server.first_key)
    found = wires(client)
    for seq, opened in enumerate(found, start=1):
        assert (opened.header.seq, opened.header.prev) == (seq, prev)
        assert line.signed(opened)
        line.learn(opened)
        Payload.from_dict(opened.payload)
        prev = opened.hid
    return found
