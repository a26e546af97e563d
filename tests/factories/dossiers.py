"""Genuine dossiers of a `World`, written with pure functions and independently of the verifier.

`export` does what an exporter does; its options are the parts that an attacker of a test may bend.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from client_sdk.protocol import jcs
from client_sdk.protocol.timestamps import build_query
from client_sdk.protocol.tlog.checkpoints import Checkpoint
from client_sdk.protocol.tlog.leaves import CaseLink, case_tag, leaf_text
from client_sdk.protocol.tlog.merkle import (
    MemoryTree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
)
from client_sdk.protocol.tlog.notes import Note, NoteSigner, sign_note
from client_sdk.protocol.tlog.proofs import TlogProof
from tests.factories.worlds import Sealed, World
from tests.factories.zips import DEFLATED, STORED, Piece, write_zip
from tests.support.tsa import Authority

_ALWAYS = ("key.next", "head.attest", "mission.closed", "capture.deleted", "capture.lost")
_SERVER = (
    "device.enrolled", "device.revoked", "key.added", "key.retired", "ticket.issued",
    "record.released", "evidence.erased",
)  # fmt: skip
_TAGS = ("bagit.txt", "bag-info.txt")


@dataclass
class Log:
    """Leaves of what was sealed, with the links of each case, and their tree."""

    leaves: list[str]
    tree: MemoryTree
    links: list[CaseLink | None]


def build_log(world: World, sealed: Iterable[Sealed]) -> Log:
    """The log that a sequencer makes of it."""
    log = Log([], MemoryTree(), [])
    heads: dict[str, tuple[int, str]] = {}
    for index, one in enumerate(sealed):
        link = None
        if one.case is not None:
            number, before = heads.get(one.case, (0, None))
            before = "4" * 64 if index == world.mislink else before
            number += index == world.skip
            tag = case_tag(world.case_keys[one.case], world.case_no)
            link = CaseLink(tag, number + 1, before)
        leaf = leaf_text(k=one.k, h=one.h, s=one.s, rx=one.rx, case=link)
        digest = leaf_hash(leaf.encode())
        if one.case is not None and link is not None:
            heads[one.case] = (link.cs, digest.hex())
        log.leaves.append(leaf)
        log.links.append(link)
        log.tree.append(digest)
    return log


def sign_log(
    world: World,
    log: Log,
    *,
    size: int | None = None,
    signer: NoteSigner | None = None,
    witnesses: Iterable[int] = (0, 1, 2),
    cosigned_at: int | None = None,
    origin: str | None = None,
) -> Note:
    """Checkpoint note over the first `size` leaves, with cosignatures."""
    signer = signer or world.log
    size = log.tree.size if size is None else size
    body = Checkpoint(origin or signer.name, size, log.tree.root(size)).body()
    at = int(world.now.timestamp()) + 30 if cosigned_at is None else cosigned_at
    lines = [world.witnesses[number].cosign(body, at) for number in witnesses]
    return sign_note(body, [signer]).with_signatures(lines)


@dataclass
class Package:
    """Files of a bag by path; `pieces` bends single members when the ZIP is written."""

    folder: str
    export: str
    files: dict[str, bytes]
    pieces: list[Piece] = field(default_factory=list)
    bend: Callable[[list[Piece]], None] | None = None
    before: bytes = b""
    after: bytes = b""
    raw: bytes | None = None

    def reseal(self) -> Package:
        """Write bag-info and both manifests anew, as anybody can."""
        payload = {path: data for path, data in self.files.items() if path.startswith("data/")}
        octets = sum(map(len, payload.values()))
        self.files["bag-info.txt"] = (
            "Bag-Software-Agent: tiezheng\nBagging-Date: 2026-03-02\n"
            f"External-Identifier: {self.export}\n"
            f"Payload-Oxum: {octets}.{len(payload)}\nTiezheng-Dossier: 1\n"
        ).encode()
        self.files["manifest-sha256.txt"] = manifest(payload)
        tags = {
            path: data
            for path, data in self.files.items()
            if path not in payload and path != "tagmanifest-sha256.txt"
        }
        self.files["tagmanifest-sha256.txt"] = manifest(tags)
        return self

    def write(self, path: Path) -> Path:
        """The ZIP file."""
        if self.raw is not None:
            path.write_bytes(self.raw)
            return path
        pieces = [
            Piece(f"{self.folder}/{name}", data, STORED if "objects/" in name else DEFLATED)
            for name, data in self.files.items()
        ] + self.pieces
        if self.bend is not None:
            self.bend(pieces)
        return write_zip(path, pieces, before=self.before, after=self.after)

    def lines(self) -> list[dict[str, Any]]:
        """Entries as JSON."""
        text = self.files["data/entries.jsonl"].decode()
        return [jcs.loads_object(line, max_bytes=1 << 24) for line in text.splitlines()]

    def put_lines(self, lines: Iterable[dict[str, Any]]) -> Package:
        """Replace the entries and seal the bag."""
        text = "".join(jcs.dumps(line) + "\n" for line in lines)
        self.files["data/entries.jsonl"] = text.encode()
        return self.reseal()


def manifest(files: dict[str, bytes]) -> bytes:
    """A manifest of these files."""
    rows = [f"{hashlib.sha256(files[path]).hexdigest()}  {path}\n" for path in sorted(files)]
    return "".join(rows).encode()


@dataclass
class Export:
    """How to export; the defaults are honest."""

    authorities: tuple[Authority, ...] = ()
    witnesses: tuple[int, ...] = (0, 1, 2)
    priors: tuple[int, ...] = ()
    cited: bool = True
    withheld: dict[str, str] = field(default_factory=dict)  # hid → why
    hidden: set[str] = field(default_factory=set)  # hid, said nowhere
    erased: set[str] = field(default_factory=set)
    suspect: set[str] = field(default_factory=set)
    absent: dict[str, str] = field(default_factory=dict)  # digest → why
    gaps: dict[str, list[list[int]]] = field(default_factory=dict)  # device → gaps
    firsts: dict[str, int] = field(default_factory=dict)  # device → first of its range
    edit: Callable[[dict[str, Any]], None] | None = None
    signer: NoteSigner | None = None
    cosigned_at: int | None = None
    token_over: bytes | None = None
    omit: set[str] = field(default_factory=set)  # hid of entries that are left out
    after: Callable[[], list[Sealed]] | None = None  # what enters the log behind the statement
    also: dict[str, bool] = field(default_factory=dict)  # hid of further entries → disclosed


def export(world: World, how: Export | None = None) -> Package:
    """State, log, sign and pack: a dossier of the world's case."""
    how = how or Export()
    before = build_log(world, world.sealed)
    ranges = _ranges(world, how)
    shown = _shown(world, ranges, how)
    files = {
        f"data/objects/{digest}": data
        for digest, data in world.objects.items()
        if digest not in how.absent
    }
    files["data/report/custody.pdf"] = "%PDF-1.7 虚构\n".encode()
    files["data/report/case.jsonld"] = b"{}\n"
    facts = _statement(world, before, ranges, shown, files, how)
    if how.edit is not None:
        how.edit(facts)
    event = world.event("custody.exported", ("export", facts["export"]), facts)
    shown[event.hid] = True
    if how.after is not None:
        shown |= {one.hid: True for one in how.after()}
    log = build_log(world, world.sealed)
    note = sign_log(
        world, log, signer=how.signer, witnesses=how.witnesses, cosigned_at=how.cosigned_at
    )
    return pack(world, log, note, shown, files, how)


