"""What the worker does with new bytes: examine once per digest, then tell every item of it.

The parsers run in a sandbox of their own process; a file that kills or stalls them costs that
process and leaves a finding.  A file whose metadata cannot be read is still evidence.
"""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from server.audit.events import EventKind
from server.audit.service import Subject, record
from server.core.context import Context
from server.core.transactions import take_turns
from server.evidence import calibration, comparison, erasure_bytes, reuse, service, shipping
from server.evidence.erasure_bytes import ERASED
from server.evidence.findings import Findings
from server.evidence.models import Derivative, Evidence, Examination
from server.evidence.sandbox import SandboxFailure
from storage.digest import Digest
from storage.ports import BlobStore, LocalPaths

Units = Callable[[], AbstractContextManager[Context]]


class TryAgainError(RuntimeError):
    """No examination could be started; the job is kept for later."""


class Examiner(Protocol):
    """Examines one file in a process of its own."""

    def examine(
        self, path: Path, *, name: bytes, claimed_type: str, out_dir: Path
    ) -> Findings | SandboxFailure:
        """Findings, or why there are none; derivatives lie in ``out_dir``."""
        ...


def examine(units: Units, sandbox: Examiner, evidence_id: str) -> None:
    """Handle ``evidence.verified``: examine the bytes unless that was done, then apply.

    No transaction is open while the parsers run.
    """
    with units() as ctx:
        item = _item(ctx, evidence_id)
        if item is None or item.state == ERASED:
            return
        done = ctx.session.get(Examination, item.sha256)
        if done is not None and done.state != "pending":
            _apply(ctx, [item], done)
            return
        sha256, mime, name = item.sha256, item.mime, item.name or b""
        blobs = ctx.runtime.stores.blobs
    with tempfile.TemporaryDirectory(prefix="tiezheng-examine-") as folder:
        path = local_file(blobs, Digest(sha256), Path(folder) / "input")
        out_dir = Path(folder) / "out"
        out_dir.mkdir()
        outcome = sandbox.examine(path, name=name, claimed_type=mime, out_dir=out_dir)
        if isinstance(outcome, SandboxFailure) and outcome.code == "unavailable":
            raise TryAgainError(outcome.detail)
        if isinstance(outcome, Findings):
            _store_derivatives(blobs, outcome, out_dir)
    with units() as ctx:
        waiting = sa.select(Evidence).where(Evidence.sha256 == sha256, Evidence.state == "verified")
        items = ctx.session.execute(waiting).scalars().all()
        if items:
            _apply(ctx, items, _remember(ctx, sha256, outcome))
        elif isinstance(outcome, Findings):  # erased meanwhile, by every record
            erasure_bytes.drop(ctx, [made.sha256 for made in outcome.derivatives])


def _item(ctx: Context, evidence_id: str) -> Evidence | None:
    return ctx.session.get(Evidence, uuid.UUID(evidence_id))


def local_file(blobs: BlobStore, digest: Digest, spare: Path) -> Path:
    """A path with the bytes: the store's own, or a copy at ``spare``."""
    if isinstance(blobs, LocalPaths):
        return blobs.path_of(digest)
    with spare.open("wb") as copy:
        for chunk in blobs.read(digest):
            copy.write(chunk)
    return spare


def _store_derivatives(blobs: BlobStore, found: Findings, out_dir: Path) -> None:
    for made in found.derivatives:
        path = out_dir / Path(made.file).name
        with path.open("rb") as source:
            blobs.put_stream(Digest(made.sha256), source, made.size_bytes)


def _remember(ctx: Context, sha256: str, outcome: Findings | SandboxFailure) -> Examination:
    found = ctx.session.get(Examination, sha256)
    if found is None:
        found = Examination(sha256=sha256, attempts=0)
        ctx.session.add(found)
    found.attempts += 1
    found.examined_at = ctx.clock.now()
    if isinstance(outcome, SandboxFailure):
        found.state, found.problem = "failed", f"{outcome.code}: {outcome.detail}"[:500]
        return found
    found.state, found.problem = "done", None
    found.findings = json.loads(outcome.to_json())
    for made in outcome.derivatives:
        ctx.session.merge(
            Derivative(
                source_sha256=sha256,
                name=made.name,
                mime=made.mime,
                sha256=made.sha256,
                size_bytes=made.size_bytes,
                created_at=ctx.clock.now(),
            )
        )
        shipping.remember(ctx, made.sha256, made.size_bytes)
    return found


def _apply(ctx: Context, items: Sequence[Evidence], found: Examination) -> None:
    _take_turns(ctx, items)
    for item in items:
        new = _findings_for(ctx, item, found)
        item.findings = [*item.findings, *(entry for entry in new if entry not in item.findings)]
        facts: dict[str, Any] = {"sha256": item.sha256, "state": found.state, "findings": new}
        record(
            ctx,
            EventKind.EVIDENCE_EXAMINED,
            Subject("evidence", item.id),
            facts,
            case_id=item.case_id,
            mission_id=item.mission_id,
            court_id=item.court_id,
        )
        reuse.look(ctx, item)


def _take_turns(ctx: Context, items: Sequence[Evidence]) -> None:
    """One examination at a time per camera, with its items as the one before left them.

    A photographed time code corrects every item of the camera, also one being examined elsewhere.
    """
    docked = [item for item in items if item.captured_by != item.device_id]
    for camera in sorted({str(item.captured_by) for item in docked}):
        take_turns(ctx.session, f"clock:{camera}")
    for item in docked:
        ctx.session.refresh(item)


def _findings_for(ctx: Context, item: Evidence, found: Examination) -> list[dict[str, Any]]:
    if found.state == "failed":
        return [{"code": "examination-failed", "detail": found.problem or ""}]
    facts = Findings.from_json(json.dumps(found.findings))
    zone = ZoneInfo(ctx.settings.time_zone)
    own_clock = comparison.media_wall(facts, zone)
    if item.captured_by != item.device_id and own_clock is not None:
        item.media_wall = own_clock.isoformat()
        if calibration.observe_time_codes(ctx, item, facts, own_clock):
            service.recorrect(ctx, item.captured_by, None)
        else:
            service.recorrect_one(ctx, item)
    claim = comparison.Claim(item.captured_at, item.error_ms, item.lat, item.lon, item.geo_datum)
    if item.lat is None and facts.geo.latitude is not None:
        _take_position(item, facts)
    return comparison.differences(claim, facts, zone)


def _take_position(item: Evidence, facts: Findings) -> None:
    item.lat, item.lon = facts.geo.latitude, facts.geo.longitude
    item.geo_datum = (facts.geo.datum or "WGS-84").replace("-", "")
    item.geo_accuracy_m = facts.geo.accuracy_m
    item.geo_source, item.geo_reason = facts.geo.source or "exif", None
