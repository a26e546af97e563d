"""What the worker finds is told to every item of the digest; a bad file keeps its place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol import timeqr
from client_sdk.protocol.keys import Algorithm, PrivateKey
from server.core.clock import unix_ms
from server.core.keyring import EVENT
from server.evidence.examination import examine
from server.evidence.models import Derivative, Evidence, Examination
from server.evidence.sandbox import Limits, Sandbox
from server.identity.models import Device
from storage.digest import Digest
from tests.factories.evidence import Scene, build_scene
from tests.support import media


@pytest.fixture
def scene(app: Flask) -> Scene:
    return build_scene(app)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Limits(wall_seconds=30, stage_seconds=10)) as sandbox:
        yield sandbox


def stored(scene: Scene, path: Path, **changes: object) -> Evidence:
    """Capture the file, bring its bytes, and put them into the store."""
    data = path.read_bytes()
    scene.declare(scene.capture(data, **changes))
    scene.runtime.stores.blobs.put_file(Digest.of(data), path)
    scene.arrive(data)
    return scene.items()[-1]


def test_a_photo_gets_its_position_from_exif_when_the_record_has_none(
    scene: Scene, sandbox: Sandbox, tmp_path: Path
) -> None:
    now = scene.runtime.clock.now()
    item = stored(scene, media.gps_photo(tmp_path / "a.jpg", 38.21, 104.41, now))
    examine(scene.everywhere, sandbox, str(item.id))
    (found,) = scene.items()
    assert (found.lat or "")[:5] == "38.21"
    assert (found.lon or "")[:6] == "104.41"
    assert found.geo_source == "exif"
    assert found.findings == []
    with scene.everywhere() as ctx:
        names = set(ctx.session.execute(sa.select(Derivative.name)).scalars())
        assert ctx.session.get_one(Examination, item.sha256).state == "done"
    assert names


def test_a_photo_of_another_day_and_place_is_a_finding_not_a_rejection(
    scene: Scene, sandbox: Sandbox, tmp_path: Path
) -> None:
    old = scene.runtime.clock.now() - timedelta(days=400)
    item = stored(
        scene, media.gps_photo(tmp_path / "a.jpg", 43.46, 11.88, old),
        lat="38.2100000", lon="104.4100000", geo_datum="WGS84", geo_source="gnss",
        geo_reason=None,
    )  # fmt: skip
    examine(scene.everywhere, sandbox, str(item.id))
    (found,) = scene.items()
    assert {entry["code"] for entry in found.findings} == {
        "media-time-differs", "media-position-differs",
    }  # fmt: skip
    assert found.lat == "38.2100000"
    assert found.state == "verified"


def test_examining_again_changes_nothing(scene: Scene, sandbox: Sandbox, tmp_path: Path) -> None:
    now = scene.runtime.clock.now()
    item = stored(scene, media.gps_photo(tmp_path / "a.jpg", 43.0, 11.0, now))
    examine(scene.everywhere, sandbox, str(item.id))
    first = scene.items()[0].findings
    examine(scene.everywhere, sandbox, str(item.id))
    assert scene.items()[0].findings == first


def test_bytes_that_are_no_photo_stay_evidence(
    scene: Scene, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "bad.jpg"
    path.write_bytes(b"II*\0" + b"\xff" * 86)
    item = stored(scene, path)
    examine(scene.everywhere, sandbox, str(item.id))
    (found,) = scene.items()
    assert found.state == "verified"
    assert found.findings
    assert scene.runtime.stores.blobs.verify(Digest(item.sha256)).size_bytes == 90


def test_a_photographed_time_code_calibrates_the_camera(
    scene: Scene, sandbox: Sandbox, tmp_path: Path
) -> None:
    ahead = timedelta(seconds=3725)
    now = scene.runtime.clock.now()
    camera = scene.runtime.ids()
    with scene.everywhere() as ctx:
        ctx.session.add(
            Device(id=camera, court_id=scene.court_id, kind="camera", name="相机", enrolled_at=now)
        )
    key = scene.runtime.keyring.active(EVENT).private
    code = timeqr.make(unix_ms(now), bytes(9), key)
    shown = media.qr_photo(tmp_path / "qr.jpg", code.text, when=now + ahead)
    taken = now + ahead + timedelta(hours=1)
    later = media.gps_photo(tmp_path / "b.jpg", None, None, taken, with_zone=False)
    for path in (shown, later):
        item = stored(scene, path, captured_by=camera)
        examine(scene.everywhere, sandbox, str(item.id))
    calibrating, photo = scene.items()
    assert abs(calibrating.captured_at - now) <= timedelta(seconds=2)
    assert abs(photo.captured_at - (now + timedelta(hours=1))) <= timedelta(seconds=5)
    assert photo.error_ms is not None


def test_a_forged_time_code_calibrates_nothing(
    scene: Scene, sandbox: Sandbox, tmp_path: Path
) -> None:
    now = scene.runtime.clock.now()
    forged = timeqr.make(unix_ms(now), bytes(9), PrivateKey.generate(Algorithm.ED25519))
    shown = media.qr_photo(tmp_path / "qr.jpg", forged.text, when=now + timedelta(hours=5))
    item = stored(scene, shown, captured_by=scene.device_id)
    examine(scene.everywhere, sandbox, str(item.id))
    assert scene.items()[0].captured_at == now
