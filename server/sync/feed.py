"""What a device and its officer may learn, and the present state of each thing.

A change only says that something is different; what it is now, and whether it still concerns the
recipient, is read when it is pulled.  What no longer concerns them is a ``drop``.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from client_sdk.protocol.ids import short_code
from server.audit.models import ReceiptRow
from server.cases import queries as cases
from server.core.clock import rfc3339
from server.core.context import Context
from server.core.permissions import TokenKind
from server.identity import queries as identity
from server.identity.models import Device, DutyBooking, User
from server.register import extracts as register
from server.review import queries as review
from server.sync import codes

CODES, RECEIPT, REVOCATION = "codes", "receipt", "revocation"
RETURN, QUERY = "return", "query"
EVERYTHING: Final = (
    CODES, "mission", "case", "booking", RETURN, QUERY, REVOCATION, RECEIPT,
)  # fmt: skip
UNATTENDED: Final = (CODES, REVOCATION, RECEIPT)
_PAST: Final = timedelta(days=30)  # a snapshot leaves out what ended earlier

Extracts = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Scope:
    """Who pulls: a device, an officer on it, or both; and which kinds of things."""

    court_id: uuid.UUID
    device_id: uuid.UUID | None
    user_id: uuid.UUID | None
    kinds: tuple[str, ...]

    @property
    def recipients(self) -> list[str]:
        """Names under which changes are addressed to them."""
        found = [f"device:{self.device_id}"] if self.device_id else []
        return [*found, f"user:{self.user_id}"] if self.user_id else found

    @property
    def tag(self) -> str:
        """A cursor is good only for the scope that it was made for."""
        text = f"{self.court_id}|{self.device_id}|{self.user_id}|{','.join(self.kinds)}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def scope_of(ctx: Context) -> Scope:
    """What the caller may pull; a device alone gets receipts and revocations (00)."""
    actor = ctx.actor
    kinds = UNATTENDED if actor.token is TokenKind.DEVICE else EVERYTHING
    return Scope(actor.court_id, actor.device_id, actor.user_id, kinds)


def extracts(ctx: Context, scope: Scope, kind: str, ids: Sequence[str]) -> Extracts:
    """Present state of those of ``ids`` that concern the scope, JSON-ready."""
    if kind == CODES:
        return {name: dict(codes.tables()[name]) for name in ids if name in codes.tables()}
    wanted = [found for one in ids if (found := identifier(one)) is not None]
    return _EXTRACTS[kind](ctx, scope, wanted) if wanted else {}


def present_ids(ctx: Context, scope: Scope, kind: str) -> list[str]:
    """Ids of everything of a kind that a snapshot holds, sorted; receipts are paged apart."""
    if kind == CODES:
        return sorted(codes.tables())
    return sorted(str(one) for one in _PRESENT[kind](ctx, scope))


def _missions(ctx: Context, scope: Scope, ids: Sequence[uuid.UUID]) -> Extracts:
    session = ctx.session
    found = cases.missions_for(session, scope.court_id, scope.user_id, scope.device_id, ids=ids)
    return {str(one.id): cases.mission_extract(session, one) for one in found}


def _cases(ctx: Context, scope: Scope, ids: Sequence[uuid.UUID]) -> Extracts:
    session = ctx.session
    found = cases.cases_for(session, scope.court_id, scope.user_id, scope.device_id, ids=ids)
    actions = register.actions_of(session, [one.id for one in found], ctx.clock.now())
    return {
        str(one.id): {**cases.case_extract(session, one), "actions": actions[one.id]}
        for one in found
    }


def _bookings(ctx: Context, scope: Scope, ids: Sequence[uuid.UUID]) -> Extracts:
    found = identity.bookings_for(
        ctx.session, scope.court_id, scope.user_id, scope.device_id, ids=ids
    )
    people = _people(ctx, {one.user_id for one in found})
    devices = _devices(ctx, {one.device_id for one in found})
    return {str(one.id): _booking(one, people, devices[one.device_id]) for one in found}


def _booking(
    one: DutyBooking, people: Mapping[uuid.UUID, str], device: tuple[str, str]
) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "code": short_code(one.id),
        "version": one.version,
        "device_id": str(one.device_id),
        "device_name": device[0],
        "device_kind": device[1],
        "user_id": str(one.user_id),
        "user_name": people.get(one.user_id),
        "mission_id": str(one.mission_id) if one.mission_id else None,
        "starts_at": rfc3339(one.starts_at),
        "ends_at": rfc3339(one.ends_at),
    }


def _people(ctx: Context, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    statement = sa.select(User.id, User.name).where(User.id.in_(ids))
    return dict(ctx.session.execute(statement).all())


def _devices(ctx: Context, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, tuple[str, str]]:
    """Name and kind of each."""
    statement = sa.select(Device.id, Device.name, Device.kind).where(Device.id.in_(ids))
    return {one: (name, kind) for one, name, kind in ctx.session.execute(statement)}


def _opened(topic: str) -> Callable[[Context, Scope, Sequence[uuid.UUID]], Extracts]:
    def extract(ctx: Context, scope: Scope, ids: Sequence[uuid.UUID]) -> Extracts:
        theirs = set(_open(topic)(ctx, scope))
        found: Extracts = {}
        for one in ids:
            data = review.return_extract(ctx.session, one) if one in theirs else None
            if data is not None:
                found[str(one)] = data
        return found

    return extract


def _open(topic: str) -> Callable[[Context, Scope], list[uuid.UUID]]:
    def listed(ctx: Context, scope: Scope) -> list[uuid.UUID]:
        waiting = review.open_returns(ctx.session, scope.court_id, scope.user_id, scope.device_id)
        return [one for one, what in waiting if what == topic]

    return listed


def _revocations(ctx: Context, scope: Scope, ids: Sequence[uuid.UUID]) -> Extracts:
    statement = sa.select(Device.id, Device.revoked_at, Device.revoked_reason).where(
        Device.court_id == scope.court_id, Device.id.in_(ids), Device.revoked_at.is_not(None)
    )
    return {
        str(one): {"device_id": str(one), "revoked_at": rfc3339(at), "reason": reason}
        for one, at, reason in ctx.session.execute(statement)
        if at is not None
    }


def _receipts(ctx: Context, scope: Scope, ids: Sequence[uuid.UUID]) -> Extracts:
    row = ReceiptRow
    statement = sa.select(row.id, row.s, row.sig, row.k).where(
        row.id.in_(ids), row.court_id == scope.court_id, row.device_id == scope.device_id
    )
    return {
        str(one): {"s": s, "sig": sig, "k": k} for one, s, sig, k in ctx.session.execute(statement)
    }


def _present_missions(ctx: Context, scope: Scope) -> list[uuid.UUID]:
    since = ctx.clock.now() - _PAST
    found = cases.missions_for(
        ctx.session, scope.court_id, scope.user_id, scope.device_id, ends_after=since
    )
    return [one.id for one in found]


def _present_cases(ctx: Context, scope: Scope) -> list[uuid.UUID]:
    found = cases.cases_for(ctx.session, scope.court_id, scope.user_id, scope.device_id)
    return [one.id for one in found]


def _present_bookings(ctx: Context, scope: Scope) -> list[uuid.UUID]:
    since = ctx.clock.now() - _PAST
    found = identity.bookings_for(
        ctx.session, scope.court_id, scope.user_id, scope.device_id, ends_after=since
    )
    return [one.id for one in found]


def _present_revocations(ctx: Context, scope: Scope) -> list[uuid.UUID]:
    statement = sa.select(Device.id).where(
        Device.court_id == scope.court_id, Device.revoked_at.is_not(None)
    )
    return list(ctx.session.execute(statement).scalars())


def identifier(text: str) -> uuid.UUID | None:
    """The id that a text writes, if it is one."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


_EXTRACTS: Final[Mapping[str, Callable[[Context, Scope, Sequence[uuid.UUID]], Extracts]]] = (
    MappingProxyType(
        {
            "mission": _missions,
            "case": _cases,
            "booking": _bookings,
            RETURN: _opened(RETURN),
            QUERY: _opened(QUERY),
            REVOCATION: _revocations,
            RECEIPT: _receipts,
        }
    )
)
_PRESENT: Final[Mapping[str, Callable[[Context, Scope], list[uuid.UUID]]]] = MappingProxyType(
    {
        "mission": _present_missions,
        "case": _present_cases,
        "booking": _present_bookings,
        RETURN: _open(RETURN),
        QUERY: _open(QUERY),
        REVOCATION: _present_revocations,
    }
)
