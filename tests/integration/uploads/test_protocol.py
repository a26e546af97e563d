"""tus 1.0.0 as clients see it, on both databases."""

from __future__ import annotations

import io

import pytest
from flask import Flask

from tests.factories.identity import World
from tests.factories.uploads import (
    OFFSET_TYPE,
    UPLOADS,
    Sender,
    checksum,
    metadata,
    sha256_of,
)

DATA = b"seven hills and one river, seen from the road" * 100


def test_options_says_what_is_served(app: Flask, sender: Sender) -> None:
    for path in (UPLOADS, f"{UPLOADS}/anything"):
        answer = app.test_client().options(path)  # without credentials and Tus-Resumable
        assert answer.status_code == 204
        assert answer.headers["Tus-Version"] == "1.0.0"
        assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"
        assert int(answer.headers["Tus-Max-Size"]) > 0
        assert {"creation", "checksum", "termination", "concatenation", "expiration"} <= set(
            answer.headers["Tus-Extension"].split(",")
        )
        assert not [name for name in answer.headers if "access-control" in name[0].lower()]


@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
@pytest.mark.parametrize("version", [None, "0.2.2"])
def test_another_version_is_refused(sender: Sender, method: str, version: str | None) -> None:
    path = UPLOADS if method == "POST" else sender.begin(DATA)
    answer = sender.request(method, path, headers={"Tus-Resumable": version})
    assert answer.status_code == 412
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Resumable"] == "1.0.0"


def test_an_upload_in_pieces(sender: Sender) -> None:
    created = sender.create(len(DATA), sha256_of(DATA))
    path = created.headers["Location"]
    assert created.status_code == 201
    assert "Upload-Expires" in created.headers
    assert sender.offset(path) == 0
    for start in range(0, len(DATA), 1000):
        answer = sender.patch(path, start, DATA[start : start + 1000])
        assert answer.status_code == 204
        end = min(start + 1000, len(DATA))
        assert answer.headers["Upload-Offset"] == str(end)
        assert ("Upload-Expires" in answer.headers) == (end < len(DATA))
        assert sender.offset(path) == end
    row = sender.row(path)
    assert (row.state, row.sha256, row.size_bytes) == ("complete", sha256_of(DATA), len(DATA))
    assert sender.stored(DATA)
    assert sender.blobs() == {sha256_of(DATA)}
    assert sender.events("evidence.unclaimed") == 1
    assert list(sender.runtime.stores.uploads.upload_ids()) == []


def test_head_says_what_was_declared(sender: Sender) -> None:
    text = metadata(sha256=sha256_of(DATA), filename="现场.jpg", filetype="image/jpeg")
    path = sender.create(len(DATA), None, upload_metadata=text).headers["Location"]
    answer = sender.head(path)
    assert answer.headers["Upload-Metadata"] == text
    assert answer.headers["Upload-Length"] == str(len(DATA))
    assert answer.headers["Cache-Control"] == "no-store"
    row = sender.row(path)
    assert (row.filename, row.filetype) == ("现场.jpg".encode(), "image/jpeg")


@pytest.mark.parametrize("size", [0, 1, 4096, len(DATA)])
def test_creation_with_all_the_bytes(sender: Sender, size: int) -> None:
    data = DATA[:size]
    answer = sender.create(size, sha256_of(data), data)
    assert answer.status_code == 201, answer.get_json()
    assert answer.headers["Upload-Offset"] == str(size)
    assert sender.row(answer.headers["Location"]).state == "complete"
    assert sender.stored(data)
    assert sender.offset(answer.headers["Location"]) == size


def test_an_empty_file_needs_no_patch(sender: Sender) -> None:
    answer = sender.create(0, sha256_of(b""))
    assert answer.status_code == 201
    assert sender.row(answer.headers["Location"]).state == "complete"
    assert sender.stored(b"")


