"""What is hashed of a row is the same text, however it was written and read."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from server.core.plain import plain_text

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.lists(values))
def test_the_text_is_the_one_of_pythons_own_encoder(content: list[object]) -> None:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert plain_text(content) == text.encode("utf-8", "surrogatepass")


def test_what_only_pythons_encoder_can_write_is_written_by_it() -> None:
    assert plain_text(["\ud800", 2**70]) == b'["\xed\xa0\x80",1180591620717411303424]'


def test_a_moment_is_the_same_in_every_zone_and_without_microseconds() -> None:
    at = datetime(2026, 3, 1, 8, 30, 5, 123_000, tzinfo=UTC)
    there = at.astimezone(timezone(timedelta(hours=8))) + timedelta(microseconds=456)
    assert plain_text([at]) == plain_text([there]) == b'["2026-03-01T08:30:05.123000+00:00"]'
    assert plain_text([at.replace(microsecond=0)]) == b'["2026-03-01T08:30:05+00:00"]'


def test_ids_and_bytes_are_texts() -> None:
    one = uuid.UUID("01a20894-cf2d-76c6-ad28-ac5a39cc3c65")
    assert plain_text([one, b"\x00\xff"]) == f'["{one}","x00ff"]'.encode()
