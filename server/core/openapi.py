"""The OpenAPI 3.1 document, made from what the routes declare; nothing is written down twice.

Each view carries an :class:`~server.core.endpoint.EndpointSpec`; its marshmallow schemas become
component schemas, its permission the security requirement, its shape the list of problems.  Words
and the few operations that carry bytes are added from ``openapi_words`` and ``openapi_by_hand``.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import make_schema_key
from flask import Flask
from marshmallow import RAISE
from werkzeug.routing import Rule

from server.core import replies
from server.core.endpoint import EndpointSpec
from server.core.openapi_by_hand import ADDITIONS, Addition
from server.core.openapi_words import ABOUT, SUMMARIES_ZH, TAGS
from server.core.permissions import (
    ROLE_PERMISSIONS,
    TOKEN_PERMISSIONS,
    Permission,
    Role,
    TokenKind,
)
from server.core.problem import URN, Kind

API_VERSION: Final = "1.0.0"
PROBLEM_TYPE: Final = "application/problem+json"
_UNSPOKEN: Final = frozenset({"HEAD", "OPTIONS"})
_UNSAFE: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_VARIABLE = re.compile(r"<(?:(?P<kind>\w+)(?:\([^)]*\))?:)?(?P<name>\w+)>")
_REFERENCE = re.compile(r"#/components/schemas/(\w+)")
_PATH_TYPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "uuid": {"type": "string", "format": "uuid"},
    "int": {"type": "integer", "minimum": 0},
}
_CREDENTIALS: Final = (
    Kind.UNAUTHENTICATED, Kind.USE_DPOP_NONCE, Kind.PROOF_INVALID, Kind.PROOF_REPLAYED,
    Kind.TOKEN_INVALID, Kind.TOKEN_EXPIRED, Kind.TOKEN_WRONG_TYPE, Kind.DEVICE_REVOKED,
    Kind.SESSION_REVOKED, Kind.FORBIDDEN, Kind.PASSWORD_CHANGE_REQUIRED,
)  # fmt: skip
_BODY: Final = (
    Kind.MALFORMED_JSON, Kind.MALFORMED_REQUEST, Kind.VALIDATION, Kind.BODY_TOO_LARGE,
    Kind.UNSUPPORTED_MEDIA_TYPE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, as its route declares it."""

    method: str
    path: str
    rule: Rule
    tag: str
    view: Callable[..., Any]
    spec: EndpointSpec

    @property
    def key(self) -> str:
        """``GET /api/v1/cases/{case_id}``."""
        return f"{self.method} {self.path}"


