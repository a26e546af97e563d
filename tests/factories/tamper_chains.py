"""Tamper cases of entries, devices and keys, by attackers who hold more and more of the keys."""

from __future__ import annotations

from typing import Any

from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.verdicts import Reason as R  # noqa: N817 - as in the verifier's words
from client_sdk.protocol.verdicts import Verdict
from tests.factories.tamper_kit import (
    Kit,
    Made,
    Register,
    bent_line,
    done,
    forged,
    index_of,
    without_lines,
)
from tests.factories.worlds import Sealed, sign_header

V = Verdict
case = Register()


def need(one: Sealed | None) -> Sealed:
    """What the usual scene always has."""
    if one is None:
        raise AssertionError("the scene lacks it")
    return one


@case("9", "a payload edited", V.FAILED, R.COMMITMENT)
def payload_edited(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    text = need(scene.note).p.replace("现场说明", "现场记录")
    return done(scene, bent_line(package, index_of(scene, scene.note), pl=text))


@case("10", "payload and commitment edited", V.FAILED, R.INCLUSION, R.SIGNATURE)
def commitment_edited(kit: Kit) -> Made:
    scene = kit.scene()
    genuine = scene.export()
    note = need(scene.note)
    index, old = index_of(scene, note), note.h
    forged(note, text="改写（虚构）")
    line = next(line for line in genuine.lines() if line["i"] == index)
    quoted = [text.replace('"', '\\"') for text in (old, note.h)]
    leaf = line["leaf"].replace(*quoted)
    return done(scene, bent_line(genuine, index, leaf=leaf, pl=note.p))


@case("11", "a record of the case dropped", V.FAILED, R.CASE_GAP, R.CHAIN_GAP)
def dropped(kit: Kit) -> Made:
    scene = kit.scene()
    package, index = scene.export(), index_of(scene, scene.note)
    return done(scene, without_lines(package, lambda line: bool(line["i"] == index)))


@case("11_event", "a view dropped", V.FAILED, R.CASE_GAP)
def view_dropped(kit: Kit) -> Made:
    scene = kit.scene()
    package, index = scene.export(), index_of(scene, scene.viewed)
    return done(scene, without_lines(package, lambda line: bool(line["i"] == index)))


@case("12", "a device's last records cut off", V.FAILED, R.CHAIN_GAP, R.RANGE_HEAD)
def tail_cut(kit: Kit) -> Made:
    scene = kit.scene()
    package, index = scene.export(), index_of(scene, scene.photos[2])
    return done(scene, without_lines(package, lambda line: bool(line["i"] == index)))


@case("12_head", "another head of a device stated", V.FAILED, R.RANGE_HEAD)
def other_head(kit: Kit) -> Made:
    scene = kit.scene()
    return done(scene, scene.export(edit=lambda facts: facts["devices"][0].update(head="5" * 64)))


@case("12_stub", "a stub dropped", V.FAILED, R.CHAIN_GAP)
def stub_dropped(kit: Kit) -> Made:
    scene = kit.scene()
    package, index = scene.export(), index_of(scene, scene.stub)
    return done(scene, without_lines(package, lambda line: bool(line["i"] == index)))


@case("13", "a payload left out silently", V.FAILED, R.REDACTION_SILENT)
def redacted(kit: Kit) -> Made:
    scene = kit.scene()
    return done(scene, scene.export(hidden={need(scene.note).hid}))


@case("13_declared", "a payload withheld, as stated", V.FINDINGS, R.REDACTION_DECLARED)
def withheld(kit: Kit) -> Made:
    scene = kit.scene()
    return done(scene, scene.export(withheld={need(scene.note).hid: "third-party"}))


@case("13_false", "stated as withheld, and there", V.FAILED, R.REDACTION_FALSE)
def falsely_withheld(kit: Kit) -> Made:
    scene = kit.scene()
    index = index_of(scene, scene.note)
    span = {"first": index, "last": index, "why": "third-party"}
    return done(scene, scene.export(edit=lambda facts: facts["withheld"].append(span)))


@case("13_stray", "a stub of nothing here", V.FAILED, R.STUB_STRAY)
def stray(kit: Kit) -> Made:
    scene = kit.scene()
    other = scene.world.enrol(Algorithm.ED25519)
    alien = other.record("log.note", case=scene.world.other_case, text="别案（虚构）")
    return done(scene, scene.export(also={alien.hid: False}))


@case("33", "log key and witnesses: a record edited", V.FAILED, R.SIGNATURE)
def record_edited(kit: Kit) -> Made:
    scene = kit.scene()
    last = [one for one in scene.world.sealed if one.device is scene.tablet][-1]
    forged(last, text="改写（虚构）")
    return done(scene)


@case("33_middle", "the same amid the chain", V.FAILED, R.SIGNATURE, R.CHAIN_LINK)
def record_edited_amid(kit: Kit) -> Made:
    scene = kit.scene()
    forged(need(scene.note), text="改写（虚构）")
    return done(scene)


@case("33_key", "the same with the device's key, amid the chain", V.FAILED, R.CHAIN_LINK)
def record_signed_again(kit: Kit) -> Made:
    scene = kit.scene()
    note = scene.tablet.record("log.note", text="先（虚构）")
    scene.tablet.record("log.note", text="后（虚构）")
    forged(note, text="改写（虚构）")
    note.s = sign_header(scene.tablet.key, note.h)
    return done(scene)


@case("34", "log key and witnesses: a record dropped", V.FAILED, R.CHAIN_GAP)
def record_dropped(kit: Kit) -> Made:
    scene = kit.scene()
    scene.world.sealed.remove(need(scene.note))
    return done(scene)


@case("34_moved", "log key and witnesses: filed under this case", V.FAILED, R.CASE_FOREIGN)
def record_moved(kit: Kit) -> Made:
    scene = kit.scene()
    need(scene.stub).case = scene.world.case_id
    return done(scene)


@case("34_away", "log key and witnesses: filed away from this case", V.FAILED, R.CASE_FOREIGN)
def record_moved_away(kit: Kit) -> Made:
    scene = kit.scene()
    away = next(one for one in scene.world.sealed if one.device is scene.tablet)
    away.case = scene.world.other_case
    return done(scene, scene.export(also={away.hid: True}))


@case(
    "34_nameless", "log key and witnesses: a record of no case filed here", V.FAILED, R.CASE_FOREIGN
)
def record_without_case(kit: Kit) -> Made:
    scene = kit.scene()
    note = scene.tablet.record("log.note", case=None, text="无案号（虚构）")
    note.case = scene.world.case_id
    return done(scene)


@case(
    "34_borrowed",
    "a photo of another case shown as if it were of this one",
    V.FAILED,
    R.CASE_FOREIGN,
)
def photo_borrowed(kit: Kit) -> Made:
    scene = kit.scene()
    photo = scene.phone.capture(b"of another case, fictional", case=scene.world.other_case)
    scene.phone.record("log.note", text="本案（虚构）")
    return done(scene, scene.export(also={photo.hid: True}))


@case("34_rebound", "a photo that was rebound from another case", V.VERIFIED)
def photo_rebound(kit: Kit) -> Made:
    scene = kit.scene()
    world = scene.world
    photo = scene.phone.capture(b"of another case, fictional", case=world.other_case)
    item = world.verify_item(photo, case=world.other_case)
    arrival = world.sealed[-1]
    world.event("evidence.rebound", ("evidence", item), {"reason": "归错（虚构）"})
    scene.phone.record("log.note", text="本案（虚构）")
    return done(scene, scene.export(also={photo.hid: True, arrival.hid: True}))


@case("35", "a device signs two records for one number", V.FAILED, R.CHAIN_FORK)
def forked(kit: Kit) -> Made:
    scene = kit.scene()
    seq, prev = scene.tablet.seq, scene.tablet.prev
    scene.tablet.record("log.note", text="一种说法（虚构）")
    scene.tablet.seq, scene.tablet.prev = seq, prev
    scene.tablet.record("log.note", text="另一种说法（虚构）")
    return done(scene)


@case("36", "a record after the revocation", V.FAILED, R.KEY_REVOKED)
def revoked(kit: Kit) -> Made:
    scene = kit.scene()
    scene.world.event("device.revoked", ("device", scene.tablet.id), {"reason": "lost"}, case=None)
    scene.tablet.record("log.note", text="吊销之后（虚构）")
    return done(scene)


@case("36_declared", "the same, stated as suspect", V.FINDINGS, R.KEY_REVOKED_DECLARED)
def revoked_declared(kit: Kit) -> Made:
    scene = kit.scene()
    scene.world.event("device.revoked", ("device", scene.tablet.id), {"reason": "lost"}, case=None)
    late = scene.tablet.record("log.note", text="吊销之后（虚构）")
    return done(scene, scene.export(suspect={late.hid}))


@case("36_hidden", "stated as suspect, the revocation left out", V.FINDINGS, R.KEY_REVOKED_DECLARED)
def revocation_hidden(kit: Kit) -> Made:
    scene = kit.scene()
    scene.world.event("device.revoked", ("device", scene.tablet.id), {"reason": "lost"}, case=None)
    gone = scene.world.sealed[-1]
    late = scene.tablet.record("log.note", text="吊销之后（虚构）")
    return done(scene, scene.export(suspect={late.hid}, omit={gone.hid}))


@case("37", "a device that is not enrolled", V.FAILED, R.DEVICE_UNENROLLED)
def unenrolled(kit: Kit) -> Made:
    scene = kit.scene()
    return done(scene, scene.export(omit={scene.tablet.enrolled.hid}))


@case("37_before", "records before the enrolment", V.FAILED, R.DEVICE_UNENROLLED)
def before_enrolment(kit: Kit) -> Made:
    scene = kit.scene()
    sealed = scene.world.sealed
    sealed.remove(scene.tablet.enrolled)
    sealed.append(scene.tablet.enrolled)
    return done(scene)


@case("41", "a device left out, in the statement too", V.FAILED, R.CASE_GAP)
def device_omitted(kit: Kit) -> Made:
    scene = kit.scene()
    mine = {one.hid for one in scene.world.sealed if one.device is scene.tablet}
    src = str(scene.tablet.id)

    def edit(facts: dict[str, list[dict[str, object]]]) -> None:
        facts["devices"] = [one for one in facts["devices"] if one["src"] != src]

    return done(scene, scene.export(omit=mine | {scene.tablet.enrolled.hid}, edit=edit))


@case("41_range", "a device without its range", V.FAILED, R.RANGE_UNDECLARED)
def range_omitted(kit: Kit) -> Made:
    scene = kit.scene()
    src = str(scene.tablet.id)

    def edit(facts: dict[str, list[dict[str, object]]]) -> None:
        facts["devices"] = [one for one in facts["devices"] if one["src"] != src]

    return done(scene, scene.export(edit=edit))


@case("42_early", "a statement that is not the last entry", V.FAILED, R.STATEMENT_PLACE)
def after_statement(kit: Kit) -> Made:
    scene = kit.scene()
    scene.export()
    scene.world.event("custody.viewed", ("evidence", scene.items[0]), {})
    package = scene.export()
    last = package.lines()[-1]["i"]
    path = f"proof/{last}.tlog-proof"
    del package.files[path]
    return done(scene, without_lines(package, lambda line: bool(line["i"] == last)))


@case("42_after", "a view after the statement", V.FAILED, R.STATEMENT_PLACE)
def view_after(kit: Kit) -> Made:
    scene = kit.scene()
    subject = "evidence", scene.items[0]
    return done(scene, scene.export(after=lambda: [scene.world.event("custody.viewed", subject)]))


@case("42_form", "a statement that is none", V.FAILED, R.STATEMENT_FORM)
def statement_form(kit: Kit) -> Made:
    scene = kit.scene()
    return done(scene, scene.export(edit=lambda facts: facts.pop("manifest")))


@case("42_tag", "a case key that does not make the tag", V.FAILED, R.CASE_TAG)
def other_case_key(kit: Kit) -> Made:
    scene = kit.scene()
    return done(scene, scene.export(edit=lambda facts: facts["case"].update(key="0" * 64)))


@case("42_head", "another head of the case", V.FAILED, R.CASE_HEAD)
def other_case_head(kit: Kit) -> Made:
    scene = kit.scene()
    return done(scene, scene.export(edit=lambda facts: facts["case"].update(head="0" * 64)))


@case("43", "device key: a record rewritten after a peer saw it", V.FAILED, R.ATTESTATION)
def rewritten(kit: Kit) -> Made:
    scene = kit.bare()
    phone, tablet = scene.phone, scene.tablet
    phone.record("log.note", text="开始（虚构）")
    seq, prev = phone.seq, phone.prev
    genuine = phone.record("log.note", text="原本的说法（虚构）")
    shown = phone.head_text()
    scene.world.sealed.remove(genuine)
    phone.seq, phone.prev = seq, prev
    phone.record("log.note", text="后来的说法（虚构）")
    tablet.record("head.attest", case=None, head=shown)
    tablet.record("log.note", text="平板（虚构）")
    return done(scene, scene.export(priors=()))


@case("43_false", "a head that its device never showed", V.FINDINGS, R.ATTESTATION_SIGNATURE)
def attestation_false(kit: Kit) -> Made:
    scene = kit.scene()
    identity, scene.phone.identity = scene.phone.identity, PrivateKey.generate(Algorithm.ES256)
    scene.tablet.record("head.attest", head=scene.phone.head_text())
    scene.phone.identity = identity
    return done(scene)


@case("43_closing", "a closing record over another head", V.FAILED, R.ATTESTATION)
def closing_other(kit: Kit) -> Made:
    scene = kit.scene()
    scene.tablet.record("mission.closed", closing={"count": 4, "head": "1" * 64})
    return done(scene)


@case("9_form", "a record without a kind", V.FAILED, R.PAYLOAD_FORM)
def no_act(kit: Kit) -> Made:
    scene = kit.scene()
    payload = need(scene.note).payload
    del payload["act"]
    scene.tablet.seal(payload | {"act": ""}, case=scene.world.case_id)
    return done(scene)


@case("11_number", "log key and witnesses: a number of the case left out", V.FAILED, R.CASE_GAP)
def number_skipped(kit: Kit) -> Made:
    scene = kit.scene()
    scene.world.skip = index_of(scene, scene.viewed)

    def edit(facts: dict[str, Any]) -> None:
        facts["case"]["length"] += 1

    return done(scene, scene.export(edit=edit))


@case(
    "11_link", "log key and witnesses: links of the case that skip an entry", V.FAILED, R.CASE_LINK
)
def link_skips(kit: Kit) -> Made:
    scene = kit.scene()
    scene.world.mislink = index_of(scene, scene.viewed)
    return done(scene)


@case("35_late", "a record that came after its successor", V.FINDINGS, R.CHAIN_LATE)
def late(kit: Kit) -> Made:
    scene = kit.scene()
    first = scene.tablet.record("log.note", text="先（虚构）")
    scene.tablet.record("log.note", text="后（虚构）")
    scene.world.sealed.remove(first)
    scene.world.sealed.append(first)
    return done(scene)


@case("43_form", "an attestation of nothing", V.FINDINGS, R.ATTESTATION_FORM)
def attestation_form(kit: Kit) -> Made:
    scene = kit.scene()
    scene.tablet.record("head.attest", head={"text": "TZH1|nothing"})
    return done(scene)
