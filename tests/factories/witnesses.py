"""Witnesses in the test's own process, by the real decision, memory and HTTP face of a witness.

Their clock is the app's.  ``post`` is what the collector calls instead of the network; a witness
in ``away`` does not answer, and ``bent`` changes what one answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from client_sdk.protocol.tlog.notes import parse_vkey
from server.audit import log
from server.audit.attestors import Attestor
from server.audit.cosigning import Cosigner
from server.audit.models import (
    CheckpointRow,
    CosignatureRow,
    Event,
    LogState,
    LogTile,
    TimestampRow,
)
from server.audit.outcalls import NoAnswerError, Reply
from server.core.clock import unix_ms
from server.core.db import table_of
from server.core.transactions import EVERY_COURT, unit_of_work
from server.witness.state import WitnessFolder
from server.witness.web import create_app
from server.witness.witness import Witness
from tests.factories.identity import runtime_of
from tests.factories.log import signer_of

QUORUM = 2


@dataclass
class Witnesses:
    """Some witnesses of the app's log, and the policy that names them."""

    app: Flask
    folder: Path
    found: dict[str, Witness] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    bent: dict[str, Callable[[Reply], Reply]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def log_vkeys(self) -> list[str]:
        with signer_of(self.app) as signer:
            return signer.folder.vkeys

    def add(self, name: str) -> Witness:
        """A witness of the app's log, ``w1`` and so on."""
        clock = runtime_of(self.app).clock
        made = WitnessFolder.create(self.folder / name, f"witness.example/{name}")
        witness = Witness(made, lambda: unix_ms(clock.now()) // 1000)
        for vkey in self.log_vkeys:
            witness.trust(parse_vkey(vkey))
        self.found[name] = witness
        return witness

    def policy(self, quorum: int = QUORUM) -> str:
        """A tlog-policy with all of them and their addresses."""
        lines = [f"log {vkey}" for vkey in self.log_vkeys]
        lines += [f"witness {name} {one.vkey} {url(name)}" for name, one in self.found.items()]
        if self.found:
            lines += [f"group all-witnesses {quorum} {' '.join(self.found)}"]
        lines += ["quorum all-witnesses" if self.found else "quorum none"]
        return "".join(f"{line}\n" for line in lines)

    def post(self, address: str, body: bytes, content_type: str) -> Reply:
        """Give a request to the witness that lives at the address."""
        assert content_type.startswith("text/plain")
        name = address.removeprefix("http://").removesuffix(".test/add-checkpoint")
        self.asked.append(name)
        if name in self.away:
            raise NoAnswerError("ConnectError: it is away")
        answer = create_app(self.found[name]).test_client().post("/add-checkpoint", data=body)
        reply = Reply(answer.status_code, answer.data)
        return self.bent[name](reply) if name in self.bent else reply

    def known(self, name: str) -> int:
        """Size that a witness cosigned last."""
        (watched,) = self.found[name].logs().values()
        return watched.size

    def collector(self) -> Cosigner:
        """A collector that asks them."""
        return Cosigner(runtime_of(self.app), self.post)


def url(name: str) -> str:
    return f"http://{name}.test"


def with_policy(app: Flask, text: str) -> None:
    """Write the policy where the app's settings say it is."""
    Path(runtime_of(app).settings.witness_policy).write_text(text)


def backup(witness: Witness) -> Callable[[], None]:
    """Take a backup of a witness' memory; calling what is returned puts it back."""
    state = witness.folder.folder / "state.json"
    kept = state.read_bytes()
    return lambda: void(state.write_bytes(kept))


def backup_log(app: Flask) -> Callable[[], None]:
    """Take a backup of the tree with its signer; calling what is returned puts it back.

    Entries that were added since are gone then; those that were lost meanwhile stay lost.
    """
    signer_state = runtime_of(app).settings.signer_folder / "state.json"
    signed = signer_state.read_bytes()
    tables = [table_of(table) for table in (LogTile, Attestor)]
    with unit_of_work(EVERY_COURT, write=False) as session:
        kept = [[dict(row) for row in session.execute(sa.select(t)).mappings()] for t in tables]
        size = log.size_of(session)

    def restore() -> None:
        signer_state.write_bytes(signed)
        with unit_of_work(EVERY_COURT) as session:
            session.execute(sa.delete(CosignatureRow).where(CosignatureRow.size > size))
            session.execute(sa.delete(TimestampRow).where(TimestampRow.size > size))
            session.execute(sa.delete(CheckpointRow).where(CheckpointRow.size > size))
            session.execute(sa.delete(Event).where(Event.log_index >= size))
            session.execute(sa.update(LogState).values(next_index=size))
            for table, rows in zip(tables, kept, strict=True):
                session.execute(sa.delete(table))
                if rows:
                    session.execute(sa.insert(table), rows)

    return restore


def void(_made: object) -> None:
    """For a function whose result is of no use."""
