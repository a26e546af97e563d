"""The sample cases: from the folder that ``TIEZHENG_SAMPLES`` names, or a few invented ones.

The invented ones have the same shape and the same faults as their namesakes: a clean case (CS01), a
gap in the recording of a search (CS02), a minor debtor (CS08), an idle one (CS09), a settlement in
default (CS10).  All persons, courts and numbers are fictional (虚构).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

_CHINA = timezone(timedelta(hours=8))
_SIGNS = frozenset({"phone"})
_COURT = {
    "id": "CT1",
    "name": "云溪县人民法院(虚构)",
    "court_code": "样0101",
    "region_code": "990101",
}
_STAFF = (
    ("ST01", "赵演示", "court_president", "M"),
    ("ST02", "钱虚构", "enforcement_bureau_head", "M"),
    ("ST03", "孙样例", "enforcement_judge", "F"),
    ("ST04", "李演示", "enforcement_officer", "M"),
    ("ST06", "吴演练", "judicial_police", "M"),
)
_DEVICES = (
    ("DV1", "body_recorder", 3),
    ("DV2", "body_recorder", -2),
    ("DV3", "phone", 0),
    ("DV4", "digital_camera", 3725),
)
_EMPTY: dict[str, Any] = {
    "excluded_periods": [], "closing": None, "key_case": None, "measures": [], "leads": [],
    "persuasions": [], "settlement": None, "field_actions": [], "exhaustion": None,
    "petitions": [], "fund_records": [], "listing": None, "explanation": None,
}  # fmt: skip


def sample() -> dict[str, Any]:
    """The sample of the folder, else the invented one."""
    folder = os.environ.get("TIEZHENG_SAMPLES")
    if folder and (Path(folder) / "cases.json").is_file():
        found: dict[str, Any] = json.loads((Path(folder) / "cases.json").read_text("utf-8"))
        return found
    return built_in()


def as_of(sample: Mapping[str, Any]) -> datetime:
    """The evening of the sample's day."""
    day = date.fromisoformat(sample["meta"]["as_of"])
    return datetime.combine(day, datetime.min.time(), _CHINA) + timedelta(hours=20)


def with_phones(sample: dict[str, Any]) -> dict[str, Any]:
    """The sample with a phone, ten minutes fast, for each court that has none."""
    have = {one["court_id"] for one in sample["devices"] if one["kind"] in _SIGNS}
    added = [
        {"id": f"PH-{court['id']}", "court_id": court["id"], "kind": "phone", "model": "样例手机P",
         "serial": f"FIC-{court['id']}", "holder": None, "clock_offset_s": 600}
        for court in sample["courts"]
        if court["id"] not in have
    ]  # fmt: skip
    return {**sample, "devices": [*sample["devices"], *added]}


def built_in() -> dict[str, Any]:
    """The small one that needs no file."""
    return {
        "meta": {"as_of": "2025-09-30"},
        "courts": [_COURT],
        "staff": [
            {"id": one, "court_id": "CT1", "name": name, "role": post, "sex": sex}
            for one, name, post, sex in _STAFF
        ],
        "devices": [
            {"id": one, "court_id": "CT1", "kind": kind, "model": "样机", "serial": f"FIC-{one}",
             "clock_offset_s": ahead}
            for one, kind, ahead in _DEVICES
        ],
        "cases": [_clean(), _gap(), _minor(), _idle(), _settled()],
    }  # fmt: skip


def _case(case_id: str, serial: int, filed_on: str, claim_fen: int, **more: Any) -> dict[str, Any]:
    parties = [
        {"role": "applicant", "kind": "natural", "name": "蔡虚构"},
        {"role": "debtor", "kind": "legal", "name": "样例建设有限公司(虚构)"},
    ]
    year = filed_on[:4]
    return {
        **_EMPTY, "id": case_id, "court_id": "CT1", "case_no": f"({year})样0101执{serial}号",
        "cause": "民间借贷纠纷", "filed_on": filed_on, "deadline_on": None, "handler_id": "ST03",
        "parties": parties, "claim_fen": claim_fen, "status": "enforcing", **more,
    }  # fmt: skip


def _measure(kind: str, on: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "on": on, "status": "done", "approved_by": None, **more}


def _film(item: str, device: str, at: str, seconds: int) -> dict[str, Any]:
    return {"id": item, "device_id": device, "kind": "video", "captured_at": at, "geo": None,
            "duration_s": seconds}  # fmt: skip


