"""Bundles carried by hand: the same rights, checks and receipts as over a network."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from client_sdk import FieldClient
from client_sdk._link import Options
from client_sdk._transport.wsgi import WsgiTransport
from client_sdk.errors import ApiError, FieldError
from client_sdk.protocol.bundle import BundleError, BundleReader
from server.audit.models import DeviceRecord
from server.core.context import Context, system_actor
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Evidence
from server.identity import service_devices
from server.identity.commands import OfferEnrolment
from server.identity.models import Device
from tests.factories.field import issue_receipts
from tests.factories.identity import CourtWorld, World, runtime_of

PHOTO = b"\xff\xd8 a photo of nobody" * 100
Enrol = Callable[..., FieldClient]


@pytest.fixture
def world(app: Flask) -> World:
    return World.build(app)


@pytest.fixture
def enrol(app: Flask, world: World, tmp_path: Path) -> Iterator[Enrol]:
    """Makes an enrolled device of a court, whose calls go straight into the application."""
    with ExitStack() as stack:

        def made(name: str, court: CourtWorld | None = None) -> FieldClient:
            with unit_of_work(EVERY_COURT) as session:
                ctx = Context(system_actor((court or world.first).id), session, runtime_of(app))
                code = service_devices.offer(ctx, OfferEnrolment(kind="phone", name=name)).code
            client = FieldClient(
                "http://localhost", store=tmp_path / name, transport=WsgiTransport(app),
                secrets=None, options=Options(ballast_bytes=0),
            )  # fmt: skip
            stack.enter_context(client)
            client.enrol(code, name=name)
            return client

        yield made


@pytest.fixture
def exported(enrol: Enrol, tmp_path: Path) -> tuple[FieldClient, Path]:
    """A device that recorded a photo and a note without a network, and its bundle."""
    phone = enrol("phone")
    path = tmp_path / "现场.jpg"
    path.write_bytes(PHOTO)
    phone.capture(path)
    phone.log("到达现场(虚构)")
    bundle = tmp_path / "out.bundle"
    done = phone.export_bundle(bundle)
    assert (done.records, done.objects) == (2, 1)
    return phone, bundle


def problem(client: FieldClient, bundle: Path) -> ApiError:
    """Why the server refuses a bundle."""
    with pytest.raises(ApiError) as caught:
        client.send_bundle(bundle)
    return caught.value


def entered(app: Flask, phone: FieldClient) -> int:
    """How many records of the device the server has."""
    with unit_of_work(EVERY_COURT, write=False) as session:
        statement = sa.select(sa.func.count()).where(
            DeviceRecord.device_id == phone.identity.device_id
        )
        return int(session.execute(statement).scalar_one())


def changed(bundle: Path, name: str, data: bytes) -> Path:
    """The bundle with another content of one entry, whole as a ZIP file."""
    target = bundle.with_name("changed.bundle")
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            new.writestr(info.filename, data if info.filename == name else old.read(info))
    return target


def test_there_and_back(
    app: Flask, enrol: Enrol, exported: tuple[FieldClient, Path], tmp_path: Path
) -> None:
    phone, bundle = exported
    carrier = enrol("carrier")
    done = carrier.send_bundle(bundle)
    assert (done.records, done.objects) == ({"accepted": 2}, {"stored": 1})
    with unit_of_work(EVERY_COURT, write=False) as session:
        statement = sa.select(Evidence.state).where(Evidence.device_id == phone.identity.device_id)
        assert session.execute(statement).scalar_one() == "verified"
    issue_receipts(app)
    back = tmp_path / "back.bundle"
    again = carrier.send_bundle(bundle, receipts=back)
    assert (again.records, again.objects) == ({"duplicate": 2}, {"present": 1})
    assert again.receipts == back
    assert phone.import_bundle(back) == 2
    with pytest.raises(FieldError, match="nothing to carry"):
        phone.export_bundle(tmp_path / "again.bundle")
    assert phone.import_bundle(back) == 2, "a second time does no harm"


def test_an_upload_that_stopped_goes_on(
    enrol: Enrol, exported: tuple[FieldClient, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, bundle = exported
    pieces: list[int] = []

    def piece(path: Path, offset: int, size_bytes: int) -> bytes:
        pieces.append(offset)
        if len(pieces) == 3:
            raise OSError("unplugged")
        return path.read_bytes()[offset : offset + size_bytes]

    monkeypatch.setattr("client_sdk._bundles._PIECE_BYTES", 500)
    monkeypatch.setattr("client_sdk._bundles._piece", piece)
    carrier = enrol("carrier")
    with pytest.raises(OSError, match="unplugged"):
        carrier.send_bundle(bundle)
    assert carrier.send_bundle(bundle).records == {"accepted": 2}
    assert sorted(set(pieces)) == list(range(0, bundle.stat().st_size, 500))
    assert len(pieces) == len(set(pieces)) + 1, "only the piece that was cut came again"


def test_another_device_s_receipts_are_refused(
    app: Flask, enrol: Enrol, exported: tuple[FieldClient, Path], tmp_path: Path
) -> None:
    _, bundle = exported
    carrier, back = enrol("carrier"), tmp_path / "back.bundle"
    carrier.send_bundle(bundle)
    issue_receipts(app)
    carrier.send_bundle(bundle, receipts=back)
    with pytest.raises(BundleError, match="another device"):
        carrier.import_bundle(back)


def test_a_court_does_not_take_another_court_s_bundle(
    app: Flask, world: World, enrol: Enrol, exported: tuple[FieldClient, Path]
) -> None:
    phone, bundle = exported
    stranger = enrol("stranger", world.second)
    refused = problem(stranger, bundle)
    assert (refused.status, refused.slug) == (422, "bundle-invalid")
    assert entered(app, phone) == 0


def test_a_revoked_device_s_bundle_is_refused(
    app: Flask, enrol: Enrol, exported: tuple[FieldClient, Path]
) -> None:
    phone, bundle = exported
    carrier = enrol("carrier")
    with unit_of_work(EVERY_COURT) as session:
        device = session.get_one(Device, phone.identity.device_id)
        device.revoked_at = runtime_of(app).clock.now()
    assert problem(carrier, bundle).slug == "bundle-invalid"
    assert entered(app, phone) == 0


def test_tamper_36_a_supervisor_hands_in_what_a_revoked_device_left_and_it_is_suspect(
    app: Flask, enrol: Enrol, exported: tuple[FieldClient, Path], world: World
) -> None:
    phone, bundle = exported
    carrier = enrol("carrier")
    carrier.sign_in(world.first.supervisor.login, world.first.supervisor.password)
    with unit_of_work(EVERY_COURT) as session:
        device = session.get_one(Device, phone.identity.device_id)
        device.revoked_at = runtime_of(app).clock.now()
    assert carrier.send_bundle(bundle).device == str(phone.identity.device_id)
    with unit_of_work(EVERY_COURT, write=False) as session:
        mine = DeviceRecord.device_id == phone.identity.device_id
        found = session.execute(sa.select(DeviceRecord.findings).where(mine)).scalars().all()
        states = session.execute(sa.select(Evidence.state, Evidence.review_state)).all()
    assert len(found) == 2
    assert all("suspect" in {one["code"] for one in findings or ()} for findings in found)
    assert [tuple(one) for one in states] == [("verified", "suspect")]


def test_a_digest_that_one_only_knows_gives_nothing(
    enrol: Enrol, exported: tuple[FieldClient, Path]
) -> None:
    _, bundle = exported
    enrol("carrier").send_bundle(bundle)

    sha256 = hashlib.sha256(bundle.read_bytes()).hexdigest()
    other = enrol("other")
    with pytest.raises(ApiError) as caught:
        other.request("GET", f"/bundles/{sha256}/receipts")
    assert caught.value.status == 404
    with pytest.raises(ApiError) as caught:
        other.request("POST", "/bundles", json={"sha256": sha256})
    assert caught.value.status == 404


@pytest.mark.parametrize("entry", ["records.jsonl", "object"])
def test_tamper_other_bytes_than_signed(
    app: Flask, enrol: Enrol, exported: tuple[FieldClient, Path], entry: str
) -> None:
    phone, bundle = exported
    with BundleReader(bundle) as read:
        name = entry if entry != "object" else f"objects/{read.head.objects[0].sha256}"
    with zipfile.ZipFile(bundle) as whole:
        data = bytearray(whole.read(name))
    data[len(data) // 2] ^= 1
    assert problem(enrol("carrier"), changed(bundle, name, bytes(data))).slug == "bundle-invalid"
    assert entered(app, phone) == 0


def test_tamper_a_head_that_the_device_did_not_sign(
    app: Flask, enrol: Enrol, exported: tuple[FieldClient, Path]
) -> None:
    phone, bundle = exported
    with zipfile.ZipFile(bundle) as whole:
        head = whole.read("bundle.json").decode()
    forged = head.replace('"first":1', '"first":0').encode()
    assert forged != head.encode()
    assert problem(enrol("carrier"), changed(bundle, "bundle.json", forged)).slug == (
        "bundle-invalid"
    )
    assert entered(app, phone) == 0


def test_nothing_is_entered_twice_by_two_carriers(
    app: Flask, enrol: Enrol, exported: tuple[FieldClient, Path]
) -> None:
    phone, bundle = exported
    for name in ("first", "second"):
        enrol(name).send_bundle(bundle)
    assert entered(app, phone) == 2
    with unit_of_work(EVERY_COURT, write=False) as session:
        items = sa.select(sa.func.count()).select_from(Evidence)
        assert session.execute(items).scalar_one() == 1
