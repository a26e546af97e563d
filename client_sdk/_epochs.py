"""The key that signs the next record: certified by its predecessor, which is then destroyed.

The keys lie in files of their own, never in the database, whose journal would keep old bytes.
A successor's file is durable before the one transaction that holds its certificate (`key.next`)
and names it; its predecessor's file is overwritten and removed after that transaction. A cut in
between leaves a file that no row names: it is destroyed at the next start.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from client_sdk._durable import make_directory, store_errors, sync_directory, write_file
from client_sdk._ledger import Ledger
from client_sdk._vault import Vault
from client_sdk.errors import StoreCorruptError
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.payloads import Instant
from client_sdk.protocol.records import FIRST_SEQ
from client_sdk.protocol.times import parse_rfc3339, unix_ms

KEY_RECORDS: Final = 50
KEY_SECONDS: Final = 15 * 60.0
_SIGNING: Final = "signing"
_FIRST: Final = "enrol.record-key"


@dataclass(frozen=True, slots=True)
class KeyLife:
    """How long a signing key is used: that many records, that long after its first."""

    records: int = KEY_RECORDS
    seconds: float = KEY_SECONDS


class SigningKeys:
    """Files of private keys below `keys/`, and which of them signs."""

    def __init__(
        self,
        root: Path,
        ledger: Ledger,
        vault: Vault,
        new_name: Callable[[], str],
        life: KeyLife,
    ) -> None:
        self._folder = root / "keys"
        self._ledger = ledger
        self._store = ledger.store
        self._vault = vault
        self._new_name = new_name
        self._life = life
        self._cached: tuple[str, PrivateKey] | None = None
        with store_errors("preparing the store"):
            make_directory(self._folder)

    # -- enrolment

    def first(self, alg: Algorithm) -> PrivateKey:
        """The key to be bound at enrolment; the same one until that succeeded."""
        kept = self._store.get(_FIRST)
        if kept is not None:
            key = self._read(kept)
            if key.alg is alg:
                return key
        with self._store.transaction():
            name, key = self.make(alg)
            self._store.put(_FIRST, name)
        self.destroy_others()
        return key

    def enrolled(self) -> None:
        """The first key was bound: it signs from the first record on. Within a transaction."""
        self.adopt(self._store.get(_FIRST), FIRST_SEQ)
        self._store.put(_FIRST, None)

    # -- signing

    def current(self, identity_key: PrivateKey) -> PrivateKey:
        """The key that signs now; a store of the first hour signs with its identity key."""
        name = self._signing()["file"]
        if name is None:
            return identity_key
        if self._cached is None or self._cached[0] != name:
            self._cached = (name, self._read(name))
        return self._cached[1]

    def due(self, ep: int, at: Instant) -> bool:
        """Whether the key has signed enough, or long enough ago, to be followed by another."""
        first_seq = self._signing()["from_seq"]
        used = self._ledger.head(ep).seq - first_seq + 1
        if used <= 0:
            return False
        if used >= self._life.records:
            return True
        row = self._store.one(
            "SELECT boot, mono_ms, wall FROM records WHERE ep=? AND seq=?", ep, first_seq
        )
        return row is not None and self._aged(row, at)

    def _aged(self, first: tuple[Any, ...], at: Instant) -> bool:
        """By the running clock; across boots by the wall clock, which is old if it went back."""
        boot, mono_ms, wall = first
        if boot == at.boot:
            return bool(at.mono_ms - mono_ms >= self._life.seconds * 1000)
        passed_ms = unix_ms(at.wall_at) - unix_ms(parse_rfc3339(wall))
        return not 0 <= passed_ms < self._life.seconds * 1000

    def make(self, alg: Algorithm) -> tuple[str, PrivateKey]:
        """A new key and the name of its file, which is durable. Within a transaction."""
        key, name = PrivateKey.generate(alg), self._new_name()
        with store_errors("keeping a key"):
            write_file(self._folder / name, self._vault.seal(key.to_pem(), f"key:{name}"))
        return name, key

    def adopt(self, name: str, from_seq: int) -> None:
        """From this number on that key signs. Within the transaction of its certificate."""
        self._store.put(_SIGNING, {"file": name, "from_seq": from_seq})

    def destroy_others(self) -> None:
        """Overwrite and remove every key that does not sign any more, or never did.

        In a transaction, so that no other process is just making a successor.
        """
        if self._store.in_transaction or sum(1 for _ in self._folder.iterdir()) <= 1:
            return
        with self._store.transaction(), store_errors("destroying a key"):
            wanted = {self._signing()["file"], self._store.get(_FIRST)}
            for path in list(self._folder.iterdir()):
                if path.name not in wanted:
                    _destroy(path)
            sync_directory(self._folder)
        if self._cached is not None and self._cached[0] not in wanted:
            self._cached = None

    def _signing(self) -> dict[str, Any]:
        return self._store.get(_SIGNING) or {"file": None, "from_seq": FIRST_SEQ}

    def _read(self, name: str) -> PrivateKey:
        try:
            with store_errors("reading a key"):
                stored = (self._folder / name).read_bytes()
            return PrivateKey.from_pem(self._vault.open(stored, f"key:{name}"))
        except ProtocolError as error:
            raise StoreCorruptError("the signing key is damaged; enrol this device anew") from error


def _destroy(path: Path) -> None:
    """Zeros over the bytes, as far as the disk lets, then no name."""
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
