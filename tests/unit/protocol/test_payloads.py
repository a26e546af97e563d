from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.protocol import entries, jcs, statements
from client_sdk.protocol.epochs import certify
from client_sdk.protocol.errors import PayloadError
from client_sdk.protocol.heads import show
from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.parts import CaptureRef, ClockObservation, Closing, HandOver
from client_sdk.protocol.payloads import (
    Geo,
    Instant,
    Media,
    NoGeo,
    ObjectRef,
    Payload,
    RecordKind,
    parse_geo,
)
from client_sdk.protocol.statements import StatementKind
from client_sdk.protocol.streams import StreamMark

WHO = UUID("01936b1e-0000-7000-8000-000000000001")
CASE = UUID("01936b1e-0000-7000-8000-000000000002")
INSTANT = Instant("2026-11-23T10:00:00.123+08:00", 1234, "boot", suspend=True)
PHOTO = ObjectRef("a" * 64, 2**40, "image/jpeg", "证据.jpg".encode())
GEO = Geo("38.2100000", "-104.4100000", acc_m="8.0", alt_m="-3.5", at="2026-11-23T02:00:00Z")
READING = statements.sign(
    StatementKind.CLOCK, {"device": "d"}, PrivateKey.generate(Algorithm.ED25519)
)
NOWHERE = NoGeo("no-fix")

IDENTITY = PrivateKey.generate(Algorithm.ED25519)
NEXT_KEY = certify(PrivateKey.generate(Algorithm.ES256), src=str(WHO), ep=1, seq=3, prev="a" * 64)
HEAD = show(IDENTITY, device=WHO, ep=1, seq=9, hid="e" * 64, unix_ms=1795413600123)
_SMALLEST = {
    "line": "虚构", "text": "虚构", "flag": True, "fen": 1, "count": 1, "day": "2025-06-20",
    "instant": "2025-06-20T10:00:00+08:00", "id": str(CASE), "digests": ["a" * 64],
    "people": [{"name": "孙样例(虚构)"}],
}  # fmt: skip


def smallest_entry(kind: str) -> entries.EntryPart:
    """What a kind needs, and nothing more."""
    needed = entries.kinds()[kind]
    data: dict[str, Any] = {}
    for field in needed.fields.values():
        if field.required:
            first = next(iter(field.options), "")
            chosen = {"choice": first, "choices": [first], "facts": {first: True}}
            data[field.name] = {**_SMALLEST, **chosen}[field.type]
    return entries.EntryPart(data, WHO if needed.about == "action" else None)


SAMPLES = [
    Payload(
        RecordKind.CAPTURE_RECORDED,
        INSTANT,
        GEO,
        who=WHO,
        case=CASE,
        mission=WHO,
        obj=(PHOTO,),
        ticket="nonce",
        captured_by=CASE,
        media=Media.PHOTO,
        match={"by": "booking"},
    ),
    Payload(RecordKind.LOG_NOTE, INSTANT, NOWHERE, text="到达现场"),
    Payload(RecordKind.LOG_NOTE, INSTANT, NOWHERE, text="x", obj=(PHOTO,)),
    Payload(RecordKind.CLOCK_OBSERVED, INSTANT, NOWHERE, clock=ClockObservation(READING, 5)),
    Payload(RecordKind.CAPTURE_LOST, INSTANT, NOWHERE, ref=CaptureRef("a" * 64, "file-gone", 3)),
    Payload(RecordKind.CAPTURE_DELETED, INSTANT, NOWHERE, ref=CaptureRef("a" * 64, "confirmed")),
    Payload(
        RecordKind.CAPTURE_RECOVERED,
        INSTANT,
        NOWHERE,
        obj=(PHOTO,),
        ref=CaptureRef("a" * 64, "no-row"),
    ),
    Payload(RecordKind.DUTY_HANDOVER, INSTANT, NOWHERE, hand_over=HandOver(WHO, CASE)),
    Payload(RecordKind.DUTY_HANDOVER, INSTANT, NOWHERE, hand_over=HandOver(WHO)),
    Payload(RecordKind.KEY_NEXT, INSTANT, NOWHERE, key=NEXT_KEY),
    Payload(RecordKind.HEAD_ATTEST, INSTANT, NOWHERE, head=HEAD),
    Payload(
        RecordKind.MISSION_CLOSED, INSTANT, NOWHERE, closing=Closing(7, "b" * 64, "见证人(虚构)")
    ),
    Payload(RecordKind.MEDIA_OPEN, INSTANT, NOWHERE, stream=StreamMark(WHO)),
    Payload(
        RecordKind.MEDIA_PROGRESS, INSTANT, NOWHERE, stream=StreamMark(WHO, 3, 12 << 20, "c" * 64)
    ),
    Payload(
        RecordKind.MEDIA_CLOSE, INSTANT, NOWHERE, stream=StreamMark(WHO, 4, 13 << 20, "d" * 64)
    ),
    *(
        Payload(RecordKind(kind), INSTANT, NOWHERE, case=CASE, entry=smallest_entry(kind))
        for kind in sorted(entries.field_kinds())
    ),
]


@pytest.mark.parametrize("payload", SAMPLES, ids=lambda p: p.act)
def test_payloads_survive_the_wire(payload: Payload) -> None:
    text = jcs.dumps(payload.to_dict())
    assert Payload.from_dict(jcs.loads(text)) == payload


def test_every_kind_has_a_sample() -> None:
    assert {sample.act for sample in SAMPLES} == set(RecordKind)


