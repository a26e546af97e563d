r"""Bundles: records and bytes in one file, for places that no network reaches.

A ZIP of stored (uncompressed) entries in this order, and no others:

    bundle.json       JCS: what the bundle is and what it holds
    bundle.sig        of records: base64url signature of the device's identity key over
                      "tiezheng.bundle.v1\0" ‖ bundle.json
    records.jsonl     of records: one wire record a line; of receipts: receipts.jsonl
    objects/<sha256>  of records: the bytes

Who carries a bundle needs no trust: every record, every receipt and the list of bytes is signed.
The format is documented in docs/bundle-format.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Self

from client_sdk.protocol import jcs
from client_sdk.protocol.encoding import b64url_decode, b64url_encode, is_sha256_hex
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.keys import SIGNATURE_BYTES, PrivateKey, PublicKey

VERSION: Final = 1
MEDIA_TYPE: Final = "application/vnd.tiezheng.bundle+zip"
HEAD: Final = "bundle.json"
SIGNATURE: Final = "bundle.sig"
LINES: Final = {"records": "records.jsonl", "receipts": "receipts.jsonl"}
HEAD_BYTES_MAX: Final = 16 * 2**20
LINES_BYTES_MAX: Final = 2**30
LINE_BYTES_MAX: Final = 512 * 2**10
OBJECTS_MAX: Final = 100_000
OBJECT_BYTES_MAX: Final = 2**40
_DOMAIN: Final = b"tiezheng.bundle.v1\0"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_CHUNK_BYTES: Final = 2**20
_ENCRYPTED: Final = 0x1
_TEXT_CHARS_MAX: Final = 128
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,12}", re.ASCII)


class BundleError(ProtocolError):
    """A file that is no acceptable bundle.

    Codes: bundle-truncated, bundle-entries, bundle-head, bundle-signature, bundle-digest,
    bundle-line, bundle-size.
    """

    default_code = "bundle"


@dataclass(frozen=True, slots=True)
class Part:
    """Length and SHA-256 of an entry."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class BundleHead:
    """What a bundle says of itself; `first` and `last` are the numbers of its records."""

    kind: str
    court: str
    device: str
    ep: int
    made: str
    first: int
    last: int
    count: int
    lines: Part
    objects: tuple[Part, ...] = ()

    def to_text(self) -> str:
        """The canonical text that is signed."""
        return jcs.dumps(
            {
                "v": VERSION, "kind": self.kind, "court": self.court, "device": self.device,
                "ep": self.ep, "made": self.made, "first": self.first, "last": self.last,
                "count": self.count, "lines": _part(self.lines),
                "objects": [_part(one) for one in self.objects],
            }
        )  # fmt: skip

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Head of a canonical text; BundleError otherwise."""
        try:
            value = jcs.loads_object(data, max_bytes=HEAD_BYTES_MAX)
            objects = tuple(_part_of(one) for one in _list(value["objects"]))
            head = cls(
                kind=_text(value["kind"]), court=_text(value["court"]),
                device=_text(value["device"]), ep=_count(value["ep"]), made=_text(value["made"]),
                first=_count(value["first"]), last=_count(value["last"]),
                count=_count(value["count"]), lines=_part_of(value["lines"]), objects=objects,
            )  # fmt: skip
        except (ProtocolError, KeyError, TypeError, ValueError) as error:
            raise BundleError(f"bundle.json: {error}", code="bundle-head") from None
        known = head.kind in LINES and value["v"] == VERSION
        if not known or head.to_text().encode() != data:
            raise BundleError("bundle.json: unknown kind, version or member", code="bundle-head")
        digests = [one.sha256 for one in objects]
        if len(set(digests)) != len(digests) or len(digests) > OBJECTS_MAX:
            raise BundleError("bundle.json: objects repeat or are too many", code="bundle-head")
        return head

    def signed(self, key: PrivateKey) -> str:
        """The text of `bundle.sig`."""
        return b64url_encode(key.sign(_DOMAIN + self.to_text().encode()))


class BundleReader:
    """Reads one bundle strictly: exactly the entries of its head, stored, whole, once.

    Nothing is unpacked, no name becomes a path, and what is read is never more than the file has.
    """

    def __init__(self, path: Path) -> None:
        self._size_bytes = path.stat().st_size
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
            raise BundleError(f"not a whole ZIP file: {error}", code="bundle-truncated") from None
        try:
            self._entries = self._listed()
            self.head = BundleHead.parse(self._small(HEAD, HEAD_BYTES_MAX))
            self._require_exactly()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def require_signature(self, key: PublicKey) -> None:
        """BundleError unless the device's identity key signed the head."""
        try:
            text = self._small(SIGNATURE, 128).decode("ascii")
            signature = b64url_decode(text, size_bytes=SIGNATURE_BYTES)
        except (ProtocolError, UnicodeDecodeError):
            signature = b""
        if not signature or not key.verify(signature, _DOMAIN + self.head.to_text().encode()):
            raise BundleError("the device did not sign this bundle", code="bundle-signature")

    def require_bytes(self) -> None:
        """Hash every entry; BundleError for the first that is not what the head says."""
        self._require_digest(LINES[self.head.kind], self.head.lines)
        for part in self.head.objects:
            self._require_digest(f"objects/{part.sha256}", part)

    def lines(self) -> Iterator[dict[str, Any]]:
        """The records or receipts, in order."""
        count = 0
        with self._open(LINES[self.head.kind]) as stream:
            while line := stream.readline(LINE_BYTES_MAX + 1):
                if not line.endswith(b"\n") or len(line) > LINE_BYTES_MAX:
                    raise BundleError("a line is too long or cut off", code="bundle-line")
                try:
                    value = json.loads(line)
                except ValueError:
                    value = None
                if not isinstance(value, dict):
                    raise BundleError(f"line {count + 1} is no object", code="bundle-line")
                count += 1
                yield value
        if count != self.head.count:
            raise BundleError("there are more or fewer lines", code="bundle-line")

    def open_object(self, part: Part) -> IO[bytes]:
        """The bytes of one object."""
        return self._open(f"objects/{part.sha256}")

    def _listed(self) -> dict[str, zipfile.ZipInfo]:
        found: dict[str, zipfile.ZipInfo] = {}
        total = 0
        for info in self._zip.infolist():
            total += info.file_size
            plain = info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & _ENCRYPTED
            if info.filename in found or not plain or info.file_size != info.compress_size:
                name = info.filename[:100]
                raise BundleError(f"{name!r}: repeated or not stored", code="bundle-entries")
            found[info.filename] = info
        if total > self._size_bytes or len(found) > OBJECTS_MAX + 3:
            raise BundleError("the entries are larger than the file", code="bundle-size")
        return found

    def _require_exactly(self) -> None:
        wanted = {HEAD: None, LINES[self.head.kind]: self.head.lines.size_bytes}
        if self.head.kind == "records":
            wanted[SIGNATURE] = None
        elif self.head.objects:
            raise BundleError("receipts come without objects", code="bundle-head")
        wanted |= {f"objects/{part.sha256}": part.size_bytes for part in self.head.objects}
        if wanted.keys() != self._entries.keys():
            odd = min(wanted.keys() ^ self._entries.keys())[:100]
            raise BundleError(f"{odd!r}: missing or not announced", code="bundle-entries")
        for name, size_bytes in wanted.items():
            if size_bytes not in {None, self._entries[name].file_size}:
                raise BundleError(f"{name}: another length", code="bundle-size")

    def _require_digest(self, name: str, part: Part) -> None:
        digest = hashlib.sha256()
        with self._open(name) as stream:
            while chunk := _read(stream, name):
                digest.update(chunk)
        if digest.hexdigest() != part.sha256:
            raise BundleError(f"{name}: other bytes than announced", code="bundle-digest")

    def _small(self, name: str, limit: int) -> bytes:
        info = self._entries.get(name)
        if info is None or info.file_size > limit:
            raise BundleError(f"{name}: missing or too large", code="bundle-entries")
        with self._open(name) as stream:
            return _read(stream, name, limit)

    def _open(self, name: str) -> IO[bytes]:
        try:
            return self._zip.open(self._entries[name])
        except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError) as error:
            raise BundleError(f"{name}: {error}", code="bundle-truncated") from None


