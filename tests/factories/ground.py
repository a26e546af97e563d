"""Two courts that have one of everything, and everybody who may speak in them.

``court.ids`` names the things of a court; ``ground.callers(court)`` are all who speak there.
``freeze`` and ``thaw`` put database and files back to where they were.  All names are fictional
(虚构).
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from client_sdk.protocol.bundle import MEDIA_TYPE, BundleHead, as_lines, write_bundle
from client_sdk.protocol.keys import Algorithm, PrivateKey
from server.audit.events import EventKind
from server.audit.service import Subject, record
from server.core.context import Context, system_actor
from server.core.db import db
from server.core.transactions import EVERY_COURT, unit_of_work
from server.disclosure.models import Export
from server.evidence.derivative_names import VIEW
from server.evidence.erasure_models import Erasure
from server.evidence.models import Derivative, Evidence
from server.identity import enrolment, totp
from server.identity.models import EnrolmentCode, User
from server.review import service as review
from server.review.commands import Decision, Review
from storage.digest import Digest
from tests.factories.cases import add_case, add_mission
from tests.factories.field import Recorder, sequence
from tests.factories.ground_conduct import action_in, finding_in
from tests.factories.ground_copies import redactions_of
from tests.factories.ground_live import live_of, streams_over
from tests.factories.ground_oversight import oversight_in
from tests.factories.ground_retention import hold_in
from tests.factories.guests import invite
from tests.factories.identity import (
    API,
    Caller,
    CourtWorld,
    FieldDevice,
    World,
    add_device,
    auth_headers,
    device_token,
    runtime_of,
    upload_token,
)
from tests.factories.log import sign_log
from tests.factories.retention import without_rules
from tests.factories.shares import hooked_in, shared_in
from tests.factories.uploads import Sender, metadata, sha256_of

TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
HELD_SEQ = 7
DERIVATIVE = "thumbnail"
Ids = Mapping[str, str]
_NOTHING: frozenset[str] = frozenset()
_HIDDEN = {"judicial_police": frozenset({"booking", "task", "alert"})}  # they are the officer's


@dataclass(frozen=True)
class Speaker:
    """Somebody who sends requests; ``hidden`` are the things of their own court they may not see.

    ``kind`` is a role, or ``device``, ``upload`` or ``anonymous``.
    """

    name: str
    kind: str
    app: Flask
    device: FieldDevice | None = None
    caller: Caller | None = None
    bearer: str | None = None
    hidden: frozenset[str] = frozenset()
    own: Mapping[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, **arguments: Any) -> TestResponse:
        """One request in this speaker's name; ``path`` is whole."""
        headers = dict(arguments.pop("headers", {}))
        if self.caller is not None:
            headers |= auth_headers(self.app, self.caller.key, self.caller.token, method, path)
        if self.bearer is not None:
            headers["Authorization"] = f"Bearer {self.bearer}"
        return self.app.test_client().open(path, method=method, headers=headers, **arguments)


@dataclass(frozen=True)
class CourtGround:
    """One court and its things."""

    world: CourtWorld
    ids: Ids
    marks: frozenset[str]  # texts that only this court's answers may hold
    photo: bytes


@dataclass
class Ground:
    """Both courts; ``first`` is the one whose people speak."""

    app: Flask
    world: World
    first: CourtGround
    second: CourtGround
    folder: Path | None = None
    speakers: list[Speaker] = field(default_factory=list)

    @classmethod
    def build(cls, app: Flask) -> Ground:
        """Write everything of both courts."""
        without_rules(app)  # of retention: what is here is of today
        world = World.build(app)
        first, second = (_court(app, world, one) for one in (world.first, world.second))
        ground = cls(app, world, first, second)
        ground.speakers = _speakers(ground)
        return ground

    def freeze(self, folder: Path) -> None:
        """Remember the present state (SQLite)."""
        db.session.remove()
        db.engine.dispose()
        self.folder = folder
        shutil.copytree(self._data(), folder / "data")
        shutil.copy(self._database(), folder / "frozen.db")

    def thaw(self) -> None:
        """Put the remembered state back."""
        assert self.folder is not None, "freeze first"
        streams_over()
        db.session.remove()
        db.engine.dispose()
        shutil.rmtree(self._data())
        shutil.copytree(self.folder / "data", self._data())
        for suffix in ("-wal", "-shm", "-journal"):
            Path(f"{self._database()}{suffix}").unlink(missing_ok=True)
        shutil.copy(self.folder / "frozen.db", self._database())

    def _data(self) -> Path:
        return runtime_of(self.app).settings.data_dir

    def _database(self) -> Path:
        return Path(runtime_of(self.app).settings.database.removeprefix("sqlite:///"))


