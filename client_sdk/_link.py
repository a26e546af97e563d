"""The device's link to its server: identity, sign-in, tickets."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from client_sdk._api import Api, Call, check_base_url
from client_sdk._auth import ProofMaker, Tokens
from client_sdk._clock import DeviceClock
from client_sdk._epochs import KeyLife
from client_sdk._ledger import Ledger
from client_sdk._outbox import Identity, Outbox
from client_sdk._store import BALLAST_BYTES, Store
from client_sdk._transport import Transport
from client_sdk._trust import Trust
from client_sdk._witness import FreeWitness
from client_sdk.errors import (
    AlreadyEnrolledError,
    ContractError,
    FieldError,
    NoServerError,
    TrustError,
)
from client_sdk.protocol.enrolment import enrolment_proof, parse_invitation
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.statements import SignedStatement, StatementKind, Ticket

_IDENTITY: Final = "identity"
_ADDRESS: Final = "server.base_url"
_OFFICER: Final = "officer"
_NEW_KEY: Final = "enrol.key"
_KEY_LIFE: Final = KeyLife()


@dataclass(frozen=True, slots=True)
class Options:
    """Rarely changed settings of a client.

    `allow_http`: plain HTTP to other machines too. `public_url`: the server's own
    address where this device reaches it by another one. `randbytes` and `uniform`
    are the sources of randomness. `ballast_bytes`: reserve on the disk. `key_life`: how
    long one key signs records before it is followed by another and destroyed.
    """

    allow_http: bool = False
    public_url: str | None = None
    randbytes: Callable[[int], bytes] = os.urandom
    uniform: Callable[[float, float], float] = random.uniform
    ballast_bytes: int = BALLAST_BYTES
    key_life: KeyLife = _KEY_LIFE


@dataclass(frozen=True, slots=True)
class EnrolAs:
    """How a device presents itself at enrolment."""

    name: str
    model: str = ""
    serial: str = ""


class Link:
    """Everything that needs the server apart from syncing."""

    def __init__(
        self,
        base_url: str | None,
        transport: Transport | None,
        clock: DeviceClock,
        store: Store,
        outbox: Outbox,
        options: Options,
    ) -> None:
        if base_url is not None:
            check_base_url(base_url, allow_http=options.allow_http)
        self.base_url: str | None = base_url or store.get(_ADDRESS)
        self._transport = transport
        self._own_transport: Transport | None = None
        self._clock = clock
        self._store = store
        self._outbox = outbox
        self._options = options
        self._api: Api | None = None
        self._outbox.identity = self._load_identity()

    def close(self) -> None:
        """Close the connection if it is the link's own."""
        if self._own_transport is not None:
            self._own_transport.close()

    def api(self) -> Api:
        """The server's API."""
        if self._api is None:
            if self.base_url is None:
                raise NoServerError("the server's address is not known yet")
            self._api = Api(
                self.base_url,
                self._transport or self._connect(),
                self._clock,
                allow_http=self._options.allow_http,
                public_url=self._options.public_url,
                uniform=self._options.uniform,
            )
        return self._api

    def _reach(self, base_url: str) -> None:
        """Use an invitation's address where none was given."""
        if self.base_url is None:
            self.base_url = check_base_url(base_url, allow_http=self._options.allow_http)

    def _connect(self) -> Transport:
        from client_sdk._transport.http import HttpTransport  # noqa: PLC0415 - only online

        self._own_transport = HttpTransport()
        return self._own_transport

    def tokens(self) -> Tokens:
        """Tokens of officer and device."""
        key = self._outbox.require_identity().key
        return Tokens(
            self.api(), self._store, ProofMaker(key, self._clock, self._options.randbytes)
        )

    def trust(self) -> Trust:
        """The pinned server keys."""
        return Trust(self.api(), self._store)

    # -- enrolment

    def enrol(
        self, code: str, device: EnrolAs, alg: Algorithm, fingerprint: str | None
    ) -> Identity:
        """Bind the store to a court; the same key is offered again after a lost answer."""
        if self._outbox.identity is not None:
            raise AlreadyEnrolledError("this device is enrolled already")
        if "|" in code:
            invited = parse_invitation(code)
            code, fingerprint = invited.code, fingerprint or invited.fingerprint
            self._reach(invited.base_url)
        key, first = self._enrolment_key(alg), self._outbox.keys.first(alg)
        request = {
            "code": code,
            "alg": key.alg.value,
            "public_jwk": key.public.to_jwk(),
            "name": device.name,
            "model": device.model or None,
            "serial": device.serial or None,
            "proof": enrolment_proof(code, key),
            "record_jwk": first.public.to_jwk(),
            "record_proof": enrolment_proof(code, first),
        }
        body = self.api().call(Call("POST", "/devices/enrol", json=request)).json()
        identity = _identity_of(body, key)
        with self._store.transaction():
            self.trust().pin(body.get("keys"), fingerprint)
            self._store.put(_ADDRESS, self.base_url)
            self._store.put(_IDENTITY, _kept(identity))
            self._store.put(_NEW_KEY, None)
            self._outbox.keys.enrolled()
        self._outbox.identity = identity
        with contextlib.suppress(FieldError, ProtocolError):
            FreeWitness(self.api(), self._store).known()  # else with the first proof
        return identity

    def _enrolment_key(self, alg: Algorithm) -> PrivateKey:
        kept = self._store.get(_NEW_KEY)
        if kept is not None:
            key = PrivateKey.from_pem(kept.encode())
            if key.alg is alg:
                return key
        key = PrivateKey.generate(alg)
        self._store.put(_NEW_KEY, key.to_pem().decode())
        return key

    def _load_identity(self) -> Identity | None:
        kept = self._store.get(_IDENTITY)
        if kept is None:
            return None
        key = PrivateKey.from_pem(kept["key"].encode())
        return _identity_of(kept, key)

    # -- officer

    @property
    def officer_id(self) -> UUID | None:
        """The officer who signed in last on this device."""
        kept = self._store.get(_OFFICER)
        return UUID(kept["id"]) if kept else None

    @property
    def officer_name(self) -> str:
        """Name of that officer, the login where the server gave none; empty without one."""
        kept = self._store.get(_OFFICER) or {}
        return str(kept.get("name") or kept.get("login") or "")

    def sign_in(self, login: str, password: str, totp: str | None) -> UUID:
        """Sign an officer in; the officer's id."""
        tokens = self.tokens()
        tokens.sign_in(login, password, totp)
        me = self.api().call(Call("GET", "/me"), tokens.officer()).json()
        try:
            officer, name = UUID(me["user"]["id"]), str(me["user"].get("name") or "")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ContractError("the server does not say who signed in") from error
        self._store.put(_OFFICER, {"id": str(officer), "login": login, "name": name})
        return officer

    def sign_out(self) -> None:
        """End the officer's sign-in, here at any rate."""
        try:
            self.tokens().sign_out()
        finally:
            self._store.put(_OFFICER, None)

    # -- tickets

    def fetch_ticket(self, mission_id: str, ledger: Ledger) -> Ticket:
        """Ticket for a mission from the chain's present head; verified and kept."""
        identity = self._outbox.require_identity()
        head = ledger.head(identity.ep)
        wanted = {"mission_id": mission_id, "ep": identity.ep, "seq": head.seq, "head": head.hid}
        call = Call("POST", "/tickets", json=wanted)
        answer = self.api().call(call, self.tokens().officer()).json()
        statement, body = self.trust().verify(StatementKind.TICKET, answer)
        try:
            ticket = Ticket.from_body(body)
        except ProtocolError as error:
            raise TrustError(f"ticket: {error}") from error
        expected = (str(identity.device_id), head.hid, mission_id)
        if (ticket.device, ticket.head, ticket.mission) != expected:
            raise TrustError("a ticket for another device, chain or mission")
        self._store.put(f"ticket:{mission_id}", statement.to_dict())
        return ticket

    def ticket_nonce(self, mission_id: UUID | None) -> str | None:
        """Nonce of the kept ticket, None when the mission has none."""
        kept = self._store.get(f"ticket:{mission_id}") if mission_id else None
        return str(SignedStatement.from_dict(kept).body()["nonce"]) if kept else None


def _identity_of(body: Any, key: PrivateKey) -> Identity:
    try:
        ids = UUID(body["device_id"]), UUID(body["court_id"])
        return Identity(*ids, int(body["ep"]), key, str(body.get("court_name") or ""))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ContractError("the answer to the enrolment lacks the identity") from error


def _kept(identity: Identity) -> dict[str, Any]:
    return {
        "device_id": str(identity.device_id),
        "court_id": str(identity.court_id),
        "court_name": identity.court_name,
        "ep": identity.ep,
        "key": identity.key.to_pem().decode(),
    }
