"""Composes the job that makes packages: the slices it needs stand beside each other."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.core.context import Runtime
from server.core.units import Units
from server.disclosure.building import Builder, WaitError
from server.disclosure.facts import Derivative, Finding, ItemDetails, Moment, Place
from server.evidence import shipping
from server.evidence.models import Derivative as DerivativeRow
from server.evidence.models import Evidence
from server.jobs.table import Handler, PostponeError

_PART = 500


def exporting(runtime: Runtime) -> Handler:
    """The handler that makes the package of an export."""

    def export(units: Units, subject_id: str) -> None:
        try:
            Builder(runtime, units, item_details, shipping.remember).run(subject_id)
        except WaitError as error:
            raise PostponeError(str(error), error.after_seconds) from error

    return export


def item_details(session: Session, items: Collection[uuid.UUID]) -> Mapping[uuid.UUID, ItemDetails]:
    """What the evidence slice knows of items: corrected time, place, officer, findings."""
    ordered = sorted(items)
    found: dict[uuid.UUID, ItemDetails] = {}
    for start in range(0, len(ordered), _PART):
        part = ordered[start : start + _PART]
        rows = session.execute(sa.select(Evidence).where(Evidence.id.in_(part))).scalars().all()
        made = _derivatives(session, {row.sha256 for row in rows})
        for row in rows:
            found[row.id] = _details(row, tuple(made.get(row.sha256, ())))
    return found


def _details(row: Evidence, derivatives: tuple[Derivative, ...]) -> ItemDetails:
    return ItemDetails(
        captured_by=row.captured_by,
        officer_id=row.officer_id,
        officer_source=row.officer_source,
        media=row.media,
        place=Place(
            row.lat, row.lon, row.geo_datum, row.geo_source, row.geo_accuracy_m, row.geo_reason
        ),
        moment=Moment(row.media_wall or row.wall, row.captured_at, row.error_ms, row.clock_class),
        findings=tuple(
            Finding(str(one.get("code")), str(one.get("detail", ""))) for one in row.findings
        ),
        derivatives=derivatives,
    )


def _derivatives(session: Session, digests: Collection[str]) -> dict[str, list[Derivative]]:
    statement = sa.select(DerivativeRow).where(DerivativeRow.source_sha256.in_(sorted(digests)))
    found: dict[str, list[Derivative]] = {}
    for row in session.execute(statement.order_by(DerivativeRow.name)).scalars():
        one = Derivative(row.name, row.mime, row.sha256, row.size_bytes)
        found.setdefault(row.source_sha256, []).append(one)
    return found
