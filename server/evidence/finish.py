"""From the last byte to the evidence: verify, store the blob, then the row; or quarantine.

Blob first, row second: a row never promises bytes that are not there.  Everything can be repeated,
so what a crash or a lost commit left half-done is completed by the next HEAD, PATCH or POST.  The
caller holds the upload's lock.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from server.core import offload
from server.core.context import Context
from server.core.problem import Kind, Problem
from server.evidence import uploads_service as rows
from server.evidence.running_digest import DigestCache, complete
from server.evidence.uploads_service import Planned, UploadFacts
from storage.digest import Digest
from storage.errors import PartialNotFound
from storage.factory import Stores


@dataclass(frozen=True, slots=True)
class Finisher:
    """Ends uploads with the stores of one process."""

    stores: Stores
    digests: DigestCache

    def settle(self, ctx: Context, upload: UploadFacts | Planned, offset: int) -> bool:
        """Finish the upload if ``offset`` is its end; ``True`` when it is complete now.

        Raises ``digest-mismatch`` after the bytes went to quarantine.  A partial of a
        concatenation is never finished by itself.  A planned upload gets its row here.
        """
        begun, upload = upload, (upload.facts if isinstance(upload, Planned) else upload)
        if upload.size_bytes != offset or upload.concat == rows.PARTIAL or upload.sha256 is None:
            return False
        path = self.stores.uploads.path_of(upload.name)
        digest = self.digests.take(upload.name, offset)
        actual = complete(digest, path, offset)
        if actual != upload.sha256:
            reason = f"declared SHA-256 {upload.sha256}, received {actual}"
            if isinstance(begun, Planned):
                rows.keep(ctx, begun)
            self._set_aside(ctx, upload, reason)
            raise Problem(
                Kind.DIGEST_MISMATCH,
                "the bytes are in quarantine; send the file again as a new upload",
                declared_sha256=upload.sha256,
                actual_sha256=actual,
            )
        offload.blocking(self.stores.blobs.put_file, Digest(actual), path)
        rows.complete(ctx, begun, actual, offset)
        for name in (upload.name, *upload.parts):
            offload.blocking(self.stores.uploads.discard, name)
        return True

    def join(self, ctx: Context, upload: UploadFacts) -> int:
        """Make a final upload of its parts and finish it; returns its length.

        Raises ``concat-invalid`` when a part is not complete or gone.
        """
        uploads = self.stores.uploads
        try:
            length = offload.blocking(uploads.concatenate, upload.name, upload.parts)
        except PartialNotFound:
            length = -1
        if length != upload.size_bytes:
            self._set_aside(ctx, upload, "a part was not complete")
            raise Problem(Kind.CONCAT_INVALID, "every part must be complete")
        self.settle(ctx, upload, length)
        return length

    def terminate(self, ctx: Context, upload: UploadFacts) -> None:
        """The client gave it up: the bytes are kept out of the way all the same."""
        rows.terminate(ctx, upload)
        with contextlib.suppress(PartialNotFound):
            offload.blocking(
                self.stores.uploads.quarantine, upload.name, "terminated by the client"
            )

    def _set_aside(self, ctx: Context, upload: UploadFacts, reason: str) -> None:
        """Quarantine: the row first, so that nobody writes to what is about to move."""
        rows.quarantine(ctx, upload, reason)
        offload.blocking(self.stores.uploads.quarantine, upload.name, reason)