def pack(
    world: World, log: Log, note: Note, shown: dict[str, bool], files: dict[str, bytes], how: Export
) -> Package:
    """The bag of a signed log; `shown`: header id → whether its payload is disclosed."""
    size = int(note.text.split("\n")[1])
    lines, own = [], 0
    for index, one in enumerate(world.sealed[:size]):
        if one.hid not in shown or one.hid in how.omit:
            continue
        path = inclusion_proof(index, size, log.tree)
        line: dict[str, Any] = {
            "i": index, "leaf": log.leaves[index],
            "path": [base64.b64encode(item).decode() for item in path],
        }  # fmt: skip
        if shown[one.hid]:
            line |= {"pl": one.p, "salt": one.salt}
        lines.append(line)
        own = index if one.act == "custody.exported" else own
    text = note.to_text().encode()
    proof = TlogProof(own, tuple(inclusion_proof(own, size, log.tree)), note)
    files = {
        "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        **files,
        "data/entries.jsonl": b"",
        "proof/checkpoint": text,
        f"proof/{own}.tlog-proof": proof.to_text().encode(),
    }
    for prior in how.priors:
        files |= prior_files(world, log, prior, size)
    for number, authority in enumerate(how.authorities, start=1):
        over = how.token_over or note.text.encode()
        files[f"proof/tsa-{number}.tsr"] = authority.reply(build_query(over).data)
    exported = world.sealed[own].payload["facts"].get("export", str(world.uuid()))
    return Package(f"dossier-{exported[:8]}", exported, files).put_lines(lines)


