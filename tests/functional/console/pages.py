"""Every page of the console, once: what the tests of all pages walk through.

``path`` names things of the first court as :mod:`tests.factories.ground` made them (``{case}``,
``{evidence}`` …); ``who`` is a role, or ``nobody``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ConsolePage:
    """One page and somebody who may open it."""

    name: str
    path: str
    who: str = "supervisor"
    status: int = 200


PAGES = (
    ConsolePage("sign-in", "/sign-in", "nobody"),
    ConsolePage("not-found", "/no-such-page", "nobody", 404),
    ConsolePage("devices", "/devices"),
    ConsolePage("devices-new", "/devices/new", "administrator"),
    ConsolePage("device", "/devices/{device}"),
    ConsolePage("device-lost", "/devices/{device}/lost"),
    ConsolePage("dock", "/dock", "officer"),
    ConsolePage("duty", "/duty"),
    ConsolePage("duty-booking", "/duty/{booking}"),
    ConsolePage("users", "/admin/users", "administrator"),
    ConsolePage("user", "/admin/users/{user}", "administrator"),
    ConsolePage("me", "/me", "officer"),
    ConsolePage("guests", "/guests"),
    ConsolePage("guests-new", "/guests/new?mission_id={observed}"),
    ConsolePage("guest", "/guests/{invitation}"),
    ConsolePage("guest-not-there", "/guests/{invited}"),
    ConsolePage("opinions", "/opinions"),
    ConsolePage("room", "/g", "guest"),
    ConsolePage("room-opinions", "/g/opinions", "guest"),
    ConsolePage("room-replay", "/g/replay", "guest"),
    ConsolePage("room-attendance", "/g/attendance", "guest"),
    ConsolePage("room-closed", "/g/closed", "nobody", 404),
    ConsolePage("room-taken", "/g/taken", "nobody", 403),
    ConsolePage("room-occupied", "/g/occupied", "nobody", 409),
    ConsolePage("me-password", "/me/password", "officer"),
    ConsolePage("review", "/review?status=all"),
    ConsolePage("review-item", "/review/{evidence}?status=all&type=photo"),
    ConsolePage("review-second", "/review/second"),
    ConsolePage("evidence", "/e/{evidence}"),
    ConsolePage("evidence-officer", "/e/{evidence}", "officer"),
    ConsolePage("evidence-custody", "/e/{evidence}/custody"),
    ConsolePage("evidence-metadata", "/e/{evidence}/metadata"),
    ConsolePage("evidence-diff", "/e/{evidence}/diff"),
    ConsolePage("evidence-print", "/e/{evidence}/print"),
    ConsolePage("redact", "/e/{evidence}/redact", "officer"),
    ConsolePage("find", "/find?q=7F3K-29"),
    ConsolePage("export", "/exports/{export}"),
    ConsolePage("inbox", "/inbox"),
    ConsolePage("inbox-officer", "/inbox?show=all", "officer"),
    ConsolePage("inbox-administrator", "/inbox", "administrator"),
    ConsolePage("inbox-settings", "/inbox/settings"),
    ConsolePage("shares", "/shares"),
    ConsolePage("shares-new", "/shares/new?case={case}&item={evidence}"),
    ConsolePage("shares-new-without-case", "/shares/new"),
    ConsolePage("share", "/shares/{share}"),
    ConsolePage("share-closed", "/s", "nobody", 404),
    ConsolePage("webhooks", "/admin/webhooks", "administrator"),
    ConsolePage("webhooks-new", "/admin/webhooks/new", "administrator"),
    ConsolePage("webhook", "/admin/webhooks/{webhook}", "administrator"),
    ConsolePage("live", "/live", "officer"),
    ConsolePage("live-mission", "/live/{live_mission}", "officer"),
    ConsolePage("live-desk", "/live/{live_mission}/control"),
    ConsolePage("live-rules", "/live/rules?mission={live_mission}"),
    ConsolePage("cases", "/cases"),
    ConsolePage("cases-filtered", "/cases?text=%E8%99%9A%E6%9E%84&status=enforcing", "officer"),
    ConsolePage("cases-empty", "/cases?text=nothing"),
    ConsolePage("case", "/cases/{case}"),
    ConsolePage("case-item", "/cases/{case}?item={evidence}", "officer"),
    ConsolePage("case-media", "/cases/{case}/media/{evidence}"),
    ConsolePage("case-new", "/cases/new"),
    ConsolePage("case-edit", "/cases/{case}/edit"),
    ConsolePage("missing", "/missing"),
    ConsolePage("missing-of-case", "/missing?case={case}"),
    ConsolePage("reuse", "/reuse"),
    ConsolePage("missions", "/missions"),
    ConsolePage("mission", "/missions/{mission}", "officer"),
    ConsolePage("mission-new", "/missions/new?case={case}"),
    ConsolePage("mission-edit", "/missions/{mission}/edit"),
    ConsolePage("audit", "/audit"),
    ConsolePage("audit-filtered", "/audit?group=custody&case={case}"),
    ConsolePage("audit-empty", "/audit?subject=ZZZZ-ZZZZ"),
    ConsolePage("retention", "/admin/retention"),
    ConsolePage("retention-preview", "/admin/retention/preview?category=ordinary&months=120"),
    ConsolePage("retention-item", "/admin/retention/items/{evidence}"),
    ConsolePage("retention-holds", "/admin/retention/holds"),
    ConsolePage("retention-lifted", "/admin/retention/holds?lifted=true"),
    ConsolePage("retention-due", "/admin/retention/due"),
    ConsolePage("retention-proposals", "/admin/retention/proposals"),
    ConsolePage("health", "/admin/health", "administrator"),
    ConsolePage("health-supervisor", "/admin/health"),
)
