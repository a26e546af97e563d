"""The OpenAPI document as tables for a page: pure, from the document alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

METHODS: Final = ("get", "post", "put", "patch", "delete", "head", "options")
_SCHEMAS: Final = "#/components/schemas/"
_LIMITS: Final = (
    ("minLength", "≥ {} chars"), ("maxLength", "≤ {} chars"), ("minimum", "≥ {}"),
    ("maximum", "≤ {}"), ("minItems", "≥ {} items"), ("maxItems", "≤ {} items"),
    ("pattern", "{}"), ("default", "default {}"),
)  # fmt: skip
_EXAMPLES: Final[Mapping[str, Any]] = {
    "uuid": "019a0000-0000-7000-8000-000000000000",
    "date": "2026-03-02",
    "date-time": "2026-03-02T09:00:00+08:00",
}
_DEPTH_MAX: Final = 6


@dataclass(frozen=True, slots=True)
class Row:
    """A parameter or a property; ``refs`` are names of schemas its type mentions."""

    name: str
    place: str
    type: str
    refs: tuple[str, ...]
    required: bool
    note: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of an operation."""

    status: str
    text: str
    type: str
    refs: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    permission: str
    callers: tuple[str, ...]
    parameters: tuple[Row, ...]
    body: str
    body_refs: tuple[str, ...]
    answers: tuple[Answer, ...]
    curl: str


@dataclass(frozen=True, slots=True)
class Group:
    """The operations of one slice."""

    name: str
    words: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A component schema."""

    name: str
    words: str
    closed: bool
    rows: tuple[Row, ...]


def groups(document: Mapping[str, Any], lang: str) -> list[Group]:
    """Operations by slice, in the order of the document's tags; ``lang`` is ``zh`` or ``en``."""
    found: dict[str, list[Entry]] = {tag["name"]: [] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                found[operation["tags"][0]].append(_entry(document, method, path, operation, lang))
    words = {
        tag["name"]: tag.get("x-zh", "") if lang == "zh" else tag.get("x-en", "")
        for tag in document["tags"]
    }
    return [Group(name, words[name], tuple(entries)) for name, entries in found.items() if entries]


def tables(document: Mapping[str, Any]) -> list[Table]:
    """Every component schema with its properties."""
    return [
        Table(
            name,
            schema.get("description", ""),
            schema.get("additionalProperties") is False,
            tuple(
                _property(key, value, key in schema.get("required", ()))
                for key, value in schema.get("properties", {}).items()
            ),
        )
        for name, schema in sorted(document["components"]["schemas"].items())
    ]


def _entry(
    document: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any], lang: str
) -> Entry:
    content = operation.get("requestBody", {}).get("content", {})
    media, body = _first(content)
    text, refs = _type(body.get("schema", {})) if body else ("", ())
    summary = operation["summary"]
    shown = operation.get("x-summary-zh", summary) if lang == "zh" else summary
    return Entry(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=shown,
        description=operation.get("description", ""),
        permission=operation["x-permission"],
        callers=tuple(operation["x-callers"]),
        parameters=tuple(_parameter(document, one) for one in operation.get("parameters", ())),
        body=f"{media} {text}".strip(),
        body_refs=refs,
        answers=tuple(
            _answer(status, answer, {summary: shown})
            for status, answer in sorted(operation["responses"].items())
        ),
        curl=_curl(document, method.upper(), path, operation, (media, body)),
    )


def _parameter(document: Mapping[str, Any], parameter: Mapping[str, Any]) -> Row:
    if "$ref" in parameter:
        name = parameter["$ref"].rpartition("/")[2]
        parameter = document["components"]["parameters"][name]
    text, refs = _type(parameter["schema"])
    return Row(
        parameter["name"], parameter["in"], text, refs, parameter.get("required", False),
        _note(parameter["schema"], parameter.get("description", "")),
    )  # fmt: skip


def _property(name: str, schema: Mapping[str, Any], required: bool) -> Row:  # noqa: FBT001
    text, refs = _type(schema)
    return Row(name, "", text, refs, required, _note(schema, schema.get("description", "")))