def prior_files(world: World, log: Log, prior: int, size: int) -> dict[str, bytes]:
    """An earlier checkpoint and its consistency proof."""
    proof = consistency_proof(prior, size, log.tree)
    return {
        f"proof/prior/{prior}.checkpoint": sign_log(world, log, size=prior).to_text().encode(),
        f"proof/prior/{prior}.consistency": b"".join(
            base64.b64encode(item) + b"\n" for item in proof
        ),
    }


def _ranges(world: World, how: Export) -> list[dict[str, Any]]:
    """Declared ranges: from the ticket (or 1) to the device's last record in the case."""
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    cased: dict[tuple[str, int], list[int]] = {}
    hids: dict[tuple[str, int, int], str] = {}
    starts = {
        one.payload["facts"]["nonce"]: one.payload["facts"]["seq"] + 1
        for one in world.sealed
        if one.act == "ticket.issued"
    }
    for one in world.sealed:
        if one.device is None:
            continue
        header = one.header
        place = header["src"], header["ep"]
        hids[*place, header["seq"]] = one.hid
        if one.case == world.case_id:
            cased.setdefault(place, []).append(header["seq"])
            first = starts.get(one.payload.get("ticket"), 1)
            found.setdefault(place, []).append({**header, "first": first})
    ranges = []
    for (src, ep), seqs in sorted(cased.items()):
        first = how.firsts.get(src, min(found[src, ep][0]["first"], *seqs))
        ranges.append(
            {
                "src": src, "ep": ep, "first": first, "last": max(seqs),
                "prev": hids.get((src, ep, first - 1), "0" * 64),
                "head": hids[src, ep, max(seqs)], "gaps": how.gaps.get(src, []),
            }
        )  # fmt: skip
    return ranges


def _shown(world: World, ranges: list[dict[str, Any]], how: Export) -> dict[str, bool]:
    """Entries of the dossier, and whether each payload is disclosed."""
    shown: dict[str, bool] = {}
    spans = {(one["src"], one["ep"]): (one["first"], one["last"]) for one in ranges}
    closed = {*how.withheld, *how.hidden, *how.erased}
    for one in world.sealed:
        header, act = one.header, one.act
        first, last = spans.get((header["src"], header.get("ep", 0)), (1, 0))
        if one.case == world.case_id or act in (*_SERVER, *_ALWAYS):
            shown[one.hid] = one.hid not in closed
        elif one.device is not None and first <= header["seq"] <= last:
            shown[one.hid] = False
    return shown | how.also


def _statement(
    world: World,
    log: Log,
    ranges: list[dict[str, Any]],
    shown: dict[str, bool],
    files: dict[str, bytes],
    how: Export,
) -> dict[str, Any]:
    index = {one.hid: number for number, one in enumerate(world.sealed)}
    mine = [number for number, one in enumerate(world.sealed) if one.case == world.case_id]
    sizes = {digest: len(data) for digest, data in world.objects.items()}
    cited = max(how.priors, default=0) if how.cited else 0
    return {
        "v": 1,
        "export": str(world.uuid()),
        "case": {
            "id": world.case_id, "no": world.case_no,
            "key": world.case_keys[world.case_id].hex(), "length": len(mine),
            "head": leaf_hash(log.leaves[mine[-1]].encode()).hex(),
        },
        "devices": ranges,
        "withheld": [
            {"first": index[hid], "last": index[hid], "why": why}
            for hid, why in how.withheld.items()
        ],
        "erased": sorted(index[hid] for hid in how.erased),
        "suspect": sorted(index[hid] for hid in how.suspect),
        "absent": [
            {"sha256": digest, "size": sizes[digest], "why": why}
            for digest, why in how.absent.items()
        ],
        "manifest": hashlib.sha256(manifest(files)).hexdigest(),
        "files": len(files),
        "size": sum(map(len, files.values())),
        "keys": [entry.to_dict() for entry in world.key_list],
        "checkpoint": sign_log(world, log, size=cited).to_text() if cited else None,
        "purpose": "移送（虚构）",
        "recipient": "虚构区人民法院",
        "made": world.tick(),
    }  # fmt: skip
