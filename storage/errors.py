"""Everything that can go wrong below a store.

StorageError
├── BlobNotFound
├── PartialNotFound
│   └── InvalidUploadId   no upload can have this id
├── PartialSealed         the partial shares its bytes with a blob by now: never write to it
├── OffsetConflict        the partial's length is not the offset the caller named
├── DigestMismatch        the bytes hash to something else
├── NoSpace               the volume is full (ENOSPC, EDQUOT)
├── StoreUnavailable      the backend does not answer; try again later
├── DurabilityLost        a flush failed: end the process, never retry
├── LockTimeout           the present holder did not let go
└── StorageConfigError    the settings name no usable store
"""

from __future__ import annotations


class StorageError(Exception):
    """Base of all errors of the stores."""


class BlobNotFound(StorageError):
    """The store does not hold this digest."""


class PartialNotFound(StorageError):
    """There is no such upload under way."""


class InvalidUploadId(PartialNotFound):
    """The text cannot be the id of an upload, and is never used in a path."""


class PartialSealed(StorageError):
    """The partial became a blob by linking; writing to one would change the other."""


class OffsetConflict(StorageError):
    """The partial is not as long as the caller believes."""

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(f"offset {expected} named, partial holds {actual} bytes")
        self.expected = expected
        self.actual = actual


class DigestMismatch(StorageError):
    """Bytes and digest do not belong together."""

    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(f"expected SHA-256 {expected}, got {actual}")
        self.expected = expected
        self.actual = actual


class NoSpace(StorageError):
    """The volume is full; what was acknowledged before stays."""


class StoreUnavailable(StorageError):
    """The backend does not answer."""


class DurabilityLost(StorageError):
    """A flush failed and the kernel may have dropped the pages: end the process."""


class LockTimeout(StorageError):
    """The present holder did not let go in time."""


class StorageConfigError(StorageError):
    """The settings name no usable store."""
