"""How an entry of an action is signed: checked first, by the same rules as on the server.

What is refused here is refused before anything was recorded, and while the officer is still there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol, TypedDict, Unpack
from uuid import UUID

from client_sdk._actions_kept import KeptActions
from client_sdk._capturing import as_id
from client_sdk._clock import DeviceClock, read_instant
from client_sdk._outbox import IN_USE, NOT_RECORDED, SIGNED_IN, Outbox, Subject
from client_sdk.errors import ActionStateError, ActionUnknownError, EntryInvalidError, NoCaseError
from client_sdk.models import Entered, FieldAction
from client_sdk.protocol.entries import EntryKind, EntryPart, field_kinds, kinds
from client_sdk.protocol.errors import PayloadError, TimeFormatError
from client_sdk.protocol.ids import IdSource
from client_sdk.protocol.payloads import Geo, NoGeo, Payload, RecordKind
from client_sdk.protocol.times import format_local

BEGINNINGS: Final = frozenset({RecordKind.ACTION_PLANNED, RecordKind.ACTION_STARTED})
# What an action has once, and what may not come after it.
_ONCE: Final = frozenset({*BEGINNINGS, RecordKind.ACTION_ENDED, RecordKind.ACTION_CANCELLED})


class Where(TypedDict, total=False):
    """What a record belongs to: `case`, else the action's, else that of the mission in use.

    `amends` is the record (its `hid`) that this one takes the place of.
    """

    case: UUID | str | None
    mission: UUID | str | None
    geo: Geo | NoGeo
    amends: str


class Placed(Where, total=False):
    """The same for a record about an action; without `action`, the only one that is open."""

    action: UUID | str | None


class Subjects(Protocol):
    """Finds what a record belongs to; see `FieldClient`."""

    def __call__(
        self,
        case: UUID | str | None,
        mission: UUID | str | None,
        geo: Geo | NoGeo,
        who: UUID | str | None,
    ) -> Subject:
        """Subject of a record."""


@dataclass(frozen=True, slots=True)
class ActionTools:
    """What the operations work with."""

    outbox: Outbox
    kept: KeptActions
    clock: DeviceClock
    new_id: IdSource
    subject: Subjects


class ActionWriter:
    """Knows the actions of this device, and signs what is written down about them."""

    def __init__(self, tools: ActionTools) -> None:
        self._tools = tools

    # -- what there is

    def all(self) -> list[FieldAction]:
        """Actions that this device has written about, and those that were last pulled."""
        return self._tools.kept.actions()

    def open(self) -> list[FieldAction]:
        """Those of them that are planned or under way."""
        return [one for one in self.all() if one.open]

    def get(self, action: UUID | str) -> FieldAction:
        """One of them by its id or short code; ActionUnknownError when there is none."""
        wanted = str(action).strip().lower()
        found = [one for one in self.all() if wanted in (one.id, one.code.lower())]
        if len(found) != 1:
            raise ActionUnknownError(f"{action}: no such action on this device")
        return found[0]

    # -- anything that a device may write down

    def amend(self, hid: str, data: Mapping[str, Any]) -> Entered:
        """Write an entry anew in the place of the record `hid`, with all of its fields."""
        meant = self._tools.kept.entry(hid)
        if meant is None:
            raise ActionUnknownError(f"{hid}: no such entry on this device")
        return self.write(meant.kind, data, case=meant.case, action=meant.action, amends=hid)

    def write(
        self, kind: str | RecordKind, data: Mapping[str, Any], **where: Unpack[Placed]
    ) -> Entered:
        """Write an entry of any kind that a device may record; see `entries.kinds()`."""
        wanted = _kind(kind)
        if wanted.about == "case":
            if where.get("action") is not None:
                raise EntryInvalidError(f"{wanted.id} is about the case, not about an action")
            return self._sign(wanted, data, where, None)
        if RecordKind(wanted.id) in BEGINNINGS:
            return self._begin(RecordKind(wanted.id), data, where)
        return self._add(RecordKind(wanted.id), data, where)

    def _begin(self, act: RecordKind, data: Mapping[str, Any], where: Placed) -> Entered:
        action = where.get("action")
        known = None if action is None else self._known(action, where)
        given = dict(data)
        if known is not None and given.get("type") is None:
            given["type"] = known.type
        self._require_takes(act, known, where, given.get("type"))
        if known is None:
            chosen = self._tools.new_id() if action is None else as_id(action)
            return self._sign(_kind(act), given, where, chosen)
        return self._sign(_kind(act), given, _within(known, where), UUID(known.id))

    def _add(self, act: RecordKind, data: Mapping[str, Any], where: Placed) -> Entered:
        action = where.get("action")
        if action is None:
            known: FieldAction | None = self._only_one(where)
        else:
            known = self._known(action, where)
        if known is None:
            return self._sign(_kind(act), data, where, as_id(action or ""))
        self._require_takes(act, known, where)
        return self._sign(_kind(act), data, _within(known, where), UUID(known.id))

    def _known(self, action: UUID | str, where: Placed) -> FieldAction | None:
        """The action; None for one that this device has not heard of, of a case that is named."""
        try:
            return self.get(action)
        except ActionUnknownError:
            if where.get("case") is None:
                raise
            return None

    def _only_one(self, where: Placed) -> FieldAction:
        given = where.get("case")
        found = [one for one in self.open() if given is None or one.case == str(given)]
        started = [one for one in found if one.state == "started"]
        chosen = started or found
        if len(chosen) != 1:
            raise ActionUnknownError(f"name the action: {len(chosen)} are open on this device")
        return chosen[0]

    def _require_takes(
        self, act: RecordKind, known: FieldAction | None, where: Placed, type_: object = None
    ) -> None:
        if known is None:
            return
        case = where.get("case")
        if case is not None and str(case) != known.case:
            raise ActionStateError("the action belongs to another case")
        if where.get("amends") is not None:
            return
        if known.state == "cancelled":
            raise ActionStateError("the action was cancelled")
        if act in BEGINNINGS and known.type not in ("", type_):
            raise ActionStateError(f"the action is a {known.type}")
        if act in _ONCE and known.has(act.value):
            raise ActionStateError(f"{act.value} is there already: amend it")
        if act is RecordKind.ACTION_CANCELLED and known.state != "planned":
            raise ActionStateError("the action has begun: end it")
        if act is RecordKind.ACTION_PLANNED and known.state != "planned":
            raise ActionStateError("the action has begun already")

    def _sign(
        self, kind: EntryKind, data: Mapping[str, Any], where: Placed | Where, action: UUID | None
    ) -> Entered:
        """Check everything, then seal the record."""
        try:
            part = EntryPart(kind.check(plain(data)), action, where.get("amends"))
        except (PayloadError, TimeFormatError) as error:
            raise EntryInvalidError(str(error)) from error
        tools = self._tools
        subject = tools.subject(
            where.get("case"), where.get("mission", IN_USE), where.get("geo", NOT_RECORDED),
            SIGNED_IN,
        )  # fmt: skip
        if subject.case is None:
            raise NoCaseError(f"{kind.id} names a case: say which, or use a mission that has one")
        payload = Payload(
            RecordKind(kind.id), read_instant(tools.clock), subject.geo, who=subject.who,
            case=subject.case, mission=subject.mission, ticket=subject.ticket, entry=part,
        )  # fmt: skip
        done = tools.outbox.append(payload)
        return Entered(
            kind=kind.id, case=str(subject.case), action=None if action is None else str(action),
            ep=done.ep, seq=done.seq, hid=done.hid, wall=done.payload.t.wall,
        )  # fmt: skip

    def _today(self) -> str:
        return self._tools.clock.wall().date().isoformat()


def plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as they go over the wire; what is None is left out."""
    return {name: _plain(value) for name, value in data.items() if value is not None}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return format_local(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, tuple | set | frozenset):
        return sorted(value) if not isinstance(value, tuple) else list(value)
    return value


def _kind(name: str | RecordKind) -> EntryKind:
    if str(name) not in field_kinds():
        raise EntryInvalidError(f"{name} is not recorded on a device")
    return kinds()[str(name)]


def _within(known: FieldAction, where: Placed) -> Placed:
    """A record about a known action belongs to its case and, unless told, to its mission."""
    found: Placed = {**where, "case": known.case}
    if "mission" not in where and known.mission is not None:
        found["mission"] = known.mission
    return found
