"""The application with S3 as the second place, on a bucket of its own of the real server."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from server.settings import Settings
from tests.factories.shipping import Place
from tests.support.s3 import Bucket


@pytest.fixture
def settings(database_url: str, tmp_path: Path, own_bucket: Bucket) -> Settings:
    return Settings(
        data_dir=tmp_path / "data",
        database_url=database_url,
        public_url="http://localhost",
        log_level="error",
        blob_store="s3",
        s3_endpoint=own_bucket.server.endpoint,
        s3_bucket=own_bucket.name,
        s3_access_key=own_bucket.server.access_key,
        s3_secret_key=own_bucket.server.secret_key,
    )


@pytest.fixture
def place(app: Flask) -> Place:
    return Place.build(app)
