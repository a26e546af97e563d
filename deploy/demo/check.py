"""Whether everything is there: verified, in the right case, byte-identical, once, receipted."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any

from client_sdk import FieldClient
from client_sdk.models import Captured
from deploy.demo.day import Captures
from deploy.demo.material import Item
from deploy.demo.report import Line

Row = dict[str, Any]
EXAMINED_SECONDS_MAX = 60


def compare(field: FieldClient, desk: FieldClient, case: Row, captures: Captures) -> list[Line]:
    """One line for each captured item, from what the supervisor's API shows."""
    receipts = {(found.ep, found.seq, found.sha256 or "") for found, _ in field.receipts()}
    check = _Check(desk, case, frozenset(receipts))
    stored = _examined(desk, list(desk.items(f"/cases/{case['id']}/evidence", limit=100)))
    entries = list(desk.items(f"/cases/{case['id']}/log", limit=100))
    return [check.file(stored, item, captured) for item, captured in captures.files] + [
        check.note(entries, text, captured) for text, captured in captures.notes
    ]


def _examined(desk: FieldClient, rows: list[Row]) -> list[Row]:
    """The same items once the worker has looked into their bytes."""
    deadline = time.monotonic() + EXAMINED_SECONDS_MAX
    found = []
    for row in rows:
        detail = desk.request("GET", f"/evidence/{row['id']}").json()
        while detail["examination_state"] not in {"done", "failed"}:
            if time.monotonic() > deadline:
                raise SystemExit(f"the worker did not examine {row['name']} in time")
            time.sleep(0.1)
            detail = desk.request("GET", f"/evidence/{row['id']}").json()
        found.append(detail)
    return found


@dataclass(frozen=True, slots=True)
class _Check:
    desk: FieldClient
    case: Row
    receipts: frozenset[tuple[int, int, str]]

    def file(self, stored: list[Row], item: Item, captured: Captured) -> Line:
        found = [row for row in stored if _is(row, captured) and row["sha256"] == captured.sha256]
        row = found[0] if found else {}
        return Line(
            name=item.path.name,
            kind=item.kind,
            size_bytes=captured.size_bytes or 0,
            captured=(row.get("time") or {}).get("captured_at", "")[11:19],
            position=_place(row.get("place") or {}),
            state=row.get("state", "absent"),
            case_no=self._case_no(row),
            identical=bool(row) and self._digest(row["id"]) == captured.sha256,
            times_stored=len(found),
            receipt=self._receipt(captured),
            findings="; ".join(finding["code"] for finding in row.get("findings", ())),
        )

    def note(self, entries: list[Row], text: str, captured: Captured) -> Line:
        found = [row for row in entries if _is(row, captured)]
        row = found[0] if found else {}
        return Line(
            name=text[:16],
            kind="log",
            size_bytes=len(text.encode()),
            captured=(row.get("time") or {}).get("happened_at", "")[11:19],
            position=_place(row.get("place") or {}),
            state="logged" if row else "absent",
            case_no=self._case_no(row),
            identical=row.get("text") == text,
            times_stored=len(found),
            receipt=self._receipt(captured),
        )

    def _case_no(self, row: Row) -> str:
        return str(self.case["case_no"]) if row.get("case_id") == self.case["id"] else ""

    def _receipt(self, captured: Captured) -> str:
        key = (captured.ep, captured.seq, captured.sha256 or "")
        return f"#{captured.seq} ✓" if key in self.receipts else ""

    def _digest(self, evidence_id: str) -> str:
        answer = self.desk.request(
            "GET", f"/evidence/{evidence_id}/content", headers={"Purpose": "demo check"}
        )
        return hashlib.sha256(answer.body).hexdigest()


def _is(row: Row, captured: Captured) -> bool:
    return bool(row["ep"] == captured.ep and row["seq"] == captured.seq)


def _place(place: Row) -> str:
    if not place.get("lat"):
        return str(place.get("reason") or "")
    return f"{place['lat'][:8]} {place['lon'][:9]}"
