"""Buckets of the real S3 server, and the fixtures that give them to tests."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from storage.factory import S3Config
from tests.support.need import need
from tests.support.rgw import RgwServer, missing_programs, running_rgw


@dataclass(frozen=True)
class Bucket:
    """A bucket of the real server, with a client of its own beside the store's."""

    server: RgwServer
    name: str
    client: Any

    def config(self, prefix: str = "", **changes: Any) -> S3Config:
        """How a store reaches it."""
        settings: dict[str, Any] = {
            "bucket": self.name,
            "endpoint": self.server.endpoint,
            "access_key": self.server.access_key,
            "secret_key": self.server.secret_key,
            "prefix": prefix,
        }
        return S3Config(**(settings | changes))

    def keys(self, prefix: str = "") -> list[str]:
        """Names of all objects below ``prefix``."""
        answer = self.client.list_objects_v2(Bucket=self.name, Prefix=prefix)
        return [entry["Key"] for entry in answer.get("Contents", ())]

    def content(self, key: str) -> bytes:
        """Bytes of an object."""
        data: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return data

    def put(self, key: str, data: bytes) -> None:
        """Write an object behind the store's back."""
        self.client.put_object(Bucket=self.name, Key=key, Body=data)


@pytest.fixture(scope="session")
def rgw() -> Iterator[RgwServer]:
    """Ceph's object gateway, started for this test run."""
    missing = missing_programs()
    need(not missing, f"{', '.join(missing)} (Debian: radosgw ceph-mon ceph-osd ceph-common)")
    with running_rgw() as server:
        yield server


@pytest.fixture(scope="session")
def s3_client(rgw: RgwServer) -> Iterator[Any]:
    """A client of the gateway."""
    from storage.s3 import open_client  # noqa: PLC0415  only when S3 is used

    client = open_client(
        endpoint=rgw.endpoint,
        region="us-east-1",
        access_key=rgw.access_key,
        secret_key=rgw.secret_key,
    )
    yield client
    client.close()


@pytest.fixture(scope="session")
def bucket(rgw: RgwServer, s3_client: Any) -> Bucket:
    """A bucket that tests share; each uses a prefix of its own."""
    s3_client.create_bucket(Bucket="evidence")
    return Bucket(rgw, "evidence", s3_client)


@pytest.fixture
def own_bucket(rgw: RgwServer, s3_client: Any) -> Bucket:
    """A bucket that no other test uses."""
    name = f"own-{secrets.token_hex(6)}"
    s3_client.create_bucket(Bucket=name)
    return Bucket(rgw, name, s3_client)
