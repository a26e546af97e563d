"""Keys that a dossier proves: server-event keys by succession, device keys by enrolment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from client_sdk.dossier.archive import Problem
from client_sdk.dossier.model import Entry
from client_sdk.dossier.package import Dossier, Place
from client_sdk.protocol.epochs import KEY_NEXT, KeyLine
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.keylist import KeyEntry, KeyPurpose
from client_sdk.protocol.keys import PublicKey
from client_sdk.protocol.records import OpenedRecord, WireRecord
from client_sdk.protocol.times import parse_rfc3339
from client_sdk.protocol.verdicts import Reason
from client_sdk.protocol.vouching import is_vouched

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
ENROLLED, REVOKED = "device.enrolled", "device.revoked"


@dataclass(slots=True)
class EventKeys:
    """Trusted server-event keys, the log index each is valid from, and until (exclusive)."""

    keys: dict[str, PublicKey] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)
    until: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def valid_at(self, kid: str, index: int) -> bool:
        """Whether the key may sign an entry at this index."""
        return self.since.get(kid, 0) <= index < self.until.get(kid, index + 1)


def event_keys(dossier: Dossier) -> EventKeys:
    """Pinned keys and those that succession signatures reach from them."""
    found = EventKeys()
    listed = {
        entry.kid: entry
        for entry in (dossier.statement.keys if dossier.statement else ())
        if entry.purpose is KeyPurpose.EVENT
    }
    trusted = {
        kid: KeyEntry(kid, KeyPurpose.EVENT, key, _LONG_AGO)
        for kid, key in dossier.trust.event_keys
    }
    if not trusted:
        found.problems.append(Problem(Reason.EVENT_KEY_UNPINNED, "", "no server key is pinned"))
        trusted = {kid: entry for kid, entry in listed.items() if entry.by is None}
    for kid, entry in trusted.items():
        if kid in listed and listed[kid].key != entry.key:
            found.problems.append(Problem(Reason.EVENT_KEY_UNKNOWN, kid, "not the pinned key"))
    roots = set(trusted)
    _reach(listed, trusted)
    found.keys = {kid: entry.key for kid, entry in trusted.items()}
    _date(dossier, found, roots)
    return found


def _reach(listed: dict[str, KeyEntry], trusted: dict[str, KeyEntry]) -> None:
    grown = True
    while grown:
        grown = False
        for kid, entry in listed.items():
            before = trusted.get(entry.by or "")
            if kid not in trusted and before is not None and _succeeds(entry, before):
                trusted[kid], grown = entry, True


def _succeeds(entry: KeyEntry, before: KeyEntry) -> bool:
    try:
        return entry.succeeds(before)
    except ProtocolError:
        return False


def _date(dossier: Dossier, found: EventKeys, roots: set[str]) -> None:
    """From which entry on a later key is valid, and up to which a retired one was."""
    for kid in set(found.keys) - roots:
        added = [one for one in dossier.acts.get("key.added", []) if one.facts.get("kid") == kid]
        if added:
            found.since[kid] = added[0].index
        else:
            del found.keys[kid]  # no entry of the log says that it was added
    for entry in dossier.acts.get("key.retired", []):
        found.until.setdefault(str(entry.facts.get("kid")), entry.index + 1)


@dataclass(slots=True)
class Enrolment:
    """A device key's line: `keys` in force one after the other, and where it was revoked."""

    entry: Entry
    line: KeyLine
    keys: list[PublicKey]


@dataclass(slots=True)
class DeviceKeys:
    """Enrolments by device and generation, revocations by device; faults found on the way."""

    lines: dict[Place, Enrolment] = field(default_factory=dict)
    revoked: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def device_keys(dossier: Dossier) -> DeviceKeys:
    """Keys of every enrolled device, with the successors that its records certify."""
    found = DeviceKeys()
    for entry in dossier.acts.get(ENROLLED, []):
        _enrol(dossier, entry, found)
    for entry in dossier.acts.get(REVOKED, []):
        found.revoked.setdefault(entry.subject, entry.index)
    for place, enrolment in found.lines.items():
        for entry in dossier.chains.get(place, []):
            if entry.act == KEY_NEXT:
                _learn(enrolment, entry, found.problems)
    return found


def _enrol(dossier: Dossier, entry: Entry, found: DeviceKeys) -> None:
    facts, roots = entry.facts, dossier.trust.enrolment_roots
    place = entry.subject, facts.get("ep")
    try:
        key = PublicKey.from_jwk(facts.get("jwk"))  # type: ignore[arg-type]  # it checks
        if key.alg.value != facts.get("alg") or not isinstance(place[1], int):
            raise ProtocolError("alg, jwk and ep do not fit each other")  # noqa: TRY301
    except ProtocolError as error:
        found.problems.append(Problem(Reason.ENROLMENT_FORM, entry.where, str(error)))
        return
    where = place[0], place[1]
    if where in found.lines:
        found.problems.append(
            Problem(Reason.ENROLMENT_TWICE, entry.where, f"a second key for {place[0]}")
        )
        return
    at = parse_rfc3339(entry.leaf.rx)
    if roots and not is_vouched(facts, roots, device=where[0], ep=where[1], key=key, at=at):
        found.problems.append(
            Problem(
                Reason.ENROLMENT_UNVOUCHED, entry.where, f"nobody pinned vouches for {where[0]}"
            )
        )
    found.lines[where] = Enrolment(entry, KeyLine.starting(key), [key])


def _learn(enrolment: Enrolment, entry: Entry, problems: list[Problem]) -> None:
    line = entry.line
    if entry.header is None or entry.payload is None:
        return
    wire = WireRecord(entry.leaf.h, line.payload or "", line.salt or "", entry.leaf.s)
    try:
        successor = enrolment.line.learn(OpenedRecord(entry.header, entry.payload, entry.hid, wire))
    except ProtocolError as error:
        problems.append(Problem(Reason.KEY_EPOCH, entry.where, str(error)))
        return
    if successor is not None:
        enrolment.keys.append(successor.key)
