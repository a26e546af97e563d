"""Makes a package: decide, copy, report, enter the export into the log, wait, prove, pack.

Every step can be killed: what is whole in the work folder stays, the row says how far it came, and
the next worker goes on.  Nothing slow happens inside a transaction.  When the case went on in a
way that changes what is exported, it is decided anew, with a new event; the old one stays in the
log as an export that was never packed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from client_sdk.protocol.export_statement import Statement
from server.audit import log, timestamping
from server.audit.events import EventKind
from server.audit.models import Event
from server.core.context import Context, Runtime
from server.core.transactions import EVERY_COURT, unit_of_work
from server.core.units import Units
from server.disclosure import proving, service, statement, support
from server.disclosure.assembler import Details, assemble
from server.disclosure.case_jsonld import case_jsonld
from server.disclosure.logbook import Entry, at_indexes, entries
from server.disclosure.models import Export
from server.disclosure.package import CASE_JSONLD, CUSTODY_PDF, Package, PackageError, Proofs
from server.disclosure.progress import Progress, record_of, written
from server.disclosure.report.custody import custody_pdf
from server.disclosure.report.fonts import FontError, font_stack
from server.disclosure.selection import Scope, Selection, SelectionError, discloses, select
from storage.digest import Digest
from storage.errors import NoSpace, StoreUnavailable

ROUNDS_MAX: Final = 8
SOON_SECONDS: Final = 0.5  # a head is signed about once a second, and people wait for reports
LATER_SECONDS: Final = 60.0
# Events that may stand between the decision and the export's own entry without changing it.
_HARMLESS: Final = (
    "custody.", "review.", "blob.", "rows.", "receipts.", "erasure.", "recording.",
    "evidence.examined",
)  # fmt: skip


class WaitError(Exception):
    """Not yet: what is waited for, and after how many seconds to look again."""

    def __init__(self, what: str, after_seconds: float = SOON_SECONDS) -> None:
        super().__init__(what)
        self.after_seconds = after_seconds


class UnsignedError(RuntimeError):
    """The log was not signed in time."""


FAILURES: Final = (PackageError, SelectionError, FontError, UnsignedError)


@dataclass(frozen=True, slots=True)
class Sealed:
    """The export's own entry and the checkpoint over it."""

    entry: Entry
    late: list[Entry]
    proofs: Proofs


