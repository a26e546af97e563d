"""Fills an empty installation with the fictional world: courts, people, devices, cases, a mission.

Everything goes through the services that the API uses, so the events are there as well.
"""

from __future__ import annotations

import base64
import dataclasses
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from server.cases import missions
from server.cases import service as cases
from server.cases.commands import AddCase, AddMission, PartyCommand
from server.cases.parties import PartyKind, PartyRole
from server.cases.states import CaseStatus
from server.core.context import Context, Runtime, system_actor
from server.core.permissions import Role
from server.core.transactions import EVERY_COURT, unit_of_work
from server.identity import service_courts, service_devices, service_duty, service_users
from server.identity.commands import AddUser, Book, OfferEnrolment, RegisterDevice
from server.identity.service_courts import AddCourt

ROLES = {
    "court_president": Role.PRESIDENT,
    "enforcement_bureau_head": Role.SUPERVISOR,
    "enforcement_judge": Role.OFFICER,
    "enforcement_officer": Role.OFFICER,
    "judge_assistant": Role.OFFICER,
    "judicial_police": Role.JUDICIAL_POLICE,
}
CAMERAS = {"digital_camera": "camera", "video_camera": "camera"}
KEYLESS = frozenset({"camera", "body_recorder", "audio_recorder"})
MISSION_HOURS = 10


@dataclass
class Seeded:
    """What was made; ids by the sample's own ids."""

    courts: dict[str, uuid.UUID] = field(default_factory=dict)
    users: dict[str, uuid.UUID] = field(default_factory=dict)
    cases: dict[str, uuid.UUID] = field(default_factory=dict)
    devices: dict[str, uuid.UUID] = field(default_factory=dict)
    logins: list[tuple[str, str, str, str]] = field(default_factory=list)
    passwords: dict[str, tuple[str, str]] = field(default_factory=dict)