def _clean() -> dict[str, Any]:
    seen = {"CC01": "pass", "CC02": "pass", "CC03": "pass", "CC20": "pass"}
    photo = {"id": "EV002", "device_id": "DV4", "kind": "photo", "geo": None,
             "captured_at": "2025-06-20T09:41:10+08:00"}  # fmt: skip
    visit = {
        "id": "FA01", "type": "on_site_investigation", "started_at": "2025-06-20T09:30:00+08:00",
        "ended_at": "2025-06-20T11:05:00+08:00", "officer_ids": ["ST03", "ST04"],
        "judicial_police_ids": [], "expected_checks": seen, "credentials_shown": True,
        "evidence": [_film("EV001", "DV1", "2025-06-20T09:30:00+08:00", 5700), photo],
        "record": {"signed_by": ["officers", "legal_representative"], "refused_signature": []},
    }  # fmt: skip
    return _case(
        "CS01", 11, "2025-03-03", 9_800_000, field_actions=[visit],
        measures=[_measure("query", "2025-03-04")],
        persuasions=[{"on": "2025-06-20", "by": "ST03", "target": "法定代表人(虚构)",
                      "content": "释明法律后果(虚构)", "result": "承诺付清(虚构)"}],
        fund_records=[{"received_on": "2025-07-15", "amount_fen": 9_800_000,
                       "disbursed_on": "2025-07-17"}],
        closing={"method": "completed", "submethod": None, "on": "2025-07-18"},
    )  # fmt: skip


def _gap() -> dict[str, Any]:
    seen = {"CC01": "pass", "CC02": "pass", "CC06": "pass", "CC07": "pass",
            "CC08": "not_applicable", "CC09": "pass", "CC10": "pass", "CC20": "warn"}  # fmt: skip
    search = {
        "id": "FA03", "type": "search", "started_at": "2025-09-11T14:00:00+08:00",
        "ended_at": "2025-09-11T15:40:00+08:00", "officer_ids": ["ST03", "ST04"],
        "judicial_police_ids": ["ST06"], "expected_checks": seen, "credentials_shown": True,
        "warrant_shown": True, "uniform": True, "grassroots_present": ["村委会干部(虚构)"],
        "ordered_to_open": True, "force_opened": True,
        "evidence": [
            _film("EV006", "DV1", "2025-09-11T14:00:00+08:00", 3000),
            _film("EV007", "DV1", "2025-09-11T15:02:00+08:00", 2280),
            _film("EV008", "DV2", "2025-09-11T14:00:00+08:00", 6000),
        ],
        "record": {"signed_by": ["officers", "grassroots"], "refused_signature": ["法定代表人"],
                   "refusal_noted": True},
    }  # fmt: skip
    warrant = {"approved_by": "ST01", "warrant_no": "(2025)样0101执37号搜查令"}
    return _case(
        "CS02", 37, "2025-04-08", 365_000_000, field_actions=[search],
        measures=[_measure("query", "2025-04-09"), _measure("search", "2025-09-11", **warrant)],
    )  # fmt: skip


def _minor() -> dict[str, Any]:
    debtor = {"role": "debtor", "kind": "natural", "name": "云虚构", "minor": True}
    listing = {"status": "blocked_minor"}
    return _case("CS08", 70, "2025-08-04", 5_000_000, parties=[debtor], listing=listing)


def _idle() -> dict[str, Any]:
    asset = {"asset": "虚构苗木一批", "value_fen": 60_000_000, "expires_on": "2027-01-14"}
    return _case(
        "CS09", 3, "2024-11-11", 82_000_000, deadline_on="2025-05-11",
        measures=[_measure("query", "2024-11-12"), _measure("impound", "2025-01-15", **asset)],
    )  # fmt: skip


def _settled() -> dict[str, Any]:
    schedule = [
        {"due_on": "2025-08-05", "amount_fen": 150_000, "paid": True},
        {"due_on": "2025-09-05", "amount_fen": 150_000, "paid": False},
    ]
    made = {"on": "2025-06-18", "terms": "每月1500元(虚构)", "signed_by": ["applicant", "debtor"],
            "record_made": True, "performed_on": None, "schedule": schedule}  # fmt: skip
    closing = {"method": "terminated", "submethod": "settlement_long_term", "on": "2025-06-20"}
    return _case("CS10", 19, "2025-02-24", 300_000, settlement=made, closing=closing)
