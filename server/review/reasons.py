"""Why an item goes back to its officer: a table of codes, one key each; data, not code."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason; ``needs_text`` when the words of the table alone say too little."""

    code: str
    name: str
    zh: str
    en: str
    needs_text: bool = False


REASONS: Final = MappingProxyType(
    {
        reason.code: reason
        for reason in (
            Reason("1", "wrong-case", "归属案件有误", "It belongs to another case"),
            Reason("2", "wrong-officer", "归属人员有误", "Another officer recorded it"),
            Reason("3", "unclear", "画面或声音不清", "Picture or sound is not clear"),
            Reason("4", "incomplete", "过程不完整或有中断", "The action is not fully covered"),
            Reason("5", "position", "位置缺失或明显不符", "The position is missing or wrong"),
            Reason("6", "time", "时间明显不符", "The time cannot be right"),
            Reason("7", "identity", "未亮证或未告知录像", "No credentials or announcement"),
            Reason("8", "unrelated", "无关或涉他人隐私", "Unrelated, or others' privacy"),
            Reason("9", "other", "其他（请说明）", "Other; say what", needs_text=True),
        )
    }
)  # fmt: skip
