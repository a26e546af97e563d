from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from client_sdk.protocol import keylist, statements
from client_sdk.protocol.encoding import b64url_decode, b64url_encode
from client_sdk.protocol.errors import StatementError
from client_sdk.protocol.keylist import KeyEntry, KeyList, KeyPurpose
from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.statements import (
    ClockReading,
    Receipt,
    SignedStatement,
    StatementKind,
    Ticket,
)

NOW = datetime(2026, 11, 23, 2, 0, 0, 123000, UTC)
EVENT_KEY = PrivateKey.generate(Algorithm.ED25519)
RECEIPT = Receipt("c", "d", 1, 7, "a" * 64, "b" * 64, 2**60, 1, None, NOW, NOW)
TICKET = Ticket("c", "d", "m", ("x", "y"), 3, "a" * 64, "n", NOW)
READING = ClockReading("d", 1, 2, 3, "n")


def entry(key: PrivateKey, purpose: KeyPurpose = KeyPurpose.EVENT) -> KeyEntry:
    return KeyEntry(key.public.thumbprint, purpose, key.public, NOW)


def key_list(*entries: KeyEntry, version: int = 1) -> KeyList:
    return KeyList(version, NOW, entries or (entry(EVENT_KEY),))


@pytest.mark.parametrize("alg", list(Algorithm))
def test_a_statement_is_for_one_kind_and_one_key(alg: Algorithm) -> None:
    key = PrivateKey.generate(alg)
    keys = key_list(entry(key))
    statement = statements.sign(StatementKind.TICKET, {"a": 1}, key)
    again = SignedStatement.from_dict(statement.to_dict())
    assert statements.verify(StatementKind.TICKET, again, keys) == {"a": 1}
    with pytest.raises(StatementError) as caught:
        statements.verify(StatementKind.RECEIPT, again, keys)
    assert caught.value.code == "statement-signature"
    with pytest.raises(StatementError) as caught:
        statements.verify(StatementKind.TICKET, replace(again, k="other"), keys)
    assert caught.value.code == "statement-key"
    with pytest.raises(StatementError):
        statements.verify(StatementKind.TICKET, replace(again, s='{"a":2}'), keys)


def test_the_signed_bytes_are_domain_and_text() -> None:
    statement = statements.sign(StatementKind.RECEIPT, RECEIPT.to_body(), EVENT_KEY)
    signature = b64url_decode(statement.sig)
    assert EVENT_KEY.public.verify(signature, b"tiezheng.rcpt.v1\0" + statement.s.encode())


def test_a_log_key_signs_no_receipts() -> None:
    key = PrivateKey.generate(Algorithm.ED25519)
    keys = key_list(entry(EVENT_KEY), entry(key, KeyPurpose.LOG))
    statement = statements.sign(StatementKind.RECEIPT, RECEIPT.to_body(), key)
    with pytest.raises(StatementError):
        statements.verify(StatementKind.RECEIPT, statement, keys)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"s": "{}", "sig": "", "k": ""},
        {"s": "{}", "sig": "", "k": "k" * 65},
        {"s": 1, "sig": "", "k": "k"},
        {"s": "{}", "sig": "", "k": "k", "x": ""},
    ],
)
def test_envelopes_that_are_refused(value: object) -> None:
    with pytest.raises(StatementError):
        SignedStatement.from_dict(value)


@pytest.mark.parametrize("changed", [{"s": "{"}, {"s": "[]"}, {"s": "\ud800"}, {"sig": "~"}])
def test_a_broken_statement_is_a_typed_error(changed: dict[str, str]) -> None:
    good = statements.sign(StatementKind.CLOCK, READING.to_body(), EVENT_KEY)
    broken = replace(good, **changed)
    with pytest.raises(StatementError):
        statements.verify(StatementKind.CLOCK, broken, key_list())


@pytest.mark.parametrize(
    "value",
    [
        RECEIPT,
        replace(RECEIPT, sha256=None, size_bytes=None, log_index=2**62),
        TICKET,
        replace(TICKET, cases=None),
        READING,
    ],
)
def test_bodies_survive(value: Any) -> None:
    assert type(value).from_body(value.to_body()) == value


