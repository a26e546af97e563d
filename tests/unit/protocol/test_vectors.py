"""The fixed vectors: what once was written stays readable, and hash inputs never move."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from client_sdk.protocol import jcs, keylist, records, statements, timeqr
from client_sdk.protocol.enrolment import verify_enrolment_proof
from client_sdk.protocol.entries import checked
from client_sdk.protocol.errors import CanonicalError, PayloadError, RecordError
from client_sdk.protocol.keys import PrivateKey, PublicKey
from client_sdk.protocol.payloads import Payload
from client_sdk.protocol.statements import (
    ClockReading,
    Receipt,
    SignedStatement,
    StatementKind,
    Ticket,
)

VECTORS = Path(__file__).parents[2] / "vectors"
BODIES: dict[StatementKind, Any] = {
    StatementKind.RECEIPT: Receipt,
    StatementKind.TICKET: Ticket,
    StatementKind.CLOCK: ClockReading,
}


def load(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


RECORDS, JCS, STATEMENTS = load("records"), load("jcs"), load("statements")
ENTRIES = load("entries")


@pytest.mark.parametrize("chain", RECORDS["chains"], ids=lambda c: c["key"]["alg"])
def test_chains(chain: Any) -> None:
    key = PublicKey.from_jwk(chain["key"]["jwk"])
    assert key.thumbprint == chain["key"]["thumbprint"]
    assert PrivateKey.from_pem(chain["key"]["pem"].encode()).public == key
    prev = records.GENESIS
    for seq, link in enumerate(chain["records"], start=1):
        opened = records.open_record(link["wire"])
        assert opened.hid == link["hid"]
        assert opened.payload == link["payload"]
        assert (opened.header.seq, opened.header.prev) == (seq, prev)
        assert records.verify_signature(opened, key)
        assert Payload.from_dict(opened.payload).to_dict() == link["payload"]
        prev = opened.hid


def test_entries() -> None:
    chain, prev = ENTRIES["chain"], records.GENESIS
    key = PublicKey.from_jwk(chain["key"]["jwk"])
    for link in chain["records"]:
        opened = records.open_record(link["wire"])
        assert (opened.hid, opened.header.prev) == (link["hid"], prev)
        assert records.verify_signature(opened, key)
        payload = Payload.from_dict(opened.payload)
        assert payload.to_dict() == link["payload"]
        assert payload.entry is not None
        assert checked(payload.act, payload.entry) == link["payload"]["entry"]["data"]
        prev = opened.hid


@pytest.mark.parametrize("case", ENTRIES["refused"], ids=lambda c: c["why"])
def test_refused_entries(case: Any) -> None:
    with pytest.raises(PayloadError):
        Payload.from_dict(case["payload"])


def test_hash_inputs_spelled_out() -> None:
    wire = RECORDS["chains"][0]["records"][0]["wire"]
    header = json.loads(wire["h"])
    payload_bytes = b"tiezheng.pl.v1\0" + bytes.fromhex(wire["salt"]) + wire["p"].encode()
    assert hashlib.sha256(payload_bytes).hexdigest() == header["pc"]
    hid = hashlib.sha256(b"tiezheng.hdr.v1\0" + wire["h"].encode()).hexdigest()
    assert hid == RECORDS["chains"][0]["records"][0]["hid"]


@pytest.mark.parametrize("case", RECORDS["refused"], ids=lambda c: c["why"])
def test_refused_records(case: Any) -> None:
    with pytest.raises(RecordError) as caught:
        records.open_record(case["wire"])
    assert caught.value.code == case["code"]


def test_canonical_texts() -> None:
    for case in JCS["good"]:
        assert jcs.dumps(case["value"]) == case["text"]
        assert jcs.loads(case["text"]) == case["value"]


@pytest.mark.parametrize("case", JCS["bad"], ids=lambda c: f"{c['code']} {c['text'][:20]!r}")
def test_texts_that_are_not_canonical(case: Any) -> None:
    with pytest.raises(CanonicalError) as caught:
        jcs.loads(case["text"])
    assert caught.value.code == case["code"]


def test_bytes_that_are_not_utf8() -> None:
    for text in JCS["bad_bytes_hex"]:
        with pytest.raises(CanonicalError):
            jcs.loads(bytes.fromhex(text))


def test_statements() -> None:
    pinned = keylist.pin(SignedStatement.from_dict(STATEMENTS["key_lists"][0]))
    keys = keylist.follow(pinned, SignedStatement.from_dict(STATEMENTS["key_lists"][1]))
    for case in STATEMENTS["statements"]:
        kind = StatementKind(case["kind"])
        body = statements.verify(kind, SignedStatement.from_dict(case["statement"]), keys)
        assert body == case["body"]
        assert BODIES[kind].from_body(body).to_body() == body


def test_time_qr_and_enrolment() -> None:
    keys = [PublicKey.from_jwk(key["jwk"]) for key in STATEMENTS["keys"]]
    for text, key in zip(STATEMENTS["time_qr"], keys, strict=True):
        assert timeqr.verify(timeqr.parse(text), key)
    for case in STATEMENTS["enrolment"]:
        assert verify_enrolment_proof(case["proof"], case["code"], keys[case["key"]])
