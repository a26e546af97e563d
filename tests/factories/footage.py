"""Genuine pictures, films and sounds brought to a running server, for tests of what shows them."""

from __future__ import annotations

import time
import uuid
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from flask import Flask

from server.core.transactions import unit_of_work
from server.evidence.models import Derivative, Evidence, Examination
from tests.factories.field import Recorder, object_of
from tests.factories.ground import Ground
from tests.factories.identity import add_device
from tests.factories.uploads import Sender
from tests.support.media import scene

WAIT_SECONDS = 60


def bring(app: Flask, ground: Ground, path: Path, mime: str) -> str:
    """Capture and upload a file as a device of the first court's officer; returns the item's id."""
    court, data = ground.first.world, path.read_bytes()
    device = add_device(app, court.id)
    recorder = Recorder(app, device)
    thing = {**object_of(data), "mime": mime}
    media = {"image": "photo"}.get(mime.split("/", maxsplit=1)[0], mime.split("/", maxsplit=1)[0])
    payload = recorder.payload(
        "capture.recorded", obj=[thing], media=media, case=ground.first.ids["case"],
        mission=ground.first.ids["mission"], who=str(court.officer.id),
    )  # fmt: skip
    assert recorder.outcomes([recorder.seal(payload)]) == ["accepted"]
    Sender(app, court, caller=ground.world.device_caller(device)).send(data)
    with unit_of_work(court.id) as session:
        item = session.query(Evidence).filter(Evidence.device_id == device.id).one()
        assert item.state == "verified"
        return str(item.id)


def wait_until_examined(ground: Ground, evidence_id: str, *names: str) -> None:
    """Until the worker is through with an item, and has made these derivatives."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        with unit_of_work(ground.first.world.id, write=False) as session:
            item = session.query(Evidence).filter(Evidence.id == uuid.UUID(evidence_id)).one()
            found = session.get(Examination, item.sha256)
            made = session.query(Derivative.name).filter(Derivative.source_sha256 == item.sha256)
            if (
                found is not None
                and found.state != "pending"
                and set(names) <= {n for (n,) in made}
            ):
                return
        time.sleep(0.2)
    raise AssertionError(f"{evidence_id} was not examined in time")


def slow_film(path: Path, seconds: int) -> Path:
    """A film of one frame a second, each of another scene."""
    with av.open(str(path), "w") as out:
        track: Any = out.add_stream("libx264", rate=1)
        (track.width, track.height, track.pix_fmt) = (320, 240, "yuv420p")
        track.codec_context.thread_count = 1
        for number in range(seconds):
            frame = av.VideoFrame.from_image(scene(number, (320, 240)))  # type: ignore[no-untyped-call]
            (frame.pts, frame.time_base) = (number, Fraction(1))
            out.mux(track.encode(frame))
        out.mux(track.encode(None))
    return path
