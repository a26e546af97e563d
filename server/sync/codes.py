"""Code tables that a device needs offline, with a tag that changes when they do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from server.review.reasons import REASONS

_NO_POSITION: Final = (
    ("no-fix", "未获得卫星定位", "No satellite fix"),
    ("no-permission", "未授权定位", "Positioning was not permitted"),
    ("no-hardware", "设备不支持定位", "The device cannot tell its position"),
    ("not-recorded", "文件未记录位置", "The file holds no position"),
    ("disabled", "定位功能已关闭", "Positioning was switched off"),
)
_LOST: Final = (
    ("missing-at-start", "启动检查时文件缺失", "Gone when the device started"),
    ("unreadable", "文件无法读取", "The file cannot be read"),
    ("disk-failure", "存储故障", "The storage failed"),
    ("confirmed", "已双重确认回执", "Doubly confirmed by receipts"),
)


def _table(rows: tuple[tuple[str, str, str], ...]) -> list[dict[str, str]]:
    return [{"code": code, "zh": zh, "en": en} for code, zh, en in rows]


@cache
def tables() -> Mapping[str, Mapping[str, Any]]:
    """Every code table by its name."""
    reasons = [{"code": r.code, "name": r.name, "zh": r.zh, "en": r.en} for r in REASONS.values()]
    return {
        "capture.reasons": {"codes": _table(_LOST)},
        "geo.none": {"codes": _table(_NO_POSITION)},
        "review.reasons": {"codes": reasons},
    }


@cache
def tag() -> str:
    """Short digest of all tables; a pull whose cursor names another one gets them again."""
    return hashlib.sha256(json.dumps(tables(), sort_keys=True).encode()).hexdigest()[:12]
