"""What tus headers say, and what is not well-formed."""

from __future__ import annotations

import base64
import string
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core.problem import Kind, Problem
from server.evidence import tus

T = TypeVar("T")
MAX = 1 << 40
SHA = "ab" * 32
KEYS = st.text(
    alphabet=[c for c in string.printable if c.isprintable() and c not in " ,"],
    min_size=1,
    max_size=40,
)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def outcome(parse: Callable[[], T]) -> T | Problem:
    """What a parser returned, or the problem it raised."""
    try:
        return parse()
    except Problem as problem:
        return problem


def declared(**headers: str) -> dict[str, str]:
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return {"Upload-Length": "5", "Upload-Metadata": f"sha256 {b64(SHA.encode())}", **named}


@pytest.mark.parametrize(
    "name",
    [
        "现场照片.jpg".encode(),
        ("执" * 255).encode(),
        b"../../x",
        b"nul\0inside",
        "\u202egpj.exe".encode(),
        b"\xff\xfe not text at all",
        b"",
    ],
)
def test_any_filename_is_kept_as_bytes(name: bytes) -> None:
    text = f"sha256 {b64(SHA.encode())},filename {b64(name)}"
    wanted = tus.parse_creation({"Upload-Length": "5", "Upload-Metadata": text}, MAX)
    assert wanted.filename == name
    assert wanted.metadata_text == text


@given(st.dictionaries(KEYS, st.binary(max_size=60), max_size=6))
def test_metadata_comes_back_as_it_was_written(pairs: dict[str, bytes]) -> None:
    text = ",".join(f"{key} {b64(value)}" if value else key for key, value in pairs.items())
    assert tus.parse_metadata(text) == pairs


@given(st.text(max_size=200))
def test_any_text_is_metadata_or_a_problem(text: str) -> None:
    found = outcome(lambda: tus.parse_metadata(text))
    if isinstance(found, Problem):
        assert found.kind is Kind.UPLOAD_METADATA_INVALID
    else:
        assert all(key.isascii() and " " not in key for key in found)


@given(st.text(max_size=60))
def test_any_length_is_a_number_or_a_problem(text: str) -> None:
    found = outcome(lambda: tus.parse_length(text, MAX))
    if isinstance(found, Problem):
        assert found.kind in {Kind.MALFORMED_REQUEST, Kind.UPLOAD_TOO_LARGE}
    else:
        assert 0 <= found <= MAX
        assert str(found) == text.lstrip("0") or found == 0


@given(st.dictionaries(st.sampled_from([
    "Upload-Length", "Upload-Defer-Length", "Upload-Metadata", "Upload-Concat", "Upload-Checksum",
    "Idempotency-Key", "Upload-Tag", "Upload-Offset", "Content-Type",
]), st.text(max_size=50)))  # fmt: skip
def test_no_headers_crash_the_parsers(headers: dict[str, str]) -> None:
    for parse in (tus.parse_creation, tus.parse_chunk):
        found = outcome(lambda: parse(headers, MAX))  # noqa: B023  called at once
        assert not isinstance(found, Problem) or 400 <= found.status < 500


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Upload-Length": "-1"}, Kind.MALFORMED_REQUEST),
        ({"Upload-Length": "1e3"}, Kind.MALFORMED_REQUEST),
        ({"Upload-Length": "٣"}, Kind.MALFORMED_REQUEST),
        ({"Upload-Length": "9" * 30}, Kind.MALFORMED_REQUEST),
        ({"Upload-Length": str(MAX + 1)}, Kind.UPLOAD_TOO_LARGE),
        ({"Upload-Defer-Length": "1"}, Kind.LENGTH_REQUIRED),  # and a length as well
        ({"Upload-Metadata": "a b c"}, Kind.UPLOAD_METADATA_INVALID),
        ({"Upload-Metadata": "sha256 !!!"}, Kind.UPLOAD_METADATA_INVALID),
        ({"Upload-Metadata": "a YQ==,a YQ=="}, Kind.UPLOAD_METADATA_INVALID),
        ({"Upload-Metadata": ",,"}, Kind.UPLOAD_METADATA_INVALID),
        ({"Upload-Metadata": f"sha256 {b64(b'ab')}"}, Kind.UPLOAD_METADATA_INVALID),
        ({"Upload-Concat": "whole"}, Kind.CONCAT_INVALID),
        ({"Upload-Concat": "final;"}, Kind.CONCAT_INVALID),
        ({"Upload-Concat": "final;/a /b"}, Kind.CONCAT_INVALID),  # with a length
        ({"Idempotency-Key": ""}, Kind.MALFORMED_REQUEST),
        ({"Idempotency-Key": "k" * 201}, Kind.MALFORMED_REQUEST),
    ],
)
def test_malformed_creations(headers: dict[str, str], kind: Kind) -> None:
    with pytest.raises(Problem) as refused:
        tus.parse_creation({**declared(), **headers}, MAX)
    assert refused.value.kind is kind


