"""Actions as this device knows them: from its own records, and from what was last pulled."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from client_sdk._ledger import Ledger
from client_sdk.models import FieldAction
from client_sdk.protocol.entries import EntryPart, field_kinds
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.payloads import Payload
from client_sdk.protocol.times import parse_rfc3339


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """An entry: a record of this device, or one that was pulled; `hid` None: written elsewhere."""

    kind: str
    case: str
    action: str | None
    data: Mapping[str, Any]
    at: str
    hid: str | None
    mission: str | None = None
    amends: str | None = None


class KeptActions:
    """Reads the store; holds nothing itself."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def actions(self) -> list[FieldAction]:
        """Every action that is known here, by the time of its first entry."""
        pulled = self._pulled()
        by_action: dict[str, list[KeptEntry]] = {}
        for entry in self._entries(pulled):
            if entry.action is not None:
                by_action.setdefault(entry.action, []).append(entry)
        found = [
            _folded(action, entries, pulled.get(action, {}))
            for action, entries in by_action.items()
        ]
        return sorted(found, key=lambda one: (one.known_at, one.id))

    def entry(self, hid: str) -> KeptEntry | None:
        """The entry that a record made; None when it is not known here."""
        pulled = self._pulled()
        return next((one for one in self._entries(pulled) if one.hid == hid), None)

    def _entries(self, pulled: Mapping[str, Mapping[str, Any]]) -> Iterator[KeptEntry]:
        """Own records first, then pulled entries that are not one of them."""
        own = list(self._own())
        yield from own
        mine = {one.hid for one in own}
        for action, data in pulled.items():
            for entry in data.get("entries") or ():
                if entry.get("record_hid") not in mine:
                    yield _pulled(action, data, entry)

    def _pulled(self) -> dict[str, dict[str, Any]]:
        """Actions in the extracts of this device's cases, by id."""
        return {
            str(one["id"]): {**one, "case_id": case}
            for case, data in self._ledger.store.changes("case")
            for one in data.get("actions") or ()
        }

    def _own(self) -> Iterator[KeptEntry]:
        names = sorted(field_kinds())
        marks = ",".join("?" * len(names))
        rows = self._ledger.store.all(
            f"SELECT ep, seq, hid, wire FROM records WHERE act IN ({marks})"  # noqa: S608 - marks
            " ORDER BY ep, seq",
            *names,
        )
        for ep, seq, hid, sealed in rows:
            wire = self._ledger.store.unseal(sealed, f"record:{ep}:{seq}")
            try:
                payload = Payload.from_dict(json.loads(wire["p"]))
            except ProtocolError:
                continue  # of a later version of this program
            if payload.entry is not None:
                yield _own(hid, payload, payload.entry)


def _own(hid: str, payload: Payload, part: EntryPart) -> KeptEntry:
    return KeptEntry(
        kind=payload.act.value, case=str(payload.case),
        action=None if part.action is None else str(part.action), data=part.data,
        at=payload.t.wall, hid=hid, amends=part.amends,
        mission=None if payload.mission is None else str(payload.mission),
    )  # fmt: skip


def _pulled(action: str, data: Mapping[str, Any], entry: Mapping[str, Any]) -> KeptEntry:
    return KeptEntry(
        kind=str(entry.get("kind")), case=str(data.get("case_id")), action=action,
        data=entry.get("data") or {}, at=str(entry.get("happened_at") or ""),
        hid=entry.get("record_hid"), mission=data.get("mission_id"),
    )  # fmt: skip


def _folded(action: str, entries: list[KeptEntry], pulled: Mapping[str, Any]) -> FieldAction:
    """Where an action stands by the entries that nobody has amended."""
    replaced = {one.amends for one in entries if one.amends is not None}
    counted = [one for one in entries if one.hid is None or one.hid not in replaced]
    counted.sort(key=_moment)
    by_kind = {one.kind: one for one in counted}
    planned, started = by_kind.get("action.planned"), by_kind.get("action.started")
    said = [one.data for one in (planned, started) if one is not None]
    return FieldAction(
        id=action,
        case=entries[0].case,
        mission=next((one.mission for one in entries if one.mission), None),
        type=str(said[-1]["type"]) if said else str(pulled.get("type") or ""),
        state=_state(by_kind),
        place=next((str(one["place"]) for one in reversed(said) if one.get("place")), None),
        planned_at=None if planned is None else planned.data.get("begins_at"),
        begins_at=_time_of(started),
        ends_at=_time_of(by_kind.get("action.ended")),
        known_at=min(one.at for one in entries),
        entries=tuple(
            {"kind": one.kind, "data": dict(one.data), "hid": one.hid, "at": one.at}
            for one in counted
        ),
    )


def _moment(entry: KeptEntry) -> tuple[float, str]:
    try:
        return parse_rfc3339(entry.at).timestamp(), entry.hid or ""
    except ProtocolError:
        return 0.0, entry.hid or ""


def _state(by_kind: Mapping[str, object]) -> str:
    """The same order as on the server (server/register/folding.py)."""
    for kind, state in (("ended", "ended"), ("started", "started"), ("cancelled", "cancelled")):
        if f"action.{kind}" in by_kind:
            return state
    return "planned"


def _time_of(entry: KeptEntry | None) -> str | None:
    return None if entry is None else str(entry.data.get("at") or entry.at)
