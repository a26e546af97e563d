"""A log with entries, signed: what tests of the tree, of receipts and of dossiers start from."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from server.audit.events import EventKind
from server.audit.service import Subject, record
from server.audit.signer import Signer
from server.audit.signing_state import SignerFolder
from server.core.context import Context, system_actor
from server.core.transactions import unit_of_work
from tests.factories.field import sequence
from tests.factories.identity import runtime_of


def write_events(
    app: Flask, court_id: uuid.UUID, count: int, case_id: uuid.UUID | None = None
) -> None:
    """Events into the outbox, in one transaction."""
    with unit_of_work(court_id) as session:
        ctx = Context(system_actor(court_id), session, runtime_of(app))
        for number in range(count):
            record(ctx, EventKind.USER_ADDED, Subject("user", str(number)), case_id=case_id)


def enter_events(
    app: Flask, court_id: uuid.UUID, count: int, case_id: uuid.UUID | None = None
) -> None:
    """Events in the log."""
    write_events(app, court_id, count, case_id)
    sequence(app)


@contextmanager
def signer_of(app: Flask, folder: Path | None = None) -> Iterator[Signer]:
    """A signer with its own folder, as the process of its own would have."""
    settings = runtime_of(app).settings
    held = SignerFolder(folder or settings.signer_folder, patience=(0.0,))
    held.open(settings.origin, runtime_of(app).clock.now())
    try:
        yield Signer(held, runtime_of(app).clock)
    finally:
        held.close()


def sign_log(app: Flask, folder: Path | None = None) -> int:
    """Sign everything that is committed; returns the signed size."""
    with signer_of(app, folder) as signer:
        return signer.drain()