def write_bundle(
    path: Path,
    head: BundleHead,
    lines: Iterable[bytes],
    *,
    signature: str | None = None,
    read_object: Callable[[str], Iterable[bytes]] | None = None,
) -> None:
    """Write a bundle under its name only when it is whole and on the disk.

    :param lines: each with its newline; they hash to `head.lines`.
    :param read_object: bytes of an object by digest.
    """
    draft = path.with_name(path.name + ".new")
    with draft.open("wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as bundle:
            bundle.writestr(zipfile.ZipInfo(HEAD, _EPOCH), head.to_text())
            if signature is not None:
                bundle.writestr(zipfile.ZipInfo(SIGNATURE, _EPOCH), signature)
            _stream(bundle, LINES[head.kind], lines)
            for part in head.objects:
                if read_object is None:
                    raise BundleError("objects need their bytes", code="bundle-entries")
                _stream(bundle, f"objects/{part.sha256}", read_object(part.sha256))
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def as_lines(values: Iterable[Mapping[str, Any]]) -> tuple[list[bytes], Part]:
    """Lines of a bundle, and what its head says of them."""
    lines = [json.dumps(dict(value), ensure_ascii=False).encode() + b"\n" for value in values]
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line)
    return lines, Part(digest.hexdigest(), sum(map(len, lines)))


def _stream(bundle: zipfile.ZipFile, name: str, chunks: Iterable[bytes]) -> None:
    with bundle.open(zipfile.ZipInfo(name, _EPOCH), "w", force_zip64=True) as entry:
        for chunk in chunks:
            entry.write(chunk)


def _read(stream: IO[bytes], name: str, size_bytes: int = _CHUNK_BYTES) -> bytes:
    try:
        return stream.read(size_bytes)
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise BundleError(f"{name}: {error}", code="bundle-truncated") from None


def _part(part: Part) -> dict[str, str]:
    return {"sha256": part.sha256, "size": str(part.size_bytes)}


def _part_of(value: object) -> Part:
    if not isinstance(value, dict) or value.keys() != {"sha256", "size"}:
        raise ValueError("a part has sha256 and size")
    size = _text(value["size"])
    if not is_sha256_hex(value["sha256"]) or not re.fullmatch(
        r"0|[1-9][0-9]{0,12}", size, re.ASCII
    ):
        raise ValueError("a part has a digest and a decimal length")
    if int(size) > OBJECT_BYTES_MAX:
        raise ValueError("a part is too large")
    return Part(_text(value["sha256"]), int(size))


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _TEXT_CHARS_MAX:
        raise ValueError("a short text is expected")
    return value


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("a count is expected")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("a list is expected")
    return value
