"""A scrub of a sound installation finds nothing; of a spoiled one, what was spoiled."""

from __future__ import annotations

import pytest
from flask import Flask

from server.upkeep.scrub import scrub
from tests.factories.identity import runtime_of
from tests.factories.upkeep import Installation


@pytest.fixture
def installation(app: Flask) -> Installation:
    return Installation.build(app)


def test_what_is_sound_is_found_sound(installation: Installation) -> None:
    report = scrub(runtime_of(installation.app))
    assert [one.to_dict() for one in report.findings] == []
    for what in ("entries", "rows", "blobs", "receipts", "checkpoints", "tiles", "chains"):
        assert report.counts[what], what
