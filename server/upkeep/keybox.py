"""The server's keys in a box that a passphrase opens, to travel beside a backup.

Without the data key nothing sealed in the database can be read, and without the event keys no
statement of the past can be told from a forged one.  scrypt (RFC 7914) over the passphrase,
AES-256-GCM over a tar of the folder.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path, PurePosixPath
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from server.core.durable import replace_file, sync_folder

_N, _R, _P = 2**17, 8, 1
_HEAD: Final = b"tiezheng.keybox.v1\n"
_SALT_BYTES, _NONCE_BYTES = 16, 12
PASSPHRASE_CHARACTERS_MIN: Final = 12


class KeyBoxError(Exception):
    """The box cannot be opened; the message says why."""


def close_box(folder: Path, passphrase: str) -> bytes:
    """The files of a folder and its subfolders, sealed."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                tar.add(path, str(path.relative_to(folder)), recursive=False)
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    sealed = AESGCM(_key(passphrase, salt)).encrypt(nonce, raw.getvalue(), _HEAD)
    return _HEAD + salt + nonce + sealed


def open_box(box: bytes, passphrase: str, folder: Path) -> int:
    """Write the files into a new folder, private and durable; returns how many.

    Raises :class:`KeyBoxError` for another passphrase or a damaged box.
    """
    if not box.startswith(_HEAD):
        raise KeyBoxError("this is no box of keys")
    rest = box[len(_HEAD) :]
    salt, nonce = rest[:_SALT_BYTES], rest[_SALT_BYTES : _SALT_BYTES + _NONCE_BYTES]
    try:
        raw = AESGCM(_key(passphrase, salt)).decrypt(
            nonce, rest[_SALT_BYTES + _NONCE_BYTES :], _HEAD
        )
    except InvalidTag:
        raise KeyBoxError("the passphrase is another one, or the box is damaged") from None
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    count = 0
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        for member in tar.getmembers():
            content = tar.extractfile(member) if member.isreg() else None
            if content is None or not _is_plain(member.name):
                raise KeyBoxError(f"unexpected content: {json.dumps(member.name)}")
            path = folder / member.name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(path, content.read())
            count += 1
    sync_folder(folder.parent)
    return count


def _is_plain(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_N, r=_R, p=_P).derive(passphrase.encode())
