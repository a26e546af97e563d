"""Facts of a custody report, all fictional (虚构), for tests of its views."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from server.disclosure.facts import (
    CaseFacts,
    Checkpoint,
    Cosignature,
    Derivative,
    Device,
    Finding,
    Item,
    KeyEvent,
    Moment,
    Note,
    Person,
    Place,
    Report,
    Source,
    Step,
    Stretch,
    TimeToken,
    Withheld,
)

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
OFFICER = Person(uuid.UUID(int=1), "张䶮(虚构)", "enforcement_officer")
SECOND = Person(uuid.UUID(int=2), "李四(虚构)", "judicial_police")
PHONE = Device(
    uuid.UUID(int=3), "phone", "执法终端一号", "P-1", "SN-001", "ES256", "kid-of-phone", AT
)


def source(seq: int) -> Source:
    """Place of the phone's record ``seq``."""
    return Source(PHONE.id, 1, seq, f"{seq:064x}", 10 + seq, "2026-03-02T01:00:00.000Z")


def item(seq: int = 1, **changes: Any) -> Item:
    """A photo; every member may be replaced."""
    usual = Item(
        id=uuid.UUID(int=100 + seq),
        sha256=hashlib.sha256(bytes([seq])).hexdigest(),
        size_bytes=1,
        mime="image/jpeg",
        media="photo",
        name="现场.jpg".encode(),
        source=source(seq),
        officers=(OFFICER, SECOND),
        officer_source="booking",
        captured_by=PHONE.id,
        place=Place("38.2100000", "104.4100000", "WGS84", "gnss", "8.0"),
        moment=Moment("2026-03-02T09:00:00.000+08:00", AT, 15, "A"),
        findings=(Finding("size-differs", "2 declared"),),
        derivatives=(Derivative("thumbnail", "image/webp", "98" * 32, 12),),
        custody=(
            Step(20, "2026-03-02T01:00:05.000Z", "evidence.verified", None),
            Step(
                21, "2026-03-02T02:00:00.000Z", "custody.downloaded", OFFICER.name, PHONE.id,
                purpose="合议庭查阅(虚构)",
            ),
        ),
    )  # fmt: skip
    return replace(usual, **changes)


def report(**changes: Any) -> Report:
    """A report with one of everything; every member may be replaced."""
    usual = Report(
        export_id=uuid.UUID(int=9),
        code="7F3K-29",
        court_name="样例法院(虚构)",
        case=CaseFacts(
            uuid.UUID(int=10), "(2026)样0101执1号", "金钱给付", "enforcing", OFFICER,
            (("applicant", "王五(虚构)"), ("debtor", "赵㛃(虚构)")),
        ),
        scope="case",
        purpose="移送上级法院(虚构)",
        recipient="样例中级法院(虚构)",
        requested_by=OFFICER,
        requested_at=AT,
        upto=40,
        chain_length=5,
        chain_head="cd" * 32,
        checkpoint=Checkpoint(
            "tiezheng.example/log", 41, "ab" * 32, "L3", AT,
            (Cosignature("witness.one", AT + timedelta(seconds=2)),),
            (TimeToken("tsa.one", AT + timedelta(seconds=9)),),
        ),
        people=(OFFICER, SECOND),
        devices=(PHONE,),
        items=(item(1), item(2, absent="erased", place=Place(reason="no-fix"))),
        notes=(
            Note("log.note", "到达现场(虚构)", source(3), OFFICER, Place(reason="no-fix"),
                 Moment("2026-03-02T09:01:00.000+08:00", AT, None, "C")),
        ),
        steps=(Step(1, "2026-03-02T00:00:00.000Z", "case.added", OFFICER.name),),
        sources=(Stretch(PHONE.id, 1, 1, 5, "ef" * 32, 3, 2),),
        keys=(KeyEvent(0, "2026-03-02T00:00:00.000Z", "device.enrolled", str(PHONE.id), "kid"),),
        withheld=(Withheld(15, str(PHONE.id), "not-selected"),),
        findings=(Finding("not-witnessed", "no quorum"),),
    )  # fmt: skip
    return replace(usual, **changes)
