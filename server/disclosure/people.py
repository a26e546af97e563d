"""Names for a report: people and devices of the court, read once each."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy.orm import Session

from server.disclosure.facts import Device, Person
from server.identity import queries as identity


class Register:
    """Looks up who and what an export names, within one court."""

    def __init__(self, session: Session, court_id: uuid.UUID) -> None:
        self._session = session
        self._court_id = court_id
        self._people: dict[uuid.UUID, Person | None] = {}
        self._devices: dict[uuid.UUID, Device | None] = {}

    def person(self, user_id: object) -> Person | None:
        """The person with an id (text or UUID), or ``None``."""
        known = _uuid(user_id)
        if known is None:
            return None
        if known not in self._people:
            user = identity.user_in_court(self._session, self._court_id, known)
            self._people[known] = None if user is None else Person(user.id, user.name, user.post)
        return self._people[known]

    def name(self, user_id: object) -> str | None:
        """The person's name; the id itself when the court does not know it."""
        found = self.person(user_id)
        if found is not None:
            return found.name
        return None if user_id is None else str(user_id)

    def device(self, device_id: object) -> Device | None:
        """The device with an id (text or UUID), or ``None``."""
        known = _uuid(device_id)
        if known is None:
            return None
        if known not in self._devices:
            self._devices[known] = self._read(known)
        return self._devices[known]

    def learn(self, device_id: object, facts: dict[str, Any]) -> None:
        """Add what only the enrolment's event says."""
        found = self.device(device_id)
        if found is not None:
            chain = facts.get("attestation")
            said = f"{len(chain)} certificates" if isinstance(chain, list) else chain
            app = facts.get("app")
            self._devices[found.id] = Device(
                found.id, found.kind, found.name, found.model, found.serial, found.alg, found.key,
                found.enrolled_at, found.revoked_at, found.revoked_reason,
                None if said is None else str(said), None if app is None else str(app),
            )  # fmt: skip

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody who was named."""
        found = [person for person in self._people.values() if person is not None]
        return tuple(sorted(found, key=lambda person: person.id))

    @property
    def devices(self) -> tuple[Device, ...]:
        """Every device that was named."""
        found = [device for device in self._devices.values() if device is not None]
        return tuple(sorted(found, key=lambda device: device.id))

    def _read(self, device_id: uuid.UUID) -> Device | None:
        row = identity.device_in_court(self._session, self._court_id, device_id)
        if row is None:
            return None
        return Device(
            row.id, row.kind, row.name, row.model, row.serial, row.alg, row.jkt,
            row.enrolled_at, row.revoked_at, row.revoked_reason,
        )  # fmt: skip


def _uuid(value: object) -> uuid.UUID | None:
    if isinstance(value, uuid.UUID):
        return value
    try:
        return uuid.UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
