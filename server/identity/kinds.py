"""Kinds of devices and posts of people; data."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class DeviceKind(StrEnum):
    """What a device is."""

    PHONE = "phone"
    DOCK = "dock"
    WORKSTATION = "workstation"
    CAMERA = "camera"
    BODY_RECORDER = "body_recorder"
    AUDIO_RECORDER = "audio_recorder"


class Post(StrEnum):
    """What a person is at the court; head counts read it, permissions do not."""

    COURT_PRESIDENT = "court_president"
    BUREAU_HEAD = "enforcement_bureau_head"
    JUDGE = "enforcement_judge"
    OFFICER = "enforcement_officer"
    ASSISTANT = "judge_assistant"
    JUDICIAL_POLICE = "judicial_police"
    CLERK = "clerk"
    FINANCE_CLERK = "finance_clerk"
    LIAISON = "liaison"
    OBSERVER = "observer"
    OTHER = "other"


KEYED_KINDS: Final = frozenset({DeviceKind.PHONE, DeviceKind.DOCK, DeviceKind.WORKSTATION})
KEYLESS_KINDS: Final = frozenset(set(DeviceKind) - KEYED_KINDS)
READER_KINDS: Final = frozenset({DeviceKind.DOCK, DeviceKind.WORKSTATION})
