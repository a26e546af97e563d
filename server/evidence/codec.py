"""Frozen dataclasses to JSON values and back, strictly.

What a sandboxed parser hands back was written by a process that handled hostile
bytes, so nothing in it is believed: every value is checked against the declared
type, and an unknown key is an error.
"""

import dataclasses
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

JsonValue = None | bool | int | str | list[Any] | dict[str, Any]


class CodecError(ValueError):
    """A JSON value does not have the shape of the dataclass it is read into."""


def dump(value: object) -> JsonValue:
    """Turn a dataclass tree of scalars, tuples and string mappings into JSON values.

    Raises CodecError for anything else, floats included: they don't survive canonical JSON.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, tuple | list):
        return [dump(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): dump(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value):
        return {f.name: dump(getattr(value, f.name)) for f in dataclasses.fields(value)}
    raise CodecError(f"not a JSON value: {type(value).__name__}")


def load(kind: type[T], value: object) -> T:
    """Read `value` as an instance of the dataclass `kind`; CodecError if it isn't one."""
    result = _load(kind, value, kind.__name__)
    if not isinstance(result, kind):
        raise CodecError(f"{kind.__name__}: not an object")
    return result


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _load(kind: Any, value: object, where: str) -> object:
    origin = get_origin(kind)
    if origin in {Union, types.UnionType}:
        return _load_optional(kind, value, where)
    if origin is tuple:
        return _load_tuple(kind, value, where)
    if origin is not None and issubclass(origin, Mapping):
        return _load_mapping(kind, value, where)
    if dataclasses.is_dataclass(kind):
        return _load_dataclass(kind, value, where)
    # bool is an int to Python, not to JSON.
    if type(value) is not kind:
        raise CodecError(f"{where}: expected {kind.__name__}, got {type(value).__name__}")
    return _checked_text(value, where) if isinstance(value, str) else value


def _checked_text(value: str, where: str) -> str:
    """NUL and lone surrogates are JSON, but no database takes them."""
    if "\x00" in value or (not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value)):
        raise CodecError(f"{where}: text with NUL or a lone surrogate")
    return value


def _load_optional(kind: Any, value: object, where: str) -> object:
    options = get_args(kind)
    if value is None and type(None) in options:
        return None
    inner = [option for option in options if option is not type(None)]
    if len(inner) == 1:
        return _load(inner[0], value, where)
    for option in inner:
        if type(value) is option:
            return _load(option, value, where)
    raise CodecError(f"{where}: {type(value).__name__} is none of the allowed types")


def _load_tuple(kind: Any, value: object, where: str) -> object:
    if not isinstance(value, list):
        raise CodecError(f"{where}: expected a list")
    (item_kind, _ellipsis) = get_args(kind)
    return tuple(_load(item_kind, item, f"{where}[{i}]") for i, item in enumerate(value))


def _load_mapping(kind: Any, value: object, where: str) -> object:
    if not isinstance(value, dict):
        raise CodecError(f"{where}: expected an object")
    (_key_kind, item_kind) = get_args(kind)
    return {
        _checked_text(str(key), where): _load(item_kind, item, f"{where}.{key}")
        for key, item in value.items()
    }


def _load_dataclass(kind: Any, value: object, where: str) -> object:
    if not isinstance(value, dict):
        raise CodecError(f"{where}: expected an object")
    hints = _hints(kind)
    unknown = set(value) - set(hints)
    if unknown:
        raise CodecError(f"{where}: unknown {min(unknown)!r}")
    parts = {key: _load(hints[key], item, f"{where}.{key}") for key, item in value.items()}
    try:
        return kind(**parts)
    except TypeError as error:
        raise CodecError(f"{where}: a field is missing") from error
