"""The worker's side of redactions, previews and face suggestions: no transaction is open meanwhile.

Bytes are stored before the row that names them.  Doing a job again changes nothing that is done.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import sqlalchemy as sa

from server.audit.events import EventKind
from server.core.context import Context
from server.core.units import Units
from server.evidence import erasure_bytes, redactions, shipping
from server.evidence.derivative_names import WEB
from server.evidence.examination import TryAgainError, local_file
from server.evidence.models import Derivative, Evidence, Examination
from server.evidence.recipes import FACES, PREVIEW, Recipe
from server.evidence.redaction_models import Redaction
from server.evidence.sandbox import SandboxFailure
from server.evidence.sandbox.products import Product
from server.evidence.shown import needs_preview
from storage.digest import Digest
from storage.ports import BlobStore

_KINDS: Final = {"image": "photo", "video": "video", "audio": "audio"}
_CHUNK_BYTES: Final = 1 << 20
_PROBLEM_MAX: Final = 300


class MakesFiles(Protocol):
    """Makes a file in a process of its own."""

    def make(
        self, path: Path, *, mime: str, recipe: str, output: BinaryIO
    ) -> Product | SandboxFailure:
        """What was made, or why not."""
        ...


@dataclass(frozen=True, slots=True)
class _Source:
    """What is made something of; ``kind`` and ``mime`` are what the examination found."""

    item_id: uuid.UUID
    sha256: str
    size_bytes: int
    kind: str
    mime: str
    findings: dict[str, Any]
    blobs: BlobStore


@dataclass(frozen=True, slots=True)
class Stored:
    """What was made, with the digest of its bytes; ``product`` says what it is."""

    product: Product
    sha256: str
    size_bytes: int


def redact(units: Units, maker: MakesFiles, evidence_id: str) -> None:
    """Handle ``redaction.asked``: make every copy of the item that waits."""
    with units() as ctx:
        source = _source(ctx, evidence_id)
        waiting = _waiting(ctx, evidence_id)
    for redaction_id, recipe in waiting:
        outcome = _make(maker, source, recipe)
        with units() as ctx:
            row = ctx.session.get_one(Redaction, redaction_id, with_for_update=True)
            if row.state == redactions.ASKED:
                _finish(ctx, row, outcome)
            else:  # discarded or erased meanwhile
                drop(ctx, outcome)


def preview(units: Units, maker: MakesFiles, evidence_id: str) -> None:
    """Handle ``evidence.examined``: a recording that browsers can't play gets a copy they can."""
    with units() as ctx:
        source = _source(ctx, evidence_id, wait=False)
        if not source.findings or not needs_preview(source.findings, source.size_bytes):
            return
        if ctx.session.get(Derivative, (source.sha256, WEB)) is not None:
            return
    outcome = _make(maker, source, Recipe(PREVIEW, source.kind))
    with units() as ctx:
        _derived(ctx, source, WEB, outcome, EventKind.EVIDENCE_PREVIEWED)


def suggest_faces(units: Units, maker: MakesFiles, evidence_id: str) -> None:
    """Handle ``faces.asked``: where faces may be, as JSON; a failure is told in it."""
    with units() as ctx:
        source = _source(ctx, evidence_id)
        if ctx.session.get(Derivative, (source.sha256, FACES)) is not None:
            return
    outcome = _make(maker, source, Recipe(FACES, source.kind))
    with units() as ctx:
        _derived(ctx, source, FACES, outcome, EventKind.FACES_SUGGESTED)


def _source(ctx: Context, evidence_id: str, *, wait: bool = True) -> _Source:
    item = ctx.session.get_one(Evidence, uuid.UUID(evidence_id))
    found = ctx.session.get(Examination, item.sha256)
    if wait and item.state == "verified" and (found is None or found.state == "pending"):
        raise TryAgainError("the original is not examined yet")
    findings = (found.findings if found is not None else None) or {}
    sniffed = findings.get("sniffed") or {}
    return _Source(
        item.id, item.sha256, item.size_bytes, _KINDS.get(sniffed.get("kind", ""), ""),
        sniffed.get("mime", ""), findings if item.state == "verified" else {},
        ctx.runtime.stores.blobs,
    )  # fmt: skip


def _waiting(ctx: Context, evidence_id: str) -> list[tuple[uuid.UUID, Recipe]]:
    statement = (
        sa.select(Redaction.id, Redaction.recipe)
        .where(Redaction.evidence_id == uuid.UUID(evidence_id), Redaction.state == redactions.ASKED)
        .order_by(Redaction.number)
    )
    return [(row.id, Recipe.of(row.recipe)) for row in ctx.session.execute(statement)]


