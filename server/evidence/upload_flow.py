"""What each tus request does, between its headers and the stores; knows no web framework."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final

from server.core import offload
from server.core.context import Context, Runtime
from server.core.problem import Kind, Problem
from server.evidence import tus
from server.evidence import uploads_service as rows
from server.evidence.byte_source import ByteSource
from server.evidence.finish import Finisher
from server.evidence.receiver import End, Received, Receiver, Target
from server.evidence.running_digest import DigestCache
from server.evidence.uploads_service import Planned, UploadFacts
from storage.errors import OffsetConflict, PartialNotFound
from storage.ports import Lease

_SPOOL_RETRY_SECONDS: Final = 60
_REFUSALS: Final = {
    End.GONE: (Kind.MALFORMED_REQUEST, "the body ended early; what came is kept"),
    End.STALLED: (Kind.UPLOAD_STALLED, None),
    End.TAKEN_OVER: (Kind.UPLOAD_BUSY, "a newer request took the upload over"),
    End.STOPPING: (Kind.BUSY, "the server restarts; what came is kept"),
    End.EXCEEDED: (Kind.LENGTH_EXCEEDED, None),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and headers; a tus answer has no body."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)


class Uploads:
    """The tus server of one process."""

    def __init__(self, runtime: Runtime) -> None:
        self._settings = runtime.settings
        self._stores = runtime.stores
        digests = DigestCache()
        stall_seconds = runtime.settings.upload_stall_seconds
        self._receiver = Receiver(runtime.stores.uploads, digests, stall_seconds)
        self._finisher = Finisher(runtime.stores, digests)

    def create(
        self, ctx: Context, headers: Mapping[str, str], source: ByteSource, base: str
    ) -> Answer:
        """POST: 201 with the address below ``base``; bytes that come along are taken."""
        wanted = tus.parse_creation(headers, self._settings.upload_size_bytes_max)
        checksum = tus.parse_checksum(headers)
        carries = source.length != 0
        if carries:
            tus.require_offset_type(headers)
            _require_fits(source, 0, wanted.size_bytes)
        self._require_spool(wanted.size_bytes or 0)
        if wanted.concat == rows.FINAL:
            self._require_parts(ctx, wanted)
        if carries and wanted.concat is None and source.length == wanted.size_bytes:
            upload = rows.plan(ctx, wanted)
            if isinstance(upload, Planned):
                return self._create_whole(ctx, upload, source, checksum, base)
        else:
            upload = rows.create(ctx, wanted)
        answer = {"Location": f"{base}/{upload.name}"}
        if upload.state == rows.COMPLETE:
            return Answer(201, {**answer, "Upload-Offset": str(upload.size_bytes)})
        offload.blocking(self._stores.uploads.create, upload.name)
        answer["Upload-Expires"] = tus.http_date(upload.expires_at)
        if upload.concat == rows.FINAL or upload.size_bytes == 0 or carries:
            with self._held(upload) as lease:
                offset = self._begin(ctx, upload, source, checksum, lease, answer)
            answer["Upload-Offset"] = str(offset)
        return Answer(201, answer)

    def head(self, ctx: Context, upload_id: str, base: str) -> Answer:
        """HEAD: where the upload stands.  Takes over from a sender that may hang, and syncs."""
        upload = rows.find(ctx, upload_id)
        offset = upload.size_bytes or 0
        if upload.state != rows.COMPLETE:
            with self._held(upload):
                try:
                    offset = self._offset(ctx, upload)
                except PartialNotFound:
                    upload = rows.find(ctx, upload_id)
                    if upload.state != rows.COMPLETE:
                        offload.blocking(self._stores.uploads.create, upload.name)
                    offset = (upload.size_bytes or 0) if upload.state == rows.COMPLETE else 0
        return Answer(200, {"Upload-Offset": str(offset), **_described(upload, offset, base)})

    def append(
        self, ctx: Context, upload_id: str, headers: Mapping[str, str], source: ByteSource
    ) -> Answer:
        """PATCH: 204 with the new offset, once it is durable."""
        chunk = tus.parse_chunk(headers, self._settings.upload_size_bytes_max)
        upload = rows.find(ctx, upload_id)
        if upload.concat == rows.FINAL:
            raise Problem(Kind.FORBIDDEN, "a final upload takes no bytes")
        if upload.state == rows.COMPLETE:
            return _at_the_end(upload, chunk.offset, source)
        self._require_spool()
        with self._held(upload) as lease:
            try:
                upload = self._with_length(ctx, upload, chunk)
                _require_fits(source, chunk.offset, upload.size_bytes)
                offset = self._append(ctx, upload, source, chunk, lease)
            except PartialNotFound:
                upload = rows.find(ctx, upload_id)  # it ended while we waited for the lock
                if upload.state != rows.COMPLETE:
                    raise _conflict(0) from None
                return _at_the_end(upload, chunk.offset, source)
        answer = {"Upload-Offset": str(offset)}
        if offset != upload.size_bytes:
            answer["Upload-Expires"] = tus.http_date(upload.expires_at)
        return Answer(204, answer)

    def terminate(self, ctx: Context, upload_id: str) -> Answer:
        """DELETE: the unfinished bytes go to quarantine; finished ones are evidence."""
        upload = rows.find(ctx, upload_id)
        with self._held(upload):
            if rows.find(ctx, upload_id).state == rows.COMPLETE:
                raise Problem(Kind.FORBIDDEN, "finished bytes are evidence and stay")
            self._finisher.terminate(ctx, upload)
        return Answer(204)

    def _create_whole(
        self,
        ctx: Context,
        planned: Planned,
        source: ByteSource,
        checksum: tus.Checksum | None,
        base: str,
    ) -> Answer:
        """All bytes come along: receive first, then write row and result in one commit.

        Whatever ends it earlier, the row is written then, and what came is kept.  A partial that
        becomes a blob at once need not survive a crash by itself: nobody has heard of it.
        """
        upload = planned.facts
        answer = {"Location": f"{base}/{upload.name}"}
        offload.blocking(lambda: self._stores.uploads.create(upload.name, durable=False))
        target = Target(upload.name, 0, self._end(upload), checksum, finishes=True)
        with self._held(upload) as lease:
            try:
                offset = self._take(ctx, planned, source, target, lease, answer)
            except Exception:
                offload.blocking(self._stores.uploads.settle)
                rows.keep(ctx, planned)
                raise
        return Answer(201, {**answer, "Upload-Offset": str(offset)})

    def _begin(
        self,
        ctx: Context,
        upload: UploadFacts,
        source: ByteSource,
        checksum: tus.Checksum | None,
        lease: Lease,
        headers: Mapping[str, str],
    ) -> int:
        """Take what came with the creation; a repeated one goes on where the first one ended."""
        try:
            offset = self._offset(ctx, upload)
        except PartialNotFound:
            raise Problem(Kind.UPLOAD_BUSY, "it ended this very moment; ask again") from None
        if upload.size_bytes == offset:
            return offset
        target = Target(
            upload.name,
            offset,
            self._end(upload),
            checksum,
            skip=offset,
            finishes=_finishes(upload),
        )
        return self._take(ctx, upload, source, target, lease, headers)

    def _append(
        self,
        ctx: Context,
        upload: UploadFacts,
        source: ByteSource,
        chunk: tus.Chunk,
        lease: Lease,
    ) -> int:
        if chunk.offset == upload.size_bytes:
            # All is here, only the end is missing.  The file may be shared with a blob by now
            # and must not be opened to write.
            offset = self._offset(ctx, upload)
            if offset != chunk.offset:
                raise _conflict(offset)
            return offset
        end, ends = self._end(upload), _finishes(upload)
        target = Target(upload.name, chunk.offset, end, chunk.checksum, finishes=ends)
        return self._take(ctx, upload, source, target, lease, {})

    def _take(
        self,
        ctx: Context,
        upload: UploadFacts | Planned,
        source: ByteSource,
        target: Target,
        lease: Lease,
        headers: Mapping[str, str],
    ) -> int:
        """Receive, and finish when that was the last byte; returns the durable offset."""
        try:
            received = self._receiver.receive(source, target, lease)
        except OffsetConflict as conflict:
            raise _conflict(conflict.actual) from None
        if received.end is not End.COMPLETE:
            raise _refusal(received, headers)
        self._finisher.settle(ctx, upload, received.offset)
        return received.offset

    def _offset(self, ctx: Context, upload: UploadFacts) -> int:
        """The durable length; finishes what is all here but not finished yet."""
        length = offload.blocking(self._stores.uploads.durable_length, upload.name)
        if upload.concat == rows.FINAL and length != upload.size_bytes:
            return self._finisher.join(ctx, upload)
        self._finisher.settle(ctx, upload, length)
        return length

    def _with_length(self, ctx: Context, upload: UploadFacts, chunk: tus.Chunk) -> UploadFacts:
        if chunk.size_bytes is None:
            return upload
        if chunk.size_bytes < chunk.offset:
            raise Problem(Kind.LENGTH_EXCEEDED, "the length lies before the offset")
        return rows.declare_length(ctx, upload, chunk.size_bytes)

    def _end(self, upload: UploadFacts) -> int:
        limit = self._settings.upload_size_bytes_max
        return limit if upload.size_bytes is None else upload.size_bytes

    @contextmanager
    def _held(self, upload: UploadFacts) -> Iterator[Lease]:
        """Be the one writer; whoever was it is asked to stop."""
        with ExitStack() as stack:
            yield stack.enter_context(self._stores.locker.acquire(upload.name))

    def _require_parts(self, ctx: Context, wanted: tus.Creation) -> None:
        """Every part must be complete before a final upload comes into being."""
        planned = rows.plan(ctx, wanted)
        if not isinstance(planned, Planned):
            return  # made before
        try:
            lengths = [
                offload.blocking(self._stores.uploads.durable_length, part)
                for part in planned.facts.parts
            ]
        except PartialNotFound:
            raise Problem(Kind.CONCAT_INVALID, "a part was joined already or is gone") from None
        if sum(lengths) != planned.facts.size_bytes:
            raise Problem(Kind.CONCAT_INVALID, "every part must be complete")

    def _require_spool(self, coming_bytes: int = 0) -> None:
        room = self._stores.uploads.space()
        if room.used_ratio > self._settings.spool_used_ratio_max:
            raise Problem(
                Kind.UNAVAILABLE,
                "the spool is nearly full; nothing that was acknowledged is lost",
                headers={"Retry-After": str(_SPOOL_RETRY_SECONDS)},
            )
        if coming_bytes > room.free_bytes:
            raise Problem(
                Kind.NO_SPACE, f"{coming_bytes} bytes do not fit into the room left on the server"
            )


def _finishes(upload: UploadFacts) -> bool:
    """Whether its last byte makes it a blob."""
    return upload.size_bytes is not None and upload.concat is None


def _described(upload: UploadFacts, offset: int, base: str) -> dict[str, str]:
    """Headers of a HEAD beside the offset."""
    headers = {"Cache-Control": "no-store"}
    if upload.size_bytes is None:
        headers["Upload-Defer-Length"] = "1"
    else:
        headers["Upload-Length"] = str(upload.size_bytes)
    if upload.metadata_text:
        headers["Upload-Metadata"] = upload.metadata_text
    if upload.concat == rows.PARTIAL:
        headers["Upload-Concat"] = "partial"
    elif upload.concat == rows.FINAL:
        headers["Upload-Concat"] = "final;" + " ".join(f"{base}/{part}" for part in upload.parts)
    if offset != upload.size_bytes:
        headers["Upload-Expires"] = tus.http_date(upload.expires_at)
    return headers


def _at_the_end(upload: UploadFacts, offset: int, source: ByteSource) -> Answer:
    """A PATCH to a finished upload: an empty one at its end changes nothing."""
    if offset == upload.size_bytes and source.length == 0:
        return Answer(204, {"Upload-Offset": str(offset)})
    raise _conflict(upload.size_bytes or 0)


def _require_fits(source: ByteSource, offset: int, size_bytes: int | None) -> None:
    if size_bytes is not None and offset + (source.length or 0) > size_bytes:
        raise Problem(Kind.LENGTH_EXCEEDED, f"the upload has {size_bytes} bytes")


def _conflict(actual: int) -> Problem:
    return Problem(
        Kind.OFFSET_CONFLICT,
        f"the upload stands at {actual}",
        headers={"Upload-Offset": str(actual)},
        offset=actual,
    )


def _refusal(received: Received, headers: Mapping[str, str]) -> Problem:
    kind, detail = _REFUSALS[received.end]
    return Problem(kind, detail, headers={**headers, "Upload-Offset": str(received.offset)})
