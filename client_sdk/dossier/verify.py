"""Verification of one dossier: open, run every check, weigh."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from client_sdk.dossier.archive import ArchiveError, open_archive
from client_sdk.dossier.package import Dossier, nobody
from client_sdk.dossier.report import Finding, Report, about, verdict_of
from client_sdk.dossier.table import CHECKS, CheckFunction
from client_sdk.protocol.tlog.notes import Note
from client_sdk.protocol.trust import Trust
from client_sdk.protocol.verdicts import Check


def verify_dossier(
    path: Path,
    trust: Trust,
    *,
    priors: Sequence[Note] = (),
    checks: Mapping[Check, CheckFunction] = CHECKS,
    heard: Callable[[int], None] | None = None,
) -> Report:
    """Judge a dossier by what `trust` pins; no network, no clock, nothing is unpacked.

    `priors` are checkpoints of this log that the caller kept: the dossier must extend them.
    `heard` gets the length of each piece of it that was hashed.
    OSError when the file cannot be opened.
    """
    try:
        archive = open_archive(path)
    except ArchiveError as error:
        only = (Finding(Check.ARCHIVE, error.reason, "", str(error)),)
        return Report(verdict_of(only), only, (Check.ARCHIVE,), {})
    with archive:
        dossier = Dossier(archive, trust, tuple(priors), heard or nobody)
        findings = tuple(
            Finding(check, problem.reason, problem.where, problem.detail)
            for check, function in checks.items()
            for problem in function(dossier)
        )
        return Report(verdict_of(findings), findings, tuple(checks), about(dossier))
