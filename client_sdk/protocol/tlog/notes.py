"""Signed notes and verifier keys (c2sp.org/signed-note), signature type 0x01 (Ed25519).

A note is text that ends in a newline, an empty line, and one or more lines
``— <key name> base64(key id ‖ signature)``. Stricter than the specification in one point: two
lines of the same key name and key id are refused, so that no two readers can choose differently.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Final

from client_sdk.protocol.errors import NoteError
from client_sdk.protocol.keys import Algorithm, PrivateKey, PublicKey
from client_sdk.protocol.tlog._text import b64_decode, b64_encode, has_control, is_unicode

TYPE_ED25519: Final = 0x01
TYPE_COSIGNATURE: Final = 0x04
KEY_TYPES: Final = frozenset({TYPE_ED25519, TYPE_COSIGNATURE})
KEY_ID_BYTES: Final = 4
MAX_SIGNATURES: Final = 64
MAX_NOTE_BYTES: Final = 512 * 1024

_DASH: Final = "\u2014 "


@dataclass(frozen=True)
class VerifierKey:
    """A note key: `key_type` 0x01 (log) or 0x04 (witness), `public` the 32 Ed25519 bytes.

    `key_id` follows from the others. Weak and malformed points raise KeyFormatError.
    """

    name: str
    key_type: int
    public: bytes
    key_id: bytes = field(init=False)

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if self.key_type not in KEY_TYPES:
            raise NoteError("a key of another signature type", code="key-type")
        object.__setattr__(self, "key_id", key_id(self.name, self.key_type, self.public))
        self.key  # noqa: B018 - refuses weak points

    @cached_property
    def key(self) -> PublicKey:
        """The Ed25519 key."""
        return PublicKey(Algorithm.ED25519, self.public)

    def made(self, signature: NoteSignature) -> bool:
        """Whether name and key id of a signature line are this key's; verifies nothing."""
        return signature.name == self.name and signature.key_id == self.key_id


def key_id(name: str, key_type: int, public: bytes) -> bytes:
    """First four bytes of SHA-256 over name, newline, signature type and public key."""
    return sha256(name.encode() + b"\n" + bytes([key_type]) + public).digest()[:KEY_ID_BYTES]


def parse_vkey(text: str) -> VerifierKey:
    """Key of ``<name>+<key id in hex>+base64(type ‖ public key)``; NoteError when malformed."""
    name, _, rest = text.partition("+")
    hex_id, _, encoded = rest.partition("+")
    data = b64_decode(encoded)
    if not data:
        raise NoteError("the verifier key is not canonical base64", code="vkey")
    key = VerifierKey(name, data[0], data[1:])
    if key.key_id.hex() != hex_id:
        raise NoteError("the verifier key has another key id", code="vkey-id")
    return key


def format_vkey(key: VerifierKey) -> str:
    """Text that `parse_vkey` reads."""
    return f"{key.name}+{key.key_id.hex()}+{b64_encode(bytes([key.key_type]) + key.public)}"


@dataclass(frozen=True)
class NoteSignature:
    """One signature line, not verified; `signature` is what follows the key id."""

    name: str
    key_id: bytes
    signature: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if len(self.key_id) != KEY_ID_BYTES or not self.signature:
            raise NoteError("a signature is a key id of four bytes and more", code="note-line")

    def to_line(self) -> str:
        """The line, with its newline."""
        return f"{_DASH}{self.name} {b64_encode(self.key_id + self.signature)}\n"


def parse_signature_line(line: str) -> NoteSignature:
    """Signature of one line that ends in its newline."""
    name, _, encoded = line.removeprefix(_DASH).removesuffix("\n").partition(" ")
    if not (line.startswith(_DASH) and line.endswith("\n")):
        raise NoteError("not a signature line", code="note-line")
    data = b64_decode(encoded)
    if data is None:
        raise NoteError("a signature that is not canonical base64", code="note-base64")
    return NoteSignature(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])


@dataclass(frozen=True)
class Note:
    """Text (with its final newline) and signature lines, in order; nothing is verified."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __post_init__(self) -> None:
        _check_text(self.text)
        if not 1 <= len(self.signatures) <= MAX_SIGNATURES:
            raise NoteError(f"from 1 to {MAX_SIGNATURES} signatures", code="note-signatures")
        if len({(line.name, line.key_id) for line in self.signatures}) != len(self.signatures):
            raise NoteError("two signatures of one key", code="note-duplicate")

    def to_text(self) -> str:
        """The note as it is stored and sent; `parse_note` gives the same note again."""
        return self.text + "\n" + "".join(line.to_line() for line in self.signatures)

    def with_signatures(self, more: Iterable[NoteSignature]) -> Note:
        """The note with further lines; lines it has already are not repeated."""
        fresh = dict.fromkeys(line for line in more if line not in self.signatures)
        return Note(self.text, (*self.signatures, *fresh))


def parse_note(note: bytes | str) -> Note:
    """Note of its text; NoteError when anything is not exactly in the format."""
    text = _decoded(note)
    if has_control(text):
        raise NoteError("a control character", code="note-control")
    head, blank, lines = text.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise NoteError("no signatures after an empty line", code="note-signatures")
    rows = lines.removesuffix("\n").split("\n")
    return Note(head + "\n", tuple(parse_signature_line(row + "\n") for row in rows))


class NoteSigner:
    """Signs notes under a key name with an Ed25519 key (signature type 0x01)."""

    def __init__(self, name: str, key: PrivateKey) -> None:
        if key.alg is not Algorithm.ED25519:
            raise NoteError("notes are signed with Ed25519", code="key-type")
        self._key = key
        self.verifier_key: Final = VerifierKey(name, TYPE_ED25519, key.public.raw)

    @property
    def name(self) -> str:
        """The key name."""
        return self.verifier_key.name

    def sign(self, text: str) -> NoteSignature:
        """Signature line over a note text."""
        _check_text(text)
        return NoteSignature(self.name, self.verifier_key.key_id, self._key.sign(text.encode()))


def sign_note(text: str, signers: Sequence[NoteSigner]) -> Note:
    """Note over `text`, which ends in a newline, with a line of each signer."""
    return Note(text, tuple(signer.sign(text) for signer in signers))


def verified_by(note: Note, key: VerifierKey) -> bool:
    """Whether the note carries a line of `key` (type 0x01) and that line verifies."""
    if key.key_type != TYPE_ED25519:
        raise NoteError("cosignatures are verified elsewhere", code="key-type")
    message = note.text.encode()
    return any(
        key.key.verify(line.signature, message) for line in note.signatures if key.made(line)
    )


def check_key_name(name: str) -> None:
    """Refuse what cannot be a key name: empty, spaces, plus, control characters."""
    if not name or "+" in name or not is_unicode(name) or has_control(name):
        raise NoteError("not a key name", code="key-name")
    if any(char.isspace() for char in name):
        raise NoteError("a key name has no spaces", code="key-name")


def _check_text(text: str) -> None:
    if not text.endswith("\n") or has_control(text) or not is_unicode(text):
        raise NoteError("a note text is UTF-8 lines that end in a newline", code="note-text")


def _decoded(note: bytes | str) -> str:
    if len(note) > MAX_NOTE_BYTES:
        raise NoteError("the note is too long", code="note-length")
    if isinstance(note, bytes):
        try:
            return note.decode()
        except UnicodeDecodeError as error:
            raise NoteError("not UTF-8", code="note-text") from error
    return note
