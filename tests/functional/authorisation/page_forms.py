"""What a valid form of each unsafe page holds, and which thing each name in a path means.

``ARGUMENTS`` maps a path's variable to a thing of :mod:`tests.factories.ground`; a page with a
variable that is not here fails the matrix.  ``FORMS`` maps a page to a form that would be taken.
"""

from __future__ import annotations

from typing import Any, Final

ARGUMENTS: Final = {
    "case_id": "case",
    "mission_id": "mission",
    "evidence_id": "evidence",
    "device_id": "device",
    "user_id": "officer",
    "booking_id": "booking",
    "party_id": "party",
    "export_id": "export",
    "erasure_id": "erasure",
    "redaction_id": "redaction",
    "live_id": "live_mission",
    "entry_id": "live_entry",
    "share_id": "share",
    "webhook_id": "webhook",
    "delivery_id": "delivery",
}
FORMS: Final[dict[str, dict[str, Any]]] = {}
# Pages of people without an account: their slices test who may open them.
OF_GUESTS: Final = ("/g", "/s/", "/s")
