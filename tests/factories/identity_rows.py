"""Rows of a court with its people and devices; :mod:`tests.factories.identity` is the front."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from sqlalchemy.orm import Session

from client_sdk.protocol.keys import Algorithm, PrivateKey
from server.core.context import Runtime
from server.core.permissions import Role
from server.identity.models import Court, Device, DutyBooking, User

PASSWORD = "correct horse 马 battery"
_POSTS = {
    Role.OFFICER: "enforcement_officer",
    Role.JUDICIAL_POLICE: "judicial_police",
    Role.SUPERVISOR: "enforcement_bureau_head",
    Role.PRESIDENT: "court_president",
    Role.ADMINISTRATOR: "clerk",
    Role.LIAISON: "liaison",
    Role.OBSERVER: "observer",
}


@dataclass(frozen=True)
class Person:
    """A user that can sign in with :data:`PASSWORD`."""

    id: uuid.UUID
    court_id: uuid.UUID
    login: str
    name: str
    roles: tuple[Role, ...]
    password: str = PASSWORD


@dataclass(frozen=True)
class FieldDevice:
    """A device; ``key`` is ``None`` for a camera."""

    id: uuid.UUID
    court_id: uuid.UUID
    kind: str
    private: PrivateKey | None = None

    @property
    def key(self) -> PrivateKey:
        assert self.private is not None, "a keyless device"
        return self.private


@dataclass(frozen=True)
class CourtWorld:
    """One court with its people and devices."""

    id: uuid.UUID
    code: str
    people: Mapping[str, Person]
    phone: FieldDevice
    dock: FieldDevice
    camera: FieldDevice
    booking_id: uuid.UUID

    @property
    def officer(self) -> Person:
        return self.people["officer"]

    @property
    def second_officer(self) -> Person:
        return self.people["second_officer"]

    @property
    def police(self) -> Person:
        return self.people["judicial_police"]

    @property
    def supervisor(self) -> Person:
        return self.people["supervisor"]

    @property
    def president(self) -> Person:
        return self.people["president"]

    @property
    def administrator(self) -> Person:
        return self.people["administrator"]

    @property
    def liaison(self) -> Person:
        return self.people["liaison"]

    @property
    def observer(self) -> Person:
        return self.people["observer"]


def person_row(
    session: Session, runtime: Runtime, court_id: uuid.UUID, login: str, *roles: Role
) -> Person:
    person = Person(runtime.ids(), court_id, login, f"{login}(虚构)", roles)
    session.add(
        User(
            id=person.id,
            court_id=court_id,
            login=login,
            name=person.name,
            post=_POSTS[roles[0]],
            roles=[role.value for role in roles],
            password_hash=_hash(),
            created_at=runtime.clock.now(),
        )
    )
    session.flush()  # devices and bookings refer to people
    return person


def device_row(
    session: Session,
    runtime: Runtime,
    court_id: uuid.UUID,
    kind: str,
    alg: Algorithm | None,
    holder_id: uuid.UUID | None = None,
) -> FieldDevice:
    key = None if alg is None else PrivateKey.generate(alg)
    device = FieldDevice(runtime.ids(), court_id, kind, key)
    session.add(
        Device(
            id=device.id,
            court_id=court_id,
            kind=kind,
            name=f"{kind} {device.id.hex[-4:]}",
            model="样机",
            serial=device.id.hex[-8:],
            alg=alg.value if alg else None,
            public_jwk=key.public.to_jwk() if key else None,
            jkt=key.public.thumbprint if key else None,
            holder_id=holder_id,
            enrolled_at=runtime.clock.now(),
        )
    )
    session.flush()  # bookings refer to devices
    return device


def booking_row(
    session: Session,
    runtime: Runtime,
    device: FieldDevice,
    person: Person,
    window: tuple[datetime, datetime],
    mission_id: uuid.UUID | None = None,
) -> uuid.UUID:
    booking_id = runtime.ids()
    session.add(
        DutyBooking(
            id=booking_id,
            court_id=device.court_id,
            device_id=device.id,
            user_id=person.id,
            mission_id=mission_id,
            starts_at=window[0],
            ends_at=window[1],
            created_at=runtime.clock.now(),
        )
    )
    return booking_id


def court_rows(session: Session, runtime: Runtime, code: str, tag: str) -> CourtWorld:
    court_id, now = runtime.ids(), runtime.clock.now()
    name = f"样例法院{code}(虚构)"
    session.add(Court(id=court_id, name=name, court_code=code, region_code=None, created_at=now))
    session.flush()  # everything refers to the court

    def person(login: str, role: Role) -> Person:
        return person_row(session, runtime, court_id, f"{login}.{tag}", role)

    people = {role.value: person(role.value, role) for role in Role}
    people["second_officer"] = person("officer2", Role.OFFICER)
    officer = people["officer"]
    phone = device_row(session, runtime, court_id, "phone", Algorithm.ES256, officer.id)
    dock = device_row(session, runtime, court_id, "dock", Algorithm.ED25519)
    camera = device_row(session, runtime, court_id, "camera", None)
    window = (now - timedelta(hours=1), now + timedelta(hours=9))
    booking_id = booking_row(session, runtime, camera, officer, window)
    booking_row(session, runtime, phone, officer, window)
    return CourtWorld(court_id, code, people, phone, dock, camera, booking_id)


@functools.cache
def _hash() -> str:
    # Verification follows the parameters in the hash: cheap ones keep the tests quick.
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
