"""What outsiders get of an item: previews with a watermark, or originals where that is allowed."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from PIL import Image, ImageChops

from server.core.permissions import Role
from server.core.problem import Kind, Problem
from server.evidence import redactions
from server.evidence.models import Evidence
from server.shares import flowing, service
from server.shares.commands import Mode
from tests.factories.cases import Bench, believe
from tests.factories.evidence import Scene, build_scene
from tests.factories.shares import (
    RECIPIENT,
    Outsider,
    derive,
    keep,
    photo,
    picture,
    redact,
    share,
)

MIB = 2**20


def jpeg_with_canaries() -> bytes:
    """An original whose metadata and bytes would be recognised anywhere."""
    image = Image.new("RGB", (64, 48), "red")
    exif = Image.Exif()
    exif[0x010E] = "CANARY-DESCRIPTION"
    exif[0x013B] = "CANARY-ARTIST"
    exif.get_ifd(0x8825)[1] = "N"
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    return out.getvalue() + b"CANARY-TRAILER"


CANARIES = (
    b"CANARY-DESCRIPTION", b"CANARY-ARTIST", b"CANARY-TRAILER", "现场".encode(),
    b"%E7%8E%B0%E5%9C%BA", b"38.2100", b"104.4100", b"no-fix", b"boot",
    "样例".encode(), "手机".encode(),
)  # fmt: skip


@pytest.fixture
def scene(app: Flask) -> Scene:
    return build_scene(app)


def events(scene: Scene, kind: str) -> list[dict[str, Any]]:
    return [
        {**json.loads(row.p or "{}"), "subject_id": row.subject_id, "case_id": row.case_id}
        for row in believe(scene.app).events(kind)
    ]


def test_a_picture_bears_recipient_and_time_and_is_recorded_once(scene: Scene) -> None:
    item = photo(scene, b"one")
    browser = Outsider(scene.app).into(share(scene, item))
    answer = browser.item(item, "/picture")
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    shown = Image.open(io.BytesIO(answer.data)).convert("RGB")
    bare = Image.open(io.BytesIO(picture())).convert("RGB")
    differing = ImageChops.difference(shown, bare).point(lambda value: 255 if value > 40 else 0)
    assert shown.size == bare.size
    # Something is drawn in every quarter of the picture, so that no cut removes it.
    width, height = shown.size
    for left, top in ((0, 0), (width // 2, 0), (0, height // 2), (width // 2, height // 2)):
        box = (left, top, left + width // 2, top + height // 2)
        assert differing.crop(box).getbbox() is not None, box
    for part in ("", "/picture", ""):
        assert browser.item(item, part).status_code == 200
    (viewed,) = events(scene, "custody.viewed")
    assert (viewed["subject_id"], viewed["case_id"]) == (str(item.id), scene.case_id)
    assert (viewed["facts"]["recipient"], viewed["by"]["address"]) == (RECIPIENT, "127.0.0.1")
    scene.clock.advance(timedelta(minutes=11))
    browser.item(item)
    assert len(events(scene, "custody.viewed")) == 2


def test_two_moments_make_two_pictures(scene: Scene) -> None:
    item = photo(scene, b"one")
    browser = Outsider(scene.app).into(share(scene, item))
    first = browser.item(item, "/picture").data
    scene.clock.advance(timedelta(hours=1))
    assert browser.item(item, "/picture").data != first


def test_view_only_leaks_neither_bytes_nor_metadata(scene: Scene) -> None:
    original = jpeg_with_canaries()
    keep(scene, original)
    scene.declare(scene.capture(original, lat="38.2100000", lon="104.4100000"))
    scene.arrive(original)
    (item,) = scene.items()
    # Even a preview that took everything over from its original gives nothing away.
    derive(scene, item, "preview", original, "image/jpeg")
    browser = Outsider(scene.app).into(share(scene, item))
    answers = [
        browser.get("/s"),
        browser.get("/s/mark.svg"),
        *(
            browser.item(item, part, headers=headers)
            for part in ("", "/picture", "/media", "/content", "/facts.json")
            for headers in ({}, {"Range": "bytes=0-99"}, {"If-None-Match": f'"{item.sha256}"'})
        ),
    ]
    assert {answer.status_code for answer in answers} <= {200, 404}
    hidden = [
        *CANARIES, item.sha256.encode(), original[:40], str(item.device_id).encode(),
        str(scene.officer_id).encode(), item.record_hid.encode(),
        base64.b64encode(bytes.fromhex(item.sha256)),
    ]  # fmt: skip
    for answer in answers:
        whole = answer.data + repr(answer.headers).encode() + str(answer.headers).encode()
        assert [one for one in hidden if one in whole] == [], answer.request.path
    burnt = Image.open(io.BytesIO(browser.item(item, "/picture").data))
    assert dict(burnt.getexif()) == {}
    assert set(burnt.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_a_download_is_the_original_with_its_facts(scene: Scene) -> None:
    data = b"the original bytes"
    item = photo(scene, data)
    made = share(scene, item, mode=Mode.DOWNLOAD)
    assert made.code is not None, "downloads ask for a code whatever was wished"
    browser = Outsider(scene.app).into(made)
    answer = browser.item(item, "/content")
    assert (answer.status_code, answer.data) == (200, data)
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    part = browser.item(item, "/content", headers={"Range": "bytes=4-11"})
    assert (part.status_code, part.data) == (206, b"original")
    (taken,) = events(scene, "custody.downloaded")
    assert taken["facts"]["sha256"] == taken["facts"]["served"] == item.sha256
    facts = browser.item(item, "/facts.json").get_json()
    assert (facts["sha256"], facts["form"]) == (item.sha256, "original")
    assert item.sha256 in browser.item(item).text


def test_a_share_is_told_in_the_custody_of_each_item(scene: Scene) -> None:
    one, other = photo(scene, b"one"), photo(scene, b"other")
    made = share(scene, one, other)
    told = events(scene, "custody.item-shared")
    assert [entry["subject_id"] for entry in told] == [str(one.id), str(other.id)]
    assert {entry["facts"]["share"] for entry in told} == {str(made.share.id)}
    (whole,) = events(scene, "custody.shared")
    assert whole["facts"]["items"] == [str(one.id), str(other.id)]


def test_revoking_works_from_the_next_request_on(scene: Scene) -> None:
    item = photo(scene, b"one")
    made = share(scene, item, mode=Mode.DOWNLOAD)
    browser = Outsider(scene.app).into(made)
    assert browser.item(item, "/content").status_code == 200
    with scene.unit() as ctx:
        service.revoke(ctx, made.share.id)
    for part in ("", "/picture", "/content", "/facts.json"):
        assert browser.item(item, part).status_code == 401, part
    assert browser.get("/s").status_code == 404
    (told,) = events(scene, "custody.share-revoked")
    assert told["subject_id"] == str(made.share.id)


def test_revoking_ends_a_download_under_way(scene: Scene) -> None:
    data = bytes(range(256)) * (4 * MIB // 256)
    item = photo(scene, data)
    made = share(scene, item, mode=Mode.DOWNLOAD)
    browser = Outsider(scene.app).into(made)
    answer = browser.item(item, "/content", buffered=False)
    pieces: Iterator[Any] = iter(answer.response)
    got = len(next(pieces))
    with scene.unit() as ctx:
        service.revoke(ctx, made.share.id)
    rest: list[int] = []
    with pytest.raises(flowing.ShareEndedError):
        count_into(rest, pieces)
    got += sum(rest)
    assert got <= (flowing.PIECES_BETWEEN + 1) * 262_144 < len(data)
    answer.close()


def count_into(rest: list[int], pieces: Iterator[bytes]) -> None:
    """Take them one by one, so that what came before the end is counted."""
    for piece in pieces:
        rest.append(len(piece))  # noqa: PERF401  the last one raises


def test_a_slow_reader_is_asked_after_by_time() -> None:
    now, alive = [0.0], [True]
    flow = flowing.guarded(iter([b"a", b"b", b"c"]), lambda: alive[0], lambda: now[0])
    assert next(flow) == b"a"
    alive[0], now[0] = False, flowing.SECONDS_BETWEEN
    with pytest.raises(flowing.ShareEndedError):
        next(flow)


def test_a_redacted_copy_stands_in_for_its_original(scene: Scene) -> None:
    item = photo(scene, jpeg_with_canaries())
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "green").save(out, "JPEG")
    redact(scene, item, out.getvalue())
    browser = Outsider(scene.app).into(share(scene, item, mode=Mode.DOWNLOAD))
    answer = browser.item(item, "/content")
    assert answer.data == out.getvalue()
    assert b"CANARY" not in answer.data + str(answer.headers).encode()
    shown = Image.open(io.BytesIO(browser.item(item, "/picture").data)).convert("RGB")
    red, green, _ = shown.resize((1, 1)).getpixel((0, 0))  # type: ignore[misc]
    assert green > red
    facts = browser.item(item, "/facts.json").get_json()
    assert (facts["form"], facts["sha256"]) == ("redacted", hashlib.sha256(answer.data).hexdigest())
    (taken,) = events(scene, "custody.downloaded")
    assert (taken["facts"]["form"], taken["facts"]["sha256"]) == ("redacted", item.sha256)


def test_the_original_of_a_redacted_item_goes_out_only_when_it_is_named(scene: Scene) -> None:
    item, plain = photo(scene, b"original"), photo(scene, b"plain")
    redact(scene, item, b"redacted")
    named = share(scene, item, mode=Mode.DOWNLOAD, originals=frozenset({item.id}))
    assert Outsider(scene.app).into(named).item(item, "/content").data == b"original"
    with pytest.raises(Problem) as caught:
        share(scene, plain, originals=frozenset({plain.id}))
    assert caught.value.kind is Kind.VALIDATION


def test_a_copy_that_was_withdrawn_is_not_replaced_by_its_original(scene: Scene) -> None:
    item = photo(scene, b"original")
    copy = redact(scene, item, b"redacted")
    browser = Outsider(scene.app).into(share(scene, item, mode=Mode.DOWNLOAD))
    with scene.unit() as ctx:
        redactions.discard(ctx, copy, redactions.Discard(reason="漏遮(虚构)"))
    for part in ("/content", "/picture", "/media"):
        answer = browser.item(item, part)
        assert (answer.status_code, b"original" in answer.data) == (404, False), part


def test_a_film_is_shown_as_the_worker_made_it_and_never_as_it_was_recorded(scene: Scene) -> None:
    item = photo(scene, b"film as recorded")
    derive(scene, item, "web", b"film for browsers", "video/mp4")
    browser = Outsider(scene.app).into(share(scene, item, mode=Mode.DOWNLOAD))
    answer = browser.item(item, "/media", headers={"Range": "bytes=0-3"})
    assert (answer.status_code, answer.data, answer.mimetype) == (206, b"film", "video/mp4")


def test_what_has_no_preview_is_not_shared_for_viewing(scene: Scene) -> None:
    scene.declare(scene.capture(b"sound"))
    scene.arrive(b"sound")
    (item,) = scene.items()
    with pytest.raises(Problem) as caught:
        share(scene, item)
    assert caught.value.kind is Kind.CONFLICT
    redact(scene, item, b"muted sound", "audio/mp4", "audio")
    browser = Outsider(scene.app).into(share(scene, item))
    assert browser.item(item, "/media").data == b"muted sound"


def test_an_item_that_was_erased_since_is_gone(scene: Scene) -> None:
    item = photo(scene, b"one")
    browser = Outsider(scene.app).into(share(scene, item))
    with scene.unit() as ctx:
        ctx.session.get_one(Evidence, item.id).state = "erased"
    assert browser.item(item).status_code == 404
    assert f"/s/items/{item.id}" not in browser.get("/s").text


# ---------------------------------------------------------------------- who may share


def body(scene: Scene, *items: uuid.UUID, **changes: Any) -> dict[str, Any]:
    return {
        "case_id": str(scene.case_id), "evidence_ids": [str(one) for one in items],
        "recipient": RECIPIENT, "purpose": "质证准备(虚构)", **changes,
    }  # fmt: skip


def test_link_and_code_are_in_the_first_answer_alone(scene: Scene) -> None:
    item, bench = photo(scene, b"one"), believe(scene.app)
    made = bench.call("POST", "/shares", scene.supervisor_id, body(scene, item.id))
    assert made.status_code == 201, made.text
    token, code = made.json["link"].rsplit("/", 1)[1], made.json["code"]
    assert (len(token), len(code), made.json["share"]["mode"]) == (43, 6, "view")
    Outsider(scene.app).follow(token)
    name = made.json["share"]["id"]
    for path in ("/shares", f"/shares/{name}", f"/shares?case_id={scene.case_id}&state=live"):
        text = bench.call("GET", path, scene.supervisor_id).text
        assert name in text
        assert token not in text
        assert f'"{code}"' not in text


def test_what_was_opened_and_read_is_listed(scene: Scene) -> None:
    item, bench = photo(scene, b"one"), believe(scene.app)
    made = share(scene, item)
    Outsider(scene.app).into(made).item(item)
    shown = bench.call("GET", f"/shares/{made.share.id}", scene.supervisor_id).json
    (opening,) = shown["openings"]
    (reading,) = opening["readings"]
    assert (opening["address"], reading["kind"]) == ("127.0.0.1", "viewed")
    assert shown["items"] == [{"evidence_id": str(item.id), "redaction_id": None}]


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.SUPERVISOR, Role.PRESIDENT}), ids=str)
def test_only_those_who_lead_share(scene: Scene, role: Role) -> None:
    item, bench = photo(scene, b"one"), believe(scene.app)
    who = bench.person(scene.court_id, role)
    made = share(scene, item)
    for method, path, sent in (
        ("POST", "/shares", body(scene, item.id)),
        ("GET", "/shares", None),
        ("POST", f"/shares/{made.share.id}/revoke", None),
    ):
        answer = bench.call(method, path, who, sent)
        assert (answer.status_code, answer.slug) == (403, "forbidden"), path


def test_another_courts_share_and_items_do_not_exist(scene: Scene) -> None:
    item, bench = photo(scene, b"one"), believe(scene.app)
    made = share(scene, item)
    other = build_scene(scene.app, "样0102")
    theirs = photo(other, b"theirs")
    for path, method in (
        (f"/shares/{made.share.id}", "GET"),
        (f"/shares/{made.share.id}/revoke", "POST"),
        (f"/shares/{made.share.id}/code", "POST"),
    ):
        assert bench.call(method, path, other.supervisor_id).status_code == 404, path
    assert bench.call("GET", "/shares", other.supervisor_id).json["items"] == []
    foreign = bench.call("POST", "/shares", scene.supervisor_id, body(scene, theirs.id))
    assert foreign.status_code == 404
    mixed = bench.call("POST", "/shares", scene.supervisor_id, body(other, item.id))
    assert mixed.status_code == 404


def test_items_of_another_case_or_without_bytes_are_refused(scene: Scene) -> None:
    bench = believe(scene.app)
    loose = photo(scene, b"loose", case_id=None)
    declared = scene.capture(b"never comes")
    scene.declare(declared)
    absent = scene.items()[-1]
    for item, slug in ((loose, "validation"), (absent, "content-missing")):
        answer = bench.call("POST", "/shares", scene.supervisor_id, body(scene, item.id))
        assert answer.slug == slug


@pytest.mark.parametrize(
    "change",
    [{"days": 0}, {"days": 91}, {"evidence_ids": []}, {"recipient": " "}, {"purpose": "a\x00b"},
     {"mode": "steal"}, {"openings_max": 0}, {"unknown": 1}],
    ids=["no days", "too long", "nothing", "blank", "nul", "mode", "never", "unknown"],
)  # fmt: skip
def test_what_is_no_share_is_refused(scene: Scene, change: dict[str, Any]) -> None:
    item, bench = photo(scene, b"one"), believe(scene.app)
    answer = bench.call("POST", "/shares", scene.supervisor_id, body(scene, item.id, **change))
    assert (answer.status_code, answer.slug) == (422, "validation")


def test_a_share_that_ended_stays_ended(scene: Scene) -> None:
    bench: Bench = believe(scene.app)
    made = share(scene, photo(scene, b"one"), with_code=True)
    path = f"/shares/{made.share.id}"
    assert bench.call("POST", f"{path}/revoke", scene.supervisor_id).status_code == 200
    for action in ("revoke", "code"):
        answer = bench.call("POST", f"{path}/{action}", scene.supervisor_id)
        assert (answer.status_code, answer.slug) == (409, "conflict")
