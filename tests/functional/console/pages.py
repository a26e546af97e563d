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
    ConsolePage("me-password", "/me/password", "officer"),
)
