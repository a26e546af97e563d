"""What the pages of a court name beyond the things of :mod:`tests.factories.ground`.

A guest's spoken opinion, an item drawn for a second look, a saved view, a sign-in, a thumbnail with
its pass, a record that waits, a failed job, a custody report.  They are added for the pages alone:
other users of the ground count what it has.
"""

from __future__ import annotations

import hashlib
import io
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.encoding import b64url_encode
from server.audit.events import EventKind
from server.audit.models import Event
from server.audit.service import Subject, record
from server.cases import views
from server.cases.models import Case
from server.cases.views import SaveView
from server.core.context import Actor, Context
from server.core.permissions import TokenKind
from server.core.transactions import EVERY_COURT, unit_of_work
from server.disclosure.models import Export
from server.disclosure.package import CUSTODY_PDF
from server.evidence import listing
from server.evidence.models import Derivative, Evidence
from server.guests.kinds import OpinionKind, OpinionState
from server.guests.models import GuestSession, Opinion
from server.identity import bonds
from server.identity.models import SignIn
from server.identity.sign_in import BROWSER, secret_hash
from server.jobs.models import Job
from server.register import service as register
from server.register.commands import WriteEntry
from server.review.models import ReviewDraw, ReviewEntry, ReviewSample
from server.shares import service as sharing
from server.shares.commands import MakeShare, Mode
from storage.digest import Digest
from tests.factories.field import sequence
from tests.factories.ground import HELD_SEQ, CourtGround, Ground
from tests.factories.identity import CourtWorld, runtime_of
from tests.factories.identity_rows import Person

THUMB = "thumb"
_NO_MARKS = frozenset({"held_ep", "held_seq"})  # numbers that any page may hold


def with_pages(ground: Ground) -> Ground:
    """Add to both courts what their pages name."""
    ground.first, ground.second = (
        _filled(ground.app, court) for court in (ground.first, ground.second)
    )
    return ground


def _filled(app: Flask, court: CourtGround) -> CourtGround:
    world, item = court.world, uuid.UUID(court.ids["evidence"])
    mission = uuid.UUID(court.ids["mission"])
    ids = {
        "case_no": _case_no_of(world, uuid.UUID(court.ids["case"])),
        "sample": _sample_of(app, world, item),
        "view": _view_of(app, world.officer),
        "sign_in": _sign_in_of(app, world.officer),
        "job": _job_of(app, world),
        "held_ep": "1",
        "held_seq": str(HELD_SEQ),
        "pass": _pass_of(app, world, item),
        "report": _report_of(app, world, uuid.UUID(court.ids["case"])),
        "named_share": _named_share_of(app, world, uuid.UUID(court.ids["case"]), item),
        "written": _written_of(app, world, uuid.UUID(court.ids["case"])),
    }
    ids["opinion"] = _opinion_of(app, world, uuid.UUID(court.ids["invitation"]), mission)
    sequence(app)
    marks = {value for name, value in ids.items() if name not in _NO_MARKS}
    return replace(court, ids={**court.ids, **ids}, marks=court.marks | marks)


@contextmanager
def _unit(app: Flask, person: Person) -> Iterator[Context]:
    actor = Actor(
        TokenKind.ACCESS, person.court_id, user_id=person.id, roles=frozenset(person.roles)
    )
    with unit_of_work(person.court_id) as session:
        yield Context(actor, session, runtime_of(app))


