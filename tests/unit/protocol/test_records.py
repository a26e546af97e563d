import hashlib
import json
import secrets
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client_sdk.protocol import jcs, records
from client_sdk.protocol.errors import (
    CommitmentError,
    RecordError,
    RecordHeaderError,
    RecordPayloadError,
    RecordShapeError,
)
from client_sdk.protocol.keys import Algorithm, PrivateKey

KEY = PrivateKey.generate(Algorithm.ED25519)
SOURCE = "01936b1e-0000-7000-8000-000000000001"


def sealed(payload: dict[str, Any] | None = None, **changes: Any) -> records.Sealed:
    fields = {"src": SOURCE, "ep": 1, "seq": 1, "prev": records.GENESIS, "key": KEY}
    return records.seal(
        payload or {"act": "log.note"}, **{**fields, "salt": secrets.token_bytes(32), **changes}
    )


@pytest.mark.parametrize("alg", list(Algorithm))
def test_hash_inputs_are_those_of_the_design(alg: Algorithm) -> None:
    key, salt = PrivateKey.generate(alg), secrets.token_bytes(32)
    result = sealed({"b": 1, "a": "铁"}, key=key, salt=salt)
    payload = '{"a":"铁","b":1}'
    pc = hashlib.sha256(b"tiezheng.pl.v1\0" + salt + payload.encode()).hexdigest()
    header = f'{{"ep":1,"pc":"{pc}","prev":"{"0" * 64}","seq":1,"src":"{SOURCE}","v":1}}'
    assert result.record.p == payload
    assert result.record.h == header
    assert result.hid == hashlib.sha256(b"tiezheng.hdr.v1\0" + header.encode()).hexdigest()
    opened = records.open_record(result.record.to_dict())
    assert opened.payload == {"a": "铁", "b": 1}
    assert opened.hid == result.hid
    assert opened.header == result.header
    assert records.verify_signature(opened, key.public)
    assert not records.verify_signature(opened, PrivateKey.generate(alg).public)
    assert key.public.verify(opened.wire.signature, b"tiezheng.hdr.v1\0" + header.encode())


def test_a_chain() -> None:
    prev = records.GENESIS
    for seq in range(1, 6):
        link = sealed(seq=seq, prev=prev)
        assert link.header.prev == prev
        prev = link.hid


@settings(max_examples=300)
@given(st.data())
def test_any_changed_character_is_noticed(data: st.DataObject) -> None:
    wire = sealed({"act": "log.note", "text": "院前"}).record.to_dict()
    member = data.draw(st.sampled_from(sorted(wire)))
    place = data.draw(st.integers(0, len(wire[member]) - 1))
    other = data.draw(st.characters(exclude_categories=["Cs"]))
    changed = wire[member][:place] + other + wire[member][place + 1 :]
    if changed == wire[member]:
        return
    try:
        opened = records.open_record({**wire, member: changed})
    except RecordError:
        return
    assert not records.verify_signature(opened, KEY.public)


_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["h", "p", "salt", "sig", "x"]), inner, max_size=5)
    ),
)


@given(_JUNK)
def test_junk_is_a_typed_error(junk: Any) -> None:
    with pytest.raises(RecordError):
        records.open_record(junk)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"extra": "x"}, RecordShapeError),
        ({"h": 1}, RecordShapeError),
        ({"salt": "00"}, RecordShapeError),
        ({"salt": "AB" * 32}, RecordShapeError),
        ({"salt": "zz" * 32}, RecordShapeError),
        ({"sig": "AAAA"}, RecordShapeError),
        ({"sig": "=" * 86}, RecordShapeError),
        ({"h": "{}"}, RecordHeaderError),
        ({"h": "[]"}, RecordHeaderError),
        ({"h": '"' + "x" * 2000 + '"'}, RecordHeaderError),
        ({"p": "[]"}, RecordPayloadError),
        ({"p": '{"a": 1}'}, RecordPayloadError),
        ({"p": '{"a":1.5}'}, RecordPayloadError),
        ({"p": "{}"}, CommitmentError),
        ({"salt": "00" * 32}, CommitmentError),
    ],
)
def test_refusals(change: dict[str, object], kind: type[RecordError]) -> None:
    with pytest.raises(kind):
        records.open_record({**sealed().record.to_dict(), **change})


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": True},
        {"v": "1"},
        {"ep": 0},
        {"ep": True},
        {"seq": 0},
        {"seq": -1},
        {"seq": 2},
        {"seq": True},
        {"src": ""},
        {"src": 5},
        {"src": "a/b"},
        {"src": "a" * 65},
        {"src": "a\n"},
        {"prev": "f" * 64},
        {"prev": "F" * 64, "seq": 2},
        {"prev": "", "seq": 2},
        {"pc": "x"},
        {"pc": None},
        {"extra": 1},
    ],
)
def test_header_rules(change: dict[str, object]) -> None:
    wire = sealed().record.to_dict()
    header = {**json.loads(wire["h"]), **change}
    with pytest.raises(RecordHeaderError):
        records.open_record({**wire, "h": jcs.dumps(header)})


def test_an_oversized_payload_is_refused_before_it_is_hashed() -> None:
    wire = sealed({"text": "x" * 1000}).record.to_dict()
    assert records.open_record(wire, max_payload_bytes=2000).payload
    with pytest.raises(RecordPayloadError):
        records.open_record(wire, max_payload_bytes=1000)


def test_sealing_refuses_what_could_not_be_opened() -> None:
    for change in ({"seq": 2}, {"prev": "1" * 64}, {"ep": 0}, {"src": "Ä"}, {"salt": b"short"}):
        with pytest.raises(RecordError):
            sealed(**change)


def test_a_lone_surrogate_in_a_member_is_a_typed_error() -> None:
    wire = sealed().record.to_dict()
    for member in wire:
        with pytest.raises(RecordError):
            records.open_record({**wire, member: "\ud800"})
