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


ADDITIONS: Final[Mapping[str, Addition]] = MappingProxyType({})
