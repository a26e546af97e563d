"""Which server keys this device trusts: pinned at enrolment, followed by succession."""

from __future__ import annotations

from typing import Any, Final

from client_sdk._api import Api, Call
from client_sdk._store import Store
from client_sdk.errors import ContractError, TrustError
from client_sdk.protocol import keylist, statements
from client_sdk.protocol.errors import ProtocolError, StatementError
from client_sdk.protocol.keylist import KeyList
from client_sdk.protocol.statements import SignedStatement, StatementKind

_KEYS: Final = "trust.keys"


class Trust:
    """Verifies the server's statements."""

    def __init__(self, api: Api, store: Store) -> None:
        self._api = api
        self._store = store

    def pin(self, statement: object, fingerprint: str | None) -> KeyList:
        """Trust a first key list (enrolment)."""
        try:
            keys = keylist.pin(SignedStatement.from_dict(statement), fingerprint=fingerprint)
        except ProtocolError as error:
            raise TrustError(f"the server's key list does not hold: {error}") from error
        self._store.put(_KEYS, keys.to_body())
        return keys

    def keys(self) -> KeyList:
        """The trusted keys."""
        body = self._store.get(_KEYS)
        if body is None:
            raise TrustError("no server key is pinned: the device is not enrolled")
        return KeyList.from_body(body)

    def refresh(self) -> KeyList:
        """Fetch the published list and follow it where trust reaches."""
        answer = self._api.once(Call("GET", "/server")).json()
        if not isinstance(answer, dict):
            raise ContractError("the server does not describe itself")
        try:
            statement = SignedStatement.from_dict(answer.get("keys"))
            keys = keylist.follow(self.keys(), statement)
        except ProtocolError as error:
            raise TrustError(f"the server's key list does not hold: {error}") from error
        self._store.put(_KEYS, keys.to_body())
        return keys

    def verify(self, kind: StatementKind, value: object) -> tuple[SignedStatement, dict[str, Any]]:
        """Statement and verified body; an unknown key is looked up once at the server."""
        try:
            statement = SignedStatement.from_dict(value)
            try:
                return statement, statements.verify(kind, statement, self.keys())
            except StatementError as error:
                if error.code != "statement-key":
                    raise
            return statement, statements.verify(kind, statement, self.refresh())
        except ProtocolError as error:
            raise TrustError(f"{kind.value}: {error}") from error