def test_a_length_may_be_deferred() -> None:
    wanted = tus.parse_creation({"Upload-Defer-Length": "1"}, MAX)
    assert wanted.size_bytes is None
    for text in ("0", "2", "yes"):
        with pytest.raises(Problem):
            tus.parse_creation({"Upload-Defer-Length": text}, MAX)


def test_parts_are_named_by_any_form_of_address() -> None:
    text = "final;/api/v1/uploads/one https://evidence.example/api/v1/uploads/two/ three?x=1"
    wanted = tus.parse_creation({"Upload-Concat": text}, MAX)
    assert wanted.parts == ("one", "two", "three")
    assert (wanted.concat, wanted.size_bytes) == ("final", None)


def test_the_digest_is_lower_case_and_the_key_may_come_either_way() -> None:
    text = f"sha256 {b64(SHA.upper().encode())}"
    wanted = tus.parse_creation({"Upload-Length": "1", "Upload-Metadata": text}, MAX)
    assert wanted.sha256 == SHA
    assert tus.parse_creation(declared(idempotency_key='"k-1"'), MAX).key == "k-1"
    assert tus.parse_creation(declared(upload_tag="k-2"), MAX).key == "k-2"
    both = declared(idempotency_key="k-1", upload_tag="k-2")
    assert tus.parse_creation(both, MAX).key == "k-1"


@pytest.mark.parametrize("value", [b"image/jpeg", b"video/mp4; codecs=avc1"])
def test_a_filetype_is_kept(value: bytes) -> None:
    headers = declared(upload_metadata=f"filetype {b64(value)}")
    assert tus.parse_creation(headers, MAX).filetype == value.decode()


@pytest.mark.parametrize("value", [b"", b"\0", b"a\nb", "文".encode(), b"x" * 300])
def test_a_strange_filetype_is_no_reason_to_refuse(value: bytes) -> None:
    headers = declared(upload_metadata=f"filetype {b64(value)}")
    assert tus.parse_creation(headers, MAX).filetype is None


def test_checksums() -> None:
    for algorithm, size in tus.CHECKSUM_BYTES.items():
        found = tus.parse_checksum({"Upload-Checksum": f"{algorithm} {b64(bytes(size))}"})
        assert found == tus.Checksum(algorithm, bytes(size))
    assert tus.parse_checksum({}) is None
    for text, kind in (
        ("md5 " + b64(bytes(16)), Kind.CHECKSUM_UNSUPPORTED),
        ("sha1", Kind.MALFORMED_REQUEST),
        ("sha1 " + b64(bytes(32)), Kind.MALFORMED_REQUEST),
        ("sha256 ***", Kind.MALFORMED_REQUEST),
    ):
        with pytest.raises(Problem) as refused:
            tus.parse_checksum({"Upload-Checksum": text})
        assert refused.value.kind is kind


@pytest.mark.parametrize("offset", ["", "-1", "1.0", "0x10", "9" * 19, " 1"])
def test_offsets_that_are_none(offset: str) -> None:
    headers = {"Content-Type": tus.OFFSET_TYPE, "Upload-Offset": offset}
    with pytest.raises(Problem) as refused:
        tus.parse_chunk(headers, MAX)
    assert refused.value.kind is Kind.MALFORMED_REQUEST


def test_another_content_type_is_refused() -> None:
    with pytest.raises(Problem) as refused:
        tus.parse_chunk({"Content-Type": "text/plain", "Upload-Offset": "0"}, MAX)
    assert refused.value.kind is Kind.UNSUPPORTED_MEDIA_TYPE


@pytest.mark.parametrize("version", [None, "0.2.2", "1.0.1", ""])
def test_only_one_version_is_spoken(version: str | None) -> None:
    headers = {} if version is None else {"Tus-Resumable": version}
    with pytest.raises(Problem) as refused:
        tus.require_version(headers)
    assert refused.value.status == 412
    assert refused.value.headers["Tus-Version"] == "1.0.0"


def test_the_date_is_that_of_http() -> None:
    at = datetime(2026, 11, 23, 2, 0, 0, 999_000, tzinfo=UTC)
    assert tus.http_date(at) == "Mon, 23 Nov 2026 02:00:00 GMT"