class Seeder:
    """Fills one installation in one transaction."""

    def __init__(self, runtime: Runtime, world: dict[str, Any]) -> None:
        self._runtime = runtime
        self._world = world
        self._made = Seeded()

    def run(self) -> dict[str, Any]:
        """Seed, and say what a demo needs to know (passwords are not kept anywhere else)."""
        with unit_of_work(EVERY_COURT) as session:
            ctx = Context(actor=system_actor(), session=session, runtime=self._runtime)
            for court in self._world["courts"]:
                self._court(ctx, court)
            officer, supervisor = self._chosen("officer"), self._chosen("supervisor")
            own = self._of(ctx, officer["court_id"])
            case_id = self._first_case(officer)
            self._mission(own, officer, case_id)
            phone = self._code(own, "phone", "演示手机", officer)
            desk = self._code(own, "workstation", "督导工作站", supervisor)
        return {
            "courts": {name: str(key) for name, key in self._made.courts.items()},
            "users": {name: str(key) for name, key in self._made.users.items()},
            "cases": {name: str(key) for name, key in self._made.cases.items()},
            "devices": {name: str(key) for name, key in self._made.devices.items()},
            "officer": {**self._login(officer), "code": phone, "case_id": str(case_id)},
            "desk": {**self._login(supervisor), "code": desk},
            "logins": self._made.logins,
        }

    def _court(self, ctx: Context, court: dict[str, Any]) -> None:
        command = AddCourt(
            name=court["name"], court_code=court["court_code"], region_code=court["region_code"]
        )
        self._made.courts[court["id"]] = service_courts.add(ctx, command).id
        own = self._of(ctx, court["id"])
        administrator = {
            "id": f"{court['id']}-ADMIN", "court_id": court["id"], "name": "管理员(虚构)",
            "role": "clerk",
        }  # fmt: skip
        for person in [*self._rows("staff", court), administrator]:
            self._person(own, court, person)
        for device in self._rows("devices", court):
            self._device(own, device)
        for case in self._rows("cases", court):
            self._case(own, case)

    def _person(self, ctx: Context, court: dict[str, Any], person: dict[str, Any]) -> None:
        role = ROLES.get(person["role"])
        if role is None and not person["id"].endswith("-ADMIN"):
            return
        role = role or Role.ADMINISTRATOR
        login = person["id"].lower()
        password = base64.b32encode(self._runtime.randbytes(10)).decode().lower()
        command = AddUser(
            login=login, name=person["name"], post=person["role"], roles=(role.value,),
            password=password,
        )  # fmt: skip
        self._made.users[person["id"]] = service_users.add(ctx, command).user.id
        self._made.passwords[person["id"]] = (login, password)
        self._made.logins.append(
            (court["name"], person["name"], role.value, f"{login} / {password}")
        )

    def _device(self, ctx: Context, device: dict[str, Any]) -> None:
        kind = CAMERAS.get(device["kind"], device["kind"])
        if kind not in KEYLESS:
            return
        command = RegisterDevice(
            kind=kind, name=device["model"], model=device["model"], serial=device["serial"]
        )
        self._made.devices[device["id"]] = service_devices.register(ctx, command).id

    def _case(self, ctx: Context, case: dict[str, Any]) -> None:
        command = AddCase(
            case_no=case["case_no"],
            cause=case["cause"],
            filed_on=date.fromisoformat(case["filed_on"]),
            deadline_on=date.fromisoformat(case["deadline_on"]) if case["deadline_on"] else None,
            handler_id=self._made.users[case["handler_id"]],
            status=_begun(case["status"]),
            claim_fen=case["claim_fen"],
            parties=tuple(_party(party) for party in case["parties"]),
        )
        self._made.cases[case["id"]] = cases.add(ctx, command).id

    def _mission(self, ctx: Context, officer: dict[str, Any], case_id: uuid.UUID) -> None:
        now = self._runtime.clock.now()
        cameras = [
            self._made.devices[row["id"]]
            for row in self._rows("devices", {"id": officer["court_id"]})
            if row["id"] in self._made.devices
        ]
        mission = missions.add(
            ctx,
            AddMission(
                title="春风行动：现场查封(虚构)",
                case_ids=(case_id,),
                starts_at=now - timedelta(hours=1),
                ends_at=now + timedelta(hours=MISSION_HOURS),
                place={"name": "清河镇(虚构)", "lat": "38.2100000", "lon": "104.4100000"},
                officer_ids=(self._made.users[officer["id"]],),
                device_ids=tuple(cameras),
            ),
        )
        for camera in cameras:
            service_duty.book(
                ctx, _booking(camera, self._made.users[officer["id"]], mission.id, now)
            )

    def _code(self, ctx: Context, kind: str, name: str, holder: dict[str, Any]) -> str:
        command = OfferEnrolment(kind=kind, name=name, holder_id=self._made.users[holder["id"]])
        return service_devices.offer(ctx, command).code

    def _first_case(self, officer: dict[str, Any]) -> uuid.UUID:
        own = self._rows("cases", {"id": officer["court_id"]})
        mine = [row for row in own if row["handler_id"] == officer["id"]] or own
        open_ones = [row for row in mine if row["status"] == CaseStatus.ENFORCING.value]
        return self._made.cases[(open_ones or mine)[0]["id"]]

    def _chosen(self, role: str) -> dict[str, Any]:
        court = self._world["courts"][0]
        people: list[dict[str, Any]] = self._rows("staff", court)
        return next(one for one in people if ROLES.get(one["role"]) == role)

    def _login(self, person: dict[str, Any]) -> dict[str, str]:
        login, password = self._made.passwords[person["id"]]
        return {"login": login, "password": password}

    def _rows(self, table: str, court: dict[str, Any]) -> list[dict[str, Any]]:
        return [row for row in self._world[table] if row["court_id"] == court["id"]]

    def _of(self, ctx: Context, court: str) -> Context:
        return dataclasses.replace(ctx, actor=system_actor(self._made.courts[court]))


def _party(party: dict[str, Any]) -> PartyCommand:
    details = {
        name: party[name] for name in ("sex", "uscc", "legal_representative") if party.get(name)
    }
    return PartyCommand(
        role=PartyRole(party["role"]), kind=PartyKind(party["kind"]), name=party["name"],
        id_no=party.get("id_no"), details=details,
    )  # fmt: skip


def _booking(
    device_id: uuid.UUID, user_id: uuid.UUID, mission_id: uuid.UUID, now: datetime
) -> Book:
    return Book(
        device_id=device_id,
        user_id=user_id,
        mission_id=mission_id,
        starts_at=now - timedelta(hours=1),
        ends_at=now + timedelta(hours=MISSION_HOURS),
    )


def _begun(status: str) -> CaseStatus:
    """How a case is filed: closing and suspending take entries that their gates let through."""
    return CaseStatus.FILED if status == CaseStatus.FILED else CaseStatus.ENFORCING
