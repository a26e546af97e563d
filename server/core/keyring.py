"""The server's own keys: token key, server-event key and the data key, each in its file.

Files lie in one folder, mode 0600, named ``<purpose>-<made at>-<kid>.pem``.  The newest of a
purpose signs; all that are there verify, so the folder is the allow-list of key ids.  Moving a
file away retires the key within a second in every process.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from client_sdk.protocol.keys import Algorithm, PrivateKey, PublicKey
from server.core.clock import Clock

TOKEN: Final = "token"  # noqa: S105  the name of a purpose
EVENT: Final = "event"
_DATA_KEY_BYTES = 32
_NONCE_BYTES = 12


class KeyRingError(Exception):
    """The folder of keys cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class ServerKey:
    """One signing key with its id."""

    kid: str
    purpose: str
    made_at: str
    private: PrivateKey

    @property
    def public(self) -> PublicKey:
        """Its public half."""
        return self.private.public


class KeyRing:
    """Keys of one folder; notices new and removed files."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._stamp: int = -1
        self._keys: dict[str, list[ServerKey]] = {}
        self._data_key: bytes | None = None

    def initialise(self) -> None:
        """Make what is missing: the folder, the data key, one key for each purpose."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        data_key = self._folder / "data.key"
        if not data_key.exists():
            _write_secret(data_key, secrets.token_bytes(_DATA_KEY_BYTES))
        for purpose in (TOKEN, EVENT):
            if not list(self._folder.glob(f"{purpose}-*.pem")):
                self.add(purpose)

    def add(self, purpose: str) -> ServerKey:
        """Make a new key that signs from now on; older ones go on verifying."""
        private = PrivateKey.generate(Algorithm.ED25519)
        kid = private.public.thumbprint
        made_at = self._clock.now().strftime("%Y%m%dT%H%M%S%f")
        name = f"{purpose}-{made_at}-{kid}.pem"
        _write_secret(self._folder / name, private.to_pem())
        self._stamp = -1
        return ServerKey(kid=kid, purpose=purpose, made_at=made_at, private=private)

    def active(self, purpose: str) -> ServerKey:
        """The key that signs; raises :class:`KeyRingError` before ``init``."""
        keys = self.all(purpose)
        if not keys:
            raise KeyRingError(
                f"no {purpose} key in {self._folder}: run 'flask --app wsgi init' first"
            )
        return keys[-1]

    def all(self, purpose: str) -> list[ServerKey]:
        """Every usable key of a purpose, oldest first."""
        self._refresh()
        return self._keys.get(purpose, [])

    def find(self, purpose: str, kid: str) -> ServerKey | None:
        """The key with this id, if the folder still holds it."""
        return next((key for key in self.all(purpose) if key.kid == kid), None)

    def seal(self, data: bytes, context: str) -> str:
        """Encrypt a secret for the database (AES-256-GCM), bound to ``context``."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(self._data()).encrypt(nonce, data, context.encode())
        return (nonce + sealed).hex()

    def unseal(self, sealed: str, context: str) -> bytes:
        """Reverse of :meth:`seal`; raises :class:`KeyRingError` when it was not sealed here."""
        raw = bytes.fromhex(sealed)
        try:
            return AESGCM(self._data()).decrypt(
                raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode()
            )
        except InvalidTag:
            raise KeyRingError("a stored secret was not sealed with this data key") from None

    def mac(self, message: bytes, context: str) -> str:
        """Keyed hash that only this server can make, for nonces and code hashes."""
        key = hmac.digest(self._data(), context.encode(), hashlib.sha256)
        return hmac.new(key, message, hashlib.sha256).hexdigest()

    def _data(self) -> bytes:
        if self._data_key is None:
            try:
                self._data_key = (self._folder / "data.key").read_bytes()
            except FileNotFoundError:
                raise KeyRingError(
                    f"no data key in {self._folder}: run 'flask --app wsgi init' first"
                ) from None
        return self._data_key

    def _refresh(self) -> None:
        try:
            stamp = self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            stamp = 0
        if stamp == self._stamp:
            return
        found: dict[str, list[ServerKey]] = {}
        for path in sorted(self._folder.glob("*-*-*.pem")):
            purpose, made_at, kid = path.stem.split("-", 2)
            private = PrivateKey.from_pem(path.read_bytes())
            found.setdefault(purpose, []).append(ServerKey(kid, purpose, made_at, private))
        self._keys, self._stamp = found, stamp


def _write_secret(path: Path, data: bytes) -> None:
    """Durable and private from the first byte, never half-written under its name."""
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
