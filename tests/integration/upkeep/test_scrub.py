"""A scrub of a sound installation finds nothing; of a spoiled one, what was spoiled."""

from __future__ import annotations

import uuid

import pytest
from flask import Flask

from server.audit.models import DeviceChain
from server.cases.models import Case, Mission
from server.core.transactions import EVERY_COURT, unit_of_work
from server.evidence.models import Evidence
from server.upkeep import scrub as module
from server.upkeep.findings import Report
from server.upkeep.logwalk import Walk
from server.upkeep.scrub import Options, scrub
from tests.factories.field import Recorder, sequence
from tests.factories.identity import runtime_of
from tests.factories.upkeep import Installation, sealed_sessions


@pytest.fixture
def installation(app: Flask) -> Installation:
    return Installation.build(app)


def test_what_is_sound_is_found_sound(installation: Installation) -> None:
    report = scrub(runtime_of(installation.app))
    assert [one.to_dict() for one in report.findings] == []
    for what in ("entries", "rows", "blobs", "receipts", "checkpoints", "tiles", "chains"):
        assert report.counts[what], what


def test_work_that_goes_on_meanwhile_raises_no_alarm(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = installation.app
    work = _Work(installation)
    compare = module._compare_rows

    def busy(key: bytes, walk: Walk, report: Report) -> set[str]:
        work.go_on(sequenced=True)
        suspects = compare(key, walk, report)
        work.go_on(sequenced=True)
        work.go_on(sequenced=False)
        return suspects

    monkeypatch.setattr(module, "_compare_rows", busy)
    report = scrub(runtime_of(app), Options(resume=False))
    assert [one.to_dict() for one in report.findings] == []
    assert work.rounds == 3


class _Work:
    """What officers and devices do while a scrub runs."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.rounds = 0
        phone = installation.ground.first.world.phone
        with unit_of_work(EVERY_COURT, write=False) as session:
            chain = session.get_one(DeviceChain, (phone.id, 1))
            place = (chain.last_seq, chain.head)
        self.phone = Recorder(installation.app, phone, seq=place[0], prev=place[1])

    def go_on(self, *, sequenced: bool) -> None:
        self.rounds += 1
        court = self.installation.ground.first
        assert self.phone.outcomes([self.phone.note(f"第{self.rounds}条(虚构)")]) == ["accepted"]
        with sealed_sessions(self.installation.app), unit_of_work(EVERY_COURT) as session:
            session.get_one(Case, uuid.UUID(court.ids["case"])).version += 1
            session.get_one(Mission, uuid.UUID(court.ids["mission"])).title += "改"
            session.get_one(Evidence, uuid.UUID(court.ids["evidence"])).version += 1
        if sequenced:
            sequence(self.installation.app)