def _speakers(ground: Ground) -> list[Speaker]:
    """Everybody of the first court, and nobody."""
    app, court = ground.app, ground.first.world
    people = [
        Speaker(
            role,
            role,
            app,
            court.phone,
            ground.world.caller(person),
            hidden=_HIDDEN.get(role, _NOTHING),
        )
        for role, person in court.people.items()
        if role != "second_officer"
    ]
    others = add_device(app, court.id)
    hidden = frozenset(
        {
            "case",
            "mission",
            "evidence",
            "booking",
            "upload",
            "party",
            "export",
            "bundle",
            "redaction",
            "failed_redaction",
            "action",
            "finding",
            "live_mission",
            "live_entry",
            "task",
            "alert",
        }
    )
    stranger = ground.world.caller(court.second_officer, others)
    keyless = FieldDevice(uuid.uuid4(), uuid.uuid4(), "phone", PrivateKey.generate(Algorithm.ES256))
    phone = Caller(app, device_token(app, court.phone), court.phone.key)
    dock = Caller(app, device_token(app, court.dock), court.dock.key)
    photo = ground.first.photo + b"by grant"
    objects = [{"sha256": sha256_of(photo), "size_bytes": len(photo)}]
    bearer = upload_token(
        app, court.officer, court.phone, uuid.UUID(ground.first.ids["case"]), objects
    )
    granted = Sender(app, court, token=bearer).begin(photo).rpartition("/")[2]
    own = {"upload": granted, "new_sha256": sha256_of(photo), "new_size": str(len(photo))}
    return [
        *people,
        Speaker("stranger", "officer", app, others, stranger, hidden=hidden),
        Speaker(
            "officer without a device", "officer", app, keyless,
            ground.world.caller(court.officer, keyless),
        ),
        Speaker("phone alone", "device", app, court.phone, phone),
        Speaker(
            "dock alone", "device", app, court.dock, dock, hidden=frozenset({"upload", "bundle"})
        ),
        Speaker("upload token", "upload", app, bearer=bearer, own=own),
        Speaker("anonymous", "anonymous", app),
    ]  # fmt: skip


def _court(app: Flask, world: World, court: CourtWorld) -> CourtGround:
    runtime = runtime_of(app)
    officers = (court.officer.id, court.police.id)
    case = add_case(app, court.id, handler_id=court.officer.id, officer_ids=[court.police.id])
    devices = [court.phone.id, court.camera.id]
    mission = add_mission(app, court.id, [case], officer_ids=officers, device_ids=devices)
    photo = f"a photo of {court.code}".encode()
    ids = {
        "case": str(case), "mission": str(mission), "user": str(court.police.id),
        "officer": str(court.officer.id), "device": str(court.phone.id),
        "dock": str(court.dock.id), "camera": str(court.camera.id),
        "booking": str(court.booking_id), "party": _party_of(court, case),
        "evidence": _evidence_of(app, world, court, (str(case), str(mission)), photo),
        "bundle": _bundle_of(app, world, court),
        "upload": _upload_of(app, world, court), "export": _export_of(app, court, case),
        "held_device": str(_held_of(app, court)),
        "code": _code_of(app, court),
    }  # fmt: skip
    with unit_of_work(EVERY_COURT) as session:
        for person in court.people.values():
            user = session.get_one(User, person.id)
            user.totp_secret = totp.seal(runtime.keyring, user.id, TOTP_SECRET)
    ids["live_mission"], ids["live_entry"] = live_of(app, court, case)
    _decide(app, court, uuid.UUID(ids["evidence"]))
    ids["erasure"] = _erasure_of(app, court, uuid.UUID(ids["evidence"]))
    ids["redaction"], ids["failed_redaction"] = redactions_of(app, court, ids["evidence"])
    ids["action"] = action_in(app, court, case, mission)
    ids["finding"] = finding_in(app, court, ids["action"])
    ids["hold"] = hold_in(app, court, case, uuid.UUID(ids["evidence"]))
    ids |= oversight_in(app, court, case, uuid.UUID(ids["action"]))
    shared = shared_in(app, court.supervisor, case, uuid.UUID(ids["evidence"]))
    ids["share"] = str(shared.share.id)
    ids["invitation"] = str(invite(app, court.supervisor, mission).id)
    ids["open_invitation"] = str(invite(app, court.supervisor, None).id)
    ids["webhook"], ids["delivery"] = map(str, hooked_in(app, court.administrator))
    sequence(app)
    sign_log(app)
    people = (person.login for person in court.people.values())
    marks = {*ids.values(), *people, str(court.id), court.code, sha256_of(photo)}
    return CourtGround(court, ids, frozenset(marks), photo)


def _party_of(court: CourtWorld, case: uuid.UUID) -> str:
    from server.cases.models import Party  # noqa: PLC0415  beside its only use

    with unit_of_work(court.id) as session:
        return str(session.query(Party.id).filter(Party.case_id == case).one()[0])


