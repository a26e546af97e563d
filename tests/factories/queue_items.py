"""Items of a running server's queue: real records and real bytes of one more device."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from client_sdk.protocol.encoding import b64url_encode
from server.core.transactions import unit_of_work
from server.evidence.models import Evidence
from tests.factories.field import Recorder, object_of
from tests.factories.ground import Ground
from tests.factories.identity import add_device
from tests.factories.uploads import Sender


@dataclass(frozen=True)
class Upload:
    """A file as its device declares it."""

    data: bytes
    mime: str = "image/jpeg"
    media: str = "photo"
    name: bytes = "现场(虚构).jpg".encode()


def picture(number: int, exif: bytes | None = None) -> bytes:
    """A small JPEG, each number another colour."""
    out = io.BytesIO()
    colour = (number * 37 % 256, number * 91 % 256, number * 53 % 256)
    image = Image.new("RGB", (64 + number, 48), colour)
    image.save(out, "JPEG", **({} if exif is None else {"exif": exif}))
    return out.getvalue()


def arrive(ground: Ground, uploads: Sequence[Upload]) -> list[uuid.UUID]:
    """Push a record of each and send its bytes; ids of the items, in that order."""
    app, court = ground.app, ground.first.world
    device = add_device(app, court.id)
    recorder = Recorder(app, device)
    case, mission = ground.first.ids["case"], ground.first.ids["mission"]
    wires = []
    for one in uploads:
        thing = object_of(one.data) | {"mime": one.mime, "name_b64": b64url_encode(one.name)}
        payload = recorder.payload(
            "capture.recorded", obj=[thing], media=one.media, case=case, mission=mission,
            who=str(court.officer.id),
        )  # fmt: skip
        wires.append(recorder.seal(payload))
    for start in range(0, len(wires), 50):
        outcomes = recorder.outcomes(wires[start : start + 50])
        assert set(outcomes) == {"accepted"}, outcomes
    sender = Sender(app, court, caller=ground.world.device_caller(device))
    for one in uploads:
        sender.send(one.data)
    with unit_of_work(court.id) as session:
        rows = session.query(Evidence).filter(Evidence.device_id == device.id)
        items = [row.id for row in rows.order_by(Evidence.seq)]
        assert {row.state for row in rows} == {"verified"}
    return items
