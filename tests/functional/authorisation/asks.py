"""One valid request for every route, over whichever things it is told to name.

``ASKS`` is data: a route without an entry fails the matrix.  An entry reads what it names from
``ids``, so the matrix knows what to replace by another court's or by nobody's.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import pyotp

from client_sdk.protocol.enrolment import enrolment_proof
from client_sdk.protocol.keys import Algorithm, PrivateKey
from tests.factories.field import Recorder
from tests.factories.ground import DERIVATIVE, HELD_SEQ, TOTP_SECRET
from tests.factories.identity import PASSWORD, proof_headers, runtime_of
from tests.factories.uploads import OFFSET_TYPE, metadata, sha256_of
from tests.functional.authorisation.asking import Ask, Names
from tests.functional.authorisation.asks_conduct import CONDUCT
from tests.functional.authorisation.asks_copies import COPIES
from tests.functional.authorisation.asks_guests import GUESTS

__all__ = ["ASKS", "Ask", "Names"]
NEW_BYTES = b"bytes that nobody has sent"


VERSION = {"If-Match": "*"}
TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = {**TUS, "Upload-Offset": "0", "Content-Type": OFFSET_TYPE}


def _push(n: Names) -> Ask:
    device = n.speaker.device or n.ground.first.world.phone
    recorder = Recorder(n.ground.app, device, seq=90, prev="cd" * 32)
    return Ask("/sync/push", {"records": [recorder.note()]})


def _enrol(n: Names) -> Ask:
    key = PrivateKey.generate(Algorithm.ED25519)
    code = n.ids["code"]  # whoever has it may use it: it is no id
    proof = enrolment_proof(code, key)
    body = {"code": code, "alg": "Ed25519", "public_jwk": key.public.to_jwk(), "proof": proof}
    return Ask("/devices/enrol", body)


def _token(n: Names) -> Ask:
    phone = n.ground.first.world.phone
    headers = proof_headers(n.ground.app, phone.key, "POST", "/api/v1/auth/token")
    return Ask("/auth/token", {"grant": "device"}, headers=headers)


def _confirm(n: Names) -> Ask:
    now = runtime_of(n.ground.app).clock.now()
    return Ask("/me/totp/confirm", {"code": pyotp.TOTP(TOTP_SECRET).at(int(now.timestamp()))})


def _create(n: Names) -> Ask:
    size = n.ids.get("new_size", str(len(NEW_BYTES)))
    digest = n.ids.get("new_sha256", sha256_of(NEW_BYTES))
    declared = {"Upload-Length": size, "Upload-Metadata": metadata(sha256=digest)}
    return Ask("/uploads", headers={**TUS, **declared})


def _new_case(n: Names) -> Ask:
    number = f"(2025){n.ground.first.world.code}执77号"
    parties = [{"role": "debtor", "kind": "natural", "name": "某虚构"}]
    body = {"case_no": number, "handler_id": n["officer"], "officer_ids": [n["user"]]}
    return Ask("/cases", {**body, "parties": parties})


def _new_mission(n: Names) -> Ask:
    window = {"starts_at": n.at(30), "ends_at": n.at(34)}
    named = {"case_ids": [n["case"]], "officer_ids": [n["user"]], "device_ids": [n["camera"]]}
    return Ask("/missions", {"title": "清点(虚构)", **window, **named})


def _book(n: Names) -> Ask:
    body = {"device_id": n["camera"], "user_id": n["user"], "mission_id": n["mission"]}
    return Ask("/duty-bookings", {**body, "starts_at": n.at(20), "ends_at": n.at(21)})


def _change_mission(n: Names) -> Ask:
    if n.speaker.kind in {"supervisor", "president"}:
        body: dict[str, Any] = {"case_ids": [n["case"]], "officer_ids": [n["user"]]}
        body |= {"device_ids": [n["dock"]], "title": "改期(虚构)"}
    else:
        body = {"state": "started"}
    return Ask(f"/missions/{n['mission']}", body, headers=VERSION)


def _grant(n: Names) -> Ask:
    objects = [{"sha256": "ab" * 32, "size_bytes": 1}]
    body = {"case_id": n["case"], "mission_id": n["mission"], "objects": objects}
    return Ask("/upload-grants", body)


def _rebind(n: Names) -> Ask:
    to = {"case_id": n["case"], "mission_id": n["mission"], "officer_id": n["user"]}
    return Ask(f"/evidence/{n['evidence']}/rebind", {"reason": "归错(虚构)", **to})


def _export(n: Names) -> Ask:
    why = {"purpose": "移送(虚构)", "recipient": "中级法院(虚构)"}
    return Ask("/exports", {"case_id": n["case"], "evidence_ids": [n["evidence"]], **why})


def _erasure(n: Names) -> Ask:
    why = {"legal_basis": "个人信息保护法第四十七条", "reason": "误摄(虚构)"}
    return Ask(f"/evidence/{n['evidence']}/erasures", why)


def _share(n: Names) -> Ask:
    what = {"case_id": n["case"], "evidence_ids": [n["evidence"]], "mode": "download"}
    return Ask("/shares", {**what, "recipient": "某律师(虚构)", "purpose": "质证(虚构)"})


def _ticket(n: Names) -> Ask:
    return Ask("/tickets", {"mission_id": n["mission"], "ep": 1, "seq": 0})


def _release(n: Names) -> Ask:
    path = f"/sync/held/{n['held_device']}/1/{HELD_SEQ}/release"
    return Ask(path, {"reason": "设备损坏(虚构)"})


def _bookings(n: Names) -> Ask:
    by = f"device_id={n['camera']}&user_id={n['officer']}&mission_id={n['mission']}"
    return Ask(f"/duty-bookings?{by}")


def _rules() -> dict[str, Any]:
    shown = {"place": "town", "mask_staff": True, "automatic": True, "round_seconds": 300}
    return {"version": 0, "reason": "试行(虚构)", "delay_seconds": 900, **shown}


def _missions(n: Names) -> Ask:
    by = f"case_id={n['case']}&officer_id={n['officer']}&device_id={n['camera']}"
    return Ask(f"/missions?{by}")


def _log(n: Names) -> Ask:
    by = f"officer_id={n['officer']}&device_id={n['device']}&mission_id={n['mission']}"
    return Ask(f"/cases/{n['case']}/log?{by}")


def _queue(n: Names) -> Ask:
    by = f"case={n['case']}&mission={n['mission']}&officer={n['officer']}&device={n['device']}"
    return Ask(f"/review-queue?{by}&unseen=1")


def _bulk() -> dict[str, Any]:
    """Items that are not there are skipped, so this names nothing of anybody's."""
    return {"evidence_ids": [str(uuid.uuid4())], "decision": "accept"}


