"""The note of attendance on the wire: exact members, and a signature of its own kind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from client_sdk.protocol.attendance import (
    AttendanceNote,
    SeenEntry,
    TreeHead,
    Visit,
    sign_attendance,
    verify_attendance,
)
from client_sdk.protocol.errors import StatementError
from client_sdk.protocol.keys import Algorithm, PrivateKey, PublicKey
from client_sdk.protocol.statements import StatementKind, sign

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
KEY = PrivateKey.generate(Algorithm.ED25519)
NOTE = AttendanceNote(
    invitation="0d0e0f00-0000-7000-8000-000000000001",
    court="0d0e0f00-0000-7000-8000-000000000002",
    court_name="样例法院(虚构)",
    mission="7F3K-29QX",
    observer="邓观摩(虚构)",
    capacity="npc_deputy",
    seconds=60,
    visits=(Visit(START, START + timedelta(minutes=1)),),
    seen=2,
    entries=(SeenEntry(1, 17), SeenEntry(2, None)),
    log="evidence.example/log",
    head=TreeHead(20, "ab" * 32),
    issued=START + timedelta(hours=1),
)


class Keys:
    """Trusts one key."""

    def event_key(self, kid: str) -> PublicKey | None:
        return KEY.public if kid == KEY.public.thumbprint else None


def test_a_signed_note_is_read_back() -> None:
    statement = sign_attendance(NOTE, KEY, KEY.public.thumbprint)
    assert verify_attendance(statement, Keys()) == NOTE
    bare = replace(NOTE, head=None, visits=(), entries=())
    assert AttendanceNote.from_body(bare.to_body()) == bare


def test_another_kind_of_statement_never_passes_for_a_note() -> None:
    other = sign(StatementKind.RECEIPT, NOTE.to_body(), KEY)
    with pytest.raises(StatementError):
        verify_attendance(other, Keys())


def test_a_key_that_is_not_trusted_signs_nothing() -> None:
    stranger = PrivateKey.generate(Algorithm.ED25519)
    with pytest.raises(StatementError):
        verify_attendance(sign_attendance(NOTE, stranger, stranger.public.thumbprint), Keys())


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"extra": 1},
        {"seconds": -1},
        {"visits": [["2026-03-02T01:00:00.000Z"]]},
        {"visits": [["2026-03-02T01:00:00.000Z", "2026-03-02T00:00:00.000Z"]]},
        {"visits": "none"},
        {"entries": [[1, -1]]},
        {"entries": [[None, 1]]},
        {"entries": [[1, 2]] * 1001},
        {"head": {"size": 1}},
        {"head": {"size": 1, "root": "xy"}},
        {"invitation": "somebody"},
        {"issued": "yesterday"},
        {"observer": ""},
    ],
    ids=lambda changes: "-".join(changes) + str(len(str(changes))),
)
def test_a_body_of_another_form_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(StatementError):
        AttendanceNote.from_body({**NOTE.to_body(), **changes})


@pytest.mark.parametrize("name", sorted(NOTE.to_body()))
def test_every_member_is_needed(name: str) -> None:
    body = {key: value for key, value in NOTE.to_body().items() if key != name}
    with pytest.raises(StatementError):
        AttendanceNote.from_body(body)
