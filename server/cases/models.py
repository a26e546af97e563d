"""Cases, their parties, and the missions that go out for them."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.core.db import Base, BigId, CourtScoped


class Case(CourtScoped, Base):
    """An enforcement case; the number is stored in its normal form, parts beside it."""

    __tablename__ = "cases"
    __table_args__ = (
        sa.UniqueConstraint("court_id", "case_no"),
        sa.Index(None, "court_id", "handler_id"),
        sa.Index(None, "court_id", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_no: Mapped[str]
    year: Mapped[int]
    court_code: Mapped[str]
    type_code: Mapped[str]
    serial: Mapped[int]
    cause: Mapped[str | None]
    filed_on: Mapped[date | None]
    deadline_on: Mapped[date | None]
    handler_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    status: Mapped[str]
    closed_at: Mapped[datetime | None]  # when the server was told; retention runs from here
    basis: Mapped[dict[str, Any] | None]
    claim_fen: Mapped[int | None] = mapped_column(BigId)
    case_key: Mapped[str]  # random per case, hex; travels in the dossier (00)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]

    parties: Mapped[list[Party]] = relationship(
        back_populates="case",
        order_by="Party.position",
        lazy="selectin",
        cascade="all, delete-orphan",
    )
    assignments: Mapped[list[CaseAssignment]] = relationship(
        order_by="CaseAssignment.user_id", lazy="selectin", cascade="all, delete-orphan"
    )

    @property
    def officer_ids(self) -> list[uuid.UUID]:
        """People assigned besides the handler."""
        return [assignment.user_id for assignment in self.assignments]


class Party(CourtScoped, Base):
    """A party to a case."""

    __tablename__ = "parties"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    position: Mapped[int]
    role: Mapped[str]  # applicant | debtor | outsider
    kind: Mapped[str]  # natural | legal
    name: Mapped[str]
    details: Mapped[dict[str, Any] | None]  # the allow-list of ``parties``; numbers masked
    id_no_sealed: Mapped[str | None]  # sealed with the server's data key; leaves only masked

    case: Mapped[Case] = relationship(back_populates="parties")


class CaseAssignment(CourtScoped, Base):
    """Someone besides the handler who works on a case and may see it."""

    __tablename__ = "case_assignments"

    case_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("cases.id"), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("users.id"), primary_key=True, index=True
    )
    assigned_at: Mapped[datetime]


class Mission(CourtScoped, Base):
    """One outing over one or more cases."""

    __tablename__ = "missions"
    __table_args__ = (sa.Index(None, "court_id", "starts_at"), sa.Index(None, "court_id", "id"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    title: Mapped[str]
    place: Mapped[dict[str, Any] | None]  # {"name", "lat"?, "lon"?}, decimal strings, WGS-84
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    state: Mapped[str]  # planned | started | ended | cancelled
    version: Mapped[int] = mapped_column(default=1)
    created_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime]

    case_links: Mapped[list[MissionCase]] = relationship(
        order_by="MissionCase.case_id", lazy="selectin", cascade="all, delete-orphan"
    )
    officer_links: Mapped[list[MissionOfficer]] = relationship(
        order_by="MissionOfficer.user_id", lazy="selectin", cascade="all, delete-orphan"
    )
    device_links: Mapped[list[MissionDevice]] = relationship(
        order_by="MissionDevice.device_id", lazy="selectin", cascade="all, delete-orphan"
    )

    @property
    def case_ids(self) -> list[uuid.UUID]:
        """Cases it serves."""
        return [link.case_id for link in self.case_links]

    @property
    def officer_ids(self) -> list[uuid.UUID]:
        """People sent."""
        return [link.user_id for link in self.officer_links]

    @property
    def device_ids(self) -> list[uuid.UUID]:
        """Devices taken along."""
        return [link.device_id for link in self.device_links]


class MissionCase(CourtScoped, Base):
    """A case that a mission serves."""

    __tablename__ = "mission_cases"

    mission_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("missions.id"), primary_key=True)
    case_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("cases.id"), primary_key=True, index=True
    )


class MissionOfficer(CourtScoped, Base):
    """An officer or judicial police sent on a mission."""

    __tablename__ = "mission_officers"

    mission_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("missions.id"), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("users.id"), primary_key=True, index=True
    )


class MissionDevice(CourtScoped, Base):
    """A device taken along."""

    __tablename__ = "mission_devices"

    mission_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("missions.id"), primary_key=True)
    device_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("devices.id"), primary_key=True, index=True
    )
