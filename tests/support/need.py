"""What a test does when a real part is missing on this machine."""

from __future__ import annotations

import os

import pytest


def in_ci() -> bool:
    """Whether ``CI`` is set to something that means yes."""
    return os.environ.get("CI", "").strip().lower() not in {"", "0", "false", "no"}


def need(condition: object, reason: str) -> None:
    """Go on if ``condition`` is true; otherwise skip with ``reason``, or fail when ``CI=true``.

    The one place that skips: a continuous-integration run that lacks a part is not green.
    """
    if condition:
        return
    if in_ci():
        pytest.fail(f"needed for this test, and CI may not skip it: {reason}", pytrace=False)
    pytest.skip(reason)