def test_large_numbers_travel_as_text() -> None:
    body = replace(RECEIPT, log_index=0).to_body()
    assert body["size"] == str(2**60)
    assert body["log_index"] == "0"
    assert body["rx"] == "2026-11-23T02:00:00.123Z"


@pytest.mark.parametrize(
    ("value", "change"),
    [
        (RECEIPT, {"seq": "7"}),
        (RECEIPT, {"seq": True}),
        (RECEIPT, {"seq": -1}),
        (RECEIPT, {"hid": "x"}),
        (RECEIPT, {"sha256": "x"}),
        (RECEIPT, {"sha256": None}),
        (RECEIPT, {"size": 5}),
        (RECEIPT, {"size": "05"}),
        (RECEIPT, {"size": "٣"}),
        (RECEIPT, {"rx": "2026-11-23T02:00:00"}),
        (RECEIPT, {"rx": "2026-13-23T02:00:00Z"}),
        (RECEIPT, {"court": ""}),
        (RECEIPT, {"extra": 1}),
        (TICKET, {"cases": "x"}),
        (TICKET, {"cases": [1]}),
        (TICKET, {"expires": None}),
        (READING, {"t1": 1}),
        (READING, {"t2": "-1"}),
    ],
)
def test_bodies_that_are_refused(value: Any, change: dict[str, object]) -> None:
    with pytest.raises(StatementError):
        type(value).from_body({**value.to_body(), **change})


@pytest.mark.parametrize("value", [RECEIPT, TICKET, READING])
def test_every_member_of_a_body_must_be_there(value: Any) -> None:
    body = value.to_body()
    for name in body:
        with pytest.raises(StatementError):
            type(value).from_body({k: v for k, v in body.items() if k != name})


def test_pinning_checks_the_fingerprint() -> None:
    statement = keylist.sign_key_list(key_list(), EVENT_KEY)
    pinned = keylist.pin(statement, fingerprint=EVENT_KEY.public.thumbprint)
    assert pinned == key_list()
    assert keylist.pin(statement) == pinned
    with pytest.raises(StatementError) as caught:
        keylist.pin(statement, fingerprint="x")
    assert caught.value.code == "key-fingerprint"


def test_a_list_must_name_its_signer() -> None:
    foreign = PrivateKey.generate(Algorithm.ED25519)
    with pytest.raises(StatementError):
        keylist.pin(keylist.sign_key_list(key_list(), foreign))


def test_succession_over_several_versions() -> None:
    first, second, third = EVENT_KEY, *(PrivateKey.generate(a) for a in Algorithm)
    e1 = entry(first)
    e2 = keylist.successor(e1, first, second.public, NOW + timedelta(days=1))
    e3 = keylist.successor(e2, second, third.public, NOW + timedelta(days=2))
    pinned = key_list(e1)
    latest = key_list(replace(e1, until=NOW), replace(e2, until=NOW), e3, version=3)
    followed = keylist.follow(pinned, keylist.sign_key_list(latest, third))
    assert followed.event_key(third.public.thumbprint) == third.public
    assert followed.current(KeyPurpose.EVENT) == e3
    assert followed.fingerprint == third.public.thumbprint


def test_a_key_that_left_the_list_stays_trusted_for_old_receipts() -> None:
    new = PrivateKey.generate(Algorithm.ES256)
    e2 = keylist.successor(entry(EVENT_KEY), EVENT_KEY, new.public, NOW)
    followed = keylist.follow(key_list(), keylist.sign_key_list(key_list(e2, version=2), new))
    assert followed.event_key(EVENT_KEY.public.thumbprint) == EVENT_KEY.public