def _whole(path: str) -> Callable[[Names], Ask]:
    """A route that names nothing."""
    return lambda _: Ask(path)


ASKS: Mapping[str, Callable[[Names], Ask]] = {
    "GET /": _whole("//"),
    "GET /docs": _whole("//docs"),
    "GET /healthz": _whole("//healthz"),
    "GET /metrics": _whole("//metrics"),
    "GET /readyz": _whole("//readyz"),
    "GET /time-qr": _whole("//time-qr"),
    "GET /log/checkpoint": _whole("//log/checkpoint"),
    "GET /log/tile/{level}/{number}": _whole("//log/tile/0/000.p/1"),
    "GET /log/tile/entries/{number}": _whole("//log/tile/entries/000.p/1"),
    "GET /api/v1/log/consistency": _whole("/log/consistency?old=1&new=2"),
    "GET /api/v1/log/proofs/{log_index}": _whole("/log/proofs/0"),
    "GET /api/v1/log/state": _whole("/log/state"),
    "GET /api/v1/openapi.json": _whole("/openapi.json"),
    "GET /api/v1/server": _whole("/server"),
    "GET /api/v1/time-qr": _whole("/time-qr"),
    "GET /api/v1/time-qr.svg": _whole("/time-qr.svg"),
    "POST /api/v1/auth/token": _token,
    "POST /api/v1/auth/logout": _whole("/auth/logout"),
    "GET /api/v1/me": _whole("/me"),
    "POST /api/v1/me/password": lambda _: Ask(
        "/me/password", {"old": PASSWORD, "new": "新的口令 is long enough"}
    ),
    "POST /api/v1/me/totp": _whole("/me/totp"),
    "POST /api/v1/me/totp/confirm": _confirm,
    "GET /api/v1/users": _whole("/users"),
    "POST /api/v1/users": lambda _: Ask(
        "/users",
        {"login": "newcomer", "name": "新虚构", "post": "clerk", "roles": ["officer"]},
    ),
    "GET /api/v1/users/{user_id}": lambda n: Ask(f"/users/{n['user']}"),
    "PATCH /api/v1/users/{user_id}": lambda n: Ask(
        f"/users/{n['user']}", {"name": "改虚构"}, headers=VERSION
    ),
    "POST /api/v1/users/{user_id}/password-reset": lambda n: Ask(
        f"/users/{n['user']}/password-reset"
    ),
    "POST /api/v1/users/{user_id}/totp-reset": lambda n: Ask(f"/users/{n['user']}/totp-reset"),
    "POST /api/v1/users/{user_id}/unlock": lambda n: Ask(f"/users/{n['user']}/unlock"),
    "GET /api/v1/devices": lambda n: Ask(f"/devices?holder_id={n['officer']}"),
    "POST /api/v1/devices": lambda n: Ask(
        "/devices", {"kind": "camera", "name": "相机", "holder_id": n["user"]}
    ),
    "GET /api/v1/devices/{device_id}": lambda n: Ask(f"/devices/{n['device']}"),
    "GET /api/v1/devices/{device_id}/clock": lambda n: Ask(f"/devices/{n['device']}/clock"),
    "POST /api/v1/devices/{device_id}/revoke": lambda n: Ask(
        f"/devices/{n['camera']}/revoke", {"reason": "遗失(虚构)"}
    ),
    "POST /api/v1/devices/enrol": _enrol,
    "POST /api/v1/enrolment-codes": lambda n: Ask(
        "/enrolment-codes", {"kind": "phone", "name": "手机", "holder_id": n["user"]}
    ),
    "GET /api/v1/duty-bookings": _bookings,
    "POST /api/v1/duty-bookings": _book,
    "POST /api/v1/duty-bookings/{booking_id}/hand-over": lambda n: Ask(
        f"/duty-bookings/{n['booking']}/hand-over", {"to_user_id": n["user"]}
    ),
    "POST /api/v1/upload-grants": _grant,
    "GET /api/v1/cases": lambda n: Ask(f"/cases?handler_id={n['officer']}"),
    "POST /api/v1/cases": _new_case,
    "GET /api/v1/cases/{case_id}": lambda n: Ask(f"/cases/{n['case']}"),
    "PATCH /api/v1/cases/{case_id}": lambda n: Ask(
        f"/cases/{n['case']}", {"cause": "变更(虚构)", "handler_id": n["officer"]}, headers=VERSION
    ),
    "POST /api/v1/cases/{case_id}/assignments": lambda n: Ask(
        f"/cases/{n['case']}/assignments", {"officer_ids": [n["officer"]]}
    ),
    "DELETE /api/v1/cases/{case_id}/assignments/{officer_id}": lambda n: Ask(
        f"/cases/{n['case']}/assignments/{n['user']}"
    ),
    "POST /api/v1/cases/{case_id}/parties": lambda n: Ask(
        f"/cases/{n['case']}/parties", {"role": "applicant", "kind": "natural", "name": "乙虚构"}
    ),
    "PATCH /api/v1/cases/{case_id}/parties/{party_id}": lambda n: Ask(
        f"/cases/{n['case']}/parties/{n['party']}", {"name": "丙虚构"}, headers=VERSION
    ),
    "DELETE /api/v1/cases/{case_id}/parties/{party_id}": lambda n: Ask(
        f"/cases/{n['case']}/parties/{n['party']}", headers=VERSION
    ),
    "GET /api/v1/cases/{case_id}/evidence": lambda n: Ask(
        f"/cases/{n['case']}/evidence?officer_id={n['officer']}"
    ),
    "GET /api/v1/cases/{case_id}/log": _log,
    "GET /api/v1/missions": _missions,
    "POST /api/v1/missions": _new_mission,
    "GET /api/v1/missions/{mission_id}": lambda n: Ask(f"/missions/{n['mission']}"),
    "PATCH /api/v1/missions/{mission_id}": _change_mission,
    "GET /api/v1/events": lambda n: Ask(f"/events?case_id={n['case']}"),
    "GET /api/v1/evidence/{evidence_id}": lambda n: Ask(f"/evidence/{n['evidence']}"),
    "GET /api/v1/evidence/{evidence_id}/content": lambda n: Ask(
        f"/evidence/{n['evidence']}/content", headers={"Purpose": "review"}
    ),
    "GET /api/v1/evidence/{evidence_id}/custody": lambda n: Ask(
        f"/evidence/{n['evidence']}/custody"
    ),
    "GET /api/v1/evidence/{evidence_id}/derivatives/{name}": lambda n: Ask(
        f"/evidence/{n['evidence']}/derivatives/{DERIVATIVE}"
    ),
    "POST /api/v1/evidence/{evidence_id}/rebind": _rebind,
    "POST /api/v1/evidence/{evidence_id}/review": lambda n: Ask(
        f"/evidence/{n['evidence']}/review", {"decision": "comment", "text": "看过(虚构)"}
    ),
    "GET /api/v1/evidence/{evidence_id}/review": lambda n: Ask(f"/evidence/{n['evidence']}/review"),
    "POST /api/v1/evidence/{evidence_id}/review/undo": lambda n: Ask(
        f"/evidence/{n['evidence']}/review/undo", {"reason": "看错(虚构)"}
    ),
    "GET /api/v1/evidence/{evidence_id}/markers": lambda n: Ask(
        f"/evidence/{n['evidence']}/markers"
    ),
    "POST /api/v1/evidence/{evidence_id}/markers": lambda n: Ask(
        f"/evidence/{n['evidence']}/markers", {"text": "门牌(虚构)", "region": [0, 0, 500, 500]}
    ),
    "GET /api/v1/review-queue": _queue,
    "POST /api/v1/review-queue/preview": lambda n: Ask("/review-queue/preview", _bulk()),
    "POST /api/v1/review-queue/decide": lambda n: Ask("/review-queue/decide", _bulk()),
    "POST /api/v1/bundles": lambda n: Ask("/bundles", {"sha256": n["bundle"]}),
    "GET /api/v1/bundles/{sha256}/receipts": lambda n: Ask(f"/bundles/{n['bundle']}/receipts"),
    **CONDUCT,
    **COPIES,
    **GUESTS,
    "POST /api/v1/evidence/{evidence_id}/erasures": _erasure,
    "GET /api/v1/erasures": lambda _: Ask("/erasures"),
    "POST /api/v1/erasures/{erasure_id}/approve": lambda n: Ask(
        f"/erasures/{n['erasure']}/approve", {}
    ),
    "POST /api/v1/erasures/{erasure_id}/refuse": lambda n: Ask(
        f"/erasures/{n['erasure']}/refuse", {}
    ),
    "GET /api/v1/retention/rules": _whole("/retention/rules"),
    "POST /api/v1/retention/rules": lambda _: Ask(
        "/retention/rules", {"category": "ordinary", "months": 12, "reason": "试行(虚构)"}
    ),
    "GET /api/v1/retention/effects": _whole("/retention/effects?category=ordinary&months=12"),
    "GET /api/v1/retention/evidence/{evidence_id}": lambda n: Ask(
        f"/retention/evidence/{n['evidence']}"
    ),
    "POST /api/v1/retention/classes": lambda n: Ask(
        "/retention/classes",
        {"evidence_ids": [n["evidence"]], "category": "ordinary", "reason": "普通(虚构)"},
    ),
    "GET /api/v1/retention/holds": lambda n: Ask(f"/retention/holds?case_id={n['case']}"),
    "POST /api/v1/retention/holds": lambda n: Ask(
        "/retention/holds", {"case_id": n["case"], "reason": "信访(虚构)"}
    ),
    "POST /api/v1/retention/holds/{hold_id}/lift": lambda n: Ask(
        f"/retention/holds/{n['hold']}/lift", {"reason": "已办结(虚构)"}
    ),
    "GET /api/v1/retention/due": _whole("/retention/due"),
    "POST /api/v1/retention/disposals": lambda _: Ask(
        "/retention/disposals", {"evidence_ids": [str(uuid.uuid4())], "reason": "期满(虚构)"}
    ),
    "POST /api/v1/retention/disposals/approve": lambda _: Ask(
        "/retention/disposals/approve", {"erasure_ids": [str(uuid.uuid4())]}
    ),
    "POST /api/v1/retention/disposals/refuse": lambda _: Ask(
        "/retention/disposals/refuse", {"erasure_ids": [str(uuid.uuid4())]}
    ),
    "POST /api/v1/exports": _export,
    "GET /api/v1/exports/{export_id}": lambda n: Ask(f"/exports/{n['export']}"),
    "GET /api/v1/exports/{export_id}/content": lambda n: Ask(f"/exports/{n['export']}/content"),
    "GET /api/v1/cases/{case_id}/exports": lambda n: Ask(f"/cases/{n['case']}/exports"),
    "GET /api/v1/missing-items": _whole("/missing-items"),
    "GET /api/v1/notices": _whole("/notices"),
    "GET /api/v1/notices/unread": _whole("/notices/unread"),
    "POST /api/v1/notices/read": lambda _: Ask("/notices/read", {}),
    "GET /api/v1/notices/preferences": _whole("/notices/preferences"),
    "PUT /api/v1/notices/preferences": lambda _: Ask(
        "/notices/preferences", {"muted": [], "digest": True}
    ),
    "GET /api/v1/webhooks": _whole("/webhooks"),
    "POST /api/v1/webhooks": lambda _: Ask(
        "/webhooks",
        {"name": "系统(虚构)", "url": "https://hooks.example/x", "kinds": ["account.locked"]},
    ),
    "GET /api/v1/webhooks/{webhook_id}": lambda n: Ask(f"/webhooks/{n['webhook']}"),
    "PATCH /api/v1/webhooks/{webhook_id}": lambda n: Ask(
        f"/webhooks/{n['webhook']}", {"state": "paused"}, headers=VERSION
    ),
    "POST /api/v1/webhooks/{webhook_id}/rotate": lambda n: Ask(f"/webhooks/{n['webhook']}/rotate"),
    "POST /api/v1/webhooks/{webhook_id}/test": lambda n: Ask(f"/webhooks/{n['webhook']}/test"),
    "GET /api/v1/webhooks/{webhook_id}/deliveries": lambda n: Ask(
        f"/webhooks/{n['webhook']}/deliveries"
    ),
    "POST /api/v1/webhook-deliveries/{delivery_id}/send-again": lambda n: Ask(
        f"/webhook-deliveries/{n['delivery']}/send-again"
    ),
    "POST /api/v1/shares": _share,
    "GET /api/v1/shares": _whole("/shares"),
    "GET /api/v1/shares/{share_id}": lambda n: Ask(f"/shares/{n['share']}"),
    "POST /api/v1/shares/{share_id}/revoke": lambda n: Ask(f"/shares/{n['share']}/revoke"),
    "POST /api/v1/shares/{share_id}/code": lambda n: Ask(f"/shares/{n['share']}/code"),
    "GET /api/v1/receipts": _whole("/receipts"),
    "GET /api/v1/review-reasons": _whole("/review-reasons"),
    "GET /api/v1/live/missions": _whole("/live/missions"),
    "GET /api/v1/live/missions/{mission_id}/entries": lambda n: Ask(
        f"/live/missions/{n['live_mission']}/entries"
    ),
    "GET /api/v1/live/missions/{mission_id}/observed": lambda n: Ask(
        f"/live/missions/{n['live_mission']}/observed"
    ),
    "GET /api/v1/live/missions/{mission_id}/stream": lambda n: Ask(
        f"/live/missions/{n['live_mission']}/stream"
    ),
    "POST /api/v1/live/entries/{entry_id}/decision": lambda n: Ask(
        f"/live/entries/{n['live_entry']}/decision", {"decision": "hold"}
    ),
    "GET /api/v1/live/rules": _whole("/live/rules"),
    "GET /api/v1/live/rules/history": _whole("/live/rules/history"),
    "PUT /api/v1/live/rules": lambda _n: Ask("/live/rules", _rules()),
    "GET /api/v1/sync/held": _whole("/sync/held"),
    "GET /api/v1/devices/{device_id}/chain": lambda n: Ask(f"/devices/{n['device']}/chain"),
    "POST /api/v1/sync/held/{device_id}/{ep}/{seq}/release": _release,
    "GET /api/v1/sync/pull": _whole("/sync/pull"),
    "POST /api/v1/sync/push": _push,
    "POST /api/v1/tickets": _ticket,
    "POST /api/v1/clock": lambda _: Ask("/clock", {"t1": "1767225600000"}),
    "POST /api/v1/dock/matches": lambda n: Ask(
        "/dock/matches",
        {"camera_id": n["camera"], "files": [{"at": n.at(0), "case_id": n["case"]}]},
    ),
    "POST /api/v1/blobs/missing": lambda n: Ask(
        "/blobs/missing",
        {"objects": [{"sha256": sha256_of(n.ground.first.photo), "size_bytes": 1}]},
    ),
    "OPTIONS /api/v1/uploads": _whole("/uploads"),
    "OPTIONS /api/v1/uploads/{upload_id}": lambda _: Ask(f"/uploads/{uuid.uuid4()}"),
    "POST /api/v1/uploads": _create,
    "HEAD /api/v1/uploads/{upload_id}": lambda n: Ask(f"/uploads/{n['upload']}", headers=TUS),
    "PATCH /api/v1/uploads/{upload_id}": lambda n: Ask(
        f"/uploads/{n['upload']}", data=b"not", headers=CHUNK
    ),
    "DELETE /api/v1/uploads/{upload_id}": lambda n: Ask(f"/uploads/{n['upload']}", headers=TUS),
    "POST /api/v1/uploads/{upload_id}": lambda n: Ask(
        f"/uploads/{n['upload']}", headers={**TUS, "X-HTTP-Method-Override": "HEAD"}
    ),
}
