"""Names of a court's people and devices, for lists that hold their ids."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import sqlalchemy as sa

from server.core.context import Context
from server.identity.models import Device, User
from server.identity.queries import court


@dataclass(frozen=True, slots=True)
class Named:
    """A person or a device in a list of choices."""

    id: uuid.UUID
    name: str
    usable: bool  # neither disabled nor revoked
    kind: str = ""
    roles: frozenset[str] = frozenset()

    @property
    def choice(self) -> tuple[uuid.UUID, str]:
        """Value and text of an option."""
        return self.id, self.name


def people(ctx: Context) -> dict[uuid.UUID, Named]:
    """Everybody of the caller's court by id, in the order of their names."""
    statement = (
        sa.select(User.id, User.name, User.disabled_at, User.roles)
        .where(User.court_id == ctx.actor.court_id)
        .order_by(User.name, User.id)
    )
    return {
        one: Named(one, name, disabled_at is None, roles=frozenset(roles))
        for one, name, disabled_at, roles in ctx.session.execute(statement)
    }


def devices(ctx: Context) -> dict[uuid.UUID, Named]:
    """Every device of the caller's court by id, in the order of their names."""
    statement = (
        sa.select(Device.id, Device.name, Device.revoked_at, Device.kind)
        .where(Device.court_id == ctx.actor.court_id)
        .order_by(Device.name, Device.id)
    )
    return {
        one: Named(one, name, revoked_at is None, kind)
        for one, name, revoked_at, kind in ctx.session.execute(statement)
    }


def court_code(ctx: Context) -> str:
    """The court's code in case numbers."""
    return court(ctx.session, ctx.actor.court_id).court_code
