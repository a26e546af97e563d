"""Tamper cases of custody, objects, recordings and erasure."""

from __future__ import annotations

import hashlib
from typing import Any

from client_sdk.protocol.streams import CHUNK_BYTES, Chunker
from client_sdk.protocol.verdicts import Reason as R  # noqa: N817 - as in the verifier's words
from client_sdk.protocol.verdicts import Verdict
from tests.factories.scenes import Scene
from tests.factories.tamper_kit import Kit, Made, Register, done, photo_path
from tests.factories.worlds import Sealed

V = Verdict
case = Register()
_VIDEO = bytes(CHUNK_BYTES) + b"a second, short chunk, fictional" * 100


def _offer(scene: Scene, number: int, giver: object, taker: object, user: object) -> Sealed:
    give = {"from": str(giver), "to": str(taker)}
    return scene.world.event(
        "custody.offered",
        ("evidence", scene.items[number]),
        give,
        user=user,  # type: ignore[arg-type]
    )


@case("40", "handed over by somebody who does not hold it", V.FAILED, R.CUSTODY_HOLDER)
def not_the_holder(kit: Kit) -> Made:
    scene = kit.scene()
    world = scene.world
    stranger = world.uuid()
    offer = _offer(scene, 1, stranger, world.judge, stranger)
    subject = "evidence", scene.items[1]
    world.event("custody.accepted", subject, {"offer": offer.hid}, user=world.judge)
    return done(scene)


@case("40_gone", "handed over twice by the same officer", V.FAILED, R.CUSTODY_HOLDER)
def no_longer_holder(kit: Kit) -> Made:
    scene = kit.scene()
    world = scene.world
    offer = _offer(scene, 0, world.officer, world.judge, world.officer)
    subject = "evidence", scene.items[0]
    world.event("custody.accepted", subject, {"offer": offer.hid}, user=world.judge)
    return done(scene)


@case("40_name", "offered in another's name", V.FAILED, R.CUSTODY_ACTOR)
def in_another_name(kit: Kit) -> Made:
    scene = kit.scene()
    world = scene.world
    offer = _offer(scene, 1, world.officer, world.judge, world.judge)
    subject = "evidence", scene.items[1]
    world.event("custody.accepted", subject, {"offer": offer.hid}, user=world.judge)
    return done(scene)


@case("40_early", "fetched before it was there", V.FAILED, R.CUSTODY_EARLY)
def fetched_early(kit: Kit) -> Made:
    scene = kit.scene()
    scene.world.event("custody.downloaded", ("evidence", scene.world.uuid()), {})
    return done(scene)


@case("40_unclear", "the same while an event is withheld", V.FINDINGS, R.CUSTODY_UNCLEAR)
def unclear(kit: Kit) -> Made:
    scene = kit.scene()
    scene.world.event("custody.downloaded", ("evidence", scene.world.uuid()), {})
    hid = scene.viewed.hid if scene.viewed else ""
    return done(scene, scene.export(withheld={hid: "third-party"}))


@case("40_open", "offered, not answered", V.FINDINGS, R.CUSTODY_OPEN)
def open_offer(kit: Kit) -> Made:
    scene = kit.scene()
    _offer(scene, 1, scene.world.officer, scene.world.judge, scene.world.officer)
    return done(scene)


@case("63", "accepted without an offer", V.FAILED, R.CUSTODY_OFFER)
def without_offer(kit: Kit) -> Made:
    scene = kit.scene()
    subject = "evidence", scene.items[1]
    scene.world.event("custody.accepted", subject, {"offer": "3" * 64}, user=scene.world.judge)
    return done(scene)


@case("63_other", "accepted by another than was asked", V.FAILED, R.CUSTODY_ACTOR)
def another_accepts(kit: Kit) -> Made:
    scene = kit.scene()
    world = scene.world
    offer = _offer(scene, 1, world.officer, world.judge, world.officer)
    subject = "evidence", scene.items[1]
    world.event("custody.accepted", subject, {"offer": offer.hid}, user=world.officer)
    return done(scene)


@case("63_twice", "accepted twice", V.FAILED, R.CUSTODY_OFFER)
def accepted_twice(kit: Kit) -> Made:
    scene = kit.scene()
    facts = {"offer": scene.offer.hid if scene.offer else ""}
    subject = "evidence", scene.items[0]
    scene.world.event("custody.accepted", subject, facts, user=scene.world.judge)
    return done(scene)


