"""Every route is declared, permitted, strict, recorded and documented; no exception is silent."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from dataclasses import fields as dataclass_fields
from typing import Any

import marshmallow
import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from deploy import settings_table
from server.app import create_app
from server.audit import service as audit
from server.core import openapi
from server.core.openapi_by_hand import ADDITIONS, RECORD_PROBLEMS
from server.core.openapi_words import SUMMARIES_ZH, TAGS
from server.core.permissions import ROLE_PERMISSIONS, TOKEN_PERMISSIONS, Permission
from server.core.problem import Kind
from server.settings import PREFIX, Settings
from tests.meta.tree import ROOT

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
# Unsafe by method, yet nothing that a log entry would tell; each with its reason.
UNRECORDED = {
    "POST /api/v1/blobs/missing": "a question with a long body",
    "POST /api/v1/dock/matches": "a question with a long body; nothing is kept",
    "POST /api/v1/review-queue/preview": "a question with a long body; nothing is decided",
    "POST /api/v1/me/totp": "a secret that is in force only once it is confirmed",
    "POST /api/v1/notices/read": "which hints somebody has seen",
    "PUT /api/v1/notices/preferences": "which hints somebody wants",
}


# Held by people, not asked for yet; each with its reason.
@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The application as it is served, without a database behind it."""
    folder = tmp_path_factory.mktemp("routes")
    return create_app(Settings(data_dir=folder, log_level="error"))


@pytest.fixture(scope="module")
def document(app: Flask) -> dict[str, Any]:
    """Its OpenAPI document."""
    return openapi.build(app, "http://localhost")


def operations(app: Flask) -> list[openapi.Operation]:
    return list(openapi.operations(app))


def test_every_route_declares_itself(app: Flask) -> None:
    bare = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
        and not hasattr(app.view_functions[rule.endpoint], "endpoint_spec")
    ]
    assert bare == []
    assert operations(app)


def test_every_route_says_in_one_sentence_what_it_does(app: Flask) -> None:
    silent = [one.key for one in operations(app) if not one.spec.summary]
    assert silent == []


def test_every_permission_of_a_route_is_held_by_someone(app: Flask) -> None:
    held = set[Permission]().union(*ROLE_PERMISSIONS.values(), *TOKEN_PERMISSIONS.values())
    used = {one.spec.permission for one in operations(app)} - {Permission.PUBLIC}
    assert used - held == set()


def test_every_permission_is_held_by_someone_and_used_by_a_route(app: Flask) -> None:
    held = set[Permission]().union(*ROLE_PERMISSIONS.values(), *TOKEN_PERMISSIONS.values())
    assert set(Permission) - {Permission.PUBLIC} == held
    asked = {one.spec.permission for one in operations(app)} | set(asked_in_code())
    assert held - asked == set()


def asked_in_code() -> Iterator[Permission]:
    """Permissions that a policy asks for by name, besides the routes."""
    text = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "server").rglob("*.py")
        if path.name != "permissions.py"
    )
    for permission in Permission:
        if f"Permission.{permission.name}" in text:
            yield permission


def test_only_these_routes_are_public(app: Flask) -> None:
    public = {one.key for one in operations(app) if one.spec.permission is Permission.PUBLIC}
    assert public == {
        "GET /",
        "GET /docs",
        "GET /healthz",
        "GET /metrics",
        "GET /readyz",
        "GET /time-qr",
        "GET /log/checkpoint",
        "GET /log/tile/{level}/{number}",
        "GET /log/tile/entries/{number}",
        "GET /api/v1/log/consistency",
        "GET /api/v1/log/proofs/{log_index}",
        "GET /api/v1/log/state",
        "GET /api/v1/openapi.json",
        "GET /api/v1/server",
        "GET /api/v1/time-qr",
        "GET /api/v1/time-qr.svg",
        "POST /api/v1/auth/token",
        "POST /api/v1/devices/enrol",
        "OPTIONS /api/v1/uploads",
        "OPTIONS /api/v1/uploads/{upload_id}",
    }


def schemas_of(app: Flask) -> dict[str, type[marshmallow.Schema]]:
    found = {}
    for one in operations(app):
        for schema in (one.spec.load, one.spec.query):
            if schema is not None:
                found[f"{one.key} {schema.__name__}"] = schema
    return found


def test_unknown_fields_are_refused_everywhere(app: Flask) -> None:
    lenient = [
        name
        for name, schema in schemas_of(app).items()
        for part in nested(schema())
        if part.unknown != marshmallow.RAISE
    ]
    assert lenient == []


def test_an_unknown_field_really_raises(app: Flask) -> None:
    for name, schema in schemas_of(app).items():
        errors = schema().validate({"no_such_field": 1})
        assert "no_such_field" in errors, name


def nested(schema: marshmallow.Schema) -> Iterator[marshmallow.Schema]:
    """The schema and every schema inside it."""
    yield schema
    for field in schema.fields.values():
        inner = field.inner if isinstance(field, marshmallow.fields.List) else field
        if isinstance(inner, marshmallow.fields.Nested):
            yield from nested(inner.schema)


def test_every_write_is_recorded(app: Flask) -> None:
    unsafe = [one for one in operations(app) if one.method in UNSAFE]
    silent = [one.key for one in unsafe if not reaches(one.view, audit.record)]
    assert sorted(set(silent)) == sorted(set(UNRECORDED) & {one.key for one in unsafe})


def test_a_read_of_evidence_is_recorded(app: Flask) -> None:
    reads = [one for one in operations(app) if one.spec.reads_evidence and one.method == "GET"]
    assert reads
    assert [one.key for one in reads if not reaches(one.view, audit.record)] == []


