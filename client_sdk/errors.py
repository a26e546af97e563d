"""Errors of the SDK. Everything raised on purpose is a FieldError.

FieldError
├── StoreError                 the device's own store
│   ├── StoreLockedError       a passphrase or the keyring is needed, or does not fit
│   ├── StoreFullError         no space: capture is refused, nothing is half written
│   ├── StoreBusyError         another process is syncing this store
│   ├── AlreadyEnrolledError   this store has a device identity and keeps it
│   └── StoreCorruptError      stored bytes do not decrypt or do not match their digest
├── CaptureError               the source cannot be read, or changed while it was read
├── NotEnrolledError           this store has no device identity yet
│   └── NoServerError          nor does anybody say where its server is
├── NotSignedInError           the call needs an officer
├── EntryError                 it cannot be written down like this; nothing was recorded
│   ├── EntryInvalidError      a field that the kind does not take
│   ├── NoCaseError            nobody says which case it is about
│   ├── ActionUnknownError     no such action on this device, or more than one is open
│   └── ActionStateError       the action does not take it any more, or belongs elsewhere
├── TransportError             no usable answer: offline, cut, timed out   (transient)
├── ContractError              an answer that breaks the API's contract
├── TrustError                 a signature, receipt or key list that does not hold
└── ApiError                   the server refused; carries the RFC 9457 problem
    ├── AuthenticationError    401
    ├── PermissionDeniedError  403
    ├── NotFoundError          404
    ├── ConflictError          409, 412, 428
    ├── GoneError              410
    ├── InvalidRequestError    any other 4xx
    ├── RateLimitedError       408, 423, 425, 429                          (transient)
    └── ServerError            5xx                                         (transient)

Malformed protocol values are `client_sdk.protocol.errors.ProtocolError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Final

PROBLEM_PREFIX: Final = "urn:tiezheng:problem:"


class FieldError(Exception):
    """Base of the tree; `code` is stable."""

    code: str = "error"
    transient: ClassVar[bool] = False


class StoreError(FieldError):
    """The device's own store cannot do what was asked."""

    code = "store"


class StoreLockedError(StoreError):
    """The key of the store is missing or wrong."""

    code = "store-locked"


class StoreFullError(StoreError):
    """No space left; nothing was captured."""

    code = "store-full"


class StoreBusyError(StoreError):
    """Another process is syncing this store."""

    code = "store-busy"


class AlreadyEnrolledError(StoreError):
    """The store has an identity; another one needs a store of its own."""

    code = "already-enrolled"


class StoreCorruptError(StoreError):
    """Stored bytes are not what was written."""

    code = "store-corrupt"


class CaptureError(FieldError):
    """The source could not be captured; nothing was recorded."""

    code = "capture"


class NotEnrolledError(FieldError):
    """The store has no device identity."""

    code = "not-enrolled"


class NoServerError(NotEnrolledError):
    """The server's address was neither given nor kept."""

    code = "no-server"


class NotSignedInError(FieldError):
    """No officer is signed in."""

    code = "not-signed-in"


class EntryError(FieldError):
    """Something cannot be written down like this; nothing was recorded."""

    code = "entry"


class EntryInvalidError(EntryError):
    """A field that the kind does not take; the message names it."""

    code = "entry-invalid"


class NoCaseError(EntryError):
    """The record names no case."""

    code = "no-case"


class ActionUnknownError(EntryError):
    """No such action on this device, or it is not clear which is meant."""

    code = "action-unknown"


class ActionStateError(EntryError):
    """The action does not take this: it is over, of another type, or of another case."""

    code = "action-state"


class TransportError(FieldError):
    """No usable answer came: unreachable, cut or timed out."""

    code = "offline"
    transient = True


class ContractError(FieldError):
    """The server answered something that the contract does not know."""

    code = "contract"


class TrustError(FieldError):
    """Something signed does not hold: receipt, ticket, clock reading or key list."""

    code = "trust"


class ApiError(FieldError):
    """The server refused. `slug` is the problem's type without its prefix."""

    code = "api"

    def __init__(
        self,
        status: int,
        slug: str,
        title: str = "",
        *,
        title_zh: str = "",
        detail: str = "",
        problem: Mapping[str, Any] | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(detail or title or f"HTTP {status}")
        self.status = status
        self.slug = slug
        self.code = slug
        self.title = title
        self.title_zh = title_zh
        self.detail = detail
        self.problem: Mapping[str, Any] = problem or {}
        self.retry_after_seconds = retry_after_seconds


class AuthenticationError(ApiError):
    """401: token or proof is not accepted."""


class PermissionDeniedError(ApiError):
    """403: known, but not allowed."""


class NotFoundError(ApiError):
    """404: not there, or not visible."""


class ConflictError(ApiError):
    """409, 412, 428: the state has moved on."""


class GoneError(ApiError):
    """410: expired."""


class InvalidRequestError(ApiError):
    """Another 4xx: sending the same again will not help."""


class RateLimitedError(ApiError):
    """408, 423, 425, 429: later."""

    transient = True


class ServerError(ApiError):
    """5xx: the server's trouble; later."""

    transient = True


_BY_STATUS: Final[Mapping[int, type[ApiError]]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: RateLimitedError,
    409: ConflictError,
    410: GoneError,
    412: ConflictError,
    423: RateLimitedError,
    425: RateLimitedError,
    428: ConflictError,
    429: RateLimitedError,
}


def api_error(
    status: int, problem: Mapping[str, Any], retry_after_seconds: float | None = None
) -> ApiError:
    """The error for a status and its problem document (empty when there was none)."""
    server_side = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    kind = _BY_STATUS.get(status, ServerError if server_side else InvalidRequestError)
    slug = str(problem.get("type") or "").removeprefix(PROBLEM_PREFIX) or f"http-{status}"
    return kind(
        status,
        slug,
        str(problem.get("title") or ""),
        title_zh=str(problem.get("title_zh") or ""),
        detail=str(problem.get("detail") or ""),
        problem=problem,
        retry_after_seconds=retry_after_seconds,
    )
