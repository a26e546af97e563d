"""Short ways through the hot code give exactly what the long ways give."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.protocol import jcs
from client_sdk.protocol.encoding import b64url_decode, b64url_encode
from client_sdk.protocol.errors import CanonicalError, ProtocolError, RecordError
from client_sdk.protocol.records import GENESIS, Header, _plain_header

HEX = st.text("0123456789abcdef", min_size=64, max_size=64)


def long_way(text: str) -> Header | None:
    try:
        return Header.from_dict(jcs.loads_object(text, max_bytes=1024))
    except (CanonicalError, RecordError):
        return None


@given(
    ep=st.integers(-1, 10**17),
    seq=st.integers(-1, 10**17),
    prev=HEX | st.just(GENESIS),
    pc=HEX,
    src=st.text("abz09._:-", max_size=66),
    spoil=st.sampled_from(["", " ", "0", "\n", "}", "é", "\\u0031", "1.0"]),
    at=st.integers(0, 400),
)
def test_a_header_by_pattern_is_the_header_by_parsing(
    *, ep: int, seq: int, prev: str, pc: str, src: str, spoil: str, at: int
) -> None:
    body = {"ep": ep, "pc": pc, "prev": prev, "seq": seq, "src": src, "v": 1}
    text = json.dumps(body, separators=(",", ":"))
    text = text[:at] + spoil + text[at:]
    short = _plain_header(text)
    assert short is None or short == long_way(text)


@given(st.integers(1, 10**15 - 1), st.integers(2, 10**15 - 1), HEX, HEX)
def test_the_pattern_finds_every_usual_header(ep: int, seq: int, prev: str, pc: str) -> None:
    text = jcs.dumps({"ep": ep, "pc": pc, "prev": prev, "seq": seq, "src": "a-b", "v": 1})
    found = _plain_header(text)
    assert (found is None) == (prev == GENESIS)
    assert found is None or found == long_way(text)


@given(st.text("ABghwz019-_=+/\n ", max_size=12) | st.binary(max_size=12).map(b64url_encode))
def test_base64url_is_read_as_the_library_reads_it_and_has_one_text(text: str) -> None:
    try:
        ours: bytes | None = b64url_decode(text)
    except ProtocolError:
        ours = None
    try:
        theirs = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        only = b64url_encode(theirs) == text
    except ValueError:
        theirs, only = b"", False
    assert ours == (theirs if only else None)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"a":1,"a":1}', "duplicate-key"),
        ('{"a":{"b":1,"b":2}}', "duplicate-key"),
        ('{"\\u4e00":1}', "key-not-ascii"),
        ('{"b":1,"a":2}', "not-canonical"),
        ('{"a":1.0}', "float"),
        ('{"a":1e3}', "float"),
        ('{"a":9007199254740992}', "integer-range"),
        ('{"a":-0}', "not-canonical"),
        ('{"a":NaN}', "float"),
        ('{"a":"\\ud800"}', "not-canonical"),
        ('{"a":"\\/"}', "not-canonical"),
    ],
)
def test_ascii_texts_are_refused_with_the_same_reasons(text: str, code: str) -> None:
    with pytest.raises(CanonicalError) as caught:
        jcs.loads(text)
    assert caught.value.code == code


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


@given(
    _ANY,
    st.sampled_from(["", " ", "0", "-0", ".0", "e1", '"a":1,', "\\u0041", "["]),
    st.integers(0, 60),
)
def test_a_text_is_read_quickly_only_as_the_long_way_reads_it(
    value: object, spoil: str, at: int
) -> None:
    text = json.dumps({"a": value, "b": 1}, separators=(",", ":"), sort_keys=True)
    _same_both_ways(text[:at] + spoil + text[at:])


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}', '{"a":1,"a":2}', '{"b":1,"a":1}', '{"a":1.0}', '{"a":[1.5]}', '{"a":1e3}',
        '{"a":9007199254740992}', '{"a":-9007199254740991}', '{"a":18446744073709551616}',
        '{"a":NaN}', '{"a":-0}', '{"a":"\\ud800"}', '{"a":"\\u00e9"}', '{"\\u00e9":1}',
        '{"a":"\\/"}', '{"a":"\\u001f"}', '{"a":"\\u001F"}', '{"a":"\x7f"}', '{"a": 1}',
        "[1]", "1", '{"a":' + "[" * 40 + "]" * 40 + "}", '{"a":"' + "[" * 40 + '"}',
    ],
)  # fmt: skip
def test_odd_texts_are_read_the_same_both_ways(text: str) -> None:
    _same_both_ways(text)


def test_a_usual_payload_is_read_quickly() -> None:
    assert jcs._quickly('{"a":[1,{"b":"2"}],"c":null}', 32) == {"a": [1, {"b": "2"}], "c": None}


def _same_both_ways(text: str) -> None:
    quick = jcs._quickly(text, jcs.MAX_DEPTH) if text.isascii() else None
    if quick is not None:
        assert json.dumps(quick) == json.dumps(_long_value(text))


def _long_value(text: str) -> object:
    fast, jcs._fast = jcs._fast, None
    try:
        return jcs.loads(text)
    finally:
        jcs._fast = fast
