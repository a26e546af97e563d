"""The server's own keys: token key, server-event key and the data key, each in its file.

Files lie in one folder, mode 0600, named ``<purpose>-<made at>-<kid>.pem``.  The newest of a
purpose signs; all that are there verify, so the folder is the allow-list of key ids.  Moving a
file away retires the key within a second in every process.

Beside each lies ``….json``, what the published key list says of it: since when, until when, and
the predecessor's signature by which devices follow a rotation.  It stays when the key goes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.keylist import KeyEntry, KeyList, KeyPurpose, sign_key_list, successor
from client_sdk.protocol.keys import Algorithm, PrivateKey, PublicKey
from client_sdk.protocol.statements import SignedStatement
from server.core.clock import Clock, truncated

TOKEN: Final = "token"  # noqa: S105  the name of a purpose
EVENT: Final = "event"
_DATA_KEY_BYTES = 32
_NONCE_BYTES = 12
_MADE_AT: Final = "%Y%m%dT%H%M%S%f"
_SETTLED_NS: Final = 2_000_000_000
RETIRED_FOLDER: Final = "retired"


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

    @property
    def stem(self) -> str:
        """Name of its files without suffix."""
        return f"{self.purpose}-{self.made_at}-{self.kid}"


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
        """Make a new key that signs from now on; older ones go on verifying.

        The key that signed until now vouches for it, so that devices follow (keylist).
        """
        older = self.all(purpose)
        made = truncated(self._clock.now())
        if older and _when(older[-1].made_at) >= made:
            made = _when(older[-1].made_at) + timedelta(milliseconds=1)
        private = PrivateKey.generate(Algorithm.ED25519)
        entry = KeyEntry(private.public.thumbprint, KeyPurpose(purpose), private.public, made)
        if older:
            entry = successor(self._entry(older[-1]), older[-1].private, private.public, made)
        key = ServerKey(entry.kid, purpose, made.strftime(_MADE_AT), private)
        self._write_entry(key.stem, entry)
        _write_secret(self._folder / f"{key.stem}.pem", private.to_pem())
        self._stamp = -1
        return key

    def retire(self, kid: str) -> ServerKey:
        """Stop trusting a key for anything new; its public half stays in the key list.

        Raises :class:`KeyRingError` for the key that signs now: add its successor first.
        """
        key = next((key for keys in self._all().values() for key in keys if key.kid == kid), None)
        if key is None:
            raise KeyRingError(f"no key in use has the id {kid}")
        if self.active(key.purpose).kid == kid:
            raise KeyRingError(f"{kid} signs now: run 'keys rotate {key.purpose}' first")
        self._write_entry(key.stem, replace(self._entry(key), until=truncated(self._clock.now())))
        away = self._folder / RETIRED_FOLDER
        away.mkdir(exist_ok=True, mode=0o700)
        (self._folder / f"{key.stem}.pem").rename(away / f"{key.stem}.pem")
        _sync_folder(away)
        _sync_folder(self._folder)
        self._stamp = -1
        return key

    def published(self) -> list[KeyEntry]:
        """Every key that ever signed, with its successions; oldest first within a purpose."""
        found = {key.stem: self._entry(key) for keys in self._all().values() for key in keys}
        for path in self._folder.glob("*-*-*.json"):
            if path.stem not in found and (entry := _read_entry(path)) and entry.until:
                found[path.stem] = entry
        return [found[stem] for stem in sorted(found)]

    def statement(self) -> SignedStatement:
        """The key list, signed by the server-event key; its version grows with every change."""
        entries = self.published()
        version = len(entries) + sum(entry.until is not None for entry in entries)
        keys = KeyList(version, truncated(self._clock.now()), tuple(entries))
        return sign_key_list(keys, self.active(EVENT).private)

    def event_key(self, kid: str) -> PublicKey | None:
        """Public half of a server-event key, retired ones included, for what was signed before."""
        return next(
            (e.key for e in self.published() if e.kid == kid and e.purpose is KeyPurpose.EVENT),
            None,
        )

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
        return self._all().get(purpose, [])

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
        return hmac.new(self.derived(context), message, hashlib.sha256).hexdigest()

    def derived(self, context: str) -> bytes:
        """A key for one use, made from the data key; 32 bytes."""
        return hmac.digest(self._data(), context.encode(), hashlib.sha256)

    def _data(self) -> bytes:
        if self._data_key is None:
            try:
                self._data_key = (self._folder / "data.key").read_bytes()
            except FileNotFoundError:
                raise KeyRingError(
                    f"no data key in {self._folder}: run 'flask --app wsgi init' first"
                ) from None
        return self._data_key

    def _all(self) -> dict[str, list[ServerKey]]:
        try:
            stamp = self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            stamp = 0
        if stamp == self._stamp:
            return self._keys
        found: dict[str, list[ServerKey]] = {}
        for path in sorted(self._folder.glob("*-*-*.pem")):
            purpose, made_at, kid = path.stem.split("-", 2)
            entry = _read_entry(path.with_suffix(".json"))
            if entry is not None and entry.until is not None:
                continue  # retiring was interrupted before the file was moved
            private = PrivateKey.from_pem(path.read_bytes())
            found.setdefault(purpose, []).append(ServerKey(kid, purpose, made_at, private))
        # A change within the same tick of the file system's clock would go unseen.
        settled = time.time_ns() - stamp > _SETTLED_NS
        self._keys, self._stamp = found, stamp if settled else -1
        return found

    def _entry(self, key: ServerKey) -> KeyEntry:
        entry = _read_entry(self._folder / f"{key.stem}.json")
        if entry is not None and entry.kid == key.kid:
            return entry
        return KeyEntry(key.kid, KeyPurpose(key.purpose), key.public, _when(key.made_at))

    def _write_entry(self, stem: str, entry: KeyEntry) -> None:
        text = json.dumps(entry.to_dict(), sort_keys=True)
        _write_secret(self._folder / f"{stem}.json", text.encode())


def _read_entry(path: Path) -> KeyEntry | None:
    try:
        return KeyEntry.from_dict(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ProtocolError, ValueError) as error:
        raise KeyRingError(f"{path} cannot be read: {error}") from None


def _when(made_at: str) -> datetime:
    return datetime.strptime(made_at, _MADE_AT).replace(tzinfo=UTC)


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
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
