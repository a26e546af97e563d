"""A small fictional world for demos, in the shape of the sample cases; used when there are none.

All persons, courts and case numbers are fictional (虚构): the court prefix 样 does not exist.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

COURTS_SHOWN = 2

_STAFF = (
    ("ST01", "CT1", "赵演示", "court_president"),
    ("ST02", "CT1", "钱虚构", "enforcement_bureau_head"),
    ("ST03", "CT1", "孙样例", "enforcement_judge"),
    ("ST04", "CT1", "李演示", "enforcement_officer"),
    ("ST06", "CT1", "吴演练", "judicial_police"),
    ("ST08", "CT2", "王样例", "enforcement_bureau_head"),
    ("ST09", "CT2", "冯演示", "enforcement_judge"),
    ("ST10", "CT2", "陈样本", "enforcement_officer"),
    ("ST11", "CT2", "褚演练", "judicial_police"),
)
_CASES = (
    ("CS01", "CT1", "(2025)样0101执11号", "追索劳动报酬纠纷", "ST03", 41_200_000),
    ("CS02", "CT1", "(2025)样0101执37号", "建设工程施工合同纠纷", "ST03", 365_000_000),
    ("CS05", "CT2", "(2025)样0102执15号", "民间借贷纠纷", "ST09", 8_600_000),
    ("CS06", "CT2", "(2025)样0102执44号", "机动车交通事故责任纠纷", "ST09", 12_000_000),
)


def world(samples: Path | None) -> dict[str, Any]:
    """Courts, staff, devices and cases: from ``samples/cases.json`` when it is there."""
    if samples is not None and (samples / "cases.json").is_file():
        found = json.loads((samples / "cases.json").read_text(encoding="utf-8"))
        return _first_courts(found)
    return built_in()


def built_in() -> dict[str, Any]:
    """The small set that needs no file."""
    return {
        "courts": [
            {"id": "CT1", "name": "云溪县人民法院(虚构)", "court_code": "样0101",
             "region_code": "990101"},
            {"id": "CT2", "name": "石桥区人民法院(虚构)", "court_code": "样0102",
             "region_code": "990102"},
        ],
        "staff": [
            dict(zip(("id", "court_id", "name", "role"), person, strict=True)) for person in _STAFF
        ],
        "devices": [
            {"id": "DV1", "court_id": "CT1", "kind": "body_recorder", "model": "样例记录仪A",
             "serial": "FIC-BR-0001"},
            {"id": "DV2", "court_id": "CT1", "kind": "body_recorder", "model": "样例记录仪A",
             "serial": "FIC-BR-0002"},
            {"id": "DV4", "court_id": "CT1", "kind": "digital_camera", "model": "样例相机C",
             "serial": "FIC-DC-0004"},
        ],
        "cases": [_case(*case) for case in _CASES],
    }  # fmt: skip


def _case(
    case_id: str, court_id: str, case_no: str, cause: str, handler_id: str, claim_fen: int
) -> dict[str, Any]:
    return {
        "id": case_id,
        "court_id": court_id,
        "case_no": case_no,
        "cause": cause,
        "handler_id": handler_id,
        "claim_fen": claim_fen,
        "filed_on": "2025-04-08",
        "deadline_on": "2025-10-08",
        "status": "enforcing",
        "parties": [
            {"role": "applicant", "kind": "natural", "name": "蔡虚构"},
            {"role": "debtor", "kind": "legal", "name": "样例建设有限公司(虚构)"},
        ],
    }


def _first_courts(found: dict[str, Any]) -> dict[str, Any]:
    shown = [court["id"] for court in found["courts"][:COURTS_SHOWN]]
    return {
        name: [row for row in found[name] if row.get("court_id", row["id"]) in shown]
        for name in ("courts", "staff", "devices", "cases")
    }
