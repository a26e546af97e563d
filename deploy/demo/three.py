"""Three cases: one without fault, one with a gap in its recording, one that a gate keeps open.

Written with the SDK as officers in the field do, cameras read at the desk; what came of it is asked
of the public API.  All persons and case numbers are fictional (虚构).
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from client_sdk import FieldClient
from client_sdk.errors import ConflictError
from client_sdk.models import SyncReport
from deploy.demo.films import recording
from deploy.demo.media import gps_photo
from deploy.demo.report import say

RECORDERS: Final = ("DV1", "DV2")
_HOUR: Final = timedelta(hours=1)
_GAP: Final = (timedelta(minutes=24), timedelta(minutes=36))
_ZONE: Final = ZoneInfo("Asia/Shanghai")
_NIGHT: Final = (6, 22)
_JUDGED_SECONDS_MAX: Final = 180
_GOOD: Final = frozenset({"pass", "not_applicable"})
_PRESIDENT: Final = {"by_president": True, "no": "(2025)样0101号搜查令(虚构)"}
PEOPLE: Final = (
    {"name": "孙样例(虚构)", "role": "staff", "post": "enforcement_judge", "sex": "F"},
    {"name": "李演示(虚构)", "role": "staff", "post": "enforcement_officer", "sex": "M"},
    {"name": "吴演练(虚构)", "role": "police", "post": "judicial_police", "sex": "M"},
    {"name": "清河村村委会干部(虚构)", "role": "grassroots"},
)


@dataclass
class Three:
    """Makes the three cases; ``good`` says whether they came out as they should."""

    phone: FieldClient
    desk: FieldClient
    devices: dict[str, str]
    folder: Path
    public_url: str
    officer_case: str
    shown: list[tuple[str, str]] = field(default_factory=list)  # what, and where on the console

    def play(self) -> bool:
        """Write everything down, send it, wait until it was judged, and say what came out."""
        self.folder.mkdir()
        begins_at = _lately(datetime.now(UTC))
        clean, gap, idle = (self._file(serial) for serial in (9001, 9002, 9003))
        sealed = self._seal(clean, begins_at)
        searched = self._search(gap, begins_at)
        _send((self.phone, self.desk))
        good = [
            self._is_clean(clean, sealed), self._has_gap(gap, searched), self._stays_open(idle),
        ]  # fmt: skip
        return all(good)

    # -- the cases

    def _file(self, serial: int) -> str:
        """A case of the officer, filed so long ago that its limit has passed."""
        known = self.desk.request("GET", f"/cases/{self.officer_case}").json()
        code = re.fullmatch(r"[(（]\d{4}[)）](.+?)执.*", known["case_no"])
        body = {
            "case_no": f"(2024){code[1] if code else '样0101'}执{serial}号",
            "cause": "建设工程分包合同纠纷", "filed_on": "2024-11-11", "deadline_on": "2025-05-11",
            "handler_id": str(self.phone.officer_id), "claim_fen": 365_000_000,
            "parties": [
                {"role": "applicant", "kind": "natural", "name": "苏演示(虚构)"},
                {"role": "debtor", "kind": "legal", "name": "虚构园林绿化有限公司(虚构)"},
            ],
        }  # fmt: skip
        return str(self.desk.request("POST", "/cases", json=body).json()["id"])

    def _seal(self, case: str, begins_at: datetime) -> str:
        """A sealing in which nothing is left out."""
        actions, day = self.phone.actions, begins_at.astimezone(_ZONE).date()
        action = actions.start("seal", at=begins_at, place="清河镇(虚构)", case=case).action or ""
        self._conduct(action, (
            "credentials_shown", "uniform", "notified_party", "list_signed", "list_copy_given",
            "ruling_served",
        ))  # fmt: skip
        photos = [self._photo(case, name) for name in ("清单项目", "封条")]
        kept = {"place": "清河镇(虚构)", "custodian": "施演示(虚构)", "exempt": False}
        actions.item(1, "样例商铺一间(虚构)", photos=photos[:1], fields=kept, action=action,
                     signed_by=["officers", "custodian"])  # fmt: skip
        actions.tag(photos[1:], "seal_notice", action=action)
        until = day + timedelta(days=700)
        actions.seizure("real_estate", day, until, value_fen=280_000_000, action=action)
        actions.record(["officers", "legal_representative", "custodian"], action=action)
        actions.end(at=begins_at + _HOUR, action=action)
        for device in RECORDERS:
            self._film(case, device, begins_at, begins_at + _HOUR)
        return action

    def _search(self, case: str, begins_at: datetime) -> str:
        """A search whose first recorder stopped for twelve minutes, which nobody explained."""
        actions = self.phone.actions
        action = actions.start("search", at=begins_at, place="东坡村(虚构)", case=case).action or ""
        self._conduct(action, (
            "credentials_shown", "uniform", "warrant_shown", "outsiders_kept_out", "force_opened",
            "ordered_to_open",
        ))  # fmt: skip
        actions.paper("search_warrant", fields=_PRESIDENT, action=action)
        actions.record(["officers", "grassroots"], refused_by=["legal_representative"],
                       refusal_noted=True, action=action)  # fmt: skip
        actions.end(at=begins_at + _HOUR, action=action)
        self._film(case, "DV1", begins_at, begins_at + _GAP[0])
        self._film(case, "DV1", begins_at + _GAP[1], begins_at + _HOUR)
        self._film(case, "DV2", begins_at, begins_at + _HOUR)
        return action

    def _conduct(self, action: str, facts: Sequence[str]) -> None:
        actions = self.phone.actions
        actions.people(PEOPLE, vehicles="样A·F0001警(虚构)", action=action)
        actions.announce("recording", words="本次执行全程录音录像，请您配合", action=action)
        actions.facts(dict.fromkeys(facts, True), action=action)

    def _photo(self, case: str, name: str) -> str:
        number = len(list(self.folder.iterdir()))
        path = gps_photo(self.folder / f"{name}-{number}.jpg", 38.21, 104.41, datetime.now(UTC),
                         seed=900 + number, size_px=(640, 480))  # fmt: skip
        return str(self.phone.capture(path, case=case).sha256)

    def _film(self, case: str, device: str, begins_at: datetime, ends_at: datetime) -> None:
        """A recorder's file, read at the desk."""
        seconds = int((ends_at - begins_at).total_seconds())
        name = f"{device}-{case[-4:]}-{begins_at:%H%M}.mp4"
        path = recording(self.folder / name, seconds, begins_at, name)
        self.desk.capture(
            path, case=case, who=self.phone.officer_id, captured_by=self.devices[device],
            match={"by": "told", "file_time": begins_at.isoformat()},
        )  # fmt: skip

    # -- what came out

    def _is_clean(self, case: str, action: str) -> bool:
        outcomes = self._judged(action)
        bad = {rule: said for rule, said in outcomes.items() if said not in _GOOD}
        passed = sum(said == "pass" for said in outcomes.values())
        say(f"clean case: {passed} of {len(outcomes)} checks pass, the others are not about it"
            if not bad else f"[red]clean case: {bad}[/red]")  # fmt: skip
        self._show("clean case / 规范案件", case, action)
        return not bad

    def _has_gap(self, case: str, action: str) -> bool:
        outcomes = self._judged(action)
        found = self.desk.request("GET", f"/actions/{action}/checks").json()
        stretches = found["coverage"]["stretches"]
        bad = {rule for rule, said in outcomes.items() if said not in _GOOD}
        for one in stretches:
            first, last = (_clock(one[name]) for name in ("begins_at", "ends_at"))
            say(f"recording gap: from {first} to {last} only one recorder ran, nobody said why")
        self._show("recording gap / 录制中断", case, action)
        return bad == {"CC20"} and [one["explained_by"] for one in stretches] == [[]]

    def _stays_open(self, case: str) -> bool:
        """Terminating the round is refused, with the list of what is missing."""
        asset = {"asset": "虚构苗木一批", "asset_kind": "movable", "value_fen": 60_000_000}
        for data in (
            {"on": "2024-11-12", "type": "query"},
            {"on": "2025-01-15", "type": "impound", "until_on": "2027-01-14", **asset},
        ):
            body = {"kind": "case.measure", "data": data}
            self.phone.request("POST", f"/cases/{case}/entries", json=body)
        day = datetime.now(_ZONE).date().isoformat()
        closing = {"kind": "case.closed", "data": {"on": day, "method": "round_terminated"}}
        self.shown.append(("refused closing / 结案被拒", f"{self.public_url}/cases/{case}/state"))
        try:
            self.phone.request("POST", f"/cases/{case}/entries", json=closing)
        except ConflictError as refused:
            missing: list[dict[str, Any]] = list(refused.problem.get("missing") or ())
        else:
            return False
        say(f"closing refused: {len(missing)} gates are not met")
        for one in missing:
            say(f"  {one['gate']}  {one['zh']} / {one['en']}")
        return {"G1", "G2", "G3", "X1"} <= {one["gate"] for one in missing}

    def _judged(self, action: str) -> dict[str, str]:
        """Outcomes of the rules, once the worker has looked at every file."""
        deadline = time.monotonic() + _JUDGED_SECONDS_MAX
        while True:
            found = self.desk.request("GET", f"/actions/{action}/checks").json()
            outcomes = {one["rule"]: str(one["outcome"]) for one in found["checks"]}
            if "unknown" not in outcomes.values() or time.monotonic() > deadline:
                return outcomes
            time.sleep(0.5)

    def _show(self, what: str, case: str, action: str) -> None:
        self.shown.append((what, f"{self.public_url}/actions/{action}"))
        self.shown.append(("", f"{self.public_url}/cases/{case}"))


def _lately(now: datetime) -> datetime:
    """An hour by day that ended not long ago: nobody goes out at night without approval."""
    begins_at = (now - 2 * _HOUR).replace(second=0, microsecond=0)
    while not _is_by_day(begins_at):
        begins_at -= _HOUR
    return begins_at


def _is_by_day(begins_at: datetime) -> bool:
    first, last = begins_at.astimezone(_ZONE), (begins_at + _HOUR).astimezone(_ZONE)
    return first.date() == last.date() and first.hour >= _NIGHT[0] and last.hour < _NIGHT[1]


def _send(clients: Sequence[FieldClient]) -> list[SyncReport]:
    return [client.sync(patience_seconds=60, receipts_wait_seconds=20) for client in clients]


def _clock(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(_ZONE):%H:%M}"