@case("47", "an object replaced in the store before the export", V.FAILED, R.OBJECT_NAME)
def replaced_before(kit: Kit) -> Made:
    scene = kit.scene()
    name = photo_path(scene.photos[0]).rpartition("/")[2]
    scene.world.objects[name] = b"replaced in the store"
    return done(scene)


@case("47_after", "an object replaced under its own digest", V.FAILED, R.OBJECT_UNDECLARED)
def replaced_after(kit: Kit) -> Made:
    scene = kit.scene()
    del scene.world.objects[photo_path(scene.photos[0]).rpartition("/")[2]]
    scene.world.keep(b"replaced before the commit")
    return done(scene)


@case("47_size", "a record that states another length", V.FINDINGS, R.OBJECT_SIZE)
def other_size(kit: Kit) -> Made:
    scene = kit.scene()
    digest = scene.world.keep(b"length, fictional")
    thing = {"sha256": digest, "size": 5, "mime": "image/jpeg", "name_b64": ""}
    scene.tablet.record("capture.recorded", obj=[thing])
    return done(scene)


@case("47_withheld", "an original withheld, as stated", V.FINDINGS, R.OBJECT_WITHHELD)
def original_withheld(kit: Kit) -> Made:
    scene = kit.scene()
    name = photo_path(scene.photos[0]).rpartition("/")[2]
    return done(scene, scene.export(absent={name: "withheld"}))


@case("47_never", "an original that never arrived", V.FINDINGS, R.OBJECT_MISSING)
def never_arrived(kit: Kit) -> Made:
    scene = kit.scene()
    scene.tablet.capture(b"never arrived, fictional")
    name = hashlib.sha256(b"never arrived, fictional").hexdigest()
    return done(scene, scene.export(absent={name: "missing"}))


@case("47_missing", "stated as never arrived, though it did", V.FAILED, R.REDACTION_FALSE)
def falsely_missing(kit: Kit) -> Made:
    scene = kit.scene()
    name = photo_path(scene.photos[0]).rpartition("/")[2]
    return done(scene, scene.export(absent={name: "missing"}))


@case("47_deleted", "deleted on the device, with its tombstone", V.FINDINGS, R.OBJECT_DELETED)
def deleted(kit: Kit) -> Made:
    scene = kit.scene()
    data = b"deleted on the device, fictional"
    capture = scene.tablet.capture(data)
    name = hashlib.sha256(data).hexdigest()
    ref = {"sha256": name, "seq": capture.header["seq"], "reason": "operator"}
    scene.tablet.record("capture.deleted", ref=ref)
    return done(scene, scene.export(absent={name: "deleted"}))


@case("60", "a recording that was interrupted", V.FINDINGS, R.RECORDING_INTERRUPTED)
def interrupted(kit: Kit) -> Made:
    scene = kit.scene()
    _record(scene, close=False)
    return done(scene)


@case("60_closed", "a recording that was closed", V.VERIFIED)
def closed(kit: Kit) -> Made:
    scene = kit.scene()
    _record(scene)
    return done(scene)


@case("60_chunk", "a chunk missing from the recording", V.FAILED, R.RECORDING_ROOT)
def chunk_missing(kit: Kit) -> Made:
    scene = kit.scene()
    _record(scene, stored=_VIDEO[: CHUNK_BYTES - 1], close=False)
    return done(scene)


@case("60_short", "a recovered recording that lost its end", V.FINDINGS, R.RECORDING_SHORT)
def end_lost(kit: Kit) -> Made:
    scene = kit.scene()
    stored = _VIDEO[: CHUNK_BYTES - 1]
    chunker = Chunker()
    chunker.feed(stored)
    mark = {"chunks": 1, "size": len(stored), "root": chunker.finish()}
    _record(scene, stored=stored, close=False, left=mark)
    return done(scene)


@case("60_swapped", "other bytes than were bound while recording", V.FAILED, R.RECORDING_ROOT)
def chunk_swapped(kit: Kit) -> Made:
    scene = kit.scene()
    _record(scene, stored=b"\1" + _VIDEO[1:])
    return done(scene)


@case("60_order", "a recording that shrinks", V.FAILED, R.RECORDING_ORDER)
def shrinking(kit: Kit) -> Made:
    scene = kit.scene()
    name = _record(scene, close=False)
    mark = {"id": name, "chunks": 0, "size": 0}
    scene.phone.record("media.progress", stream=mark)
    return done(scene)


