"""What the tests of dossiers share."""

import pytest

from tests.factories.tamper_kit import Kit


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """Timestamp authorities, made once."""
    return Kit(tmp_path_factory.mktemp("tamper"))
