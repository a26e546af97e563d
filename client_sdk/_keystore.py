"""Where the store's master key comes from: a passphrase, the OS keyring, or nowhere.

`keystore.json` says which, once and for all. The master key is random; it lies
there wrapped by a key that scrypt (RFC 7914) derives from the passphrase, or that
the keyring holds. With neither, the store is plain, and the caller is told so.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from client_sdk._durable import write_file
from client_sdk._vault import KEY_BYTES, AesVault, PlainVault, Vault
from client_sdk.errors import StoreCorruptError, StoreError, StoreLockedError

_FILE: Final = "keystore.json"
_SCRYPT: Final = {"n": 2**15, "r": 8, "p": 1}
_SCRYPT_MEMORY_BYTES: Final = 64 * 1024 * 1024
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_CONTEXT: Final = b"tiezheng.master.v1"
_SERVICE: Final = "tiezheng"


class Protection(StrEnum):
    """How the master key is kept."""

    PLAIN = "plain"
    PASSPHRASE = "passphrase"  # noqa: S105 - a kind, not a secret
    KEYRING = "keyring"


class SecretStore(Protocol):
    """A keyring: named secrets of the signed-in user."""

    def get(self, name: str) -> str | None:
        """The secret, None when there is none."""

    def put(self, name: str, secret: str) -> None:
        """Keep a secret."""


class SystemKeyring:
    """The operating system's keyring through the `keyring` library."""

    def get(self, name: str) -> str | None:
        """The secret under Tiezheng's service name."""
        import keyring  # noqa: PLC0415 - slow, and only needed for stores that use it

        return keyring.get_password(_SERVICE, name)

    def put(self, name: str, secret: str) -> None:
        """Keep a secret under Tiezheng's service name."""
        import keyring  # noqa: PLC0415 - as above

        keyring.set_password(_SERVICE, name, secret)


def system_keyring() -> SecretStore | None:
    """The system's keyring, None where there is no usable one."""
    try:
        import keyring  # noqa: PLC0415 - as above

        usable = float(keyring.get_keyring().priority) >= 1
    except Exception:  # noqa: BLE001 - back ends raise anything while they are probed
        return None
    return SystemKeyring() if usable else None


@dataclass(frozen=True, slots=True)
class OpenedKeystore:
    """The vault of a store and how its key is kept."""

    vault: Vault
    protection: Protection


class Keystore:
    """Creates or opens the master key of the store in `root`."""

    def __init__(self, root: Path, randbytes: Callable[[int], bytes]) -> None:
        self._path = root / _FILE
        self._randbytes = randbytes

    def open(self, passphrase: str | None, secrets: SecretStore | None) -> OpenedKeystore:
        """The vault; a new store is encrypted whenever there is a way to keep its key."""
        if not self._path.exists():
            self._create(passphrase, secrets)
        described = self._read()
        protection = Protection(described["protection"])
        if protection is Protection.PLAIN:
            if passphrase is not None:
                raise StoreError("this store was made without encryption; a passphrase is no use")
            return OpenedKeystore(PlainVault(), protection)
        wrapping = self._wrapping_key(described, protection, passphrase, secrets)
        return OpenedKeystore(AesVault(_unwrap(described, wrapping), self._randbytes), protection)

    def _create(self, passphrase: str | None, secrets: SecretStore | None) -> None:
        described: dict[str, Any] = {"v": 1, "protection": Protection.PLAIN.value}
        if passphrase is not None:
            described |= {"protection": "passphrase", "salt": self._token(_SALT_BYTES), **_SCRYPT}
        elif secrets is not None:
            name = f"store-{self._token(_SALT_BYTES)}"
            secrets.put(name, self._token(KEY_BYTES))
            described |= {"protection": "keyring", "name": name}
        protection = Protection(described["protection"])
        if protection is not Protection.PLAIN:
            wrapping = self._wrapping_key(described, protection, passphrase, secrets)
            nonce, master = self._randbytes(_NONCE_BYTES), self._randbytes(KEY_BYTES)
            wrapped = nonce + AESGCM(wrapping).encrypt(nonce, master, _CONTEXT)
            described["wrapped"] = base64.b64encode(wrapped).decode()
        write_file(self._path, json.dumps(described, indent=1).encode())

    def _token(self, size: int) -> str:
        return base64.urlsafe_b64encode(self._randbytes(size)).decode()

    def _read(self) -> dict[str, Any]:
        try:
            described = json.loads(self._path.read_bytes())
            Protection(described["protection"])
        except (ValueError, KeyError, TypeError) as error:
            raise StoreCorruptError("the store's key file is damaged") from error
        return dict(described)

    def _wrapping_key(
        self,
        described: dict[str, Any],
        protection: Protection,
        passphrase: str | None,
        secrets: SecretStore | None,
    ) -> bytes:
        if protection is Protection.PASSPHRASE:
            if passphrase is None:
                raise StoreLockedError("this store needs its passphrase")
            return hashlib.scrypt(
                passphrase.encode(),
                salt=base64.urlsafe_b64decode(described["salt"]),
                n=described["n"],
                r=described["r"],
                p=described["p"],
                maxmem=_SCRYPT_MEMORY_BYTES,
                dklen=KEY_BYTES,
            )
        secret = secrets.get(described["name"]) if secrets is not None else None
        if secret is None:
            raise StoreLockedError("the keyring that holds this store's key is not open")
        return base64.urlsafe_b64decode(secret)


def _unwrap(described: dict[str, Any], wrapping: bytes) -> bytes:
    try:
        wrapped = base64.b64decode(described["wrapped"], validate=True)
        nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        return AESGCM(wrapping).decrypt(nonce, sealed, _CONTEXT)
    except InvalidTag as error:
        raise StoreLockedError("the passphrase does not fit this store") from error
    except (KeyError, ValueError, binascii.Error) as error:
        raise StoreCorruptError("the store's key file is damaged") from error
