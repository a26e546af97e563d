"""Why a witness says no: one class for each answer of tlog-witness, and what stops it altogether.

The numbers are the HTTP status codes that c2sp.org/tlog-witness prescribes.
"""

from __future__ import annotations

from typing import ClassVar


class WitnessError(Exception):
    """Root of everything that goes wrong in a witness."""


class FolderError(WitnessError):
    """The witness' folder cannot be used; the message says what to do."""


class StateLostError(FolderError):
    """What the witness had cosigned is gone, so that its key must not sign on."""


class Refused(WitnessError):
    """A request that is not cosigned."""

    status: ClassVar[int] = 400


class BadRequest(Refused):
    """Not a request of tlog-witness, or its old size lies beyond the checkpoint's size."""


class UnknownLog(Refused):
    """A log that this witness was not told to watch."""

    status = 404


class NotSigned(Refused):
    """No signature of a key that is trusted for this log."""

    status = 403


class Conflict(Refused):
    """The old size is not the one cosigned last, or its root differs; ``size`` is that size."""

    status = 409

    def __init__(self, size: int, text: str) -> None:
        super().__init__(text)
        self.size = size


class Inconsistent(Refused):
    """The proof does not show that the checkpoint extends what was cosigned last."""

    status = 422
