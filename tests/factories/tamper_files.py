"""Tamper cases of the container: files, names, the ZIP itself."""

from __future__ import annotations

import json
import unicodedata

from client_sdk.protocol.verdicts import Reason as R  # noqa: N817 - as in the verifier's words
from client_sdk.protocol.verdicts import Verdict
from tests.factories.scenes import policy_text
from tests.factories.tamper_kit import Kit, Made, Register, digest, done, photo_path
from tests.factories.zips import DEFLATED, SYMLINK, Piece, zip_bytes

V = Verdict
case = Register()


@case("0", "nothing was touched", V.VERIFIED)
def genuine(kit: Kit) -> Made:
    return done(kit.scene())


@case("1", "one bit of a photo flipped", V.FAILED, R.DIGEST, R.OBJECT_NAME)
def bit_flip(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    path = photo_path(scene.photos[0])
    data = bytearray(package.files[path])
    data[3] ^= 1
    package.files[path] = bytes(data)
    return done(scene, package)


@case("1_report", "one octet of the report changed", V.FAILED, R.DIGEST)
def report_changed(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    package.files["data/report/case.jsonld"] = b"[]\n"
    return done(scene, package)


@case("2", "the same, the bag sealed anew", V.FAILED, R.OBJECT_NAME, R.STATEMENT_MANIFEST)
def bit_flip_resealed(kit: Kit) -> Made:
    made = bit_flip(kit)
    made.package.reseal()
    return made


@case("2_renamed", "another photo under its own digest", V.FAILED, R.OBJECT_UNDECLARED)
def replaced(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    del package.files[photo_path(scene.photos[0])]
    data = b"another photo, fictional"
    package.files[f"data/objects/{digest(data)}"] = data
    return done(scene, package.reseal())


@case("3", "two photos swapped", V.FAILED, R.OBJECT_NAME, R.STATEMENT_MANIFEST)
def swapped(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    one, two = (photo_path(photo) for photo in scene.photos[:2])
    package.files[one], package.files[two] = package.files[two], package.files[one]
    return done(scene, package.reseal())


@case("4", "a photo removed", V.INCOMPLETE, R.MANIFEST_ABSENT, R.OBJECT_ABSENT)
def removed(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    del package.files[photo_path(scene.photos[1])]
    return done(scene, package)


@case("4_resealed", "the same, the bag sealed anew", V.FAILED, R.STATEMENT_MANIFEST)
def removed_resealed(kit: Kit) -> Made:
    made = removed(kit)
    made.package.reseal()
    return made


@case("4_exported", "a photo left out before the export", V.INCOMPLETE, R.OBJECT_ABSENT)
def left_out(kit: Kit) -> Made:
    scene = kit.scene()
    del scene.world.objects[photo_path(scene.photos[1]).rpartition("/")[2]]
    return done(scene)


@case("4_tag", "a timestamp removed", V.INCOMPLETE, R.MANIFEST_ABSENT)
def token_removed(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    del package.files["proof/tsa-2.tsr"]
    return done(scene, package)


@case("4_info", "the bag's information removed", V.INCOMPLETE, R.FILE_MISSING)
def info_removed(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    del package.files["bag-info.txt"]
    rows = package.files["tagmanifest-sha256.txt"].splitlines(keepends=True)
    package.files["tagmanifest-sha256.txt"] = b"".join(
        row for row in rows if not row.endswith(b"  bag-info.txt\n")
    )
    return done(scene, package)


@case("4_cut", "the file ends halfway", V.INCOMPLETE, R.ARCHIVE_TRUNCATED)
def cut(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    pieces = [Piece(f"{package.folder}/{name}", data) for name, data in package.files.items()]
    package.raw = zip_bytes(pieces)[:20_000]
    return done(scene, package)


@case("4_lines", "the entries' file left out", V.INCOMPLETE, R.FILE_MISSING, R.MANIFEST_ABSENT)
def no_entries(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    del package.files["data/entries.jsonl"]
    return done(scene, package)


@case("5", "a photo added, the bag sealed anew", V.FAILED, R.OBJECT_UNDECLARED)
def added(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    data = b"a photo that nobody took, fictional"
    package.files[f"data/objects/{digest(data)}"] = data
    return done(scene, package.reseal())


@case("5_exported", "a photo slipped in before the export", V.FAILED, R.OBJECT_UNDECLARED)
def slipped_in(kit: Kit) -> Made:
    scene = kit.scene()
    scene.world.keep(b"a photo that nobody took, fictional")
    return done(scene)


@case("6", "an unlisted file", V.FAILED, R.MANIFEST_UNLISTED)
def unlisted(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    data = b"unlisted, fictional"
    package.files[f"data/objects/{digest(data)}"] = data
    return done(scene, package)


@case("6_tag", "a timestamp that is not listed", V.FAILED, R.MANIFEST_UNLISTED)
def token_unlisted(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    package.files["proof/tsa-3.tsr"] = package.files["proof/tsa-2.tsr"]
    return done(scene, package)


@case("6_listed", "a file that does not belong here, listed", V.FAILED, R.FILE_UNKNOWN)
def foreign_file(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    package.files["proof/readme.txt"] = b"run verify.exe\n"
    return done(scene, package.reseal())


@case("6_declaration", "declared as another version", V.FAILED, R.BAG_DECLARATION)
def declaration(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    package.files["bagit.txt"] = b"BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n"
    return done(scene, package.reseal())


@case("6_info", "the bag's information names another export", V.FAILED, R.BAG_INFO)
def bag_info(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    package.export = str(scene.world.uuid())
    return done(scene, package.reseal())


@case("7", "a member outside of the folder", V.FAILED, R.ARCHIVE_NAME)
def traversal(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    package.pieces.append(Piece(f"{package.folder}/data/objects/../../../x", b"out"))
    return done(scene, package)


@case("7_absolute", "a member of the root folder", V.FAILED, R.ARCHIVE_NAME)
def absolute(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    package.pieces.append(Piece("/etc/x", b"out"))
    return done(scene, package)


@case("7_manifest", "a manifest that names a file outside", V.FAILED, R.MANIFEST_ABSENT)
def manifest_traversal(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    rows = package.files["manifest-sha256.txt"].decode() + f"{'0' * 64}  data/../../x\n"
    package.files["manifest-sha256.txt"] = "".join(
        sorted(rows.splitlines(keepends=True), key=lambda row: row[66:])
    ).encode()
    return done(scene, package)


@case("8", "a photo's member is a symbolic link", V.FAILED, R.ARCHIVE_LINK)
def symlink(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()

    def bend(pieces: list[Piece]) -> None:
        target = next(piece for piece in pieces if "objects/" in piece.name)
        target.attributes = SYMLINK

    package.bend = bend
    return done(scene, package)


@case("8_hidden", "octets between two members", V.FAILED, R.ARCHIVE_HIDDEN)
def hidden(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()

    def bend(pieces: list[Piece]) -> None:
        pieces[4].gap = b"PK\3\4 nobody sees this"

    package.bend = bend
    return done(scene, package)


@case("8_names", "a member with two names", V.FAILED, R.ARCHIVE_HIDDEN)
def two_names(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()

    def bend(pieces: list[Piece]) -> None:
        pieces[2].local_name = f"{package.folder}/data/report/case.jsonlx"

    package.bend = bend
    return done(scene, package)


@case("8_tail", "octets after the archive", V.FAILED, R.ARCHIVE_HIDDEN)
def tail(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    package.after = b"\0" * 40
    return done(scene, package)


@case("28_policy", "a policy inside the dossier", V.FAILED, R.FILE_UNKNOWN, R.CHECKPOINT_ORIGIN)
def own_policy(kit: Kit) -> Made:
    scene, other = kit.scene(), kit.scene()
    other.world.log = type(other.world.log)("log.other.test/x", other.world.event_key)
    package = other.export()
    package.files["proof/policy"] = policy_text(other.world).encode()
    package.files["trust.json"] = json.dumps({"v": 1}).encode()
    return done(scene, package.reseal())


@case("58", "a bomb: 40 MiB of zeros in a few octets", V.FAILED, R.ARCHIVE_LIMIT)
def bomb(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    zeros = b"\0" * (40 << 20)
    package.pieces.append(Piece(f"{package.folder}/data/report/x", zeros, DEFLATED))
    return done(scene, package)


@case("58_4gib", "a member that claims 5 GiB", V.FAILED, R.ARCHIVE_LIMIT)
def claims(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()

    def bend(pieces: list[Piece]) -> None:
        pieces[5].size_bytes = 5 << 30

    package.bend = bend
    return done(scene, package)


@case("58_members", "more members than any case has", V.FAILED, R.ARCHIVE_LIMIT)
def members(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    package.raw = zip_bytes([Piece(f"dossier-1/{number}", b"") for number in range(65_001)])
    return done(scene, package)


@case("58_entries", "100,000 entries", V.FAILED, R.ENTRY_LIMIT)
def entries(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    package.files["data/entries.jsonl"] = b'{"i":0}\n' * 100_000
    return done(scene, package.reseal())


@case("59", "a name in decomposed form", V.FAILED, R.ARCHIVE_NAME)
def decomposed(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    name = unicodedata.normalize("NFD", "é.pdf")
    package.pieces.append(Piece(f"{package.folder}/data/report/{name}", b"x"))
    return done(scene, package)


@case("59_case", "two names that differ by case", V.FAILED, R.ARCHIVE_DUPLICATE)
def colliding(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    package.pieces.append(Piece(f"{package.folder}/data/report/Custody.pdf", b"x"))
    return done(scene, package)


@case("59_twice", "a name twice", V.FAILED, R.ARCHIVE_DUPLICATE)
def name_twice(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    package.pieces.append(Piece(f"{package.folder}/data/report/custody.pdf", b"%PDF other"))
    return done(scene, package)


@case("4_nothing", "not an archive at all", V.FAILED, R.ARCHIVE_UNREADABLE)
def no_archive(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    package.raw = b"%PDF-1.7\n" * 100
    return done(scene, package)


@case("6_manifest", "a manifest in another order", V.FAILED, R.MANIFEST_FORM)
def manifest_order(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()
    rows = package.files["tagmanifest-sha256.txt"].splitlines(keepends=True)
    package.files["tagmanifest-sha256.txt"] = b"".join(reversed(rows))
    return done(scene, package)


@case("58_compressed", "a compressed original", V.FAILED, R.ARCHIVE_METHOD)
def compressed(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()

    def bend(pieces: list[Piece]) -> None:
        next(piece for piece in pieces if "objects/" in piece.name).method = DEFLATED

    package.bend = bend
    return done(scene, package)


@case("58_extra", "a second name in an extra field", V.FAILED, R.ARCHIVE_METHOD)
def unicode_extra(kit: Kit) -> Made:
    scene = kit.scene()
    package = scene.export()

    def bend(pieces: list[Piece]) -> None:
        pieces[3].extra = b"\x75\x70\x06\x00\x01\0\0\0\0x"

    package.bend = bend
    return done(scene, package)
