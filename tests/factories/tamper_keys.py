"""Tamper cases of enrolment, tickets, generations and key epochs."""

from __future__ import annotations

import base64
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from client_sdk.protocol.encoding import b64url_encode
from client_sdk.protocol.epochs import certify
from client_sdk.protocol.keys import Algorithm, PrivateKey, PublicKey
from client_sdk.protocol.records import GENESIS
from client_sdk.protocol.verdicts import Reason as R  # noqa: N817 - as in the verifier's words
from client_sdk.protocol.verdicts import Verdict
from client_sdk.protocol.vouching import vouch
from tests.factories.scenes import Scene
from tests.factories.tamper_kit import Kit, Made, Register, done, resigned
from tests.factories.worlds import START, Device
from tests.support.tsa import Root, new_root

V = Verdict
case = Register()
# The neutral element: in lax libraries every message has the signature (it, 0).
_LOW_ORDER = bytes([1, *bytes(31)])


def _with_device(kit: Kit, **enrolment: object) -> tuple[Scene, Device]:
    """A case in which one further device, enrolled in some way, takes part."""
    scene = kit.bare()
    device = scene.world.enrol(Algorithm.ES256, **enrolment)  # type: ignore[arg-type]
    device.record("log.note", text="新设备（虚构）")
    return scene, device


@case("44b", "all but pins: a substitute device enrolled", V.FAILED, R.ENROLMENT_UNVOUCHED)
def substitute(kit: Kit) -> Made:
    scene, _ = _with_device(kit, vouched=False)
    return done(scene, scene.export(priors=()))


@case("44b_forged", "the same, vouched for by the attacker", V.FAILED, R.ENROLMENT_UNVOUCHED)
def substitute_forged(kit: Kit) -> Made:
    scene, device = _with_device(kit)
    attacker = PrivateKey.generate(Algorithm.ES256)
    made = vouch(attacker, device=str(device.id), ep=1, key=device.identity.public)
    made["kid"] = scene.world.supervisor.public.thumbprint
    facts = device.enrolled.payload["facts"] | {"vouch": made}
    resigned(scene, device.enrolled, facts=facts)
    return done(scene, scene.export(priors=()))


@case("44b_borrowed", "the same, with another device's vouching", V.FAILED, R.ENROLMENT_UNVOUCHED)
def substitute_borrowed(kit: Kit) -> Made:
    scene, device = _with_device(kit)
    borrowed = scene.phone.enrolled.payload["facts"]["vouch"]
    facts = device.enrolled.payload["facts"] | {"vouch": borrowed}
    resigned(scene, device.enrolled, facts=facts)
    return done(scene, scene.export(priors=()))


@case("44b_unpinned", "nobody pinned who vouches", V.FINDINGS, R.ENROLMENT_UNPINNED)
def unpinned(kit: Kit) -> Made:
    return done(kit.scene(), enrolment_roots=[])


@case("44b_event_key", "no server key pinned", V.FINDINGS, R.EVENT_KEY_UNPINNED)
def event_key_unpinned(kit: Kit) -> Made:
    return done(kit.scene(), event_keys=[])


@case("44b_devices", "the device keys themselves pinned", V.VERIFIED)
def devices_pinned(kit: Kit) -> Made:
    scene = kit.scene()
    keys = [device.identity.public.thumbprint for device in (scene.phone, scene.tablet)]
    return done(scene, enrolment_roots=[{"type": "device", "jkt": jkt} for jkt in keys])


def _certificate(root: Root, key: PublicKey) -> str:
    """The hardware maker's certificate of a device key, base64 DER."""
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.raw)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Device (fictional)")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(root.certificate.subject)
    builder = builder.public_key(public).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(START - timedelta(days=1))
    builder = builder.not_valid_after(START + timedelta(days=400))
    made = builder.sign(root.key, hashes.SHA256())
    return base64.b64encode(made.public_bytes(Encoding.DER)).decode()


def _attested(kit: Kit, signer: Root, pinned: Root) -> Made:
    scene, device = _with_device(kit, vouched=False)
    chain = [_certificate(signer, device.identity.public)]
    facts = device.enrolled.payload["facts"] | {"attestation": chain}
    resigned(scene, device.enrolled, facts=facts)
    pem = pinned.certificate.public_bytes(Encoding.PEM).decode()
    roots = [*scene.trust()["enrolment_roots"], {"type": "attestation", "pem": pem}]
    return done(scene, scene.export(priors=()), enrolment_roots=roots)


@case("44b_attested", "attested by the hardware", V.VERIFIED)
def attested(kit: Kit) -> Made:
    root = new_root("Hardware (fictional)")
    return _attested(kit, root, root)


@case("44b_attested_foreign", "attested by a foreign root", V.FAILED, R.ENROLMENT_UNVOUCHED)
def attested_foreign(kit: Kit) -> Made:
    return _attested(kit, new_root("Hardware (fictional)"), new_root("Hardware (fictional)"))


