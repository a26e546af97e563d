"""Which keys signed a device's chain, and who else recorded its heads."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from server.core.db import Base, BigId, CourtScoped


class DeviceKey(CourtScoped, Base):
    """A key of a chain and the number from which it signs.

    ``from_seq`` 0 is the identity key, which signs requests and shown heads; 1 is the first key
    that signs records, the others were certified by ``key.next`` records (``record_hid``).
    """

    __tablename__ = "device_keys"
    __table_args__ = (sa.Index(None, "kid"),)

    device_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("devices.id"), primary_key=True)
    ep: Mapped[int] = mapped_column(primary_key=True)
    from_seq: Mapped[int] = mapped_column(BigId, primary_key=True)
    kid: Mapped[str]
    jwk: Mapped[dict[str, Any]]
    record_hid: Mapped[str | None]
    made_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class HeadAttestation(CourtScoped, Base):
    """Another device's chain names this head: what lies before it is bound from then on."""

    __tablename__ = "head_attestations"
    __table_args__ = (sa.Index(None, "device_id", "ep", "seq"),)

    by_device_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("devices.id"), primary_key=True)
    by_ep: Mapped[int] = mapped_column(primary_key=True)
    by_seq: Mapped[int] = mapped_column(BigId, primary_key=True)
    by_hid: Mapped[str]
    device_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("devices.id"))
    ep: Mapped[int]
    seq: Mapped[int] = mapped_column(BigId)
    hid: Mapped[str]
    shown_ms: Mapped[int] = mapped_column(BigId)  # the attested device's own clock
    attested_at: Mapped[datetime]  # corrected time of the attesting record
    rx: Mapped[str]
