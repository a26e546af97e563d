"""Bundles that somebody carried in: checked whole, then entered as the device's own requests.

The file arrives like any upload, in pieces if need be, from whoever carries it.  What is in it
counts for no more than if its device had sent it: the device must be known, of the carrier's
court, it signed the list, and each record is judged by the chain as in a push.  What a revoked
device left is taken from a supervisor only, and all of it waits as *suspect*.
Nothing is entered before every entry of the file was read and hashed.  Doing it twice does no harm.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import sqlalchemy as sa

from client_sdk.protocol.bundle import (
    BundleError,
    BundleHead,
    BundleReader,
    Part,
    as_lines,
    write_bundle,
)
from client_sdk.protocol.encoding import is_sha256_hex
from server.audit import service as audit
from server.audit.events import EventKind
from server.audit.models import ReceiptRow
from server.audit.service import Subject
from server.core.clock import rfc3339
from server.core.context import Actor, Context
from server.core.permissions import Permission, TokenKind
from server.core.problem import Kind, Problem, not_found
from server.core.transactions import unit_of_work
from server.evidence import queries as evidence
from server.evidence import uploads_service as uploads
from server.evidence.tus import Creation
from server.identity import queries as identity
from server.sync import push
from server.sync.commands import TakeBundle
from storage.digest import Digest
from storage.ports import LocalPaths

BATCH: Final = 200
RECEIPTS_MAX: Final = 200_000


def take(ctx: Context, command: TakeBundle) -> dict[str, Any]:
    """Enter a bundle; the answer counts what became of records and objects."""
    with _opened(ctx, command.sha256) as bundle:
        with _unit(ctx, ctx.actor, write=False) as inner:
            device_id = _device(inner, bundle)
        bundle.require_bytes()
        speaker = Actor(
            TokenKind.DEVICE, ctx.actor.court_id, device_id=device_id, address=ctx.actor.address
        )
        records = _records(ctx, speaker, bundle)
        objects = _objects(ctx, speaker, bundle)
        counts = {"records": dict(records), "objects": dict(objects)}
        with _unit(ctx, ctx.actor) as inner:
            facts = {"sha256": command.sha256, **counts}
            audit.record(inner, EventKind.BUNDLE_TAKEN, Subject("device", device_id), facts)
        return {"device_id": device_id, **counts, "head": _head(ctx, speaker)}


def receipts_for(ctx: Context, sha256: str) -> bytes:
    """A bundle with every receipt for the records of a bundle that the caller brought."""
    with _opened(ctx, sha256) as bundle:
        head = bundle.head
        with _unit(ctx, ctx.actor, write=False) as inner:
            _device(inner, bundle)
            row = ReceiptRow
            statement = sa.select(row.s, row.sig, row.k, row.seq).where(
                row.court_id == ctx.actor.court_id, row.device_id == uuid.UUID(head.device),
                row.ep == head.ep, row.seq >= head.first, row.seq <= head.last,
            )  # fmt: skip
            found = inner.session.execute(statement.order_by(row.id).limit(RECEIPTS_MAX)).all()
    lines, part = as_lines({"s": one.s, "sig": one.sig, "k": one.k} for one in found)
    answer = BundleHead(
        kind="receipts", court=head.court, device=head.device, ep=head.ep,
        made=rfc3339(ctx.clock.now()), first=head.first, last=head.last, count=len(lines),
        lines=part,
    )  # fmt: skip
    with TemporaryDirectory(prefix="tiezheng-bundle-") as folder:
        path = Path(folder) / "receipts"
        write_bundle(path, answer, lines)
        return path.read_bytes()


@contextmanager
def _opened(ctx: Context, sha256: str) -> Iterator[BundleReader]:
    """The bundle, if the caller's device uploaded it; knowing a digest gives no access."""
    device_id = ctx.actor.device()
    if not is_sha256_hex(sha256):
        raise not_found("upload the bundle first")
    with _unit(ctx, ctx.actor, write=False) as inner:
        mine = evidence.digests_uploaded_by(inner.session, device_id, [sha256])
    blobs = ctx.runtime.stores.blobs
    if not mine or not isinstance(blobs, LocalPaths):
        raise not_found("upload the bundle first")
    try:
        with BundleReader(blobs.path_of(Digest(sha256))) as bundle:
            yield bundle
    except BundleError as error:
        raise Problem(Kind.BUNDLE_INVALID, str(error), reason=error.code) from None


def _device(ctx: Context, bundle: BundleReader) -> uuid.UUID:
    """The device that made the bundle; one of another court does not exist here."""
    head = bundle.head
    device = None
    if head.kind == "records" and head.court == str(ctx.actor.court_id):
        try:
            wanted = uuid.UUID(head.device)
        except ValueError:
            wanted = uuid.UUID(int=0)
        device = identity.device_in_court(ctx.session, ctx.actor.court_id, wanted)
    if device is None or device.public_jwk is None:
        raise Problem(
            Kind.BUNDLE_INVALID, "no device of this court made it", reason="bundle-device"
        )
    bundle.require_signature(identity.public_key_of(device))
    if device.revoked_at is not None and not ctx.actor.may(Permission.HELD_RELEASE):
        raise _refused("its device is revoked: a supervisor can hand it in", "bundle-revoked")
    if device.ep != head.ep:
        raise _refused("its device was enrolled anew since", "bundle-device")
    return device.id


def _refused(detail: str, reason: str) -> Problem:
    return Problem(Kind.BUNDLE_INVALID, detail, reason=reason)


def _records(ctx: Context, speaker: Actor, bundle: BundleReader) -> Counter[str]:
    found: Counter[str] = Counter()
    size = min(BATCH, ctx.settings.push_records_max)
    for wires in _batched(bundle.lines(), size):
        with _unit(ctx, speaker) as inner:
            answer = push.push(inner, wires)
        found.update(result["outcome"] for result in answer["results"])
    return found


def _objects(ctx: Context, speaker: Actor, bundle: BundleReader) -> Counter[str]:
    found: Counter[str] = Counter()
    for part in bundle.head.objects:
        found[_object(ctx, speaker, bundle, part)] += 1
    return found


def _object(ctx: Context, speaker: Actor, bundle: BundleReader, part: Part) -> str:
    acting = dataclasses.replace(ctx, actor=speaker)
    with _unit(ctx, speaker, write=False) as inner:
        if evidence.digests_uploaded_by(inner.session, speaker.device(), [part.sha256]):
            return "present"
    wanted = Creation(
        size_bytes=part.size_bytes, metadata_text="", sha256=part.sha256, filename=None,
        filetype=None, key=f"bundle-{part.sha256}",
    )  # fmt: skip
    planned = uploads.plan(acting, wanted)
    with bundle.open_object(part) as source:
        ctx.runtime.stores.blobs.put_stream(Digest(part.sha256), source, part.size_bytes)  # type: ignore[arg-type]
    uploads.complete(acting, planned, part.sha256, part.size_bytes)
    return "stored"


def _head(ctx: Context, speaker: Actor) -> dict[str, Any]:
    with _unit(ctx, speaker) as inner:
        head: dict[str, Any] = push.push(inner, [])["head"]
    return head


def _batched(values: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for value in values:
        batch.append(value)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


@contextmanager
def _unit(ctx: Context, actor: Actor, *, write: bool = True) -> Iterator[Context]:
    with unit_of_work(actor.court_id, write=write) as session:
        inner = dataclasses.replace(ctx, actor=actor, session=session, after_commit=[])
        yield inner
    for callback in inner.after_commit:
        callback()
