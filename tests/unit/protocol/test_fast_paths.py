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
