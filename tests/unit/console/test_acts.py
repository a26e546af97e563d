"""Every entry of the log has a sentence: a new kind without one fails here."""

from __future__ import annotations

import pytest

from client_sdk.protocol.payloads import RecordKind
from server.audit.events import EventKind
from server.console import words
from server.console.audit_forms import GROUPS
from server.console.audit_rows import act_key, act_words

KINDS = sorted({one.value for one in (*EventKind, *RecordKind)})


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_sentence(kind: str) -> None:
    assert act_key(kind) in words.texts(), f"words/acts.toml: say what {kind} means"


def test_no_sentence_without_a_kind() -> None:
    keys = {key for key in words.texts() if key.startswith("acts.")}
    assert keys - {act_key(kind) for kind in KINDS} == {"acts.other"}


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_has_a_name(group: str) -> None:
    assert f"audit.group_{group.replace('-', '_')}" in words.texts()


def test_sentences_differ() -> None:
    for lang in words.LANGUAGES:
        said = [act_words(lang, kind) for kind in KINDS]
        assert len(set(said)) == len(said), [one for one in said if said.count(one) > 1]


def test_an_unknown_kind_is_still_shown() -> None:
    assert "future.kind" in act_words("en", "future.kind")