def test_key_lists_that_are_not_followed() -> None:
    foreign = PrivateKey.generate(Algorithm.ED25519)
    e1 = entry(EVENT_KEY)
    forged = replace(entry(foreign), by=e1.kid, sig=b64url_encode(bytes(64)))
    wrong_purpose = replace(
        keylist.successor(e1, EVENT_KEY, foreign.public, NOW), purpose=KeyPurpose.LOG
    )
    substituted = replace(entry(foreign), kid=e1.kid)
    cases = [
        (key_list(e1, entry(foreign), version=2), EVENT_KEY, "key-unvouched"),
        (key_list(e1, forged, version=2), EVENT_KEY, "key-unvouched"),
        (key_list(e1, wrong_purpose, version=2), EVENT_KEY, "key-unvouched"),
        (key_list(entry(foreign), version=2), foreign, "key-unvouched"),
    ]
    for offered, signer, code in cases:
        with pytest.raises(StatementError) as caught:
            keylist.follow(key_list(e1), keylist.sign_key_list(offered, signer))
        assert caught.value.code == code
    offered = key_list(substituted, version=2)
    statement = statements.sign(StatementKind.KEYS, offered.to_body(), foreign, e1.kid)
    with pytest.raises(StatementError) as caught:
        keylist.follow(key_list(e1), statement)
    assert caught.value.code == "key-substituted"
    with pytest.raises(StatementError) as caught:
        keylist.follow(key_list(version=2), keylist.sign_key_list(key_list(), EVENT_KEY))
    assert caught.value.code == "key-list-older"


def test_only_the_predecessor_names_a_successor() -> None:
    foreign = PrivateKey.generate(Algorithm.ED25519)
    with pytest.raises(StatementError):
        keylist.successor(entry(EVENT_KEY), foreign, foreign.public, NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 0},
        {"version": "1"},
        {"keys": []},
        {"keys": [{}]},
        {"keys": "x"},
        {"issued": "today"},
        {"extra": 1},
        {"keys": [entry(EVENT_KEY).to_dict()] * 2},
        {"keys": [{**entry(EVENT_KEY).to_dict(), "purpose": "cooking"}]},
        {"keys": [{**entry(EVENT_KEY).to_dict(), "by": "x"}]},
        {"keys": [{**entry(EVENT_KEY).to_dict(), "by": "x", "sig": "y"}]},
        {"keys": [{**entry(EVENT_KEY).to_dict(), "kid": ""}]},
        {"keys": [{**entry(EVENT_KEY).to_dict(), "jwk": {}}]},
        {"keys": [{**entry(EVENT_KEY).to_dict(), "since": ""}]},
    ],
)
def test_key_lists_that_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(StatementError):
        KeyList.from_body({**key_list().to_body(), **change})


def test_times_are_written_in_utc() -> None:
    local = NOW.astimezone(timezone(timedelta(hours=8)))
    assert replace(TICKET, expires=local).to_body()["expires"] == "2026-11-23T02:00:00.123Z"


SECURED: dict[str, Any] = {"level": "L2", "checkpoint": "a note", "proof": "a proof"}


def test_a_superseding_receipt_carries_level_checkpoint_and_proof() -> None:
    receipt = replace(RECEIPT, log_index=7, **SECURED)
    assert receipt.is_superseding
    assert Receipt.from_body(receipt.to_body()) == receipt
    assert not RECEIPT.is_superseding
    assert not SECURED.keys() & RECEIPT.to_body().keys()


@pytest.mark.parametrize("missing", SECURED)
def test_level_checkpoint_and_proof_come_together(missing: str) -> None:
    body = replace(RECEIPT, log_index=7, **SECURED).to_body()
    del body[missing]
    with pytest.raises(StatementError):
        Receipt.from_body(body)


@pytest.mark.parametrize(
    "changes", [{"log_index": None}, {"level": "L0"}, {"level": None}, {"proof": 5}, {"proof": ""}]
)
def test_a_superseding_receipt_is_strict(changes: dict[str, object]) -> None:
    body = replace(RECEIPT, log_index=7, **SECURED).to_body()
    with pytest.raises(StatementError):
        Receipt.from_body({**body, **changes})
