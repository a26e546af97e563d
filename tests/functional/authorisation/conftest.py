"""The ground that the matrix is played on, built once for each database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from server.live import hub
from tests.factories.ground import Ground
from tests.support.grounds import standing


@pytest.fixture(scope="module")
def frozen(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """A ground on SQLite that ``thaw`` puts back."""
    for ground in standing(request, "sqlite", tmp_path_factory):
        ground.freeze(tmp_path_factory.mktemp("frozen"))
        yield ground


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def ground(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """A ground on either database, for requests that change nothing."""
    yield from standing(request, request.param, tmp_path_factory)


@pytest.fixture(autouse=True)
def streams_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Live streams say what they have and end, as they do when their process is told to stop."""
    monkeypatch.setattr(hub, "stopping", lambda: True)
