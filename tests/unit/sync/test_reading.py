"""Whatever was signed can be read: what is not understood becomes a finding, never an error."""

from __future__ import annotations

import uuid
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from client_sdk.protocol.payloads import (
    Geo,
    Instant,
    Media,
    NoGeo,
    ObjectRef,
    Payload,
    RecordKind,
)
from server.sync.reading import UNKNOWN_KIND, understand

RX = "2026-03-02T01:00:00.000Z"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
USUAL: dict[str, Any] = Payload(
    act=RecordKind.CAPTURE_RECORDED,
    t=Instant("2026-03-02T09:00:00.000+08:00", 5, "boot", suspend=True),
    geo=Geo("38.21", "104.41", acc_m="8.0"),
    who=uuid.UUID(int=1),
    case=uuid.UUID(int=2),
    mission=uuid.UUID(int=3),
    obj=(ObjectRef("a" * 64, 7, "image/jpeg", b"x.jpg"),),
    captured_by=uuid.UUID(int=4),
    media=Media.PHOTO,
).to_dict()


def test_a_usual_payload_is_understood_without_findings() -> None:
    found = understand(USUAL, RX)
    assert found.findings == []
    assert found.instant == Instant.from_value(USUAL["t"])
    assert found.geo == Geo("38.21", "104.41", acc_m="8.0")
    assert (found.who, found.case, found.mission) == tuple(uuid.UUID(int=n) for n in (1, 2, 3))
    assert found.captured_by == uuid.UUID(int=4)
    assert found.payload == USUAL


@given(st.dictionaries(st.sampled_from([*USUAL, "ticket", "clock", "x"]), JSON))
def test_any_members_can_be_read(changes: dict[str, Any]) -> None:
    found = understand({**USUAL, **changes}, RX)
    assert "\0" not in found.act + found.instant.boot + found.instant.wall
    for finding in found.findings:
        assert finding.keys() == {"code", "detail"}
        assert "\0" not in finding["detail"]
    for thing in found.payload["obj"]:
        ObjectRef.from_value(thing)


@given(st.dictionaries(st.text(max_size=8), JSON))
def test_any_object_can_be_read(payload: dict[str, Any]) -> None:
    found = understand(payload, RX)
    assert found.findings
    assert found.payload["obj"] == []


@given(JSON)
def test_what_is_no_time_leaves_the_time_of_receipt(value: Any) -> None:
    found = understand({**USUAL, "t": value}, RX)
    assert not found.timed
    assert found.instant.wall == RX


def test_the_wall_time_of_a_broken_time_is_kept() -> None:
    found = understand({**USUAL, "t": {**USUAL["t"], "mono": -1}}, RX)
    assert (found.timed, found.instant.wall) == (False, USUAL["t"]["wall"])


def test_an_unknown_kind_declares_no_evidence() -> None:
    for act in ("raid.started", "", "A", 7, None):
        found = understand({**USUAL, "act": act}, RX)
        assert found.payload["obj"] == []
        assert found.act in {UNKNOWN_KIND, "raid.started"}


def test_good_objects_among_bad_ones_are_kept() -> None:
    good = USUAL["obj"][0]
    found = understand({**USUAL, "obj": [good, {"sha256": "x"}, 7, good]}, RX)
    assert found.payload["obj"] == [good]
    assert [one["code"] for one in found.findings] == ["object-invalid"]


def test_no_position_is_a_reason_not_a_blank() -> None:
    assert understand({**USUAL, "geo": {"none": "no-fix"}}, RX).geo == NoGeo("no-fix")
    assert understand({**USUAL, "geo": {"lat": "1"}}, RX).geo == NoGeo("invalid")