def _answer(status: str, answer: Mapping[str, Any], words: Mapping[str, str]) -> Answer:
    problems = tuple(answer.get("x-problems", ()))
    content = answer.get("content", {})
    media, body = _first(content)
    text, refs = _type(body.get("schema", {})) if body else ("", ())
    if problems or media == "application/json":
        media = ""
    shown = "" if problems else f"{media} {text}".strip()
    said = answer.get("description", "")
    return Answer(status, words.get(said, said), shown, refs, problems)


def _first(content: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    return next(iter(content.items())) if content else ("", {})


def _type(schema: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """A type in words, and the component schemas it names."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_SCHEMAS)
        return name, (name,)
    for joiner in ("allOf", "anyOf", "oneOf"):
        if joiner in schema:
            parts = [_type(one) for one in schema[joiner]]
            return " | ".join(part[0] for part in parts), tuple(
                r for part in parts for r in part[1]
            )
    if "enum" in schema:
        return " | ".join(_plain(value) for value in schema["enum"]), ()
    kind = schema.get("type", "any")
    kinds = list(kind) if isinstance(kind, list) else [kind]
    if "array" in kinds:
        text, refs = _type(schema.get("items", {}))
        kinds[kinds.index("array")] = f"[{text}]"
        return " | ".join(kinds), refs
    if "properties" in schema:
        inner = {key: _type(value) for key, value in schema["properties"].items()}
        text = ", ".join(f"{key}: {found[0]}" for key, found in inner.items())
        return f"{{{text}}}", tuple(ref for found in inner.values() for ref in found[1])
    if schema.get("format"):
        kinds[0] = f"{kinds[0]} ({schema['format']})"
    return " | ".join(kinds), ()


def _note(schema: Mapping[str, Any], description: str) -> str:
    limits = [form.format(_plain(schema[key])) for key, form in _LIMITS if key in schema]
    return "; ".join([*([description] if description else []), *limits])


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _curl(
    document: Mapping[str, Any],
    method: str,
    path: str,
    operation: Mapping[str, Any],
    body: tuple[str, Mapping[str, Any]],
) -> str:
    server = document["servers"][0]["url"].rstrip("/")
    lines = [f"curl -X {method} '{server}{path}'"]
    if operation["security"]:
        lines.append('-H "Authorization: DPoP $TOKEN" -H "DPoP: $PROOF"')
    for parameter in operation.get("parameters", ()):
        name = parameter.get("$ref", "").rpartition("/")[2]
        if name == "IfMatch":
            lines.append("-H 'If-Match: \"1\"'")
        elif name == "Purpose":
            lines.append("-H 'Purpose: review'")
        elif parameter.get("in") == "header" and parameter.get("required"):
            lines.append(f"-H '{parameter['name']}: {parameter.get('example', '…')}'")
    media, content = body
    if media == "application/json":
        example = json.dumps(_example(document, content.get("schema", {})), ensure_ascii=False)
        lines += ["-H 'Content-Type: application/json'", f"-d '{example}'"]
    elif media:
        lines += [f"-H 'Content-Type: {media}'", "--data-binary @file"]
    return " \\\n  ".join(lines)


def _example(document: Mapping[str, Any], schema: Mapping[str, Any], depth: int = 0) -> Any:
    if depth > _DEPTH_MAX:
        return None
    if "$ref" in schema:
        named = document["components"]["schemas"][schema["$ref"].removeprefix(_SCHEMAS)]
        return _example(document, named, depth + 1)
    if "example" in schema:
        return schema["example"]
    for joiner in ("allOf", "anyOf", "oneOf"):
        if joiner in schema:
            return _example(document, schema[joiner][0], depth + 1)
    if "enum" in schema:
        return schema["enum"][0]
    return _example_of_type(document, schema, depth)


def _example_of_type(document: Mapping[str, Any], schema: Mapping[str, Any], depth: int) -> Any:
    kind = schema.get("type", "string")
    first = kind[0] if isinstance(kind, Sequence) and not isinstance(kind, str) else kind
    if first == "array":
        return [_example(document, schema.get("items", {}), depth + 1)]
    if first == "object":
        properties = schema.get("properties", {})
        wanted = schema.get("required") or list(properties)[:2]
        return {key: _example(document, properties.get(key, {}), depth + 1) for key in wanted}
    plain: dict[str, Any] = {"integer": schema.get("minimum", 1), "number": 1.5, "boolean": True}
    return plain.get(str(first), _EXAMPLES.get(schema.get("format", ""), "…"))