def test_the_finder_of_records_is_not_content_with_everything(app: Flask) -> None:
    views = {one.key: one.view for one in operations(app)}
    assert not reaches(views["GET /api/v1/cases"], audit.record)
    assert reaches(views["POST /api/v1/cases"], audit.record)


def reaches(view: Any, wanted: Any) -> bool:
    """Whether a function of the server that the view names, directly or not, is ``wanted``.

    Names are followed, not calls, so this finds a forgotten record, not a conditional one.
    """
    waiting, seen = [inspect.unwrap(view)], set()
    while waiting:
        function = waiting.pop()
        if function is wanted:
            return True
        if function in seen:
            continue
        seen.add(function)
        waiting += [one for one in named_by(function) if one not in seen]
    return False


def named_by(function: types.FunctionType) -> Iterator[types.FunctionType]:
    """Functions of the server whose names occur in a function's code, methods included."""
    names = set(code_names(function.__code__))
    for name, value in function.__globals__.items():
        if not of_the_server(value):
            continue
        if inspect.isclass(value):
            # The object may come from anywhere; its class is known to the module.
            yield from methods(value, None if name in names else names)
        elif name in names and inspect.isfunction(value):
            yield inspect.unwrap(value)
        elif name in names and inspect.ismodule(value):
            for inner in names:
                found = vars(value).get(inner)
                if inspect.isfunction(found):
                    yield inspect.unwrap(found)
                elif inspect.isclass(found) and of_the_server(found):
                    yield from methods(found, None)


def methods(kind: type, names: set[str] | None) -> Iterator[types.FunctionType]:
    for name, value in vars(kind).items():
        if inspect.isfunction(value) and (names is None or name in names):
            yield value


def of_the_server(value: Any) -> bool:
    named = value.__name__ if inspect.ismodule(value) else getattr(value, "__module__", None)
    return isinstance(named, str) and named.startswith("server.")


def code_names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from code_names(constant)


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_the_document_covers_every_route(app: Flask, document: dict[str, Any]) -> None:
    described = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert described == {one.key for one in operations(app)}


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
    ]
    assert len(names) == len(set(names))


def test_every_operation_lists_permission_and_problems(document: dict[str, Any]) -> None:
    slugs = {kind.slug for kind in Kind}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["x-permission"], (path, method)
            assert operation["x-callers"], (path, method)
            listed = [
                slug
                for answer in operation["responses"].values()
                for slug in answer.get("x-problems", ())
            ]
            assert listed, (path, method)
            assert set(listed) <= slugs


def test_every_edit_of_a_version_asks_for_it(app: Flask, document: dict[str, Any]) -> None:
    wanted = {"$ref": "#/components/parameters/IfMatch"}
    for one in operations(app):
        edits = one.method == "PATCH" and one.tag != "uploads"
        described = document["paths"][one.path][one.method.lower()]
        assert (wanted in described["parameters"]) or not edits, one.key
        assert one.tag != "uploads" or wanted not in described["parameters"]


def test_every_problem_belongs_to_an_operation(document: dict[str, Any]) -> None:
    listed = {
        slug
        for methods in document["paths"].values()
        for operation in methods.values()
        for answer in operation["responses"].values()
        for slug in answer.get("x-problems", ())
    }
    of_no_operation = {
        Kind.METHOD_NOT_ALLOWED,  # of a path, not of what it offers
        Kind.FOREIGN_ORIGIN,  # of pages with a session, which come with the console
        Kind.GONE,
        Kind.TOO_MANY_REQUESTS,
        Kind.AUDIT_UNAVAILABLE,
        *RECORD_PROBLEMS,  # of one record of a push, inside of its answer
    }
    assert {kind for kind in Kind if kind.slug not in listed} <= of_no_operation


def test_words_by_hand_belong_to_routes_that_exist(app: Flask) -> None:
    keys = {one.key for one in operations(app)}
    assert set(ADDITIONS) - keys == set()
    assert set(SUMMARIES_ZH) - keys == set()


def test_every_route_and_slice_speaks_chinese(app: Flask) -> None:
    found = operations(app)
    assert [one.key for one in found if one.key not in SUMMARIES_ZH] == []
    assert {one.tag for one in found} - set(TAGS) == set()


def test_every_problem_speaks_both_languages() -> None:
    for kind in Kind:
        assert kind.value.title.isascii(), kind
        assert any("\u4e00" <= one <= "\u9fff" for one in kind.value.title_zh), kind


def test_every_setting_is_in_the_table() -> None:
    table = settings_table.table()
    for entry in dataclass_fields(Settings):
        assert f"`{PREFIX}{entry.name.upper()}`" in table
        assert entry.metadata["doc"]


def test_the_readme_has_the_table() -> None:
    readme = ROOT / "README.md"
    if readme.exists():
        text = readme.read_text(encoding="utf-8")
        assert settings_table.between_marks(text) == settings_table.table(), (
            "run: python -m deploy.settings_table --write README.md"
        )
        assert settings_table.written(text) == text


def test_no_secret_default() -> None:
    secrets = [entry for entry in dataclass_fields(Settings) if entry.metadata["secret"]]
    assert secrets
    assert all(entry.default == "" for entry in secrets)


def test_pages_load_and_run_nothing() -> None:
    pages = sorted((ROOT / "server" / "templates").glob("*.html"))
    assert pages
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for foreign in ("<script", "<link", "<img", "url(", "http://", "https://"):
            assert foreign not in text, (page.name, foreign)
