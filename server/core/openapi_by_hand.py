"""Operations that carry bytes or headers instead of JSON: what their declaration cannot say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from server.core.problem import Kind


@dataclass(frozen=True, slots=True)
class Addition:
    """What is added to one operation."""

    description: str = ""
    parameters: tuple[Mapping[str, Any], ...] = ()
    request_body: Mapping[str, Any] | None = None
    responses: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Kind, ...] = ()


def _header(name: str, text: str, *, required: bool = False, example: str = "") -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    given = {"name": name, "in": "header", "required": required, "description": text}
    return {**given, "schema": schema, **({"example": example} if example else {})}


def _answer(text: str, *headers: str, media: str = "") -> dict[str, Any]:
    answer: dict[str, Any] = {"description": text}
    if headers:
        answer["headers"] = {name: {"schema": {"type": "string"}} for name in headers}
    if media:
        binary = {} if media.startswith(("text/", "application/json")) else {"format": "binary"}
        answer["content"] = {media: {"schema": {"type": "string", **binary}}}
    return answer


def _json(text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": dict(schema)}}}


def _bytes(media: str, *, required: bool) -> dict[str, Any]:
    schema = {"type": "string", "format": "binary"}
    return {"required": required, "content": {media: {"schema": schema}}}


_TUS: Final = _header("Tus-Resumable", "version of the protocol", required=True, example="1.0.0")
_OFFSET: Final = _header("Upload-Offset", "where these bytes begin", required=True, example="0")
_CHECKSUM: Final = _header("Upload-Checksum", "sha1 or sha256, a space, base64 of the digest")
_OFFSET_TYPE: Final = "application/offset+octet-stream"
_UPLOAD_PROBLEMS: Final = (
    Kind.TUS_VERSION, Kind.UPLOAD_BUSY, Kind.UPLOAD_GONE, Kind.NO_SPACE, Kind.MALFORMED_REQUEST,
)  # fmt: skip
_BYTES_PROBLEMS: Final = (
    Kind.OFFSET_CONFLICT, Kind.LENGTH_EXCEEDED, Kind.CHECKSUM_MISMATCH, Kind.CHECKSUM_UNSUPPORTED,
    Kind.DIGEST_MISMATCH, Kind.UNSUPPORTED_MEDIA_TYPE, Kind.UPLOAD_STALLED,
)  # fmt: skip
_DESCRIBED: Final = Addition(
    responses={
        "204": _answer(
            "Versions and extensions",
            "Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm",
        )
    }
)  # fmt: skip
_ONE: Final = "/api/v1/uploads/{upload_id}"
_RANGE: Final = _header("Range", "bytes=first-last", example="bytes=0-1023")
_READ_PROBLEMS: Final = (Kind.CONTENT_MISSING, Kind.RANGE_NOT_SATISFIABLE)
RECORD_PROBLEMS: Final = tuple(kind for kind in Kind if kind.name.startswith("RECORD_"))
_SIGN_IN: Final = (
    Kind.CREDENTIALS_INVALID, Kind.TOTP_REQUIRED, Kind.ACCOUNT_LOCKED, Kind.USE_DPOP_NONCE,
    Kind.PROOF_INVALID, Kind.PROOF_REPLAYED, Kind.DEVICE_REVOKED, Kind.SESSION_REVOKED,
)  # fmt: skip
_PAGE: Final = MappingProxyType({"200": _answer("A page", media="text/html")})
_PART: Final = {
    "type": "object",
    "required": ["ok"],
    "properties": {"ok": {"type": "boolean"}, "detail": {"type": "string"}},
}
_READINESS: Final = {
    "type": "object",
    "required": ["ready", "time", "parts"],
    "properties": {
        "ready": {"type": "boolean"},
        "time": {"type": "string", "format": "date-time"},
        "parts": {"type": "object", "additionalProperties": _PART},
    },
}

ADDITIONS: Final[Mapping[str, Addition]] = MappingProxyType(
    {
        "POST /api/v1/auth/token": Addition(problems=_SIGN_IN),
        "POST /api/v1/devices/enrol": Addition(problems=(Kind.ENROLMENT_CODE_INVALID,)),
        "POST /api/v1/me/password": Addition(problems=(Kind.CREDENTIALS_INVALID,)),
        "POST /api/v1/cases": Addition(problems=(Kind.CASE_NO_INVALID,)),
        "POST /api/v1/cases/{case_id}/entries": Addition(
            description="A closed gate names what is `missing`.",
            problems=(Kind.GATE_CLOSED, Kind.LISTING_REFUSED),
        ),
        "POST /api/v1/evidence/{evidence_id}/review": Addition(problems=(Kind.CONTENT_MISSING,)),
        "POST /api/v1/bundles": Addition(
            description="The reason says which rule of docs/bundle-format.md does not hold.",
            problems=(Kind.BUNDLE_INVALID,),
        ),
        "GET /api/v1/bundles/{sha256}/receipts": Addition(problems=(Kind.BUNDLE_INVALID,)),
        "GET /api/v1/sync/pull": Addition(problems=(Kind.CURSOR_EXPIRED,)),
        "GET /api/v1/receipts": Addition(problems=(Kind.CURSOR_EXPIRED,)),
        "POST /api/v1/sync/push": Addition(
            description="One bad record never spoils the batch; the problem of a record is one of "
            + ", ".join(kind.slug for kind in RECORD_PROBLEMS)
            + ".",
            problems=(Kind.TOO_MANY_RECORDS,),
        ),
        "OPTIONS /api/v1/uploads": _DESCRIBED,
        f"OPTIONS {_ONE}": _DESCRIBED,
        "POST /api/v1/uploads": Addition(
            description=(
                "tus 1.0.0: creation, creation-with-upload, creation-defer-length, checksum, "
                "expiration, termination, concatenation. The same Idempotency-Key or Upload-Tag "
                "finds the same upload, so a lost answer makes no second one."
            ),
            parameters=(
                _TUS,
                _header("Upload-Length", "size in bytes; or Upload-Defer-Length: 1", example="3"),
                _header("Upload-Defer-Length", "1 while the size is not known"),
                _header(
                    "Upload-Metadata",
                    "keys with base64 values: sha256 (hex text), filename (bytes), filetype",
                    example="filename eC5qcGc=",
                ),
                _header("Upload-Concat", "partial, or final; with the addresses of the parts"),
                _header("Upload-Tag", "as Idempotency-Key, for clients that send it"),
                _CHECKSUM,
            ),
            request_body=_bytes(_OFFSET_TYPE, required=False),
            responses={
                "201": _answer("Made, or found", "Location", "Upload-Offset", "Upload-Expires")
            },
            problems=(
                *_UPLOAD_PROBLEMS,
                *_BYTES_PROBLEMS,
                Kind.LENGTH_REQUIRED,
                Kind.UPLOAD_TOO_LARGE,
                Kind.UPLOAD_METADATA_INVALID,
                Kind.DIGEST_REQUIRED,
                Kind.DIGEST_NOT_DECLARED,
                Kind.CONCAT_INVALID,
                Kind.QUOTA_EXCEEDED,
            ),
        ),
        f"HEAD {_ONE}": Addition(
            description="The offset is durable: it is synced before it is told.",
            parameters=(_TUS,),
            responses={
                "200": _answer(
                    "Where it stands",
                    "Upload-Offset",
                    "Upload-Length",
                    "Upload-Metadata",
                    "Upload-Expires",
                )
            },
            problems=_UPLOAD_PROBLEMS,
        ),
        f"PATCH {_ONE}": Addition(
            description=(
                "Every byte received is kept when the connection breaks; with Upload-Checksum an "
                "interrupted chunk is dropped. The last byte is answered when the whole is "
                "hashed, compared and stored."
            ),
            parameters=(_TUS, _OFFSET, _CHECKSUM, _header("Upload-Length", "once, when deferred")),
            request_body=_bytes(_OFFSET_TYPE, required=True),
            responses={"204": _answer("Durable up to here", "Upload-Offset", "Upload-Expires")},
            problems=(*_UPLOAD_PROBLEMS, *_BYTES_PROBLEMS, Kind.UPLOAD_TOO_LARGE),
        ),
        f"DELETE {_ONE}": Addition(
            description="The partial is set aside, not unlinked.",
            parameters=(_TUS,),
            responses={"204": _answer("Ended")},
            problems=_UPLOAD_PROBLEMS,
        ),
        f"POST {_ONE}": Addition(
            parameters=(
                _TUS,
                _header(
                    "X-HTTP-Method-Override",
                    "PATCH, HEAD or DELETE",
                    required=True,
                    example="PATCH",
                ),
                _header("Upload-Offset", "for PATCH", example="0"),
            ),
            request_body=_bytes(_OFFSET_TYPE, required=False),
            responses={"204": _answer("As the method that was meant", "Upload-Offset")},
            problems=(*_UPLOAD_PROBLEMS, *_BYTES_PROBLEMS),
        ),
        "GET /api/v1/evidence/{evidence_id}/content": Addition(
            parameters=(_RANGE,),
            responses={
                "200": _answer("All bytes", "ETag", "Accept-Ranges", media="*/*"),
                "206": _answer("A range", "Content-Range", media="*/*"),
            },
            problems=(*_READ_PROBLEMS, Kind.PURPOSE_REQUIRED),
        ),
        "GET /api/v1/evidence/{evidence_id}/derivatives/{name}": Addition(
            parameters=(_RANGE,),
            responses={"200": _answer("The picture or data", "ETag", media="*/*")},
            problems=_READ_PROBLEMS,
        ),
        "GET /api/v1/time-qr.svg": Addition(
            responses={"200": _answer("The picture", media="image/svg+xml")}
        ),
        "GET /log/checkpoint": Addition(
            responses={"200": _answer("A signed note", media="text/plain")}
        ),
        "GET /log/tile/{level}/{number}": Addition(
            responses={"200": _answer("Hashes", media="application/octet-stream")}
        ),
        "GET /log/tile/entries/{number}": Addition(
            responses={"200": _answer("Entries", media="application/octet-stream")}
        ),
        "GET /api/v1/log/proofs/{log_index}": Addition(
            responses={"200": _answer("A tlog-proof", media="text/plain")},
            problems=(Kind.LOG_DAMAGED,),
        ),
        "GET /time-qr": Addition(responses=_PAGE),
        "GET /": Addition(responses=_PAGE),
        "GET /docs": Addition(responses=_PAGE),
        "GET /metrics": Addition(
            responses={"200": _answer("Prometheus text", media="text/plain")},
            problems=(Kind.FORBIDDEN,),
        ),
        "GET /healthz": Addition(
            responses={
                "200": _json(
                    "It lives", {"type": "object", "properties": {"status": {"const": "ok"}}}
                )
            }
        ),
        "GET /readyz": Addition(
            responses={
                "200": _json("Every part is well", _READINESS),
                "503": _json("A part is red", _READINESS),
            }
        ),
        "GET /api/v1/openapi.json": Addition(
            responses={"200": _json("OpenAPI 3.1", {"type": "object"})}
        ),
    }
)