def _evidence_of(
    app: Flask, world: World, court: CourtWorld, of: tuple[str, str], photo: bytes
) -> str:
    """A photo whose record and bytes came, with a thumbnail."""
    case, mission = of
    who = str(court.officer.id)
    recorder = Recorder(app, court.phone)
    wires = [
        recorder.capture(photo, case=case, mission=mission, who=who),
        recorder.note(case=case, mission=mission, who=who),
    ]
    assert recorder.outcomes(wires) == ["accepted", "accepted"]
    Sender(app, court, caller=world.device_caller(court.phone)).send(photo)
    with unit_of_work(court.id) as session:
        item = session.query(Evidence).filter(Evidence.device_id == court.phone.id).one()
        assert item.state == "verified"
        small = b"thumbnail of " + photo
        store = runtime_of(app).stores.blobs
        session.add_all(
            Derivative(
                source_sha256=item.sha256, name=name, mime="image/jpeg",
                sha256=hashlib.sha256(small).hexdigest(), size_bytes=len(small),
                created_at=runtime_of(app).clock.now(),
            )
            for name in (DERIVATIVE, VIEW)
        )  # fmt: skip
        path = runtime_of(app).settings.data_dir / f"draft-{court.code}"
        path.write_bytes(small)
        store.put_file(Digest(hashlib.sha256(small).hexdigest()), path)
        path.unlink()
        return str(item.id)


def _upload_of(app: Flask, world: World, court: CourtWorld) -> str:
    """An upload under way, of which nothing has come yet."""
    sender = Sender(app, court, caller=world.device_caller(court.phone))
    return sender.begin(b"not sent yet, " + court.code.encode()).rpartition("/")[2]


def _erasure_of(app: Flask, court: CourtWorld, evidence_id: uuid.UUID) -> str:
    """A request that nobody has decided on."""
    runtime = runtime_of(app)
    erasure_id = runtime.ids()
    with unit_of_work(court.id) as session:
        session.add(
            Erasure(
                id=erasure_id, court_id=court.id, evidence_id=evidence_id, state="requested",
                legal_basis="个人信息保护法第四十七条", reason="误摄(虚构)",
                requested_by=court.administrator.id, requested_at=runtime.clock.now(),
            )
        )  # fmt: skip
    return str(erasure_id)


def _decide(app: Flask, court: CourtWorld, evidence_id: uuid.UUID) -> None:
    """A decision that can be taken back."""
    actor = replace(system_actor(court.id), user_id=court.supervisor.id)
    with unit_of_work(court.id) as session:
        ctx = Context(actor, session, runtime_of(app))
        command = Review(decision=Decision.QUERY, text="请说明拍摄位置(虚构)")
        review.decide(ctx, evidence_id, command)


def _bundle_of(app: Flask, world: World, court: CourtWorld) -> str:
    """A bundle of another device that the phone has brought, and nobody has entered."""
    device = add_device(app, court.id)
    recorder = Recorder(app, device)
    lines, part = as_lines([recorder.note()])
    head = BundleHead(
        kind="records", court=str(court.id), device=str(device.id), ep=1,
        made="2026-03-02T01:00:00.000Z", first=1, last=1, count=1, lines=part,
    )  # fmt: skip
    path = runtime_of(app).settings.data_dir / f"bundle-{court.code}"
    write_bundle(path, head, lines, signature=head.signed(device.key))
    data = path.read_bytes()
    path.unlink()
    sender = Sender(app, court, caller=world.device_caller(court.phone))
    declared = metadata(sha256=sha256_of(data), filetype=MEDIA_TYPE)
    made = sender.create(len(data), None, data, Upload_Metadata=declared)
    assert made.status_code == 201, made.get_data()
    return sha256_of(data)


def _export_of(app: Flask, court: CourtWorld, case: uuid.UUID) -> str:
    """A finished export."""
    runtime = runtime_of(app)
    package = b"a package of " + court.code.encode()
    path = runtime.settings.data_dir / f"package-{court.code}"
    path.write_bytes(package)
    runtime.stores.blobs.put_file(Digest(sha256_of(package)), path)
    path.unlink()
    now, export_id = runtime.clock.now(), runtime.ids()
    with unit_of_work(court.id) as session:
        session.add(
            Export(
                id=export_id, court_id=court.id, case_id=case, purpose="移送(虚构)",
                recipient="中级法院(虚构)", requested_by=None, requested_at=now, state="done",
                sha256=sha256_of(package), size_bytes=len(package), finished_at=now,
            )
        )  # fmt: skip
        record(
            Context(system_actor(court.id), session, runtime), EventKind.EXPORT_PACKED,
            Subject("export", export_id), {"sha256": sha256_of(package)}, case_id=case,
        )  # fmt: skip
    return str(export_id)


def _held_of(app: Flask, court: CourtWorld) -> uuid.UUID:
    """The dock holds a record whose predecessors have not come."""
    recorder = Recorder(app, court.dock, seq=HELD_SEQ - 1, prev="ab" * 32)
    assert recorder.outcomes([recorder.note()]) == ["held"]
    return court.dock.id


def _code_of(app: Flask, court: CourtWorld) -> str:
    runtime = runtime_of(app)
    code = enrolment.new_code(runtime.randbytes)
    now = runtime.clock.now()
    with unit_of_work(EVERY_COURT) as session:
        session.add(
            EnrolmentCode(
                id=runtime.ids(), court_id=court.id, kind="phone", name="新手机",
                code_hash=enrolment.code_hash(runtime.keyring, code), created_at=now,
                expires_at=now + timedelta(hours=1),
            )
        )  # fmt: skip
    return code


__all__ = ["API", "DERIVATIVE", "HELD_SEQ", "TOTP_SECRET", "CourtGround", "Ground", "Speaker"]
