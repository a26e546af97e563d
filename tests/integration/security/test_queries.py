"""Query strings, cursors, ranges, versions and purposes that nobody sensible sends."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from server.core import openapi
from server.core.paging import encode_cursor
from tests.factories.ground import Ground, Speaker
from tests.functional.authorisation.asks import ASKS, Names
from tests.integration.security.answers import events, problem_of, sound, speaker_for

TEXTS = (
    "", " ", "\0", "%", "\u202e", "٣", "null", "-1", "1e9", "0x10", "1_0", "NaN", "a" * 3000,
    "9223372036854775807", "9223372036854775808", "-9223372036854775809", "9" * 3000,
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00", "2026-03-02T01:00:00",
    "{00000000-0000-0000-0000-000000000000}", "' OR 1=1 --", str(uuid.UUID(int=2**128 - 1)),
)  # fmt: skip
NOT_CURSORS = (
    "x", "%%%", "====", "W10", "e30", "bnVsbA", base64.urlsafe_b64encode(b"[" * 2000).decode(),
    encode_cursor(), encode_cursor("x"), encode_cursor("\0"), encode_cursor(1), encode_cursor(""),
    encode_cursor("x", "y"), encode_cursor(10**30, str(uuid.uuid4())), encode_cursor(0, "\0"),
    encode_cursor(str(uuid.uuid4()), 2**40, 2**70), encode_cursor(str(uuid.uuid4()), "x"),
    encode_cursor("s", "matrix", "x", 2**63, "case", "", ""),
    base64.urlsafe_b64encode(json.dumps(["\ud800"]).encode()).decode().rstrip("="),
    base64.urlsafe_b64encode(b"[" + b"9" * 200 + b"]").decode().rstrip("="),
)  # fmt: skip


def lists(ground: Ground) -> Iterator[tuple[openapi.Operation, Speaker, str]]:
    """Reads that take a query string: with who may, and the path alone."""
    for one in openapi.operations(ground.app):
        if one.spec.query is not None:
            speaker = speaker_for(ground, one.spec.permission)
            ask = ASKS[one.key](Names(ground.first.ids, ground, speaker))
            yield one, speaker, ask.whole_path.partition("?")[0]


def names_of(one: openapi.Operation) -> list[str]:
    assert one.spec.query is not None
    fields = one.spec.query().fields
    return [field.data_key or name for name, field in fields.items()]


def test_strange_texts_in_any_field_of_a_query(ground: Ground) -> None:
    for one, speaker, path in lists(ground):
        for name in names_of(one):
            for text in TEXTS:
                answer = speaker.send("GET", f"{path}?{name}={quote(text)}")
                assert answer.status_code < 500, (one.key, name, text)
                sound(answer)


def test_unknown_and_repeated_names_in_a_query(on_sqlite: Ground) -> None:
    for one, speaker, path in lists(on_sqlite):
        assert problem_of(speaker.send("GET", f"{path}?_unknown=1")) == "validation", one.key
        twice = speaker.send("GET", f"{path}?limit=2&limit=3")
        assert problem_of(twice) == "validation", one.key


def test_cursors_that_this_server_never_gave(ground: Ground) -> None:
    for one, speaker, path in lists(ground):
        for name in {"cursor", "since"} & set(names_of(one)):
            for cursor in NOT_CURSORS:
                answer = speaker.send("GET", f"{path}?{name}={quote(cursor)}")
                where = (one.key, cursor)
                assert answer.status_code < 500, where
                assert sound(answer) in {"cursor-invalid", "validation"}, where


# ---------------------------------------------------------------------------- downloads


def download(ground: Ground, **headers: str) -> TestResponse:
    speaker = next(one for one in ground.speakers if one.name == "supervisor")
    path = f"/api/v1/evidence/{ground.first.ids['evidence']}/content"
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return speaker.send("GET", path, headers={"Purpose": "review", **sent})


WHOLE = (
    "bytes=abc", "bytes=-", "bytes", "items=0-1", "bytes=0-0,2-2", "bytes=5-3", "bytes=--1",
    "bytes=1", "bytes=+1-2", "bytes=٣-٤", "bytes=\xb2-", "bytes=0x0-0x1", "bytes=0-1;", "", "=",
    "bytes=" + ",".join(["0-"] * 1000),
)  # fmt: skip
OUTSIDE = ("bytes=10000-", "bytes=-0", "bytes=" + "9" * 5000 + "-", "bytes=10000-20000")
CLIPPED = {"bytes=0-" + "9" * 5000: 0, "bytes=-" + "9" * 5000: 0, "bytes=3-9999": 3}


def test_ranges_that_are_none_are_answered_whole(on_sqlite: Ground) -> None:
    """RFC 9110 §14.2: an invalid ranges-specifier is ignored."""
    for given in WHOLE:
        answer = download(on_sqlite, Range=given)
        assert (answer.status_code, answer.data) == (200, on_sqlite.first.photo), given


def test_ranges_outside_and_beyond(on_sqlite: Ground) -> None:
    photo = on_sqlite.first.photo
    for given in OUTSIDE:
        answer = download(on_sqlite, Range=given)
        assert problem_of(answer) == "range-not-satisfiable", given
        assert answer.headers["Content-Range"] == f"bytes */{len(photo)}"
    for given, first in CLIPPED.items():
        answer = download(on_sqlite, Range=given)
        assert (answer.status_code, answer.data) == (206, photo[first:]), given


def test_conditions_of_another_version(on_sqlite: Ground) -> None:
    for given in ('"x"', "", "W/*", "*" * 5000, "Mon, 99 Foo"):
        assert download(on_sqlite, Range="bytes=0-0", If_Range=given).status_code == 200
        assert download(on_sqlite, If_None_Match=given).status_code == 200


@pytest.mark.parametrize("given", ["", " ", "\t", "a\u202eb", "a\0b", "\u200f", "x" * 501])
def test_a_purpose_is_a_line_that_people_can_read(on_sqlite: Ground, given: str) -> None:
    speaker = next(one for one in on_sqlite.speakers if one.name == "supervisor")
    path = f"/api/v1/evidence/{on_sqlite.first.ids['evidence']}"
    before = events(on_sqlite)
    refused = {"purpose-required", "malformed-request"}
    answer = speaker.send("GET", f"{path}/content?purpose={quote(given)}")
    assert problem_of(answer) in refused
    assert events(on_sqlite) == before


def test_a_purpose_in_chinese_is_kept_as_it_was_written(on_sqlite: Ground) -> None:
    from server.audit.models import OutboxRow  # noqa: PLC0415  beside its only use
    from server.core.transactions import EVERY_COURT, unit_of_work  # noqa: PLC0415

    speaker = next(one for one in on_sqlite.speakers if one.name == "president")
    path = f"/api/v1/evidence/{on_sqlite.first.ids['evidence']}"
    given = "复核现场照片"
    header = given.encode().decode("latin-1")  # as any HTTP client has to send it
    assert speaker.send("GET", f"{path}/content", headers={"Purpose": header}).status_code == 200
    assert speaker.send("GET", f"{path}?purpose={quote(given)}").status_code == 200
    with unit_of_work(EVERY_COURT, write=False) as session:
        rows = session.query(OutboxRow.p).order_by(OutboxRow.id.desc()).limit(2).all()
    assert [json.loads(row[0] or "")["by"]["purpose"] for row in rows] == [given, given]


# ---------------------------------------------------------------------------- versions


@pytest.mark.parametrize(
    "given",
    ["", '"', '"1', 'W/"1"', "1", '"0"', '"-1"', '"1", "2"', '"' + "1" * 5000 + '"', "\xff"],
)
def test_versions_that_are_none(on_sqlite: Ground, given: str) -> None:
    for one in openapi.operations(on_sqlite.app):
        if one.method not in {"PATCH", "DELETE"} or one.tag == "uploads":
            continue
        speaker = speaker_for(on_sqlite, one.spec.permission)
        ask = ASKS[one.key](Names(on_sqlite.first.ids, on_sqlite, speaker))
        if "If-Match" not in ask.headers:
            continue
        answer = speaker.send(
            one.method, ask.whole_path, json=ask.json, headers={"If-Match": given}
        )
        assert problem_of(answer) == "precondition-failed", one.key
        bare = speaker.send(one.method, ask.whole_path, json=ask.json)
        assert problem_of(bare) == "precondition-required", one.key