@case("44b_twice", "a second key for an enrolled device", V.FAILED, R.ENROLMENT_TWICE)
def enrolled_twice(kit: Kit) -> Made:
    scene = kit.scene()
    scene.world.enrol(Algorithm.ES256, device=scene.phone.id)
    return done(scene)


def _ticketed(kit: Kit, **changes: object) -> Made:
    """A ticket that the server issued wrongly (or that was swapped later)."""
    scene = kit.bare()
    phone = scene.phone
    phone.record("log.note", text="出发前（虚构）")
    ticket = scene.world.give_ticket(phone)
    resigned(scene, ticket, facts=ticket.payload["facts"] | changes)
    phone.record("log.note", text="出发后（虚构）")
    return done(scene, scene.export(priors=()))


@case("49", "a ticket with another head", V.FAILED, R.TICKET_MISMATCH)
def ticket_head(kit: Kit) -> Made:
    return _ticketed(kit, head="2" * 64)


@case("49_ahead", "a ticket from after the record", V.FAILED, R.TICKET_MISMATCH)
def ticket_ahead(kit: Kit) -> Made:
    return _ticketed(kit, seq=9)


@case("49_foreign", "the ticket of another device", V.FAILED, R.TICKET_MISMATCH)
def ticket_foreign(kit: Kit) -> Made:
    return _ticketed(kit, device="00000000-0000-4000-8000-000000000001")


@case("49_late", "a record after its ticket expired", V.FINDINGS, R.TICKET_LATE)
def ticket_late(kit: Kit) -> Made:
    return _ticketed(kit, expires="2026-03-02T01:00:01.000Z")


@case("49_unknown", "a ticket that is not in the dossier", V.FINDINGS, R.TICKET_UNKNOWN)
def ticket_unknown(kit: Kit) -> Made:
    scene = kit.scene()
    scene.tablet.ticket = "unknown"
    scene.tablet.record("log.note", text="凭证不明（虚构）")
    return done(scene)


@case("50", "a reinstallation that begins at 1 again", V.FAILED, R.CHAIN_FORK)
def reinstalled(kit: Kit) -> Made:
    scene = kit.scene()
    scene.tablet.seq, scene.tablet.prev, scene.tablet.boot = 0, GENESIS, "boot-2"
    scene.tablet.record("log.note", text="重装之后（虚构）")
    return done(scene)


@case("50_unenrolled", "a new generation that nobody enrolled", V.FAILED, R.DEVICE_UNENROLLED)
def generation_unenrolled(kit: Kit) -> Made:
    scene = kit.scene()
    scene.tablet.seq, scene.tablet.prev, scene.tablet.ep = 0, GENESIS, 2
    scene.tablet.record("log.note", text="重装之后（虚构）")
    return done(scene)


@case("50_enrolled", "a new generation, enrolled", V.VERIFIED)
def generation_enrolled(kit: Kit) -> Made:
    scene = kit.scene()
    again = scene.world.enrol(Algorithm.ED25519, device=scene.tablet.id, ep=2)
    again.record("log.note", text="重装之后（虚构）")
    return done(scene)


@case("51", "enrolled under another algorithm than its key's", V.FAILED, R.ENROLMENT_FORM)
def wrong_algorithm(kit: Kit) -> Made:
    scene, _ = _with_device(kit, facts={"alg": "Ed25519"})
    return done(scene, scene.export(priors=()))


@case("51_epoch", "a record under a key that was replaced", V.FAILED, R.KEY_EPOCH)
def epoch_replayed(kit: Kit) -> Made:
    scene = kit.scene()
    old = scene.phone.key
    scene.phone.next_key()
    scene.phone.key = old
    scene.phone.record("log.note", text="旧钥（虚构）")
    return done(scene)


@case("51_certificate", "an earlier key certified again", V.FAILED, R.KEY_EPOCH)
def certificate_replayed(kit: Kit) -> Made:
    scene = kit.scene()
    scene.phone.next_key(scene.phone.identity)
    scene.phone.record("log.note", text="旧钥（虚构）")
    return done(scene)


@case("51_unproven", "a key certified that nobody holds", V.FAILED, R.KEY_EPOCH)
def unproven_key(kit: Kit) -> Made:
    scene = kit.scene()
    phone = scene.phone
    new = PrivateKey.generate(Algorithm.ES256)
    claim = certify(new, src=str(phone.id), ep=1, seq=phone.seq + 9, prev=phone.prev)
    phone.record("key.next", case=None, key=claim.to_dict())
    phone.key = new
    phone.record("log.note", text="新钥（虚构）")
    return done(scene)


@case("52", "a device key of low order", V.FAILED, R.ENROLMENT_FORM)
def low_order(kit: Kit) -> Made:
    scene = kit.scene()
    jwk = {"crv": "Ed25519", "kty": "OKP", "x": b64url_encode(_LOW_ORDER)}
    facts = scene.tablet.enrolled.payload["facts"] | {"jwk": jwk}
    resigned(scene, scene.tablet.enrolled, facts=facts)
    for one in scene.world.sealed:
        if one.device is scene.tablet:
            one.s = b64url_encode(_LOW_ORDER + bytes(32))
    return done(scene)
