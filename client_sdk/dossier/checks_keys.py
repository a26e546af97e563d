"""Checks of commitments, keys and signatures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from client_sdk.dossier.archive import Problem
from client_sdk.dossier.keyring import device_keys, event_keys
from client_sdk.dossier.model import Entry
from client_sdk.dossier.package import Dossier, seq_of
from client_sdk.protocol.encoding import b64url_decode
from client_sdk.protocol.keys import PublicKey
from client_sdk.protocol.records import payload_commitment
from client_sdk.protocol.verdicts import Reason

_HEADER_DOMAIN: Final = b"tiezheng.hdr.v1\0"


def commitments(dossier: Dossier) -> Iterator[Problem]:
    """Every disclosed payload is the one that its header commits to, and well-formed."""
    for entry in dossier.entries:
        line = entry.line
        if line.payload is None or line.salt is None:
            continue
        if payload_commitment(line.payload, bytes.fromhex(line.salt)) != entry.pc:
            yield Problem(Reason.COMMITMENT, entry.where, "not the payload that was signed")
        if entry.payload is None or not entry.act:
            detail = entry.payload_problem or "a payload without act"
            yield Problem(Reason.PAYLOAD_FORM, entry.where, detail)


def server_keys(dossier: Dossier) -> Iterator[Problem]:
    """Server events are signed under keys that are pinned or reached, at their time, once each."""
    found = event_keys(dossier)
    yield from found.problems
    seen: dict[str, int] = {}
    told: set[str] = set()
    for entry in dossier.entries:
        if entry.event_id is None:
            continue
        kid = entry.leaf.k
        if kid not in found.keys:
            # Without a statement nothing lists the later keys: that it is missing is said.
            if kid not in told and dossier.exported is not None:
                yield Problem(Reason.EVENT_KEY_UNKNOWN, entry.where, f"key {kid} is not trusted")
            told.add(kid)
        elif not found.valid_at(kid, entry.index):
            yield Problem(Reason.EVENT_KEY_RETIRED, entry.where, f"key {kid} was not in force")
        if seen.setdefault(entry.event_id, entry.index) != entry.index:
            yield Problem(Reason.EVENT_REPEATED, entry.where, "an event a second time")


def enrolment(dossier: Dossier) -> Iterator[Problem]:
    """Every device was enrolled before its records, with one sound, vouched-for key."""
    found = device_keys(dossier)
    yield from found.problems
    if not dossier.trust.enrolment_roots and found.lines:
        yield Problem(Reason.ENROLMENT_UNPINNED, "", "no supervisor, root or device key is pinned")
    for (src, ep), chain in dossier.chains.items():
        known = found.lines.get((src, ep))
        if known is None:
            yield Problem(Reason.DEVICE_UNENROLLED, chain[0].where, f"{src}, enrolment {ep}")
            continue
        for entry in chain:
            if entry.index < known.entry.index:
                yield Problem(Reason.DEVICE_UNENROLLED, entry.where, "before its enrolment")


def signatures(dossier: Dossier) -> Iterator[Problem]:
    """Every entry, stubs too, is signed with the key in force for its source at its place."""
    servers, devices = event_keys(dossier).keys, device_keys(dossier).lines
    for entry in dossier.entries:
        if entry.header is None:
            key = servers.get(entry.leaf.k)
            if key is not None and not _signed(entry, key):
                yield Problem(Reason.SIGNATURE, entry.where, "not signed by the server's key")
            continue
        enrolled = devices.get((entry.header.src, entry.header.ep))
        if enrolled is None:
            continue
        key = enrolled.line.key_at(seq_of(entry))
        if not _signed(entry, key):
            earlier = any(_signed(entry, one) for one in enrolled.keys)
            reason = Reason.KEY_EPOCH if earlier else Reason.SIGNATURE
            yield Problem(reason, entry.where, "not signed with the device key in force")
        elif entry.leaf.k not in {key.thumbprint, enrolled.keys[0].thumbprint}:
            yield Problem(Reason.SIGNATURE, entry.where, "names another key")


def _signed(entry: Entry, key: PublicKey) -> bool:
    return key.verify(b64url_decode(entry.leaf.s), _HEADER_DOMAIN + entry.leaf.h.encode())


def revocation(dossier: Dossier) -> Iterator[Problem]:
    """Records that the log took after their device was revoked are named as suspect.

    What the statement calls suspect is, even where somebody left the revocation out.
    """
    found = device_keys(dossier)
    suspect = set(dossier.statement.suspect) if dossier.statement else set()
    for entry in dossier.entries:
        if entry.header is None:
            continue
        told = entry.index in suspect
        if not told and entry.index < found.revoked.get(entry.header.src, entry.index + 1):
            continue
        if told or not dossier.in_case(entry):
            yield Problem(Reason.KEY_REVOKED_DECLARED, entry.where, "after the revocation; suspect")
        else:
            yield Problem(Reason.KEY_REVOKED, entry.where, "after the revocation of its device")