def operations(app: Flask) -> Iterator[Operation]:
    """Every declared operation of the application, by path and method."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        view = app.view_functions[rule.endpoint]
        spec = getattr(view, "endpoint_spec", None)
        if spec is None or spec.page:
            continue
        tag = rule.endpoint.partition(".")[0]
        path = _VARIABLE.sub(r"{\g<name>}", rule.rule)
        # Flask adds HEAD and OPTIONS; where they stand alone somebody declared them.
        given = rule.methods or set()
        for method in sorted(given - _UNSPOKEN or given):
            yield Operation(method, path, rule, tag, view, spec)


def build(app: Flask, public_url: str) -> dict[str, Any]:
    """The document of all declared routes, JSON-ready."""
    names = _Names()
    document = APISpec(
        title=ABOUT.title, version=API_VERSION, openapi_version="3.1.0",
        plugins=[MarshmallowPlugin(schema_name_resolver=names)],
        info={"description": ABOUT.description, "license": dict(ABOUT.license)},
        servers=[{"url": public_url}],
    )  # fmt: skip
    _add_components(document)
    used = list(operations(app))
    for tag in dict.fromkeys(operation.tag for operation in used):
        words = TAGS.get(tag)
        described = (
            {"description": f"{words.en} {words.zh}", "x-en": words.en, "x-zh": words.zh}
            if words
            else {}
        )
        document.tag({"name": tag, **described})
    taken: set[str] = set()
    for operation in used:
        described = _operation(operation)
        described["operationId"] = _unique(described["operationId"], taken)
        document.path(path=operation.path, operations={operation.method.lower(): described})
    whole: dict[str, Any] = document.to_dict()
    _close(whole, names.strict)
    return whole


class _Names:
    """Gives each schema a component name of its own; same-named ones of two slices get numbers."""

    def __init__(self) -> None:
        self._keys: dict[str, Any] = {}
        self.strict: set[str] = set()

    def __call__(self, schema: Any) -> str:
        made = schema() if isinstance(schema, type) else schema
        key, base = make_schema_key(made), type(made).__name__.removesuffix("Schema")
        name, number = base, 2
        while self._keys.setdefault(name, key) != key:
            name, number = f"{base}{number}", number + 1
        if made.unknown == RAISE:
            self.strict.add(name)
        return name


def _operation(operation: Operation) -> dict[str, Any]:
    spec = operation.spec
    addition = ADDITIONS.get(operation.key, Addition())
    described: dict[str, Any] = {
        "tags": [operation.tag],
        "operationId": _operation_id(operation),
        "summary": spec.summary,
        "x-permission": spec.permission.value,
        "x-callers": callers(spec.permission),
        "security": _security(operation),
        "parameters": [*_parameters(operation), *addition.parameters],
        "responses": {**_success(operation), **_problems(operation), **addition.responses},
    }
    if operation.key in SUMMARIES_ZH:
        described["x-summary-zh"] = SUMMARIES_ZH[operation.key]
    if addition.description:
        described["description"] = addition.description
    if spec.load is not None:
        described["requestBody"] = {
            "required": any(field.required for field in spec.load().fields.values()),
            "content": {"application/json": {"schema": spec.load}},
        }
    elif addition.request_body:
        described["requestBody"] = dict(addition.request_body)
    return described


def _operation_id(operation: Operation) -> str:
    name = operation.rule.endpoint.replace(".", "-")
    several = len((operation.rule.methods or set()) - _UNSPOKEN) > 1
    return f"{name}-{operation.method.lower()}" if several else name


def _unique(name: str, taken: set[str]) -> str:
    """A view that serves two paths has two operations."""
    number, free = 2, name
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    taken.add(free)
    return free


def callers(permission: Permission) -> list[str]:
    """Roles and kinds of token that hold a permission."""
    if permission is Permission.PUBLIC:
        return ["anyone"]
    roles = [role.value for role in Role if permission in ROLE_PERMISSIONS[role]]
    tokens = [
        f"{kind.value} token"
        for kind in TokenKind
        if permission in TOKEN_PERMISSIONS.get(kind, frozenset())
    ]
    return roles + tokens


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    permission = operation.spec.permission
    if permission is Permission.PUBLIC:
        return []
    ways: list[dict[str, list[str]]] = [{"DPoP": [], "DPoPProof": []}]
    if permission in TOKEN_PERMISSIONS[TokenKind.UPLOAD]:
        ways.append({"UploadToken": []})
    return ways


def _parameters(operation: Operation) -> list[Any]:
    spec = operation.spec
    found: list[Any] = [
        {
            "name": match["name"],
            "in": "path",
            "required": True,
            "schema": _PATH_TYPES.get(match["kind"] or "", {"type": "string"}),
        }
        for match in _VARIABLE.finditer(operation.rule.rule)
    ]
    if spec.query is not None:
        found.append({"in": "query", "schema": spec.query})
    if spec.reads_evidence:
        found.append("Purpose")
    if _compares_versions(operation):
        found.append("IfMatch")
    if operation.method == "POST" and spec.idempotent and spec.permission is not Permission.PUBLIC:
        found.append("IdempotencyKey")
    return found


def _compares_versions(operation: Operation) -> bool:
    """A view that asks for If-Match calls ``require_version``, itself or one function down."""
    view = inspect.unwrap(operation.view)
    helpers = [view.__globals__.get(name) for name in view.__code__.co_names]
    own = [one for one in helpers if inspect.isfunction(one) and one.__module__ == view.__module__]
    return any(_calls_require_version(one) for one in [view, *own])


def _calls_require_version(function: Callable[..., Any]) -> bool:
    names, known = set(function.__code__.co_names), function.__globals__
    if "require_version" not in names:
        return False
    by_name = known.get("require_version") is replies.require_version
    return by_name or ("replies" in names and known.get("replies") is replies)


def _success(operation: Operation) -> dict[str, Any]:
    spec = operation.spec
    extra = {str(code): {"description": text} for code, text in spec.responses.items()}
    if spec.dump is None:
        status = spec.status
        return {str(status): {"description": spec.summary or "Done"}, **extra}
    schema: Any = spec.dump
    headers: dict[str, Any] = {}
    if _returns_page(operation.view):
        schema = {
            "type": "object",
            "required": ["items", "next_cursor"],
            "properties": {
                "items": {"type": "array", "items": spec.dump},
                "next_cursor": {"type": ["string", "null"]},
            },
        }
        headers["Link"] = {"$ref": "#/components/headers/Link"}
    elif "version" in spec.dump().fields:
        headers["ETag"] = {"$ref": "#/components/headers/ETag"}
    response: dict[str, Any] = {
        "description": spec.summary or "Done",
        "content": {"application/json": {"schema": schema}},
    }
    if headers:
        response["headers"] = headers
    return {str(spec.status): response, **extra}


def _returns_page(view: Callable[..., Any]) -> bool:
    returned = inspect.unwrap(view).__annotations__.get("return", "")
    return str(returned).startswith("Page[")


def _problems(operation: Operation) -> dict[str, Any]:
    """Problems that follow from the shape of the operation, one response for each status."""
    by_status: dict[int, list[Kind]] = {}
    for kind in _kinds(operation):
        listed = by_status.setdefault(kind.value.status, [])
        if kind not in listed:
            listed.append(kind)
    return {str(status): _problem_response(kinds) for status, kinds in sorted(by_status.items())}


def _kinds(operation: Operation) -> Iterator[Kind]:
    spec = operation.spec
    yield Kind.INTERNAL
    if not operation.path.startswith("/api/"):
        return
    yield from (Kind.UNAVAILABLE, Kind.BUSY)
    if spec.permission is not Permission.PUBLIC:
        yield from _CREDENTIALS
    if "<" in operation.rule.rule:
        yield Kind.NOT_FOUND
    if spec.load is not None:
        yield from _BODY
    elif spec.query is not None:
        yield Kind.VALIDATION
    if spec.query is not None and "cursor" in spec.query().fields:
        yield Kind.CURSOR_INVALID
    if operation.method in _UNSAFE:
        yield Kind.CONFLICT
    if operation.method == "POST" and spec.idempotent:
        yield Kind.IDEMPOTENCY_KEY_REUSED
    if _compares_versions(operation):
        yield from (Kind.PRECONDITION_FAILED, Kind.PRECONDITION_REQUIRED)
    yield from ADDITIONS.get(operation.key, Addition()).problems


def _problem_response(kinds: list[Kind]) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": "; ".join(f"{kind.slug}: {kind.value.title}" for kind in kinds),
        "x-problems": [kind.slug for kind in kinds],
        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if any(kind.value.retry_after_seconds for kind in kinds):
        response["headers"] = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}
    return response


def _add_components(document: APISpec) -> None:
    components = document.components
    components.schema(
        "Problem",
        {
            "type": "object",
            "description": "RFC 9457; some problems carry further members.",
            "required": ["type", "title", "title_zh", "status"],
            "properties": {
                "type": {"type": "string", "enum": [URN + kind.slug for kind in Kind]},
                "title": {"type": "string"},
                "title_zh": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                "instance": {"type": "string", "description": "urn of the request id"},
                "errors": {"type": "object", "description": "by field, for validation"},
            },
            "additionalProperties": True,
        },
    )
    for name, header in ABOUT.headers.items():
        components.header(name, {"description": header, "schema": {"type": "string"}})
    for name, parameter in ABOUT.parameters.items():
        components.parameter(
            name, "header", {**parameter, "schema": {"type": "string"}, "in": "header"}
        )
    for name, scheme in ABOUT.security.items():
        components.security_scheme(name, dict(scheme))


def _close(document: Mapping[str, Any], strict: set[str]) -> None:
    """Requests refuse unknown fields; answers may gain fields, and clients have to bear it."""
    schemas: dict[str, dict[str, Any]] = document["components"]["schemas"]
    sent: set[str] = set()
    waiting = [
        operation["requestBody"]
        for path in document["paths"].values()
        for operation in path.values()
        if "requestBody" in operation
    ]
    while waiting:
        new = set(_REFERENCE.findall(json.dumps(waiting.pop()))) - sent
        sent |= new
        waiting += [schemas[name] for name in new]
    for name in strict:
        schemas[name].pop("additionalProperties", None)
        if name in sent:
            schemas[name]["additionalProperties"] = False


__all__ = ["API_VERSION", "Operation", "build", "callers", "operations"]
