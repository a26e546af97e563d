"""Encryption at rest.

Files: AES-256-GCM in 4 MiB chunks, each file under its own key:

    "TZE1" ‖ salt32 ‖ chunk_0 ‖ chunk_1 ‖ … ‖ chunk_n
    key     = HKDF-SHA256(master, salt, "tiezheng.file.v1")
    nonce_i = i as 8 bytes ‖ 00 00 00 ‖ (01 for the last chunk, else 00)

The counter forbids reordering, the last-chunk mark forbids truncation (the STREAM
construction of Hoang, Reyhanitabar, Rogaway and Vizár). Small values: AES-256-GCM
with a random nonce, bound to a context. Digests elsewhere are of the plaintext.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from client_sdk.errors import StoreCorruptError

CHUNK_BYTES: Final = 4 * 1024 * 1024
KEY_BYTES: Final = 32
_MAGIC: Final = b"TZE1"
_SALT_BYTES: Final = 32
_HEADER_BYTES: Final = len(_MAGIC) + _SALT_BYTES
_TAG_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_READ_BYTES: Final = 256 * 1024


class FileWriter(Protocol):
    """Writes plaintext to a file; `finish` must come last."""

    def write(self, data: bytes) -> None:
        """Take more plaintext."""

    def finish(self) -> None:
        """Write what is buffered and the end mark."""


class Vault(Protocol):
    """Turns plaintext into what lies on the disk, and back."""

    encrypted: bool

    def seal(self, data: bytes, context: str) -> bytes:
        """Stored form of a small value."""

    def open(self, stored: bytes, context: str) -> bytes:
        """Plaintext of a small value; StoreCorruptError when it was changed."""

    def writer(self, file: BinaryIO) -> FileWriter:
        """Writer of a new file."""

    def read(self, file: BinaryIO, offset: int) -> Iterator[bytes]:
        """Plaintext from `offset` to the end, in pieces."""


class PlainVault:
    """No encryption: the bytes as they are."""

    encrypted = False

    def seal(self, data: bytes, context: str) -> bytes:
        """The value itself."""
        del context
        return data

    def open(self, stored: bytes, context: str) -> bytes:
        """The value itself."""
        del context
        return stored

    def writer(self, file: BinaryIO) -> FileWriter:
        """Passes bytes through."""
        return _PlainWriter(file)

    def read(self, file: BinaryIO, offset: int) -> Iterator[bytes]:
        """Bytes from `offset`."""
        file.seek(offset)
        while data := file.read(_READ_BYTES):
            yield data


class _PlainWriter:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def finish(self) -> None:
        pass


class AesVault:
    """AES-256-GCM under keys derived from one 32-byte master key."""

    encrypted = True

    def __init__(self, master: bytes, randbytes: Callable[[int], bytes] = os.urandom) -> None:
        self._master = master
        self._randbytes = randbytes
        self._values = AESGCM(_derive(master, b"", b"tiezheng.value.v1"))

    def seal(self, data: bytes, context: str) -> bytes:
        """Nonce and ciphertext, bound to `context`."""
        nonce = self._randbytes(_NONCE_BYTES)
        return nonce + self._values.encrypt(nonce, data, context.encode())

    def open(self, stored: bytes, context: str) -> bytes:
        """Plaintext; the context must be the one of sealing."""
        try:
            return self._values.decrypt(
                stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], context.encode()
            )
        except (InvalidTag, ValueError) as error:
            raise StoreCorruptError("a stored value does not decrypt") from error

    def writer(self, file: BinaryIO) -> FileWriter:
        """Writes the header at once, then chunks."""
        salt = self._randbytes(_SALT_BYTES)
        return _ChunkWriter(file, AESGCM(self._file_key(salt)), _MAGIC + salt)

    def read(self, file: BinaryIO, offset: int) -> Iterator[bytes]:
        """Decrypts from the chunk before `offset`, so that the end mark is always seen."""
        file.seek(0)
        header = file.read(_HEADER_BYTES)
        if len(header) != _HEADER_BYTES or header[: len(_MAGIC)] != _MAGIC:
            raise StoreCorruptError("not an encrypted file")
        cipher = AESGCM(self._file_key(header[len(_MAGIC) :]))
        index = max(0, offset - 1) // CHUNK_BYTES
        skip = offset - index * CHUNK_BYTES
        sealed_bytes = CHUNK_BYTES + _TAG_BYTES
        file.seek(_HEADER_BYTES + index * sealed_bytes)
        sealed = file.read(sealed_bytes)
        if not sealed:
            raise StoreCorruptError("a stored file is cut short")
        while sealed:
            following = file.read(sealed_bytes)
            try:
                plain = cipher.decrypt(_nonce(index, last=not following), sealed, header)
            except InvalidTag as error:
                raise StoreCorruptError("a stored file does not decrypt") from error
            for start in range(skip, len(plain), _READ_BYTES):
                yield plain[start : start + _READ_BYTES]
            sealed, index, skip = following, index + 1, 0

    def _file_key(self, salt: bytes) -> bytes:
        return _derive(self._master, salt, b"tiezheng.file.v1")


class _ChunkWriter:
    def __init__(self, file: BinaryIO, cipher: AESGCM, header: bytes) -> None:
        self._file = file
        self._cipher = cipher
        self._header = header
        self._buffer = bytearray()
        self._index = 0
        file.write(header)

    def write(self, data: bytes) -> None:
        self._buffer += data
        # Strictly more: the last chunk is known only when the source ends.
        while len(self._buffer) > CHUNK_BYTES:
            self._emit(bytes(self._buffer[:CHUNK_BYTES]), last=False)
            del self._buffer[:CHUNK_BYTES]

    def finish(self) -> None:
        self._emit(bytes(self._buffer), last=True)
        self._buffer.clear()

    def _emit(self, plain: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._index, last=last), plain, self._header))
        self._index += 1


def _nonce(index: int, *, last: bool) -> bytes:
    return index.to_bytes(8) + b"\0\0\0" + (b"\1" if last else b"\0")


def _derive(master: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 for one block of output (RFC 5869 §2)."""
    extracted = hmac.digest(salt or bytes(KEY_BYTES), master, hashlib.sha256)
    return hmac.digest(extracted, info + b"\1", hashlib.sha256)
