"""The trust file: what a verifier believes before it opens a dossier.

It comes from outside the dossier (docs/dossier-format.md §5). A bare tlog-policy is a trust
file that pins nothing but the log and its witnesses; the verdict then says what is unpinned.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from cryptography import x509

from client_sdk.protocol import jcs
from client_sdk.protocol._members import Members, without_none
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.keys import PublicKey
from client_sdk.protocol.times import format_rfc3339, parse_rfc3339
from client_sdk.protocol.timestamps import TimeRoots
from client_sdk.protocol.tlog.policies import Policy

VERSION: Final = 1
MAX_TRUST_BYTES: Final = 4 << 20
MAX_PINS: Final = 4096


class TrustError(ProtocolError):
    """A trust file or policy that cannot be used."""

    default_code = "trust"


class RootKind(StrEnum):
    """What vouches for a device key."""

    SUPERVISOR = "supervisor"  # a person's key that signed the enrolment
    ATTESTATION = "attestation"  # the root of a hardware's certificates
    DEVICE = "device"  # the device key itself, as written on the record of enrolment


@dataclass(frozen=True, slots=True)
class EnrolmentRoot:
    """One pin: `key` for a supervisor, `certificate` for an attestation, `jkt` for a device."""

    kind: RootKind
    key: PublicKey | None = None
    certificate: x509.Certificate | None = None
    jkt: str | None = None
    pem: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Members in the file."""
        jwk = None if self.key is None else self.key.to_jwk()
        return without_none(type=self.kind.value, jwk=jwk, pem=self.pem, jkt=self.jkt)

    @classmethod
    def from_value(cls, value: object) -> Self:
        """Checked pin."""
        members = Members(value, "enrolment_roots")
        kind = members.choice("type", RootKind)
        if kind is RootKind.SUPERVISOR:
            found = cls(kind, key=PublicKey.from_jwk(members.mapping("jwk")))
        elif kind is RootKind.DEVICE:
            found = cls(kind, jkt=members.text("jkt", 64))
        else:
            pem = members.text("pem", MAX_TRUST_BYTES)
            found = cls(kind, certificate=_certificate(pem), pem=pem)
        members.done()
        return found


@dataclass(frozen=True, slots=True)
class Trust:
    """Pins of a verifier. Empty tuples and None mean that nobody outside vouches for them."""

    policy: Policy
    policy_text: str
    event_keys: tuple[tuple[str, PublicKey], ...] = ()
    enrolment_roots: tuple[EnrolmentRoot, ...] = ()
    tsa_roots: tuple[str, ...] = ()
    not_before: datetime | None = None

    @property
    def time_roots(self) -> TimeRoots:
        """Certificates (and revocation lists) of the timestamp authorities."""
        return TimeRoots.from_pem("".join(self.tsa_roots).encode())

    def to_text(self) -> str:
        """The file's text."""
        when = self.not_before
        return jcs.dumps(
            {
                "v": VERSION,
                "policy": self.policy_text,
                "event_keys": [{"kid": kid, "jwk": key.to_jwk()} for kid, key in self.event_keys],
                "enrolment_roots": [root.to_dict() for root in self.enrolment_roots],
                "tsa_roots": list(self.tsa_roots),
                "not_before": None if when is None else format_rfc3339(when),
            }
        )


def parse_trust(data: bytes) -> Trust:
    """Trust of a file: JSON when it begins with a brace, else a tlog-policy; TrustError."""
    if len(data) > MAX_TRUST_BYTES:
        raise TrustError("the trust file is too long")
    try:
        if not data.lstrip().startswith(b"{"):
            return Trust(Policy.parse(data), data.decode("utf-8", "surrogateescape"))
        return _from_value(_json(data))
    except TrustError:
        raise
    except ProtocolError as error:
        raise TrustError(str(error)) from error


def _json(data: bytes) -> object:
    """People write this file, so any JSON will do, but no name twice."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(items)) != len(items):
            raise TrustError("an object names a key twice")
        return dict(items)

    try:
        return json.loads(data, object_pairs_hook=pairs)
    except TrustError:
        raise
    except (ValueError, RecursionError) as error:
        raise TrustError("not JSON") from error


def _from_value(value: object) -> Trust:
    members = Members(value, "trust")
    if members.count("v") != VERSION:
        raise TrustError("a trust file of another version")
    policy = members.text("policy", MAX_TRUST_BYTES)
    trust = Trust(
        policy=Policy.parse(policy),
        policy_text=policy,
        event_keys=tuple(_each(members, "event_keys", _event_key)),
        enrolment_roots=tuple(_each(members, "enrolment_roots", EnrolmentRoot.from_value)),
        tsa_roots=tuple(_each(members, "tsa_roots", _text)),
        not_before=_time(members.take("not_before")) if members.has("not_before") else None,
    )
    members.done()
    if trust.tsa_roots:
        trust.time_roots  # noqa: B018 - refuses what is not PEM
    return trust


def _each(members: Members, name: str, read: Callable[[object], Any]) -> list[Any]:
    value = members.take(name) if members.has(name) else []
    if not isinstance(value, list) or len(value) > MAX_PINS:
        raise TrustError(f"{name} is a list")
    return [read(item) for item in value]


def _event_key(value: object) -> tuple[str, PublicKey]:
    members = Members(value, "event_keys")
    found = members.text("kid", 64), PublicKey.from_jwk(members.mapping("jwk"))
    members.done()
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TrustError("tsa_roots are PEM texts")
    return value if value.endswith("\n") else value + "\n"


def _time(value: object) -> datetime | None:
    return None if value is None else parse_rfc3339(value)


def _certificate(pem: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise TrustError(f"attestation root: {error}") from error
