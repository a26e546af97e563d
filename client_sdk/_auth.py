"""Who is speaking: enrolment, tokens, and a DPoP proof for each request (RFC 9449).

Two kinds of token: an officer's, by password and kept fresh with a refresh token, and the
device's own, for unattended sync. Both are bound to the device's key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from client_sdk._api import Api, Call
from client_sdk._clock import DeviceClock, wall_ms
from client_sdk._store import Store
from client_sdk.errors import ApiError, ContractError, NotSignedInError
from client_sdk.protocol.encoding import b64url_encode
from client_sdk.protocol.keys import PrivateKey

_JTI_BYTES: Final = 16
_EARLY_SECONDS: Final = 30
_RENEWABLE: Final = frozenset({"token-expired", "token-invalid"})
_OFFICER: Final = "token.officer"
_DEVICE: Final = "token.device"


def _compact(value: dict[str, Any]) -> str:
    return b64url_encode(json.dumps(value, separators=(",", ":")).encode())


@dataclass(frozen=True, slots=True)
class ProofMaker:
    """Makes DPoP proofs with the device's key."""

    key: PrivateKey
    clock: DeviceClock
    randbytes: Callable[[int], bytes]

    def proof(self, method: str, url: str, nonce: str | None, token: str | None) -> str:
        """Proof for one request; `url` without query and fragment (RFC 9449 §4.2)."""
        header = {
            "typ": "dpop+jwt",
            "alg": self.key.alg.jose,
            "jwk": self.key.public.to_jwk(),
        }
        claims: dict[str, Any] = {
            "jti": b64url_encode(self.randbytes(_JTI_BYTES)),
            "htm": method,
            "htu": url,
            "iat": wall_ms(self.clock) // 1000,
        }
        if nonce is not None:
            claims["nonce"] = nonce
        if token is not None:
            claims["ath"] = b64url_encode(hashlib.sha256(token.encode()).digest())
        signed = f"{_compact(header)}.{_compact(claims)}"
        return f"{signed}.{b64url_encode(self.key.sign(signed.encode()))}"


class _ProofOnly:
    """Authoriser of the token endpoint: a proof and no token."""

    def __init__(self, maker: ProofMaker) -> None:
        self._maker = maker

    def headers(self, method: str, url: str, nonce: str | None) -> dict[str, str]:
        return {"DPoP": self._maker.proof(method, url, nonce, None)}

    def renew(self, slug: str) -> bool:
        del slug
        return False


@dataclass(slots=True)
class _Token:
    access: str
    good_until_mono_ms: int
    boot: str
    refresh: str | None


class Tokens:
    """Gets, keeps and renews tokens. One authoriser per kind."""

    def __init__(self, api: Api, store: Store, maker: ProofMaker) -> None:
        self._api = api
        self._store = store
        self._maker = maker

    @property
    def officer_signed_in(self) -> bool:
        """Whether an officer's token is kept (it may have to be refreshed)."""
        return self._store.get(_OFFICER) is not None

    def sign_in(self, login: str, password: str, totp: str | None = None) -> None:
        """Officer's token by password and, where enabled, a second factor."""
        grant = {"grant": "password", "login": login, "password": password}
        if totp is not None:
            grant["totp"] = totp
        self._keep(_OFFICER, self._grant(grant))

    def sign_out(self) -> None:
        """End the officer's token here and, if it can be reached, at the server."""
        if self.officer_signed_in:
            try:
                self._api.once(Call("POST", "/auth/logout"), self.officer())
            finally:
                self.forget_officer()

    def forget_officer(self) -> None:
        """Drop the officer's token."""
        self._store.put(_OFFICER, None)

    def officer(self) -> _Bearer:
        """Authoriser for calls that need an officer."""
        if not self.officer_signed_in:
            raise NotSignedInError("no officer is signed in on this device")
        return _Bearer(self, _OFFICER)

    def device(self) -> _Bearer:
        """Authoriser for unattended calls."""
        return _Bearer(self, _DEVICE)

    def best(self) -> _Bearer:
        """The officer's where there is one, else the device's."""
        return self.officer() if self.officer_signed_in else self.device()

    # -- used by the authorisers

    def access(self, kind: str) -> str:
        """A token that is good for a while yet."""
        token = self._load(kind)
        clock = self._maker.clock
        if token is not None and token.boot == clock.boot():
            if clock.mono_ms() < token.good_until_mono_ms:
                return token.access
        elif token is not None:
            return token.access  # the boot changed: the server will say whether it expired
        return self.renewed(kind)

    def renewed(self, kind: str) -> str:
        """A new token by the refresh token or, for the device, by its key."""
        token = self._load(kind)
        if kind == _DEVICE:
            grant = {"grant": "device"}
        elif token is not None and token.refresh is not None:
            grant = {"grant": "refresh", "refresh_token": token.refresh}
        else:
            self.forget_officer()
            raise NotSignedInError("the officer's sign-in has ended")
        try:
            answer = self._grant(grant)
        except ApiError as error:
            if kind == _OFFICER and not error.transient:
                self.forget_officer()
                raise NotSignedInError("the officer's sign-in has ended") from error
            raise
        if kind == _OFFICER and token is not None:
            answer = {"refresh_token": token.refresh, **answer}
        return self._keep(kind, answer)

    def proof(self, method: str, url: str, nonce: str | None, token: str) -> str:
        """Proof bound to a token."""
        return self._maker.proof(method, url, nonce, token)

    def _grant(self, grant: dict[str, str]) -> dict[str, Any]:
        answer = self._api.call(Call("POST", "/auth/token", json=grant), _ProofOnly(self._maker))
        body = answer.json()
        if not isinstance(body, dict) or not isinstance(body.get("access_token"), str):
            raise ContractError("the server's answer holds no token")
        return body

    def _keep(self, kind: str, answer: dict[str, Any]) -> str:
        clock = self._maker.clock
        life_seconds = max(int(answer.get("expires_in") or 0) - _EARLY_SECONDS, 1)
        access: str = answer["access_token"]
        kept = {
            "access": access,
            "good_until_mono_ms": clock.mono_ms() + 1000 * life_seconds,
            "boot": clock.boot(),
            "refresh": answer.get("refresh_token"),
        }
        self._store.put(kind, kept)
        return access

    def _load(self, kind: str) -> _Token | None:
        kept = self._store.get(kind)
        return None if kept is None else _Token(**kept)


class _Bearer:
    """Authoriser: DPoP-bound token and its proof."""

    def __init__(self, tokens: Tokens, kind: str) -> None:
        self._tokens = tokens
        self._kind = kind
        self._renewals = 0

    def headers(self, method: str, url: str, nonce: str | None) -> dict[str, str]:
        token = self._tokens.access(self._kind)
        proof = self._tokens.proof(method, url, nonce, token)
        return {"Authorization": f"DPoP {token}", "DPoP": proof}

    def renew(self, slug: str) -> bool:
        if slug not in _RENEWABLE or self._renewals:
            return False
        self._renewals += 1
        self._tokens.renewed(self._kind)
        return True
