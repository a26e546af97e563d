"""The package: a bag in a growing ZIP, member after member (docs/dossier-format.md §1).

Objects are copied from the store in one pass that hashes them; a damaged one stops the export.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from client_sdk.protocol.dossier import (
    BAG_INFO,
    BAGIT,
    BAGIT_TEXT,
    CHECKPOINT,
    ENTRIES,
    MANIFEST,
    MAX_MEMBERS,
    OBJECTS,
    TAG_MANIFEST,
    EntryLine,
    format_manifest,
    manifest_digest,
)
from server.disclosure.zipping import GrowingZip, Member
from storage.digest import Digest
from storage.errors import BlobNotFound
from storage.ports import BlobStore

CUSTODY_PDF: Final = "data/report/custody.pdf"
CASE_JSONLD: Final = "data/report/case.jsonld"
_SOFTWARE: Final = "tiezheng"
_CHUNK_BYTES: Final = 1 << 20


class PackageError(RuntimeError):
    """The package cannot be made; the message says what is wrong with which object."""


@dataclass(frozen=True, slots=True)
class Proofs:
    """What proves the entries: the files below ``proof/``, chosen once and kept.

    Names are below ``proof/``; contents are texts of notes and proofs, tokens in hexadecimal.
    """

    size: int
    level: str
    note: str
    texts: Mapping[str, str]
    tokens: Mapping[str, str]

    def save(self, path: Path) -> None:
        """Keep durably, so that taking the work up again gives the same package."""
        draft = path.with_name(path.name + ".new")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """What was kept, if anything."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None


class Package:
    """One package under construction in its work folder."""

    def __init__(self, folder: Path, export_id: str) -> None:
        self._folder = folder
        self._bag = f"dossier-{export_id}/"
        self._export_id = export_id
        self._zip = GrowingZip(folder / "package.zip")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @property
    def path(self) -> Path:
        """Where the ZIP file is."""
        return self._folder / "package.zip"

    @property
    def objects(self) -> set[str]:
        """Digests of the originals that are in."""
        return {name.removeprefix(OBJECTS) for name in self._members() if name.startswith(OBJECTS)}

    @property
    def payload(self) -> dict[str, str]:
        """Path → digest of everything below ``data/`` so far."""
        return {
            name: one.sha256 for name, one in self._members().items() if name.startswith("data/")
        }

    def committed(self) -> tuple[str, int, int]:
        """What the statement says of the payload but the entries: digest, files, octets."""
        kept = [
            one
            for name, one in self._members().items()
            if name.startswith("data/") and name != ENTRIES
        ]
        return manifest_digest(self.payload), len(kept), sum(one.size_bytes for one in kept)

    def keep_objects(self, wanted: Iterable[str]) -> None:
        """Drop whatever is not one of these originals, with all that stands after it."""
        kept = {f"{self._bag}{OBJECTS}{digest}" for digest in wanted}
        self._zip.cut(lambda name: name in kept)

    def keep_payload(self) -> None:
        """Drop entries, proofs and tag files; originals and reports stay."""
        kept = (OBJECTS, CUSTODY_PDF, CASE_JSONLD)
        self._zip.cut(lambda name: name.removeprefix(self._bag).startswith(kept))

    def add_object(
        self, blobs: BlobStore, sha256: str, size_bytes: int, moved: Callable[[int], None]
    ) -> None:
        """Copy an original, hashing it on the way; ``moved`` hears of every chunk's length.

        Raises :class:`PackageError` when the store lost or damaged it.
        """
        hasher = hashlib.sha256()
        try:
            stat = blobs.stat(Digest(sha256))
            if stat is None:
                raise PackageError(f"the store does not hold the original {sha256}")
            if stat.size_bytes != size_bytes:
                raise PackageError(
                    f"the original {sha256} is damaged: {stat.size_bytes} bytes, not {size_bytes}"
                )
            chunks = blobs.read(Digest(sha256), chunk_bytes=_CHUNK_BYTES)
        except BlobNotFound:
            raise PackageError(f"the store does not hold the original {sha256}") from None

        def digest() -> str:
            if hasher.hexdigest() != sha256:
                raise PackageError(
                    f"the original {sha256} is damaged: its bytes hash to {hasher.hexdigest()}"
                )
            return sha256

        def feed(chunk: bytes) -> None:
            hasher.update(chunk)
            moved(len(chunk))

        self._zip.add(f"{self._bag}{OBJECTS}{sha256}", size_bytes, chunks, digest, feed)

    def add_bytes(self, path: str, data: bytes) -> None:
        """Add a file that is in memory."""
        self._zip.add(
            self._bag + path, len(data), [data], hashlib.sha256(data).hexdigest, lambda _: None
        )

    def add_entries(self, lines: Iterable[EntryLine]) -> None:
        """Add the log's entries, which must come in ascending order."""
        draft = self._folder / "entries.jsonl"
        hasher = hashlib.sha256()
        with draft.open("wb") as file:
            for line in lines:
                data = line.to_line()
                hasher.update(data)
                file.write(data)
        size = draft.stat().st_size
        self._zip.add(
            self._bag + ENTRIES, size, _chunks_of(draft), hasher.hexdigest, lambda _: None
        )

    def add_proofs(self, proofs: Proofs) -> None:
        """Add everything below ``proof/``."""
        self.add_bytes(CHECKPOINT, proofs.note.encode())
        for name in sorted(proofs.texts):
            self.add_bytes(f"proof/{name}", proofs.texts[name].encode())
        for name in sorted(proofs.tokens):
            self.add_bytes(f"proof/{name}", bytes.fromhex(proofs.tokens[name]))

    def finish(self, day: str) -> tuple[str, int]:
        """Add the tag files, close the ZIP durably; returns its digest and length.

        :param day: date of the bag, ``YYYY-MM-DD``.
        """
        payload = {n: one for n, one in self._members().items() if n.startswith("data/")}
        octets = sum(one.size_bytes for one in payload.values())
        info = (
            f"Bag-Software-Agent: {_SOFTWARE}\nBagging-Date: {day}\n"
            f"External-Identifier: {self._export_id}\n"
            f"Payload-Oxum: {octets}.{len(payload)}\nTiezheng-Dossier: 1\n"
        )
        self.add_bytes(BAGIT, BAGIT_TEXT)
        self.add_bytes(BAG_INFO, info.encode())
        self.add_bytes(MANIFEST, format_manifest({n: one.sha256 for n, one in payload.items()}))
        tags = {name: one.sha256 for name, one in self._members().items() if name not in payload}
        self.add_bytes(TAG_MANIFEST, format_manifest(tags))
        if len(self._members()) > MAX_MEMBERS:
            raise PackageError(f"a package holds at most {MAX_MEMBERS} files")
        size = self._zip.finish()
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), size

    def _members(self) -> dict[str, Member]:
        return {name.removeprefix(self._bag): member for name, member in self._zip.members.items()}


def _chunks_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
