"""What the signer keeps for itself, outside the database: its key, and what it last signed.

It goes by this folder alone.  Whoever holds the database can neither read the key nor make the
signer forget.  Files: ``log-<made at>.pem`` (one key, or two while they overlap), ``log.vkey``
(public), ``state.json``, ``lock``.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.keys import Algorithm, PrivateKey
from client_sdk.protocol.tlog.checkpoints import Checkpoint
from client_sdk.protocol.tlog.merkle import EMPTY_ROOT
from client_sdk.protocol.tlog.notes import NoteSigner, format_vkey
from server.core.durable import replace_file

_KEYS: Final = "log-*.pem"
_STATE: Final = "state.json"
_VKEY: Final = "log.vkey"
_MADE_AT: Final = "%Y%m%dT%H%M%S"
_PUBLIC: Final = 0o644


class SignerFolderError(Exception):
    """The folder cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Signed:
    """The newest tree head that was ever signed."""

    size: int = 0
    root: bytes = EMPTY_ROOT


class SignerFolder:
    """The signer's own folder; one process at a time holds it.

    :param patience: seconds between attempts to hold it.
    """

    def __init__(self, folder: Path, patience: Sequence[float] = (0.2,) * 50) -> None:
        self._folder = folder
        self._patience = patience
        self._lock = -1
        self.origin = ""
        self.signed = Signed()
        self.signers: Sequence[NoteSigner] = ()

    @property
    def vkeys(self) -> list[str]:
        """The log's verifier keys, oldest first."""
        return [format_vkey(signer.verifier_key) for signer in self.signers]

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever signed from this folder."""
        return not (self._folder / _STATE).exists()

    def open(self, origin: str, now: datetime, *, hold: bool = True) -> None:
        """Hold the folder and read it; without a key one is made, for ``origin``.

        ``hold=False`` only reads, beside a running signer.  The origin of a folder that has keys
        stays: it is the log's name in every checkpoint.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if hold or not list(self._folder.glob(_KEYS)):
            self._hold()
        try:
            self._read(origin, now)
        except (ProtocolError, ValueError, KeyError, OSError) as error:
            raise SignerFolderError(f"{self._folder} cannot be read: {error}") from error

    def close(self) -> None:
        """Let another process have it."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def save(self, head: Checkpoint) -> None:
        """Remember a head, durably, before its signature is shown to anyone."""
        root = b64encode(head.root).decode()
        body = {"origin": self.origin, "size": head.size, "root": root}
        replace_file(self._folder / _STATE, json.dumps(body).encode())
        self.signed = Signed(head.size, head.root)

    def _hold(self) -> None:
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for wait_seconds in self._patience:  # one that was just told to stop lets go soon
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                time.sleep(wait_seconds)
            else:
                self._lock = descriptor
                return
        os.close(descriptor)
        raise SignerFolderError(f"another signer works in {self._folder}")

    def _read(self, origin: str, now: datetime) -> None:
        paths = sorted(self._folder.glob(_KEYS))
        kept = self._folder / _VKEY
        if not paths:
            if not self.is_new:
                raise SignerFolderError(f"{self._folder} has a state but no key: restore the key")
            paths = [self._folder / f"log-{now.strftime(_MADE_AT)}.pem"]
            replace_file(paths[0], PrivateKey.generate(Algorithm.ED25519).to_pem())
        self.origin = kept.read_text().partition("+")[0] if kept.exists() else origin
        self.signers = [
            NoteSigner(self.origin, PrivateKey.from_pem(path.read_bytes())) for path in paths
        ]
        listed = "".join(f"{vkey}\n" for vkey in self.vkeys)
        if not kept.exists() or kept.read_text() != listed:
            replace_file(kept, listed.encode(), _PUBLIC)
        if not self.is_new:
            body = json.loads((self._folder / _STATE).read_bytes())
            if body["origin"] != self.origin:
                raise SignerFolderError(f"{self._folder} holds the state of {body['origin']}")
            self.signed = Signed(int(body["size"]), b64decode(body["root"], validate=True))
