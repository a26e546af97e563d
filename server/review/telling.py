"""Who hears of what became of an item: its officer, and the devices that carry it."""

from __future__ import annotations

from server.audit.service import Notice
from server.evidence.models import Evidence
from server.review.queries import OPEN


def notices(item: Evidence, before: str, after: str) -> list[Notice]:
    """Tell what is open now, and that what was open is not any more."""
    recipients = {f"device:{item.device_id}", f"device:{item.captured_by}"}
    if item.officer_id is not None:
        recipients.add(f"user:{item.officer_id}")
    found = []
    for recipient in sorted(recipients):
        if before in OPEN and before != after:
            found.append(Notice(recipient, OPEN[before].value, str(item.id), "drop"))
        if after in OPEN:
            found.append(Notice(recipient, OPEN[after].value, str(item.id)))
    return found