def _kept(app: Flask, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    runtime_of(app).stores.blobs.put_stream(Digest(digest), io.BytesIO(data), len(data))
    return digest


def _case_no_of(court: CourtWorld, case: uuid.UUID) -> str:
    with unit_of_work(court.id, write=False) as session:
        return session.get_one(Case, case).case_no


def _pass_of(app: Flask, court: CourtWorld, item_id: uuid.UUID) -> str:
    """The officer's pass for the item's thumbnail, which is there from now on."""
    data = b"small picture of " + court.code.encode()
    with _unit(app, court.officer) as ctx:
        item = ctx.session.get_one(Evidence, item_id)
        ctx.session.add(
            Derivative(
                source_sha256=item.sha256, name=THUMB, mime="image/webp", sha256=_kept(app, data),
                size_bytes=len(data), created_at=ctx.clock.now(),
            )
        )  # fmt: skip
        return listing.let_through(ctx, [item_id])[item_id]


def _sample_of(app: Flask, court: CourtWorld, item: uuid.UUID) -> str:
    """The item, drawn for a second look at the supervisor's decision."""
    with _unit(app, court.president) as ctx:
        entry = ctx.session.execute(
            sa.select(ReviewEntry).where(ReviewEntry.evidence_id == item).limit(1)
        ).scalar_one()
        draw, sample = ctx.new_id(), ctx.new_id()
        ctx.session.add(
            ReviewDraw(
                id=draw, court_id=court.id, week="2026-W09", goal=1, population=1, log_index=0,
                seed="00" * 32, drawn_at=ctx.clock.now(),
            )
        )  # fmt: skip
        ctx.session.flush()
        ctx.session.add(
            ReviewSample(
                id=sample, court_id=court.id, draw_id=draw, evidence_id=item, entry_id=entry.id,
                first_by=entry.author_id,
            )
        )  # fmt: skip
        return str(sample)


def _view_of(app: Flask, person: Person) -> str:
    with _unit(app, person) as ctx:
        view = views.save(ctx, SaveView(page="cases", name="在办(虚构)", query="status=open"))
        return str(view.id)


def _written_of(app: Flask, court: CourtWorld, case: uuid.UUID) -> str:
    """What the officer wrote down about the case."""
    data = {"on": "2026-02-20", "with": "被执行人(虚构)", "content": "释明后果(虚构)"}
    with _unit(app, court.officer) as ctx:
        return str(register.write(ctx, case, WriteEntry(kind="case.persuasion", data=data)).id)


def _sign_in_of(app: Flask, person: Person) -> str:
    """The person at another browser."""
    with _unit(app, person) as ctx:
        sign_in = ctx.new_id()
        row = SignIn(
            id=sign_in, court_id=person.court_id, user_id=person.id, device_id=None, jkt=BROWSER,
            refresh_hash=secret_hash(ctx.runtime, b64url_encode(sign_in.bytes)),
            created_at=ctx.clock.now(), expires_at=ctx.clock.now() + timedelta(hours=8),
        )  # fmt: skip
        ctx.session.add(bonds.bind(ctx.runtime.keyring, row))
        return str(sign_in)


def _job_of(app: Flask, court: CourtWorld) -> str:
    """A job for an entry of the court's, given up."""
    runtime = runtime_of(app)
    with unit_of_work(EVERY_COURT) as session:
        newest = sa.select(sa.func.max(Event.log_index)).where(Event.court_id == court.id)
        job, now = runtime.ids(), runtime.clock.now()
        session.add(
            Job(
                id=job, handler="evidence.examine", log_index=session.execute(newest).scalar_one(),
                subject_id="", state="failed", attempts=10, run_after=now, finished_at=now,
                last_error="OSError()",
            )
        )  # fmt: skip
    return str(job)


def _opinion_of(app: Flask, court: CourtWorld, invitation: uuid.UUID, mission: uuid.UUID) -> str:
    """What the invited one said, in words and as a recording."""
    voice = b"a voice before " + court.code.encode()
    with _unit(app, court.supervisor) as ctx:
        guest, opinion, now = ctx.new_id(), ctx.new_id(), ctx.clock.now()
        ctx.session.add(
            GuestSession(
                id=guest, court_id=court.id, invitation_id=invitation, cookie_hash=guest.hex,
                consent_version="1", consent_lang="zh", consented_at=now, agent_digest="00",
            )
        )  # fmt: skip
        ctx.session.flush()
        ctx.session.add(
            Opinion(
                id=opinion, court_id=court.id, invitation_id=invitation, guest_session_id=guest,
                mission_id=mission, kind=OpinionKind.QUESTION.value, text="由谁见证?(虚构)",
                voice_sha256=_kept(app, voice), voice_mime="audio/webm", voice_bytes=len(voice),
                state=OpinionState.RECEIVED.value, received_at=now, due_at=now + timedelta(days=5),
            )
        )  # fmt: skip
        return str(opinion)


def _named_share_of(app: Flask, court: CourtWorld, case: uuid.UUID, item: uuid.UUID) -> str:
    """A share of an item's original, although there is a redacted copy of it."""
    command = MakeShare(
        case_id=case, evidence_ids=(item,), originals=frozenset({item}), mode=Mode.DOWNLOAD,
        recipient="某律师(虚构)", purpose="质证(虚构)", days=1,
    )  # fmt: skip
    with _unit(app, court.supervisor) as ctx:
        return str(sharing.make(ctx, command).share.id)


def _report_of(app: Flask, court: CourtWorld, case: uuid.UUID) -> str:
    """An export whose package holds a custody report."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr(f"package/{CUSTODY_PDF}", b"%PDF-1.7 " + court.code.encode())
    data = out.getvalue()
    with _unit(app, court.supervisor) as ctx:
        export, now = ctx.new_id(), ctx.clock.now()
        ctx.session.add(
            Export(
                id=export, court_id=court.id, case_id=case, purpose="移送(虚构)",
                recipient="中级法院(虚构)", requested_by=court.supervisor.id, requested_at=now,
                state="done", sha256=_kept(app, data), size_bytes=len(data), finished_at=now,
            )
        )  # fmt: skip
        record(
            ctx, EventKind.EXPORT_PACKED, Subject("export", export),
            {"sha256": hashlib.sha256(data).hexdigest()}, case_id=case,
        )  # fmt: skip
        return str(export)