@dataclass(slots=True)
class Builder:
    """Makes one package; a new one for each job.

    :param details: what the slice of the evidence knows of items.
    :param keep: enters finished bytes among those that the house keeps and ships.
    """

    runtime: Runtime
    units: Units
    details: Details
    keep: Callable[[Context, str, int], None]
    monotonic: Callable[[], float] = time.monotonic

    def run(self, export_id: str) -> None:
        """Take the export as far as it can go now; raises :class:`WaitError` for what is not yet.

        A package that cannot be made ends as ``failed``, with the reason in its row and in the log.
        """
        known = uuid.UUID(export_id)
        with _only_one(self.folder_of(known)) as folder:
            try:
                self._advance(known, folder)
            except FAILURES as error:
                self._failed(known, str(error))
            except (NoSpace, StoreUnavailable) as error:
                self._say(known, str(error))
                raise WaitError(str(error), LATER_SECONDS) from error
            except WaitError as error:
                self._say(known, str(error))
                raise
            except Exception as error:
                # Whoever waits should see it; the queue tries again.
                with suppress(SQLAlchemyError):
                    self._say(known, f"trouble, it is tried again: {error!r}"[:500])
                raise
        if self._export(known).state in {"done", "failed"}:
            shutil.rmtree(self.folder_of(known), ignore_errors=True)

    def folder_of(self, export_id: uuid.UUID) -> Path:
        """Where the parts of a package are kept while it is made."""
        return self.runtime.settings.data_dir / "exports" / str(export_id)

    def _advance(self, export_id: uuid.UUID, folder: Path) -> None:
        while (export := self._export(export_id)).state not in {"done", "failed"}:
            if export.rounds > ROUNDS_MAX:
                raise SelectionError("the case does not come to rest; try again later")
            with Package(folder, str(export_id)) as package:
                if export.state in {"queued", "copying"}:
                    self._decide(export, package, folder)
                    continue
                sealed = self._sealed(export, package, folder)
                if sealed is None:
                    with written(self.units, export_id) as (_, row):
                        row.state, row.waits_for = "copying", None
                    continue
                self._pack(export, package, sealed)

    # ------------------------------------------------------------------ decide and copy

    def _decide(self, export: Export, package: Package, folder: Path) -> None:
        """Copy the originals, write the report, and enter the export into the log."""
        (folder / "proofs.json").unlink(missing_ok=True)
        self._check_request(export)
        selection = self._selection(export, None)
        self._copy(export, package, selection)
        with _reading() as session:
            newest = log.size_of(session) - 1
            if newest > selection.upto:
                selection = select(session, scope_of(export), newest)
                if set(selection.objects.present) != package.objects:
                    return  # the next turn copies what came, or drops what went
            point, note = proving.cited(session)
            proofs = support.complete(session, selection, [], selection.upto + 1)
            report = assemble(session, export, selection, proofs, point, self.details)
        fonts = font_stack(self.runtime.settings.report_font)
        package.add_bytes(CUSTODY_PDF, custody_pdf(report, fonts))
        package.add_bytes(CASE_JSONLD, case_jsonld(report))
        self._enter(export, package, selection, note)

    def _check_request(self, export: Export) -> None:
        """The row has to say what was asked for: only the log is believed."""
        with _reading() as session:
            asked = entries(
                session, Event.subject_id == str(export.id), Event.court_id == export.court_id,
                Event.kind == EventKind.EXPORT_REQUESTED,
            )  # fmt: skip
        said = [one.facts for one in asked]
        if said != [service.request_facts(export)]:
            raise SelectionError("the row of the export is not what was asked for by the log")

    def _copy(self, export: Export, package: Package, selection: Selection) -> None:
        wanted = selection.objects.present
        package.keep_objects(wanted)
        progress = Progress(self.units, export.id, wanted, package.objects, self.monotonic)
        progress.say("copying")
        for sha256, size_bytes in wanted.items():
            if sha256 not in package.objects:
                blobs = self.runtime.stores.blobs
                package.add_object(blobs, sha256, size_bytes, progress.moved)
                progress.one_done()
        progress.say("copying")

    def _enter(
        self, export: Export, package: Package, selection: Selection, note: str | None
    ) -> None:
        keys = statement.event_keys(self.runtime.keyring)
        with written(self.units, export.id) as (ctx, row):
            said = statement.make(
                ctx.session, row, selection, committed=package.committed(), keys=keys,
                checkpoint=note, made=ctx.clock.now(),
            )  # fmt: skip
            row.event_hid = record_of(ctx, row, EventKind.EXPORTED, said.to_facts())
            row.event_at, row.event_index = ctx.clock.now(), None
            row.upto, row.rounds, row.state = selection.upto, row.rounds + 1, "signing"

    # ------------------------------------------------------------------ wait

    def _sealed(self, export: Export, package: Package, folder: Path) -> Sealed | None:
        """The export's entry under a checkpoint; ``None`` when it has to be decided anew."""
        with _reading() as session:
            mine = Event.subject_id == str(export.id)  # header ids have no index of their own
            found = entries(session, mine, Event.hid == export.event_hid)
            if not found:
                self._within(export, "the export's entry got no place in the log", "worker")
                raise WaitError("the export's entry has no place in the log yet")
            entry = found[0]
            said = Statement.from_facts(entry.facts)
            selection = select(session, scope_of(export), export.upto or 0)
            late = _late(session, selection, entry)
            there = set(selection.objects.present) == package.objects
            if (
                not there
                or late is None
                or not statement.same_decision(session, selection, package.committed(), said)
            ):
                return None
            kept = Proofs.load(folder / "proofs.json")
            proofs, missing = (kept, None) if kept else self._covered(session, export, entry, said)
        if proofs is None:
            self._hurry(entry.index)
            raise WaitError(f"waiting for {missing}")
        proofs.save(folder / "proofs.json")
        with written(self.units, export.id) as (_, row):
            row.event_index, row.checkpoint_size = entry.index, proofs.size
            row.level, row.state, row.waits_for = proofs.level, "packing", None
        return Sealed(entry, late, proofs)

    def _covered(
        self, session: Session, export: Export, entry: Entry, said: Statement
    ) -> tuple[Proofs | None, str | None]:
        """Proofs under the best checkpoint, or what is still to be waited for."""
        settings = self.runtime.settings
        found = proving.covering(session, entry.index)
        missing = proving.still_missing(settings, found)
        patience = timedelta(seconds=settings.export_level_seconds_max)
        if found is None:
            self._within(export, f"nobody signed the log up to entry {entry.index}", "signer")
        elif missing is None or self._waited(export) > patience:
            return proving.proofs_of(session, found, entry.index, said.checkpoint), None
        return None, missing

    def _waited(self, export: Export) -> timedelta:
        now = self.runtime.clock.now()
        return now - (export.event_at or now)

    def _within(self, export: Export, what: str, command: str) -> None:
        """Fail when the log did not get there in time."""
        seconds = self.runtime.settings.export_sign_seconds_max
        if self._waited(export) > timedelta(seconds=seconds):
            raise UnsignedError(
                f"{what} within {seconds} s: run 'flask --app wsgi {command}', then ask for the "
                "export again"
            )

    def _hurry(self, index: int) -> None:
        if self.runtime.settings.tsa_urls:
            with self.units() as ctx:
                timestamping.want(ctx.session, ctx.settings, index + 1, ctx.clock.now())

    # ------------------------------------------------------------------ pack

    def _pack(self, export: Export, package: Package, sealed: Sealed) -> None:
        package.keep_payload()
        proofs, entry = sealed.proofs, sealed.entry
        with _reading() as session:
            selection = select(session, scope_of(export), export.upto or 0)
            more = [*sealed.late, entry]
            helpers = support.complete(session, selection, more, proofs.size)
            shown = dict(selection.with_payload)
            shown |= {one.index: True for one in [*helpers, *more]}
            at = log.checkpoint_at(session, proofs.size)
            if at is None:
                raise PackageError(f"the checkpoint of {proofs.size} entries is gone")
            chosen = ((one, shown[one.index]) for one in at_indexes(session, shown))
            package.add_entries(proving.lines(session, at, chosen))
        package.add_proofs(proofs)
        day = (export.event_at or export.requested_at).date().isoformat()
        sha256, size_bytes = package.finish(day)
        self.runtime.stores.blobs.put_file(Digest(sha256), package.path)
        with written(self.units, export.id) as (ctx, row):
            self.keep(ctx, sha256, size_bytes)
            row.sha256, row.size_bytes = sha256, size_bytes
            row.state, row.finished_at = "done", ctx.clock.now()
            facts = {
                "sha256": sha256, "size": str(size_bytes), "entry": str(entry.index),
                "checkpoint": str(proofs.size), "level": proofs.level,
            }  # fmt: skip
            record_of(ctx, row, EventKind.EXPORT_PACKED, facts)

    # ------------------------------------------------------------------ the row

    def _export(self, export_id: uuid.UUID) -> Export:
        with _reading() as session:
            found = session.get_one(Export, export_id)
            session.expunge(found)
            return found

    def _selection(self, export: Export, upto: int | None) -> Selection:
        with _reading() as session:
            newest = log.size_of(session) - 1
            return select(session, scope_of(export), newest if upto is None else upto)

    def _say(self, export_id: uuid.UUID, what: str) -> None:
        if self._export(export_id).waits_for != what:
            with written(self.units, export_id) as (_, row):
                row.waits_for = what

    def _failed(self, export_id: uuid.UUID, why: str) -> None:
        with written(self.units, export_id) as (ctx, row):
            row.state, row.problem, row.waits_for = "failed", why, None
            row.finished_at = ctx.clock.now()
            record_of(ctx, row, EventKind.EXPORT_FAILED, {"problem": why})


def scope_of(export: Export) -> Scope:
    """What an export asks for."""
    items = None
    if export.evidence_ids is not None:
        items = frozenset(uuid.UUID(item) for item in export.evidence_ids)
    return Scope(export.court_id, export.case_id, items)


def _late(session: Session, selection: Selection, entry: Entry) -> list[Entry] | None:
    """Entries of the case between the decision and the export's own; ``None`` if they matter."""
    found = entries(
        session,
        Event.court_id == selection.scope.court_id,
        Event.case_id == selection.scope.case_id,
        Event.log_index > selection.upto,
        Event.log_index < entry.index,
    )
    for one in found:
        harmless = not one.of_device and one.kind.startswith(_HARMLESS)
        if not harmless or one.p is None or discloses(selection, one) is not None:
            return None
    return found


def _reading() -> AbstractContextManager[Session]:
    return unit_of_work(EVERY_COURT, write=False)


@contextmanager
def _only_one(folder: Path) -> Iterator[Path]:
    """Hold the work folder; another worker that has it is left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WaitError("another worker has it in hand", LATER_SECONDS) from None
        yield folder
    finally:
        os.close(descriptor)


__all__ = ["Builder", "WaitError", "scope_of"]