def _make(maker: MakesFiles, source: _Source, recipe: Recipe) -> Stored | SandboxFailure:
    if not source.kind or source.kind != recipe.kind:
        return SandboxFailure("not-what-it-says", f"the bytes are no {recipe.kind}")
    return make_file(maker, source.blobs, (source.sha256, source.mime), recipe.to_json())


def make_file(
    maker: MakesFiles, blobs: BlobStore, of: tuple[str, str], recipe: str
) -> Stored | SandboxFailure:
    """Make what ``recipe`` says of stored bytes, and store that; no transaction may be open.

    :param of: digest and type of the bytes.  TryAgainError when the sandbox cannot work now.
    """
    with _workplace(blobs, of[0]) as (path, output):
        found = maker.make(path, mime=of[1], recipe=recipe, output=output)
        if isinstance(found, SandboxFailure):
            if found.code == "unavailable":
                raise TryAgainError(found.detail)
            return found
        if found.text:
            return store(blobs, io.BytesIO(found.text.encode()), found)
        output.seek(0)
        return store(blobs, output, found)


@contextmanager
def _workplace(blobs: BlobStore, sha256: str) -> Iterator[tuple[Path, BinaryIO]]:
    with tempfile.TemporaryDirectory(prefix="tiezheng-make-") as folder:
        path = local_file(blobs, Digest(sha256), Path(folder) / "input")
        with (Path(folder) / "output").open("w+b") as output:
            yield path, output


def store(blobs: BlobStore, made: BinaryIO, product: Product) -> Stored:
    """Put what was made into the store, under its digest."""
    digest, size_bytes = hashlib.sha256(), 0
    while chunk := made.read(_CHUNK_BYTES):
        digest.update(chunk)
        size_bytes += len(chunk)
    made.seek(0)
    blobs.put_stream(Digest(digest.hexdigest()), made, size_bytes)
    return Stored(product, digest.hexdigest(), size_bytes)


def drop(ctx: Context, outcome: Stored | SandboxFailure) -> None:
    """What was made is not wanted any more: its bytes leave the store as erased ones do."""
    if isinstance(outcome, Stored):
        erasure_bytes.drop(ctx, [outcome.sha256])


def _finish(ctx: Context, row: Redaction, outcome: Stored | SandboxFailure) -> None:
    item = ctx.session.get_one(Evidence, row.evidence_id)
    row.finished_at = ctx.clock.now()
    if isinstance(outcome, SandboxFailure):
        row.state = redactions.FAILED
        row.problem = f"{outcome.code}: {outcome.detail}"[:_PROBLEM_MAX]
        told = {"original": row.source_sha256, "problem": outcome.code}
        redactions.happened(ctx, EventKind.REDACTION_FAILED, item, row, told)
        return
    product = outcome.product
    row.state, row.sha256, row.size_bytes = redactions.MADE, outcome.sha256, outcome.size_bytes
    row.mime, row.width, row.height = product.mime, product.width, product.height
    row.duration_ms, row.complete = product.duration_ms, product.complete
    shipping.remember(ctx, outcome.sha256, outcome.size_bytes)
    facts = {
        "original": row.source_sha256, "derivative": outcome.sha256,
        "size": str(outcome.size_bytes), "mime": product.mime, "maker": str(row.asked_by),
        "covered": product.covered, "complete": product.complete,
    }  # fmt: skip
    redactions.happened(ctx, EventKind.REDACTION_MADE, item, row, facts)


def _derived(
    ctx: Context, source: _Source, name: str, outcome: Stored | SandboxFailure, kind: EventKind
) -> None:
    item = ctx.session.get_one(Evidence, source.item_id)
    facts: dict[str, Any] = {"sha256": source.sha256, "name": name}
    if item.state != "verified":
        drop(ctx, outcome)
        return
    if isinstance(outcome, SandboxFailure):
        redactions.note(ctx, kind, item, {**facts, "problem": outcome.code})
        return
    if ctx.session.get(Derivative, (source.sha256, name)) is not None:
        drop(ctx, outcome)
        return
    mime = outcome.product.mime or "application/json"
    ctx.session.add(
        Derivative(
            source_sha256=source.sha256, name=name, mime=mime, sha256=outcome.sha256,
            size_bytes=outcome.size_bytes, created_at=ctx.clock.now(),
        )
    )  # fmt: skip
    shipping.remember(ctx, outcome.sha256, outcome.size_bytes)
    redactions.note(ctx, kind, item, {**facts, "derivative": outcome.sha256})
