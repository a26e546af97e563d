import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.protocol import jcs
from client_sdk.protocol.errors import CanonicalError

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_KEY = st.text(st.characters(max_codepoint=127), max_size=8)
_LEAF = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _TEXT
_VALUE = st.recursive(
    _LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEY, inner, max_size=4)
)


@given(_VALUE)
def test_a_value_survives_its_canonical_text(value: jcs.JsonValue) -> None:
    text = jcs.dumps(value)
    assert jcs.loads(text) == value
    assert jcs.loads(text.encode()) == value
    assert json.loads(text) == value


@given(_VALUE)
def test_any_other_writing_of_the_same_value_is_refused(value: jcs.JsonValue) -> None:
    text = jcs.dumps(value)
    for other in (" " + text, text + "\n", json.dumps(value, indent=1), json.dumps(value)):
        if other != text:
            with pytest.raises(CanonicalError):
                jcs.loads(other)


@given(st.text(max_size=60))
def test_any_text_is_canonical_or_refused_with_a_code(text: str) -> None:
    try:
        value = jcs.loads(text)
    except CanonicalError as error:
        assert error.code  # noqa: PT017 - either outcome is right
    else:
        assert jcs.dumps(value) == text


@given(st.binary(max_size=60))
def test_any_bytes_are_canonical_or_refused(data: bytes) -> None:
    try:
        value = jcs.loads(data)
    except CanonicalError as error:
        assert error.code  # noqa: PT017 - either outcome is right
    else:
        assert jcs.dump_bytes(value) == data


def test_escapes_are_those_of_rfc_8785() -> None:
    # RFC 8785 §3.2.2.2: short escapes where they exist, lower-case \u00xx else, the rest raw.
    assert jcs.dumps('\b\t\n\f\r"\\\x01\x1f\x7f/é€😂\u2028') == (
        '"\\b\\t\\n\\f\\r\\"\\\\\\u0001\\u001f\x7f/é€😂\u2028"'
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"a":1,"a":2}', "duplicate-key"),
        ('{"a":1,"a":1}', "duplicate-key"),
        ('{"a":{"b":1,"b":1}}', "duplicate-key"),
        ('{"é":1}', "key-not-ascii"),
        ('{"\\u00e9":1}', "key-not-ascii"),
        ("1.0", "float"),
        ("1e3", "float"),
        ("-0.0", "float"),
        ("NaN", "float"),
        ("-Infinity", "float"),
        ("-0", "not-canonical"),
        ("9007199254740992", "integer-range"),
        ("-9007199254740992", "integer-range"),
        ("1" * 5000, "integer-range"),
        ('"\\ud800"', "not-canonical"),
        ('"\ud800"', "surrogate"),
        ('"\\u0041"', "not-canonical"),
        ('"\\/"', "not-canonical"),
        ('"\\u001F"', "not-canonical"),
        ('{"b":1,"a":2}', "not-canonical"),
        ('{"a": 1}', "not-canonical"),
        ("[1, 2]", "not-canonical"),
        ("", "not-json"),
        ("[1,]", "not-json"),
        ("01", "not-json"),
        ("'a'", "not-json"),
        ('"a\nb"', "not-json"),
        ('{"a":1}{"a":1}', "not-json"),
        ("\ufeff1", "not-json"),
        ("[" * 33 + "]" * 33, "too-deep"),
        ("[" * 200_000 + "]" * 200_000, "not-json"),
    ],
)
def test_refusals(text: str, code: str) -> None:
    with pytest.raises(CanonicalError) as caught:
        jcs.loads(text)
    assert caught.value.code == code


def test_depth_counts_levels_not_brackets() -> None:
    wide: list[Any] = [[] for _ in range(100)]
    assert jcs.loads(jcs.dumps(wide)) == wide
    assert jcs.loads(jcs.dumps("[" * 100)) == "[" * 100
    assert jcs.loads("[" * 32 + "]" * 32)
    assert jcs.loads("[[1],[2]]", max_depth=2)
    with pytest.raises(CanonicalError):
        jcs.loads("[[1],[[]]]", max_depth=2)
    with pytest.raises(CanonicalError):
        jcs.loads('[{"a":[1]}]', max_depth=2)


def test_writer_and_reader_have_the_same_depth() -> None:
    value: list[Any] = []
    for _ in range(31):
        value = [value]
    assert jcs.loads(jcs.dumps(value)) == value
    with pytest.raises(CanonicalError):
        jcs.dumps([value])


def test_size_is_counted_in_bytes() -> None:
    assert jcs.loads('"铁证"', max_bytes=8) == "铁证"
    for text in ('"铁证"', '"铁证"'.encode()):
        with pytest.raises(CanonicalError) as caught:
            jcs.loads(text, max_bytes=7)
        assert caught.value.code == "too-long"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (1.5, "type"),
        (2**53, "integer-range"),
        (b"x", "type"),
        ({1: 2}, "key-not-ascii"),
        ({"é": 2}, "key-not-ascii"),
        ("\ud800", "surrogate"),
        ({"a": {"b": {1, 2}}}, "type"),
    ],
)
def test_values_that_have_no_canonical_text(value: object, code: str) -> None:
    with pytest.raises(CanonicalError) as caught:
        jcs.dumps(value)  # type: ignore[arg-type]
    assert caught.value.code == code


def test_not_utf8() -> None:
    with pytest.raises(CanonicalError) as caught:
        jcs.loads(b'"\xff"')
    assert caught.value.code == "not-utf8"


def test_an_object_may_be_demanded() -> None:
    assert jcs.loads_object('{"a":1}') == {"a": 1}
    with pytest.raises(CanonicalError) as caught:
        jcs.loads_object("[1]")
    assert caught.value.code == "not-object"
