"""What proves a device's chain before it is synced: shown heads, closed missions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import UUID

from client_sdk._clock import read_instant, wall_ms
from client_sdk._outbox import NOT_RECORDED, Subject
from client_sdk.errors import CaptureError
from client_sdk.models import ClosedMission
from client_sdk.protocol.heads import HeadText, show
from client_sdk.protocol.parts import Closing
from client_sdk.protocol.payloads import Payload, RecordKind
from client_sdk.protocol.records import FIRST_SEQ

if TYPE_CHECKING:
    from client_sdk._clock import DeviceClock
    from client_sdk._ledger import Ledger
    from client_sdk._outbox import Outbox, Recorded


class Custody:
    """Heads and closings of one chain."""

    def __init__(self, outbox: Outbox, ledger: Ledger, clock: DeviceClock) -> None:
        self._outbox = outbox
        self._ledger = ledger
        self._clock = clock

    def head(self) -> HeadText:
        """The newest record, signed to be shown; CaptureError while there is none."""
        identity = self._outbox.require_identity()
        head = self._ledger.head(identity.ep)
        if head.seq < FIRST_SEQ:
            raise CaptureError("nothing was recorded on this device yet")
        return show(
            identity.key,
            device=identity.device_id,
            ep=head.ep,
            seq=head.seq,
            hid=head.hid,
            unix_ms=wall_ms(self._clock),
        )

    def attest(self, text: str, who: UUID | None) -> Recorded:
        """Record what another device showed; its own head proves nothing."""
        head = HeadText.parse(text)
        if head.device == self._outbox.require_identity().device_id:
            raise CaptureError("this is the head of this very device: show it to another one")
        now = read_instant(self._clock)
        return self._outbox.append(
            Payload(RecordKind.HEAD_ATTEST, now, NOT_RECORDED, who=who, head=head)
        )

    def close_mission(self, mission: UUID, subject: Subject, witness: str | None) -> ClosedMission:
        """Record how many records of the mission there are, and the head before this one."""
        now = read_instant(self._clock)
        self._outbox.rotate_if_due(now)
        with self._ledger.store.transaction():
            identity = self._outbox.require_identity()
            head = self._ledger.head(identity.ep)
            count = self._count(identity.ep, str(mission))
            recorded = self._outbox.append(
                Payload(
                    RecordKind.MISSION_CLOSED,
                    now if head.may_precede(now) else read_instant(self._clock),
                    subject.geo,
                    who=subject.who,
                    case=subject.case,
                    mission=mission,
                    ticket=subject.ticket,
                    closing=Closing(count, head.hid, witness),
                )
            )
        return ClosedMission(str(mission), count, head.hid, recorded.seq, recorded.hid)

    def _count(self, ep: int, mission: str) -> int:
        """Records of a mission; what they say is sealed, so each is opened."""
        store, count = self._ledger.store, 0
        for seq, wire in store.all("SELECT seq, wire FROM records WHERE ep=?", ep):
            payload = json.loads(store.unseal(wire, f"record:{ep}:{seq}")["p"])
            count += payload.get("mission") == mission
        return count
