"""Valid requests about invited observers, lost devices and lines of the log; see :mod:`asks`."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from tests.functional.authorisation.asking import Ask, Names


def _invite(n: Names) -> Ask:
    who = {"invitee": "某代表(虚构)", "invitee_kind": "npc_deputy", "mission_id": n["mission"]}
    return Ask("/invitations", {**who, "window_from": n.at(0), "window_to": n.at(8)})


GUESTS: dict[str, Callable[[Names], Ask]] = {
    "POST /api/v1/invitations": _invite,
    "GET /api/v1/invitations": lambda n: Ask(f"/invitations?mission_id={n['mission']}"),
    "GET /api/v1/invitations/{invitation_id}": lambda n: Ask(f"/invitations/{n['invitation']}"),
    "POST /api/v1/invitations/{invitation_id}/revoke": lambda n: Ask(
        f"/invitations/{n['invitation']}/revoke", {"reason": "行程有变(虚构)"}
    ),
    "POST /api/v1/invitations/{invitation_id}/mission": lambda n: Ask(
        f"/invitations/{n['open_invitation']}/mission", {"mission_id": n["mission"]}
    ),
    "GET /api/v1/devices/{device_id}/loss": lambda n: Ask(f"/devices/{n['device']}/loss"),
    "POST /api/v1/devices/{device_id}/loss": lambda n: Ask(
        f"/devices/{n['camera']}/loss", {"lost_at": n.at(0), "reason": "遗失(虚构)"}
    ),
    "GET /api/v1/retention/due-lines": lambda _: Ask("/retention/due-lines"),
    "POST /api/v1/retention/line-disposals": lambda _: Ask(
        "/retention/line-disposals", {"log_entry_ids": [str(uuid.uuid4())], "reason": "期满(虚构)"}
    ),
    "POST /api/v1/retention/line-disposals/approve": lambda _: Ask(
        "/retention/line-disposals/approve", {"erasure_ids": [str(uuid.uuid4())]}
    ),
    "POST /api/v1/retention/line-disposals/refuse": lambda _: Ask(
        "/retention/line-disposals/refuse", {"erasure_ids": [str(uuid.uuid4())]}
    ),
}