def test_the_wire_form_of_the_contract() -> None:
    assert SAMPLES[0].to_dict() == {
        "act": "capture.recorded",
        "who": str(WHO),
        "case": str(CASE),
        "mission": str(WHO),
        "ticket": "nonce",
        "geo": {
            "lat": "38.2100000",
            "lon": "-104.4100000",
            "acc_m": "8.0",
            "alt_m": "-3.5",
            "at": "2026-11-23T02:00:00Z",
            "datum": "WGS84",
            "src": "gnss",
        },
        "obj": [
            {
                "sha256": "a" * 64,
                "size": 2**40,
                "mime": "image/jpeg",
                "name_b64": "6K-B5o2uLmpwZw",
            }
        ],
        "t": {
            "wall": "2026-11-23T10:00:00.123+08:00",
            "mono": 1234,
            "boot": "boot",
            "suspend": True,
        },
        "captured_by": str(CASE),
        "media": "photo",
        "match": {"by": "booking"},
    }


@given(st.binary(max_size=300))
def test_names_keep_their_bytes(name: bytes) -> None:
    ref = ObjectRef("a" * 64, 0, "application/octet-stream", name)
    again = ObjectRef.from_value(ref.to_dict())
    assert again.name == name
    assert isinstance(again.display_name, str)


_BASE = SAMPLES[0].to_dict()
_PHOTO = PHOTO.to_dict()


@pytest.mark.parametrize(
    "change",
    [
        {"act": "capture.invented"},
        {"act": ["capture.recorded"]},
        {"act": None},
        {"act": "log.note"},
        {"who": "x"},
        {"who": str(WHO).upper()},
        {"who": 5},
        {"obj": []},
        {"obj": {}},
        {"obj": [_PHOTO, _PHOTO]},
        {"obj": [{**_PHOTO, "sha256": ["a"]}]},
        {"obj": [{**_PHOTO, "sha256": "A" * 64}]},
        {"obj": [{**_PHOTO, "size": -1}]},
        {"obj": [{**_PHOTO, "size": "1"}]},
        {"obj": [{**_PHOTO, "size": 2**53}]},
        {"obj": [{**_PHOTO, "mime": "jpeg"}]},
        {"obj": [{**_PHOTO, "mime": "image/jpeg\n"}]},
        {"obj": [{**_PHOTO, "name_b64": "?"}]},
        {"obj": [{**_PHOTO, "name_b64": "A" * 8000}]},
        {"obj": [{**_PHOTO, "extra": 1}]},
        {"obj": [_PHOTO] * 101},
        {"t": {}},
        {"t": {**INSTANT.to_dict(), "wall": "2026-11-23T10:00:00"}},
        {"t": {**INSTANT.to_dict(), "mono": True}},
        {"t": {**INSTANT.to_dict(), "suspend": 1}},
        {"t": {**INSTANT.to_dict(), "boot": ""}},
        {"geo": None},
        {"geo": {}},
        {"media": "hologram"},
        {"media": None},
        {"text": "x" * 4001},
        {"match": []},
        {"captured_by": None},
        {"extra": 1},
        {"ref": {"sha256": "a" * 64, "reason": "x"}},
        {"to": str(WHO), "booking": None},
        {"booking": None},
    ],
)
def test_refusals(change: dict[str, Any]) -> None:
    with pytest.raises(PayloadError):
        Payload.from_dict({**_BASE, **change})


@pytest.mark.parametrize("name", ["act", "who", "case", "mission", "geo", "obj", "t"])
def test_members_that_must_be_there(name: str) -> None:
    with pytest.raises(PayloadError) as caught:
        Payload.from_dict({k: v for k, v in _BASE.items() if k != name})
    assert caught.value.code == "payload-missing"


def test_an_unknown_member_has_its_own_code() -> None:
    with pytest.raises(PayloadError) as caught:
        Payload.from_dict({**_BASE, "surprise": 1})
    assert caught.value.code == "payload-unknown"


@pytest.mark.parametrize(
    "change",
    [
        {"lat": "90.1"},
        {"lat": 38.2},
        {"lat": "38,2"},
        {"lat": "NaN"},
        {"lat": "1e1"},
        {"lat": "+1"},
        {"lat": "01"},
        {"lon": "-180.0001"},
        {"acc_m": "-1"},
        {"datum": "CGCS2000"},
        {"src": "guess"},
        {"at": "now"},
        {"none": "no-fix"},
        {"extra": ""},
    ],
)
def test_places_that_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(PayloadError):
        parse_geo({**GEO.to_dict(), **change})


def test_a_reason_for_no_place_is_a_code() -> None:
    assert parse_geo({"none": "not-recorded"}) == NoGeo("not-recorded")
    for reason in ("", "No fix", "x" * 65, None):
        with pytest.raises(PayloadError):
            parse_geo({"none": reason})


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
)


@given(st.sampled_from(sorted(_BASE)), _ANY)
def test_any_junk_is_accepted_or_a_typed_error(name: str, junk: Any) -> None:
    try:
        Payload.from_dict({**_BASE, name: junk})
    except PayloadError as error:
        assert error.code.startswith("payload")  # noqa: PT017 - either outcome is right


@given(_ANY)
def test_a_payload_that_is_junk(junk: Any) -> None:
    with pytest.raises(PayloadError):
        Payload.from_dict(junk)


def test_building_checks_too() -> None:
    with pytest.raises(PayloadError):
        replace(SAMPLES[0], obj=())
    with pytest.raises(PayloadError):
        replace(SAMPLES[1], text=None)


def test_t4_is_a_decimal_string() -> None:
    body = ClockObservation(READING, 2**60).to_dict()
    assert body["t4"] == str(2**60)
    assert ClockObservation.from_value(body).t4_ms == 2**60
    changes: list[dict[str, Any]] = [{"t4": 5}, {"t4": "-5"}, {"t4": "05"}, {"statement": {}}]
    for change in changes:
        with pytest.raises(PayloadError):
            ClockObservation.from_value({**body, **change})
