"""A missing part skips on a desk and fails in continuous integration."""

from __future__ import annotations

import pytest

from tests.support.need import need


def test_a_present_part_lets_the_test_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    need(condition=True, reason="never shown")


def test_a_missing_part_skips_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no such server"):
        need(condition=False, reason="no such server")


def test_in_ci_a_missing_part_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no such server"):
        need(condition=False, reason="no such server")
