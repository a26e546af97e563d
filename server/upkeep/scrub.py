"""One scrub: the log against itself, every row against the log, every blob against its name.

It runs beside the server, in short transactions, and changes nothing but what it repairs: a copy
of a blob, with its ``blob.repaired`` or ``blob.damaged`` event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.tlog.notes import VerifierKey
from server.audit import seals
from server.audit.cosigning import load_policy
from server.audit.models import CheckpointRow, LogState, LogTile, SignerState
from server.audit.rebuild import rebuild_tiles
from server.core.context import Runtime
from server.core.snapshots import snapshot
from server.core.transactions import EVERY_COURT, unit_of_work
from server.core.units import system_units
from server.upkeep import blobs, chains, erased, marks, rows, statements
from server.upkeep.blobs import BlobScrub, Place
from server.upkeep.derived import Derived
from server.upkeep.entries import Keys
from server.upkeep.findings import Code, Report
from server.upkeep.logwalk import Walk

PLACE_FILE: Final = "scrub.json"
VKEY_FILE: Final = "log.vkey"
_MENDABLE: Final = frozenset({"tile-missing", "tile-differs"})
_CODES: Final = {
    "index": Code.INDEX_GAP, "size": Code.INDEX_GAP, "leaf": Code.LEAF, "case": Code.CASE_CHAIN,
    "checkpoint": Code.CHECKPOINT,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """What one scrub does.

    :param log: compare log and rows.
    :param bytes_: re-read the blobs.
    :param rate_bytes: bytes read per second at most; 0 for no limit.
    :param every_copy: re-read the far copies as well.
    :param resume: go on where an interrupted reading of the blobs stopped.
    """

    log: bool = True
    bytes_: bool = True
    rate_bytes: int = 0
    every_copy: bool = False
    resume: bool = True


def scrub(
    runtime: Runtime,
    options: Options = Options(),
    progress: Callable[[str, int], None] | None = None,
) -> Report:
    """Look at everything; the report says what is wrong and how much was looked at."""
    report = Report()
    if progress is not None:
        report.progress = progress
    if options.log:
        _log_and_rows(runtime, report)
    if options.bytes_:
        place = runtime.settings.data_dir / PLACE_FILE
        if not options.resume:
            place.unlink(missing_ok=True)
        _bytes(runtime, options, place, report)
    return report


def _log_and_rows(runtime: Runtime, report: Report) -> None:
    key = seals.seal_key(runtime.keyring)
    walk = Walk(report, Keys(runtime.keyring), Derived(report, key))
    with unit_of_work(EVERY_COURT, write=False) as session:
        walk.begin(session)
    more = True
    while more:
        with unit_of_work(EVERY_COURT, write=False) as session:
            more = walk.step(session)
    suspects = _compare_rows(key, walk, report)
    with snapshot() as session:
        while walk.step(session):
            continue
        walk.finish(session)
        known = walk.rows
        rows.report(rows.again(session, suspects | _moved(walk), key, known), report)
        walk.derived.explain(session, known)
        _beside(session, runtime, walk, report)
    if _tree(runtime, report):
        _mend_tiles(report)


def _compare_rows(key: bytes, walk: Walk, report: Report) -> set[str]:
    """Names of rows that do not fit what the walk knows so far; some have changed since."""
    unseen = {name for name, digest in walk.rows.items() if digest}
    suspects: set[str] = set()
    walk.marked = dict(walk.rows)
    for table in rows.sealed_tables():
        after, more = None, True
        while more:
            with unit_of_work(EVERY_COURT, write=False) as session:
                found, after = rows.compare(session, table, after, key, walk.rows)
            suspects |= {name for name, rest in found.items() if rest}
            unseen -= found.keys()
            report.looked_at("rows", len(found))
            more = after is not None
    return suspects | unseen


def _moved(walk: Walk) -> set[str]:
    """Rows of which the log has learned something since they were compared."""
    return {name for name, digest in walk.rows.items() if walk.marked.get(name, 0) != digest}


def _beside(session: Session, runtime: Runtime, walk: Walk, report: Report) -> None:
    """What stands beside the log and says the same again."""
    chains.check(session, report)
    statements.receipts(session, runtime.keyring, report)
    statements.kept_records(session, report)
    statements.cosignatures(session, _witnesses(runtime), report)
    marks.device_keys(session, walk.keys, report)
    marks.attested_heads(session, report)
    marks.case_keys(session, report)
    marks.mirrors(session, report)
    marks.timestamps(session, runtime.settings, report)
    marks.waiting(session, runtime.keyring, report)
    blobs.references(session, report)
    erased.check(session, walk.erased_digests, report)


def _tree(runtime: Runtime, report: Report) -> bool:
    """Rebuild the tree and compare; true when tiles can be put right."""
    with snapshot() as session:
        vkeys = _vkeys(runtime, session)
        found = rebuild_tiles(session, vkeys=vkeys)
        report.looked_at("checkpoints", session.query(CheckpointRow).count())
        report.looked_at("tiles", session.query(LogTile).count())
    # Where entries or heads are wrong as well, tiles made of them would be no better.
    mendable = {one.place for one in found}
    if any(one.code not in _MENDABLE for one in found):
        mendable = set()
    for one in found:
        if one.place not in mendable:
            report.add(_CODES.get(one.code.partition("-")[0], Code.TILE), one.place, one.detail)
    return bool(mendable)


def _mend_tiles(report: Report) -> None:
    """Write tiles anew from the entries; refused where the entries are not those signed."""
    with unit_of_work(EVERY_COURT) as session:
        session.execute(sa.select(LogState).with_for_update()).all()
        for one in rebuild_tiles(session, repair=True):
            if one.code in _MENDABLE:
                report.add(Code.TILE, one.place, one.detail)
                if one.repaired:
                    report.add(Code.TILE_REPAIRED, one.place, "written anew from the entries")


def _bytes(runtime: Runtime, options: Options, place: Path, report: Report) -> None:
    reading = BlobScrub(
        system_units(runtime), runtime.stores.blobs, report, Place(place),
        rate_bytes=options.rate_bytes, every_copy=options.every_copy,
    )  # fmt: skip
    reading.run()
    with unit_of_work(EVERY_COURT, write=False) as session:
        blobs.named_otherwise(session, runtime.stores.blobs, report)
        blobs.strangers(session, runtime.stores.blobs, report)


def _witnesses(runtime: Runtime) -> dict[str, VerifierKey]:
    """Keys of the witnesses that the policy names, if there is one that can be read."""
    path = runtime.settings.witness_policy
    if not path:
        return {}
    try:
        return {one.vkey.name: one.vkey for one in load_policy(path).witnesses}
    except ProtocolError:
        return {}  # doctor says what is wrong with it


def _vkeys(runtime: Runtime, session: Session) -> list[str]:
    """The log's public keys: from the signer's folder if it is here, else as the signer said."""
    path = runtime.settings.signer_folder / VKEY_FILE
    if path.exists():
        return path.read_text().split()
    return list(session.execute(sa.select(SignerState.vkey)).scalars())


__all__ = ["Options", "scrub"]
