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
)
