"""Events as steps of custody, in words that a report can print."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

from server.audit.events import EventKind
from server.disclosure.facts import KeyEvent, Step
from server.disclosure.items import EVIDENCE
from server.disclosure.logbook import Entry
from server.disclosure.people import Register
from server.disclosure.selection import Selection

KEY_KINDS: Final = frozenset(
    {
        "key.next",
        EventKind.DEVICE_ENROLLED.value,
        EventKind.DEVICE_REVOKED.value,
        EventKind.KEY_ADDED.value,
        EventKind.KEY_RETIRED.value,
    }
)
_NAMED: Final = ("reason", "reason_code", "text", "state", "sha256", "changes", "version")
_DETAIL_CHARACTERS_MAX: Final = 300


def of_items(register: Register, selection: Selection) -> dict[uuid.UUID, tuple[Step, ...]]:
    """What happened to each item, in log order, as far as it is disclosed."""
    found: dict[uuid.UUID, list[Step]] = {}
    for entry in selection.chain:
        if entry.subject_type == EVIDENCE and selection.with_payload[entry.index]:
            item = uuid.UUID(entry.subject_id)
            found.setdefault(item, []).append(_step(register, entry))
    return {item: tuple(taken) for item, taken in found.items()}


def of_case(register: Register, selection: Selection) -> tuple[Step, ...]:
    """What happened to the case as such: every disclosed server event not about one item."""
    return tuple(
        _step(register, entry)
        for entry in selection.chain
        if not entry.of_device
        and entry.subject_type != EVIDENCE
        and selection.with_payload[entry.index]
    )


def of_keys(entries: Iterable[Entry]) -> tuple[KeyEvent, ...]:
    """Enrolments, revocations, rotations and the server's own keys, in log order."""
    found = [
        KeyEvent(
            entry.index,
            entry.rx,
            entry.kind,
            entry.src if entry.of_device else str(entry.subject_id),
            _key_detail(entry.payload if entry.of_device else entry.facts),
        )
        for entry in entries
        if entry.kind in KEY_KINDS
    ]
    return tuple(sorted(found, key=lambda event: event.log_index))


def _step(register: Register, entry: Entry) -> Step:
    payload, facts = entry.payload, entry.facts
    by: Mapping[str, Any] = payload.get("by") or {}
    device = register.device(by.get("device"))
    to = facts.get("recipient") or register.name(facts.get("to"))
    return Step(
        entry.index,
        entry.rx,
        entry.kind,
        register.name(by.get("user")),
        None if device is None else device.id,
        to,
        facts.get("purpose") or by.get("purpose"),
        _detail(facts),
    )


def _detail(facts: Mapping[str, Any]) -> str | None:
    parts = [f"{name}: {facts[name]}" for name in _NAMED if facts.get(name) is not None]
    return "; ".join(parts)[:_DETAIL_CHARACTERS_MAX] or None


def _key_detail(facts: Mapping[str, Any]) -> str:
    key = facts.get("jwk") or (facts.get("key") or {}).get("jwk") or {}
    parts = [str(facts[name]) for name in ("kid", "purpose", "alg", "reason") if facts.get(name)]
    return "  ".join([*parts, *(str(key[name]) for name in ("crv", "x") if name in key)])
