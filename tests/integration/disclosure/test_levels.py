"""An export waits for witnesses and time authorities, and then has nothing to be remarked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from client_sdk.dossier.verify import verify_dossier
from client_sdk.protocol.verdicts import Verdict
from server.audit.outcalls import Outcalls
from server.audit.timestamping import Stamper
from server.core.clock import FixedClock
from server.settings import Settings
from tests.factories.exports import Bureau
from tests.factories.identity import runtime_of
from tests.factories.log import sign_log
from tests.factories.trusting import trust_of
from tests.factories.witnesses import Witnesses, with_policy
from tests.support.tsa import Authority, new_authority, serving


@pytest.fixture
def clock() -> FixedClock:
    """The authority lives in the present."""
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    with serving(new_authority(tmp_path / "tsa", "First (fictional)")) as authority:
        yield authority


@pytest.fixture
def settings(settings: Settings, authority: Authority, tmp_path: Path) -> Settings:
    return replace(
        settings,
        witness_policy=str(tmp_path / "policy"),
        tsa_urls=authority.url,
        tsa_roots=str(authority.folder / "root.pem"),
    )


@pytest.fixture
def bureau(app: Flask) -> Bureau:
    bureau = Bureau.build(app, photos=1)
    sign_log(app)
    return bureau


@pytest.fixture
def witnesses(app: Flask, bureau: Bureau, tmp_path: Path) -> Witnesses:
    found = Witnesses(app, tmp_path / "witnesses")
    for name in ("w1", "w2", "w3"):
        found.add(name)
    with_policy(app, found.policy())
    return found


@pytest.fixture
def stamper(app: Flask) -> Iterator[Stamper]:
    calls = Outcalls()
    yield Stamper(runtime_of(app), calls.post)
    calls.close()


def test_witnessed_timestamped_and_verified_without_a_remark(
    bureau: Bureau,
    witnesses: Witnesses,
    stamper: Stamper,
    authority: Authority,
    tmp_path: Path,
) -> None:
    export_id = bureau.asked()
    bureau.work()
    sign_log(bureau.app)
    bureau.soon()
    assert bureau.row(export_id).rounds == 1
    assert bureau.shown(export_id)["waits_for"] == "waiting for the quorum of witnesses"
    witnesses.collector().turn()
    bureau.soon()
    assert bureau.shown(export_id)["waits_for"] == "waiting for a time token"
    stamper.turn()
    bureau.soon()
    shown = bureau.shown(export_id)
    assert (shown["state"], shown["level"]) == ("done", "L3")
    root = (authority.folder / "root.pem").read_text()
    trust = trust_of(bureau, policy=witnesses.policy(), tsa_roots=[root])
    report = verify_dossier(bureau.package(shown, tmp_path), trust)
    assert report.findings == ()
    assert report.verdict is Verdict.VERIFIED


def test_witnesses_that_stay_away_do_not_hold_it_up_for_ever(
    bureau: Bureau, witnesses: Witnesses, tmp_path: Path
) -> None:
    witnesses.away = {"w1", "w2", "w3"}
    export_id = bureau.asked()
    bureau.work()
    sign_log(bureau.app)
    bureau.soon()
    assert bureau.shown(export_id)["state"] == "signing"
    bureau.soon(runtime_of(bureau.app).settings.export_level_seconds_max + 1)
    shown = bureau.shown(export_id)
    assert (shown["state"], shown["level"]) == ("done", "L1")
    trust = trust_of(bureau, policy=witnesses.policy())
    report = verify_dossier(bureau.package(shown, tmp_path), trust)
    assert report.verdict not in {Verdict.VERIFIED, Verdict.FINDINGS}