@case("62", "a recording across a restart", V.FINDINGS, R.RECORDING_REBOOT)
def rebooted(kit: Kit) -> Made:
    scene = kit.scene()
    _record(scene, reboot=True)
    return done(scene)


def _record(
    scene: Scene,
    *,
    stored: bytes = _VIDEO[:CHUNK_BYTES],
    close: bool = True,
    reboot: bool = False,
    left: dict[str, Any] | None = None,
) -> str:
    """Open, progress after a chunk, close, capture; `stored` is what was kept in the end.

    `left`: what a recovered recording says of itself, when not the last progress.
    """
    stored = _VIDEO if close and stored == _VIDEO[:CHUNK_BYTES] else stored
    phone, name = scene.phone, str(scene.world.uuid())
    chunker = Chunker((1,))
    chunker.feed(_VIDEO)
    whole = chunker.finish()
    phone.record("media.open", stream={"id": name, "chunks": 0, "size": 0})
    mark: dict[str, Any] = {"id": name, "chunks": 1, "size": CHUNK_BYTES, "root": chunker.roots[1]}
    phone.record("media.progress", stream=mark)
    if reboot:
        phone.boot, phone.boot_ms = "boot-2", 0
    if close:
        chunks = chunker.tree.chunks
        mark = {"id": name, "chunks": chunks, "size": len(_VIDEO), "root": whole}
        phone.record("media.close", stream=mark)
        phone.capture(stored, media="video", stream=mark)
    else:
        ref = {"sha256": hashlib.sha256(stored).hexdigest(), "reason": "interrupted"}
        mark |= left or {}
        phone.capture(stored, act="capture.recovered", media="video", stream=mark, ref=ref)
    return name


def _erase(scene: Scene, *, logged: bool = True) -> dict[str, Any]:
    """A lawful erasure of the second photo by two persons; options of the export after it."""
    photo = scene.photos[1]
    name = photo_path(photo).rpartition("/")[2]
    if logged:
        facts = {"hids": [photo.hid], "unlinked": [name], "reason": "依法删除（虚构）"}
        scene.world.event("evidence.erased", ("evidence", scene.items[1]), facts)
    del scene.world.objects[name]
    return {"erased": {photo.hid}}


@case("61", "a lawful erasure", V.FINDINGS, R.ERASURE_DECLARED)
def erased(kit: Kit) -> Made:
    scene = kit.scene()
    return done(scene, scene.export(**_erase(scene)))


@case("61_object", "only the bytes erased", V.FINDINGS, R.OBJECT_ERASED)
def object_erased(kit: Kit) -> Made:
    scene = kit.scene()
    name = photo_path(scene.photos[1]).rpartition("/")[2]
    data = scene.world.objects[name]
    _erase(scene)
    scene.world.objects[name] = data
    return done(scene, scene.export(absent={name: "erased"}))


@case("61_silent", "an erasure that the log does not know", V.FAILED, R.ERASURE_UNPROVEN)
def erased_silently(kit: Kit) -> Made:
    scene = kit.scene()
    return done(scene, scene.export(**_erase(scene, logged=False)))


@case("61_gap", "records that never came, released by a person", V.FINDINGS, R.CHAIN_GAP_DECLARED)
def released_gap(kit: Kit) -> Made:
    scene = kit.scene()
    lost = _lose(scene)
    facts = {"ep": 1, "reason": "30 days", "gaps": [], "records": 1}
    scene.world.event("record.released", ("device", scene.tablet.id), facts, case=None)
    return done(scene, scene.export(gaps={str(scene.tablet.id): [[lost, lost]]}))


@case("61_gap_unreleased", "a gap that nobody released", V.FAILED, R.CHAIN_GAP)
def unreleased_gap(kit: Kit) -> Made:
    scene = kit.scene()
    lost = _lose(scene)
    return done(scene, scene.export(gaps={str(scene.tablet.id): [[lost, lost]]}))


def _lose(scene: Scene) -> int:
    lost = scene.tablet.record("log.note", case=None, text="丢失（虚构）")
    scene.world.sealed.remove(lost)
    scene.tablet.record("log.note", text="之后（虚构）")
    return int(lost.header["seq"])
