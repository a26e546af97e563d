"""In which form an item goes out when copies of it come and go after it was shared."""

from __future__ import annotations

import io
import json
import uuid

import pytest
from flask import Flask
from PIL import Image

from server.core.permissions import Role
from server.core.problem import Kind, Problem
from server.evidence import redactions
from server.evidence.models import Evidence
from server.shares import service
from server.shares.commands import Mode
from tests.factories.cases import Bench
from tests.factories.console import Desk, desk
from tests.factories.evidence import Scene, build_scene
from tests.factories.identity_rows import Person
from tests.factories.shares import Outsider, photo, redact, share


@pytest.fixture
def scene(app: Flask) -> Scene:
    return build_scene(app)


def jpeg(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "JPEG")
    return out.getvalue()


def lead_of(scene: Scene) -> Desk:
    person = Person(scene.supervisor_id, scene.court_id, "lead", "虚构", (Role.SUPERVISOR,))
    return desk(scene.app, person)


def discard(scene: Scene, redaction_id: uuid.UUID) -> None:
    with scene.unit() as ctx:
        redactions.discard(ctx, redaction_id, redactions.Discard(reason="漏遮(虚构)"))


def colour_of(browser: Outsider, item: Evidence) -> str | None:
    """What the marked picture shows most of."""
    answer = browser.item(item, "/picture")
    if answer.status_code == 404:
        return None
    shown = Image.open(io.BytesIO(answer.data)).convert("RGB").resize((1, 1))
    levels = shown.getpixel((0, 0))
    assert isinstance(levels, tuple)
    return ("red", "green", "blue")[levels.index(max(levels))]


def test_a_copy_made_after_the_share_stands_in_for_the_original(scene: Scene) -> None:
    item = photo(scene, b"original")
    browser = Outsider(scene.app).into(share(scene, item, mode=Mode.DOWNLOAD))
    assert browser.item(item, "/content").data == b"original"
    assert colour_of(browser, item) == "blue"
    redact(scene, item, jpeg("green"))
    assert browser.item(item, "/content").data == jpeg("green")
    assert colour_of(browser, item) == "green"
    assert browser.item(item, "/facts.json").get_json()["form"] == "redacted"


def test_the_newest_finished_copy_is_shown_and_never_an_earlier_one_again(scene: Scene) -> None:
    item = photo(scene, b"original")
    redact(scene, item, jpeg("red"))
    browser = Outsider(scene.app).into(share(scene, item))
    second = redact(scene, item, jpeg("green"), number=2)
    assert colour_of(browser, item) == "green"
    discard(scene, second)
    assert colour_of(browser, item) == "red"  # what was shared is still good


def test_what_was_redacted_once_never_goes_out_as_it_was(scene: Scene) -> None:
    item = photo(scene, b"original")
    browser = Outsider(scene.app).into(share(scene, item, mode=Mode.DOWNLOAD))
    discard(scene, redact(scene, item, jpeg("green")))
    for part in ("/content", "/picture", "/media"):
        assert browser.item(item, part).status_code == 404, part


def test_a_copy_older_than_the_shared_one_does_not_stand_in_for_it(scene: Scene) -> None:
    item = photo(scene, b"original")
    redact(scene, item, jpeg("red"))
    second = redact(scene, item, jpeg("green"), number=2)
    browser = Outsider(scene.app).into(share(scene, item))
    discard(scene, second)
    assert colour_of(browser, item) is None


def test_a_named_original_stays_until_its_sharer_replaces_it(scene: Scene) -> None:
    item = photo(scene, b"original")
    redact(scene, item, jpeg("green"))
    named = share(scene, item, mode=Mode.DOWNLOAD, originals=frozenset({item.id}))
    browser = Outsider(scene.app).into(named)
    redact(scene, item, jpeg("red"), number=2)
    assert browser.item(item, "/content").data == b"original"
    lead = lead_of(scene)
    page, path = f"/shares/{named.share.id}", f"/shares/{named.share.id}/items/{item.id}/copy"
    assert path in lead.get(page).text
    assert lead.post(path).status_code == 303
    assert path not in lead.get(page).text
    assert browser.item(item, "/content").data == jpeg("red")
    facts = [
        json.loads(row.p or "{}")["facts"] for row in Bench(scene.app).events("custody.item-shared")
    ]
    assert [one["form"] for one in facts] == ["original", "redacted"]
    assert lead.post(path).status_code == 409


def test_the_sharer_is_told_which_form_goes_out(scene: Scene) -> None:
    item = photo(scene, b"original")
    made = share(scene, item)
    lead, page = lead_of(scene), f"/shares/{made.share.id}?lang=en"
    assert "Original" in lead.get(page).text
    copy = redact(scene, item, jpeg("green"))
    assert "copy made after the share" in lead.get(page).text
    discard(scene, copy)
    assert "Nothing" in lead.get(page).text


def test_there_is_nothing_to_replace_without_a_copy(scene: Scene) -> None:
    item, other = photo(scene, b"original"), photo(scene, b"other")
    made = share(scene, item)
    for one, kind in ((item, Kind.CONFLICT), (other, Kind.NOT_FOUND)):
        with scene.unit() as ctx, pytest.raises(Problem) as caught:
            service.use_copy(ctx, made.share.id, one.id)
        assert caught.value.kind is kind
