"""The world of identity tests."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.factories.identity import World


@pytest.fixture
def world(app: Flask) -> World:
    """Two courts on a fresh database."""
    return World.build(app)
