"""Cases and missions for tests, made by the real services; courts and people as rows.

``believe`` injects an authenticator that trusts a header, so that tests of a slice speak of that
slice alone; real tokens and proofs are tested with identity.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Flask, request
from sqlalchemy.orm import Session
from werkzeug.datastructures import Headers

from server.audit.models import OutboxRow
from server.cases import missions, service
from server.cases.commands import AddCase, AddMission, PartyCommand
from server.cases.parties import PartyKind, PartyRole
from server.core.context import Actor, Context, Runtime, system_actor
from server.core.permissions import Role, TokenKind
from server.core.problem import Kind, Problem
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity.models import Court, Device, User
from server.register import service as register
from server.register.commands import WriteEntry

DEBTOR = PartyCommand(
    role=PartyRole.DEBTOR,
    kind=PartyKind.NATURAL,
    name="云虚构",
    id_no="990102200901201217",
    details={"sex": "M", "address": "清河镇(虚构)"},
)
PLACE = {"name": "清河镇(虚构)", "lat": "38.2100000", "lon": "104.4100000"}


def add_case(
    app: Flask,
    court_id: uuid.UUID,
    *,
    serial: int = 11,
    handler_id: uuid.UUID | None = None,
    officer_ids: Sequence[uuid.UUID] = (),
    parties: Sequence[PartyCommand] = (DEBTOR,),
    **fields: Any,
) -> uuid.UUID:
    """File ``(2025)<court code>执<serial>号`` and return its id."""
    with unit_of_work(court_id) as session:
        ctx = Context(system_actor(court_id), session, app.extensions["tiezheng"])
        court = session.get(Court, court_id)
        assert court is not None
        command = AddCase(
            case_no=f"(2025){court.court_code}执{serial}号",
            handler_id=handler_id,
            officer_ids=tuple(officer_ids),
            parties=tuple(parties),
            **fields,
        )
        return service.add(ctx, command).id


def enter(
    app: Flask, court_id: uuid.UUID, case_id: uuid.UUID, kind: str, /, **data: Any
) -> uuid.UUID:
    """Write an entry into a case's register and return its id."""
    with unit_of_work(court_id) as session:
        ctx = Context(system_actor(court_id), session, app.extensions["tiezheng"])
        return register.write(ctx, case_id, WriteEntry(kind=kind, data=data)).id


def close_case(app: Flask, court_id: uuid.UUID, case_id: uuid.UUID) -> None:
    """Close a case by the shortest way: it turns out to have been filed twice."""
    on = app.extensions["tiezheng"].clock.now().date().isoformat()
    enter(app, court_id, case_id, "case.condition", on=on, fact="filed_in_error", holds=True,
          ground="重复立案(虚构)")  # fmt: skip
    enter(app, court_id, case_id, "case.closed", on=on, method="deregistered")


def add_mission(
    app: Flask,
    court_id: uuid.UUID,
    case_ids: Sequence[uuid.UUID],
    *,
    officer_ids: Sequence[uuid.UUID] = (),
    device_ids: Sequence[uuid.UUID] = (),
    title: str = "清河镇现场调查(虚构)",
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> uuid.UUID:
    """Plan a mission and return its id; by default from now for eight hours."""
    with unit_of_work(court_id) as session:
        ctx = Context(system_actor(court_id), session, app.extensions["tiezheng"])
        start = starts_at or ctx.clock.now()
        command = AddMission(
            title=title,
            case_ids=tuple(case_ids),
            starts_at=start,
            ends_at=ends_at or start + timedelta(hours=8),
            place=PLACE,
            officer_ids=tuple(officer_ids),
            device_ids=tuple(device_ids),
        )
        return missions.add(ctx, command).id


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered with."""

    status_code: int
    headers: Headers
    text: str
    json: Any

    @property
    def slug(self) -> str:
        """Last part of a problem's type."""
        found: str = self.json["type"].removeprefix("urn:tiezheng:problem:")
        return found


@dataclass(frozen=True, slots=True)
class Bench:
    """An application whose callers are believed."""

    app: Flask

    @property
    def runtime(self) -> Runtime:
        """The process' tools."""
        tools: Runtime = self.app.extensions["tiezheng"]
        return tools

    def court(self, code: str = "样0101") -> uuid.UUID:
        """A court with this 法院代字."""
        court_id = self.runtime.ids()
        with unit_of_work(EVERY_COURT) as session:
            session.add(
                Court(id=court_id, name=f"{code}法院(虚构)", court_code=code,
                      created_at=self.runtime.clock.now())
            )  # fmt: skip
        return court_id

    def person(
        self, court_id: uuid.UUID, *roles: Role, name: str = "赵虚构", disabled: bool = False
    ) -> uuid.UUID:
        """Someone of the court; an officer unless other roles are given."""
        user_id, now = self.runtime.ids(), self.runtime.clock.now()
        with unit_of_work(court_id) as session:
            session.add(
                User(id=user_id, court_id=court_id, login=str(user_id), name=name,
                     post="enforcement_officer", password_hash="-", created_at=now,
                     roles=[role.value for role in roles or (Role.OFFICER,)],
                     disabled_at=now if disabled else None)
            )  # fmt: skip
        return user_id

    def device(self, court_id: uuid.UUID, *, revoked: bool = False) -> uuid.UUID:
        """A phone of the court."""
        device_id, now = self.runtime.ids(), self.runtime.clock.now()
        with unit_of_work(court_id) as session:
            session.add(
                Device(id=device_id, court_id=court_id, kind="phone", name="样例手机",
                       serial="FIC-PH-0001", enrolled_at=now, revoked_at=now if revoked else None)
            )  # fmt: skip
        return device_id

    def call(
        self,
        method: str,
        path: str,
        who: uuid.UUID | None = None,
        json: Any = None,
        **headers: str,
    ) -> Answer:
        """A request in a person's name; ``if_match="1"`` becomes ``If-Match: 1``."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if who is not None:
            sent["Authorization"] = f"Test {who}"
        given = self.app.test_client().open(
            f"/api/v1{path}", method=method, json=json, headers=sent
        )
        return Answer(given.status_code, given.headers, given.text, given.get_json(silent=True))

    def events(self, kind: str) -> list[OutboxRow]:
        """Events of this kind that wait for the log, oldest first, detached."""
        with unit_of_work(EVERY_COURT, write=False) as session:
            statement = sa.select(OutboxRow).where(OutboxRow.kind == kind).order_by(OutboxRow.id)
            rows = list(session.execute(statement).scalars())
            session.expunge_all()
            return rows

    def notices(self, kind: str) -> set[tuple[str, ...]]:
        """(recipient, topic, id, op) of the newest event of this kind."""
        return {tuple(change) for change in self.events(kind)[-1].changes}


def believe(app: Flask) -> Bench:
    """Let the application believe ``Authorization: Test <user id>``."""
    app.extensions["tiezheng.authenticator"] = _authenticate
    return Bench(app)


def _authenticate(session: Session, _runtime: Runtime) -> Actor:
    scheme, _, text = request.headers["Authorization"].partition(" ")
    user = session.get(User, uuid.UUID(text)) if scheme == "Test" else None
    if user is None:
        raise Problem(Kind.TOKEN_INVALID)
    return Actor(
        token=TokenKind.ACCESS,
        court_id=user.court_id,
        user_id=user.id,
        roles=frozenset(Role(role) for role in user.roles),
        address=request.remote_addr,
    )
