"""The console's menu: data, shown by permission."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from server.core.context import Actor
from server.core.permissions import Permission


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry: ``words`` is the key of its name, ``path`` where it leads."""

    words: str
    path: str
    permission: Permission
    group: str = "work"  # work | oversight | live | records | admin


ITEMS: Final[Sequence[NavItem]] = (
    NavItem("nav.inbox", "/inbox", Permission.SIGNED_IN),
    NavItem("nav.review", "/review", Permission.EVIDENCE_REVIEW),
    NavItem("nav.cases", "/cases", Permission.CASES_VIEW),
    NavItem("nav.missions", "/missions", Permission.MISSIONS_VIEW),
    NavItem("nav.actions", "/actions", Permission.CASES_VIEW),
    NavItem("nav.findings", "/findings", Permission.CASES_VIEW),
    NavItem("nav.missing", "/missing", Permission.MISSING_VIEW),
    NavItem("nav.reuse", "/reuse", Permission.MISSING_VIEW),
    NavItem("nav.dashboard", "/oversight/dashboard", Permission.OVERSIGHT_RUN, "oversight"),
    NavItem("nav.agenda", "/oversight/agenda", Permission.OVERSIGHT_VIEW, "oversight"),
    NavItem("nav.tasks", "/oversight/tasks", Permission.OVERSIGHT_VIEW, "oversight"),
    NavItem("nav.alerts", "/oversight/alerts", Permission.OVERSIGHT_VIEW, "oversight"),
    NavItem("nav.campaigns", "/oversight/campaigns", Permission.OVERSIGHT_VIEW, "oversight"),
    NavItem("nav.dock", "/dock", Permission.UPLOAD),
    NavItem("nav.live", "/live", Permission.LIVE_VIEW, "live"),
    NavItem("nav.guests", "/guests", Permission.GUESTS_INVITE, "live"),
    NavItem("nav.opinions", "/opinions", Permission.OPINIONS_ANSWER, "live"),
    NavItem("nav.shares", "/shares", Permission.SHARES_MAKE, "live"),
    NavItem("nav.audit", "/audit", Permission.AUDIT_VIEW, "records"),
    NavItem("nav.retention", "/admin/retention", Permission.RETENTION_VIEW, "records"),
    NavItem("nav.devices", "/devices", Permission.DEVICES_MANAGE, "admin"),
    NavItem("nav.duty", "/duty", Permission.DUTY_BOOK, "admin"),
    NavItem("nav.users", "/admin/users", Permission.USERS_VIEW, "admin"),
    NavItem("nav.webhooks", "/admin/webhooks", Permission.WEBHOOKS_MANAGE, "admin"),
    NavItem("nav.health", "/admin/health", Permission.HEALTH_VIEW, "admin"),
)


def navigation(actor: Actor | None) -> dict[str, list[NavItem]]:
    """The entries a person may use, by group; nothing for guests and strangers."""
    found: dict[str, list[NavItem]] = {}
    if actor is None or actor.user_id is None:
        return found
    for item in ITEMS:
        if actor.may(item.permission):
            found.setdefault(item.group, []).append(item)
    return found
