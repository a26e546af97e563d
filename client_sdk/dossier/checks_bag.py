"""Checks of the container: ZIP, layout, bag, digests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from client_sdk.dossier.archive import STORED, Problem
from client_sdk.dossier.package import Dossier
from client_sdk.protocol.dossier import (
    BAG_INFO,
    BAGIT,
    BAGIT_TEXT,
    ENTRIES,
    MANIFEST,
    MAX_ENTRIES_BYTES,
    MAX_MANIFEST_BYTES,
    MAX_OBJECT_BYTES,
    MAX_PROOF_BYTES,
    MAX_REPORT_BYTES,
    OBJECT_PATH,
    OBJECTS,
    REPORTS,
    REQUIRED,
    TAG_MANIFEST,
    is_allowed,
)
from client_sdk.protocol.verdicts import Reason

_INFO: Final = re.compile(
    r"Bag-Software-Agent: ([^\r\n]{1,200})\n"
    r"Bagging-Date: ([0-9]{4}-[0-9]{2}-[0-9]{2})\n"
    r"External-Identifier: ([0-9a-f-]{36})\n"
    r"Payload-Oxum: ([0-9]{1,18})\.([0-9]{1,9})\n"
    r"Tiezheng-Dossier: 1\n"
)


def archive(dossier: Dossier) -> Iterator[Problem]:
    """The file is one plain ZIP that hides nothing and links nowhere."""
    dossier.measures  # noqa: B018 - reading everything finds what headers hide
    yield from dossier.archive.problems


def layout(dossier: Dossier) -> Iterator[Problem]:
    """Only files that a dossier may have, all it must have, none too long."""
    for path, member in dossier.archive.members.items():
        if not is_allowed(path):
            yield Problem(Reason.FILE_UNKNOWN, path, "not a file of a dossier")
        if member.size_bytes > _limit(path):
            yield Problem(Reason.ARCHIVE_LIMIT, path, "longer than such a file may be")
        if path.startswith(OBJECTS) and member.method != STORED:
            yield Problem(Reason.ARCHIVE_METHOD, path, "objects are stored, not compressed")
    for path in REQUIRED:
        if path not in dossier.archive.members:
            yield Problem(Reason.FILE_MISSING, path, "a file that every dossier has")


def _limit(path: str) -> int:
    if path.startswith(OBJECTS):
        return MAX_OBJECT_BYTES
    if path == ENTRIES:
        return MAX_ENTRIES_BYTES
    if path.startswith(REPORTS):
        return MAX_REPORT_BYTES
    return MAX_MANIFEST_BYTES if path in (MANIFEST, TAG_MANIFEST) else MAX_PROOF_BYTES


def bag(dossier: Dossier) -> Iterator[Problem]:
    """The bag is declared, and its manifests name exactly the files that are there."""
    members = dossier.archive.members
    if BAGIT in members and dossier.small(BAGIT) != BAGIT_TEXT:
        yield Problem(Reason.BAG_DECLARATION, BAGIT, "not a BagIt 1.0 declaration")
    if BAG_INFO in members:
        yield from _info(dossier)
    payload = {path for path in members if path.startswith("data/")}
    tags = set(members) - payload - {TAG_MANIFEST}
    for manifest, there in ((MANIFEST, payload), (TAG_MANIFEST, tags)):
        listed = dossier.manifests[manifest]
        if manifest not in members:
            continue
        if listed is None:
            yield Problem(Reason.MANIFEST_FORM, manifest, "not a manifest in its one form")
            continue
        for path in sorted(there - listed.keys()):
            yield Problem(Reason.MANIFEST_UNLISTED, path, f"not in {manifest}")
        for path in sorted(listed.keys() - there):
            yield Problem(Reason.MANIFEST_ABSENT, path, f"named by {manifest}, not there")


def absent(dossier: Dossier) -> set[str]:
    """Payload files that the manifest names and that are not there."""
    return set(dossier.manifests[MANIFEST] or ()) - set(dossier.archive.members)


def _info(dossier: Dossier) -> Iterator[Problem]:
    text = dossier.small(BAG_INFO).decode("utf-8", "backslashreplace")
    match = _INFO.fullmatch(text)
    if match is None:
        yield Problem(Reason.BAG_INFO, BAG_INFO, "not the lines of a dossier")
        return
    statement = dossier.statement
    if statement is not None and match[3] != statement.export:
        yield Problem(Reason.BAG_INFO, BAG_INFO, "names another export")
    payload = [one for path, one in dossier.archive.members.items() if path.startswith("data/")]
    octets = sum(member.size_bytes for member in payload)
    if absent(dossier):
        return  # said by name already
    if (int(match[4]), int(match[5])) != (octets, len(payload)):
        yield Problem(Reason.BAG_INFO, BAG_INFO, "Payload-Oxum does not add up")


def digests(dossier: Dossier) -> Iterator[Problem]:
    """Every file has the digest of its manifest; an object also that of its name."""
    for listed in dossier.manifests.values():
        for path, digest in (listed or {}).items():
            found = dossier.measures.get(path)
            if found is not None and found.sha256 != digest:
                yield Problem(Reason.DIGEST, path, "its octets are not the ones of the manifest")
    for path, found in dossier.measures.items():
        match = OBJECT_PATH.fullmatch(path)
        if match and match[1] != found.sha256:
            yield Problem(Reason.OBJECT_NAME, path, "its octets are not the ones of its name")
