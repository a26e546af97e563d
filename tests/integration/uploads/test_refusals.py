"""Bad input: each gets a clear problem with a stable type, nothing else changes."""

from __future__ import annotations

import dataclasses

import pytest
from flask import Flask

from server.settings import Settings
from tests.factories.identity import World
from tests.factories.uploads import (
    UPLOADS,
    Sender,
    device_sender,
    metadata,
    sha256_of,
    token_sender,
)

DATA = b"what was on the table" * 200


def slug(answer: object) -> str:
    return str(answer.get_json()["type"]).rpartition(":")[2]  # type: ignore[attr-defined]


@pytest.mark.parametrize("offset", [1, 5, len(DATA), len(DATA) + 1, 10**17])
def test_offsets_that_lie(sender: Sender, offset: int) -> None:
    path = sender.begin(DATA)
    answer = sender.patch(path, offset, b"")
    assert (answer.status_code, slug(answer)) in {
        (409, "offset-conflict"),
        (413, "length-exceeded"),
    }
    assert sender.offset(path) == 0


def test_a_conflict_says_where_the_upload_stands(sender: Sender) -> None:
    path = sender.begin(DATA)
    sender.patch(path, 0, DATA[:100])
    answer = sender.patch(path, 0, DATA)
    assert answer.status_code == 409
    assert answer.headers["Upload-Offset"] == "100"
    assert answer.get_json()["offset"] == 100
    assert sender.offset(path) == 100


def test_more_bytes_than_declared(sender: Sender) -> None:
    path = sender.begin(DATA)
    answer = sender.patch(path, 0, DATA + b"!")
    assert (answer.status_code, slug(answer)) == (413, "length-exceeded")
    assert sender.offset(path) == 0
    created = sender.create(len(DATA), sha256_of(DATA), DATA + b"!")
    assert (created.status_code, slug(created)) == (413, "length-exceeded")
    assert sender.rows() == 1


def test_a_zero_byte_patch_changes_nothing(sender: Sender) -> None:
    path = sender.begin(DATA)
    for offset in (0, 100):
        answer = sender.patch(path, offset, b"")
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(offset))
        sender.patch(path, 0, DATA[:100])
    sender.patch(path, 100, DATA[100:])
    assert sender.patch(path, len(DATA), b"").status_code == 204
    assert sender.patch(path, 100, b"").status_code == 409


def test_the_wrong_bytes_go_to_quarantine_and_can_be_sent_again(sender: Sender) -> None:
    path = sender.begin(DATA, idempotency_key="one")
    answer = sender.patch(path, 0, b"!" + DATA[1:])
    assert (answer.status_code, slug(answer)) == (460, "digest-mismatch")
    assert answer.get_json()["actual_sha256"] == sha256_of(b"!" + DATA[1:])
    assert sender.blobs() == set()
    row = sender.row(path)
    assert row.state == "quarantined"
    assert sha256_of(DATA) in (row.problem or "")
    assert list(sender.quarantined()) == [path.rpartition("/")[2]]
    assert sender.events("upload.quarantined") == 1
    assert sender.head(path).status_code == 410
    assert sender.patch(path, 0, DATA).status_code == 410

    again = sender.begin(DATA, idempotency_key="one")
    assert again != path
    assert sender.patch(again, 0, DATA).status_code == 204
    assert sender.stored(DATA)


def test_wrong_bytes_that_come_with_the_creation(sender: Sender) -> None:
    answer = sender.create(len(DATA), sha256_of(DATA), b"!" + DATA[1:], idempotency_key="two")
    assert (answer.status_code, slug(answer)) == (460, "digest-mismatch")
    assert sender.events("upload.quarantined") == 1
    assert len(sender.quarantined()) == 1
    answer = sender.create(len(DATA), sha256_of(DATA), DATA, idempotency_key="two")
    assert answer.status_code == 201
    assert sender.stored(DATA)


@pytest.mark.parametrize(
    "name",
    ["../../x", "執" * 255, "nul\0inside.jpg", "\u202egpj.exe", "con.txt", "a/b\\c", ""],
)
def test_no_name_reaches_the_disk(sender: Sender, name: str) -> None:
    text = metadata(sha256=sha256_of(DATA), filename=name)
    answer = sender.create(len(DATA), None, upload_metadata=text)
    path = answer.headers["Location"]
    assert sender.patch(path, 0, DATA).status_code == 204
    assert sender.row(path).filename == name.encode()
    assert sender.stored(DATA)
    names = [entry.name for entry in sender.runtime.settings.data_dir.rglob("*")]
    assert not [entry for entry in names if name and entry == name.rpartition("/")[2]]


@pytest.mark.parametrize(
    ("headers", "status", "problem"),
    [
        ({"Upload-Length": None}, 400, "length-required"),
        ({"Upload-Length": "-3"}, 400, "malformed-request"),
        ({"Upload-Length": str(2**50)}, 413, "upload-too-large"),
        ({"Upload-Metadata": None}, 400, "digest-required"),
        ({"Upload-Metadata": "sha256 ?"}, 400, "upload-metadata-invalid"),
        ({"Upload-Metadata": metadata(sha256="12")}, 400, "upload-metadata-invalid"),
        ({"Upload-Concat": "both"}, 400, "concat-invalid"),
        ({"Idempotency-Key": "  "}, 400, "malformed-request"),
    ],
)
def test_malformed_creations_leave_no_row(
    sender: Sender, headers: dict[str, str | None], status: int, problem: str
) -> None:
    wanted = {"Upload-Length": "5", "Upload-Metadata": metadata(sha256=sha256_of(b"12345"))}
    answer = sender.request("POST", UPLOADS, headers={**wanted, **headers})
    assert (answer.status_code, slug(answer)) == (status, problem)
    assert sender.rows() == 0


