"""Tamper cases of trusted time: tokens over other data, of foreign roots, ended, revoked."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from client_sdk.protocol.verdicts import Reason as R  # noqa: N817 - as in the verifier's words
from client_sdk.protocol.verdicts import Verdict
from tests.factories.tamper_kit import Kit, Made, Register, done

V = Verdict
case = Register()


@case("23", "a timestamp over other data", V.FAILED, R.TOKEN_IMPRINT)
def token_other(kit: Kit) -> Made:
    scene = kit.scene()
    return done(scene, scene.export(token_over=b"other data"))


@case("23_missing", "no timestamp", V.FINDINGS, R.TOKEN_MISSING)
def token_missing(kit: Kit) -> Made:
    scene = kit.scene()
    return done(scene, scene.export(authorities=()))


@case("23_nonsense", "a timestamp that is none", V.FAILED, R.TOKEN_FORM)
def token_nonsense(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    package.files["proof/tsa-1.tsr"] = b"0\x03\x02\x01\x00"
    return done(scene, package.reseal())


@case("24", "a timestamp of a foreign root", V.FAILED, R.TOKEN_UNTRUSTED)
def token_foreign(kit: Kit) -> Made:
    scene = kit.scene()
    return done(scene, scene.export(authorities=(kit.foreign,)))


@case("25", "the same beside the genuine root", V.FAILED, R.TOKEN_UNTRUSTED, R.FILE_UNKNOWN)
def token_foreign_root(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export(authorities=(kit.foreign,))
    package.files["proof/tsa-root.pem"] = kit.authorities[0].root.pem
    return done(scene, package.reseal())


@case("53", "a timestamp whose certificate has ended since", V.VERIFIED)
def token_ended(kit: Kit) -> Made:
    # Certificates end on whole seconds; the token is made before, the dossier read after.
    ends_at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    authority = kit.authority("TSA C (fictional)", ends_at=ends_at)
    scene = kit.scene()
    package = scene.export(authorities=(authority,))
    time.sleep(max((ends_at - datetime.now(UTC)).total_seconds(), 0) + 0.01)
    return done(scene, package, tsa_roots=[authority.root.pem.decode()])


@case("53_ended", "a timestamp made after the certificate ended", V.FAILED, R.TOKEN_UNTRUSTED)
def token_after_end(kit: Kit) -> Made:
    ended = datetime.now(UTC) - timedelta(days=2)
    authority = kit.authority("TSA D (fictional)", ends_at=ended)
    scene = kit.scene()
    package = scene.export(authorities=(authority,))
    return done(scene, package, tsa_roots=[authority.root.pem.decode()])


@case("53_revoked", "a timestamp of a revoked certificate", V.FAILED, R.TOKEN_REVOKED)
def token_revoked(kit: Kit) -> Made:
    authority = kit.authorities[0]
    revoked = authority.root.crl(
        authority, datetime.now(UTC) - timedelta(days=3), x509.ReasonFlags.key_compromise
    )
    scene = kit.scene()
    pem = authority.root.pem + revoked.public_bytes(Encoding.PEM)
    return done(scene, scene.export(authorities=(authority,)), tsa_roots=[pem.decode()])


@case("23_unpinned", "no authority pinned", V.FINDINGS, R.TOKEN_UNPINNED)
def token_unpinned(kit: Kit) -> Made:
    return done(kit.scene(), tsa_roots=[])