def test_creation_with_the_first_bytes(sender: Sender) -> None:
    answer = sender.create(len(DATA), sha256_of(DATA), DATA[:1000])
    assert answer.headers["Upload-Offset"] == "1000"
    path = answer.headers["Location"]
    assert sender.patch(path, 1000, DATA[1000:]).status_code == 204
    assert sender.stored(DATA)


def test_a_length_that_is_declared_late(sender: Sender) -> None:
    created = sender.create(None, sha256_of(DATA), upload_defer_length="1")
    path = created.headers["Location"]
    assert sender.head(path).headers["Upload-Defer-Length"] == "1"
    assert sender.patch(path, 0, DATA[:1000]).status_code == 204
    answer = sender.patch(path, 1000, DATA[1000:], upload_length=str(len(DATA)))
    assert answer.status_code == 204
    assert sender.stored(DATA)


def test_a_deferred_length_can_come_without_bytes_and_only_once(sender: Sender) -> None:
    created = sender.create(None, sha256_of(DATA), upload_defer_length="1")
    path = created.headers["Location"]
    sender.patch(path, 0, DATA)
    short = sender.patch(path, len(DATA), b"", upload_length="10")
    assert short.status_code == 413
    assert sender.offset(path) == len(DATA)
    assert sender.patch(path, len(DATA), b"", upload_length=str(len(DATA))).status_code == 204
    assert sender.stored(DATA)

    second = sender.begin(DATA + b"x")
    answer = sender.patch(second, 0, b"", upload_length=str(len(DATA) + 5))
    assert answer.get_json()["type"].endswith(":conflict")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_chunks_with_checksums(sender: Sender, algorithm: str) -> None:
    path = sender.begin(DATA)
    right = checksum(algorithm, DATA[:500])
    assert sender.patch(path, 0, DATA[:500], upload_checksum=right).status_code == 204
    wrong = sender.patch(path, 500, DATA[500:900], upload_checksum=right)
    assert wrong.status_code == 460
    assert wrong.get_json()["type"].endswith(":checksum-mismatch")
    assert sender.offset(path) == 500
    rest = checksum(algorithm, DATA[500:])
    assert sender.patch(path, 500, DATA[500:], upload_checksum=rest).status_code == 204
    assert sender.stored(DATA)


def test_an_unknown_checksum_is_refused_before_a_byte_is_written(sender: Sender) -> None:
    path = sender.begin(DATA)
    answer = sender.patch(path, 0, DATA, upload_checksum="md5 AAAAAAAAAAAAAAAAAAAAAA==")
    assert answer.status_code == 400
    assert sender.offset(path) == 0


def test_termination_keeps_the_bytes_out_of_the_way(sender: Sender) -> None:
    path = sender.begin(DATA)
    sender.patch(path, 0, DATA[:700])
    assert sender.delete(path).status_code == 204
    for answer in (sender.head(path), sender.patch(path, 700, b"x"), sender.delete(path)):
        assert answer.status_code == 410
    assert sender.quarantined() == {path.rpartition("/")[2]: "terminated by the client"}
    assert sender.row(path).state == "terminated"
    assert sender.events("upload.terminated") == 1


def test_finished_bytes_cannot_be_terminated(sender: Sender) -> None:
    path = sender.send(DATA)
    assert sender.delete(path).status_code == 403
    assert sender.stored(DATA)