def test_bytes_of_another_content_type(sender: Sender) -> None:
    path = sender.begin(DATA)
    assert sender.patch(path, 0, DATA, content_type="text/plain").status_code == 415
    answer = sender.create(len(DATA), sha256_of(DATA), DATA, content_type="text/plain")
    assert answer.status_code == 415
    assert sender.offset(path) == 0


@pytest.mark.parametrize("path", ["nonsense", "../../x", "0" * 32, "%00", "é"])
def test_ids_that_are_none(sender: Sender, path: str) -> None:
    assert sender.head(f"{UPLOADS}/{path}").status_code in {404, 405}
    assert sender.patch(f"{UPLOADS}/{path}", 0, b"x").status_code in {404, 405}


def test_another_device_or_court_sees_nothing(world: World, sender: Sender) -> None:
    path = sender.begin(DATA)
    sender.patch(path, 0, DATA[:50])
    others = [
        Sender(world.app, world.first, caller=world.device_caller(world.first.dock)),
        Sender(world.app, world.second, caller=world.device_caller(world.second.phone)),
        token_sender(world, DATA),
    ]
    for other in others:
        assert other.head(path).status_code == 404
        assert other.patch(path, 50, DATA[50:]).status_code == 404
        assert other.delete(path).status_code == 404
    assert sender.offset(path) == 50


def test_the_officer_on_the_same_device_goes_on_with_it(world: World, sender: Sender) -> None:
    path = sender.begin(DATA)
    sender.patch(path, 0, DATA[:50])
    officer = Sender(world.app, world.first, caller=world.caller(world.first.officer))
    assert officer.patch(path, 50, DATA[50:]).status_code == 204
    assert sender.stored(DATA)


def test_without_credentials(app: Flask, sender: Sender) -> None:
    path = sender.begin(DATA)
    for method, target in (("POST", UPLOADS), ("HEAD", path), ("PATCH", path), ("DELETE", path)):
        answer = app.test_client().open(target, method=method, headers={"Tus-Resumable": "1.0.0"})
        assert answer.status_code == 401


def test_an_upload_token_is_good_for_declared_bytes_only(world: World) -> None:
    token = token_sender(world, DATA)
    for size, sha256 in (
        (5, sha256_of(b"other")),
        (len(DATA) + 1, sha256_of(DATA)),
    ):
        answer = token.create(size, sha256)
        assert (answer.status_code, slug(answer)) == (403, "digest-not-declared")
    late = token.create(None, sha256_of(DATA), upload_defer_length="1").headers["Location"]
    answer = token.patch(late, 0, b"", upload_length=str(len(DATA) + 1))
    assert (answer.status_code, slug(answer)) == (403, "digest-not-declared")
    assert token.send(DATA)
    assert token.stored(DATA)


def limited(app: Flask, **changes: object) -> None:
    runtime = app.extensions["tiezheng"]
    settings: Settings = dataclasses.replace(runtime.settings, **changes)
    app.extensions["tiezheng"] = dataclasses.replace(runtime, settings=settings)


def test_one_device_cannot_fill_the_spool(app: Flask, world: World) -> None:
    limited(app, device_quota_bytes=10_000, device_uploads_max=2)
    sender = device_sender(world)
    first = sender.begin(b"a" * 6_000)
    answer = sender.create(6_000, sha256_of(b"b" * 6_000))
    assert (answer.status_code, slug(answer)) == (507, "quota-exceeded")
    sender.begin(b"c" * 100)
    answer = sender.create(100, sha256_of(b"d" * 100))
    assert (answer.status_code, slug(answer)) == (507, "quota-exceeded")
    assert sender.patch(first, 0, b"a" * 6_000).status_code == 204
    assert sender.begin(b"b" * 6_000)


def test_a_full_spool_refuses_with_a_time_to_come_again(app: Flask, world: World) -> None:
    sender = device_sender(world)
    path = sender.begin(DATA)
    uploads = app.extensions["tiezheng.uploads"]
    uploads._settings = dataclasses.replace(uploads._settings, spool_used_ratio_max=0.000_001)
    for answer in (sender.create(5, sha256_of(b"12345")), sender.patch(path, 0, DATA)):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
    assert sender.offset(path) == 0


def test_cross_origin_only_where_configured(app: Flask, world: World) -> None:
    origin = {"Origin": "https://app.court.example"}
    client = app.test_client()
    assert "Access-Control-Allow-Origin" not in client.options(UPLOADS, headers=origin).headers
    limited(app, upload_cors_origins="https://app.court.example, https://b.example")
    answer = client.options(UPLOADS, headers=origin)
    assert answer.headers["Access-Control-Allow-Origin"] == origin["Origin"]
    assert "Upload-Offset" in answer.headers["Access-Control-Allow-Headers"]
    assert "Upload-Offset" in answer.headers["Access-Control-Expose-Headers"]
    foreign = client.options(UPLOADS, headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in foreign.headers
