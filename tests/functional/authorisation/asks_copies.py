"""Valid requests about redacted copies and what browsers are shown; see :mod:`asks`."""

from __future__ import annotations

from collections.abc import Callable

from tests.functional.authorisation.asking import Ask, Names

COPIES: dict[str, Callable[[Names], Ask]] = {
    "GET /api/v1/evidence/{evidence_id}/play": lambda n: Ask(f"/evidence/{n['evidence']}/play"),
    "POST /api/v1/evidence/{evidence_id}/redactions": lambda n: Ask(
        f"/evidence/{n['evidence']}/redactions",
        {"reason": "遮盖(虚构)", "boxes": [{"x": "0", "y": "0", "w": "0.5", "h": "0.5"}]},
    ),
    "GET /api/v1/evidence/{evidence_id}/redactions": lambda n: Ask(
        f"/evidence/{n['evidence']}/redactions"
    ),
    "GET /api/v1/redactions/{redaction_id}": lambda n: Ask(f"/redactions/{n['redaction']}"),
    "GET /api/v1/redactions/{redaction_id}/content": lambda n: Ask(
        f"/redactions/{n['redaction']}/content"
    ),
    "POST /api/v1/redactions/{redaction_id}/retry": lambda n: Ask(
        f"/redactions/{n['failed_redaction']}/retry", {}
    ),
    "POST /api/v1/redactions/{redaction_id}/discard": lambda n: Ask(
        f"/redactions/{n['redaction']}/discard", {"reason": "遮盖过多(虚构)"}
    ),
    "POST /api/v1/evidence/{evidence_id}/face-suggestions": lambda n: Ask(
        f"/evidence/{n['evidence']}/face-suggestions", {}
    ),
}
