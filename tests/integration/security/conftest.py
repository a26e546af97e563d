"""A ground of two courts on either database, for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.factories.ground import Ground
from tests.support.grounds import standing


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ground(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """Built once; a test may leave its marks."""
    yield from standing(request, request.param, tmp_path_factory)


@pytest.fixture(scope="module")
def on_sqlite(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """For what is decided before a database is asked."""
    yield from standing(request, "sqlite", tmp_path_factory)
