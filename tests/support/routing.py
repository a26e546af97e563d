"""Compiled routes are kept between applications.

Every test makes an application of its own, and nine tenths of that time went into compiling the
same few hundred URL builders again.  They depend on the rule's parts and defaults alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

_Builder = Callable[..., tuple[str, str]]
_kept: dict[tuple[Any, ...], _Builder] = {}
_compile: Callable[[Rule, bool], _Builder] = Rule._compile_builder


def _builder(rule: Rule, append_unknown: bool = True) -> _Builder:
    defaults = tuple(sorted((rule.defaults or {}).items()))
    key = (tuple(rule._trace), defaults, append_unknown)
    if key not in _kept:
        _kept[key] = _compile(rule, append_unknown)
    return _kept[key]


def keep_compiled_routes() -> None:
    """From now on, for this process."""
    rules: Any = Rule
    rules._compile_builder = _builder
