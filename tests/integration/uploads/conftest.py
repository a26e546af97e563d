"""A court's phone that uploads."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.factories.identity import World
from tests.factories.uploads import Sender, device_sender


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def sender(world: World) -> Sender:
    return device_sender(world)