def test_concatenation_in_the_order_named(sender: Sender) -> None:
    pieces = [DATA[:1000], DATA[1000:3000], DATA[3000:]]
    paths: list[str] = []
    for piece in reversed(pieces):  # made in another order than joined
        answer = sender.create(len(piece), None, upload_concat="partial")
        path = answer.headers["Location"]
        assert sender.patch(path, 0, piece).status_code == 204
        assert sender.head(path).headers["Upload-Concat"] == "partial"
        assert sender.row(path).state == "receiving"
        paths.insert(0, path)
    final = sender.create(None, sha256_of(DATA), upload_concat=f"final;{' '.join(paths)}")
    assert final.status_code == 201, final.get_json()
    assert final.headers["Upload-Offset"] == str(len(DATA))
    assert sender.stored(DATA)
    head = sender.head(final.headers["Location"])
    assert head.headers["Upload-Concat"] == f"final;{' '.join(paths)}"
    assert head.headers["Upload-Length"] == head.headers["Upload-Offset"] == str(len(DATA))
    assert list(sender.runtime.stores.uploads.upload_ids()) == []
    assert sender.patch(final.headers["Location"], len(DATA), b"").status_code == 403


def test_concatenation_with_wrong_parts(world: World, sender: Sender) -> None:
    half = sender.create(1000, None, upload_concat="partial").headers["Location"]
    sender.patch(half, 0, DATA[:300])
    whole = sender.begin(DATA)
    for parts in (half, whole, "nonsense", f"{UPLOADS}/{world.first.id}"):
        answer = sender.create(None, sha256_of(DATA), upload_concat=f"final;{parts}")
        assert answer.status_code == 400
        assert answer.get_json()["type"].endswith(":concat-invalid")
    assert sender.offset(half) == 300
    assert sender.rows() == 2
    assert sender.quarantined() == {}


def test_joined_parts_that_hash_otherwise_go_to_quarantine(sender: Sender) -> None:
    part = sender.create(5, None, upload_concat="partial").headers["Location"]
    sender.patch(part, 0, b"other")
    answer = sender.create(None, sha256_of(DATA), upload_concat=f"final;{part}")
    assert answer.status_code == 460
    assert sender.offset(part) == 5
    assert sender.blobs() == set()


@pytest.mark.parametrize("method", ["PATCH", "HEAD", "DELETE"])
def test_clients_that_can_only_post(sender: Sender, method: str) -> None:
    path = sender.begin(DATA)
    headers = {"X-HTTP-Method-Override": method}
    if method == "PATCH":
        headers |= {"Upload-Offset": "0", "Content-Type": OFFSET_TYPE}
    body = DATA if method == "PATCH" else None
    answer = sender.request("POST", path, headers=headers, data=body)
    assert answer.status_code in {200, 204}
    assert sender.row(path).state == {
        "PATCH": "complete", "HEAD": "receiving", "DELETE": "terminated",
    }[method]  # fmt: skip


def test_a_post_without_override_is_not_offered(sender: Sender) -> None:
    path = sender.begin(DATA)
    answer = sender.request("POST", path)
    assert answer.status_code == 405
    assert "PATCH" in answer.headers["Allow"]


def test_a_chunked_body(sender: Sender) -> None:
    path = sender.begin(DATA)
    headers = {"Upload-Offset": "0", "Content-Type": OFFSET_TYPE, "Transfer-Encoding": "chunked"}
    answer = sender.request(
        "PATCH",
        path,
        headers=headers,
        input_stream=io.BytesIO(DATA),
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )
    assert answer.status_code == 204, answer.get_json()
    assert sender.stored(DATA)


def test_an_endless_chunked_body_stops_at_the_declared_length(sender: Sender) -> None:
    path = sender.begin(DATA)
    headers = {"Upload-Offset": "0", "Content-Type": OFFSET_TYPE}
    answer = sender.request(
        "PATCH",
        path,
        headers=headers,
        input_stream=io.BytesIO(DATA + b"and more" * 100_000),
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )
    assert answer.status_code == 413
    assert answer.get_json()["type"].endswith(":length-exceeded")
    # What was declared has come, so it is complete; the rest was never written.
    assert sender.offset(path) == len(DATA)
    assert sender.stored(DATA)


def test_waitress_is_refused(sender: Sender) -> None:
    answer = sender.request("POST", UPLOADS, environ_overrides={"SERVER_SOFTWARE": "waitress"})
    assert answer.status_code == 503
