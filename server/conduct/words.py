"""Why checks came out as they did, in both languages: sentences are data."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from client_sdk.protocol.entries import Label, kinds

_DATA: Final = Path(__file__).parent / "data" / "reasons.toml"
_MONEY: Final = frozenset({"value", "claim"})
_MOMENTS: Final = frozenset({"from", "to"})
IN_ORDER: Final = "in-order"
DOES_NOT_APPLY: Final = "does-not-apply"


@functools.cache
def sentences() -> Mapping[str, Label]:
    """Every sentence by its code, with names in braces."""
    tables = tomllib.loads(_DATA.read_text(encoding="utf-8"))
    return MappingProxyType({code: Label(**one) for code, one in tables.items()})


def sentence(code: str, values: Mapping[str, str], time_zone: str) -> Label:
    """The sentence of a reason; an unknown code stands for itself."""
    found = sentences().get(code)
    if found is None:
        return Label(code, code)
    return Label(
        found.zh.format_map(_shown(values, time_zone, "zh")),
        found.en.format_map(_shown(values, time_zone, "en")),
    )


def _shown(values: Mapping[str, str], time_zone: str, language: str) -> dict[str, Any]:
    return {name: _value(name, value, time_zone, language) for name, value in values.items()}


def _value(name: str, value: str, time_zone: str, language: str) -> str:
    if name in _MOMENTS:
        return datetime.fromisoformat(value).astimezone(ZoneInfo(time_zone)).strftime("%H:%M:%S")
    if name in _MONEY:
        yuan, fen = divmod(int(value), 100)
        amount = f"{yuan:,}.{fen:02d}"
        return f"{amount} 元" if language == "zh" else f"CNY {amount}"
    if name == "fact":
        label = kinds()["action.facts"].fields["facts"].options.get(value)
        return value if label is None else getattr(label, language)
    return value
