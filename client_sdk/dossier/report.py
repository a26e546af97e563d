"""What a verification found, for programs (JSON) and people (Chinese, English)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from client_sdk.dossier.package import Dossier
from client_sdk.protocol.times import format_rfc3339, from_unix_ms
from client_sdk.protocol.verdicts import VERDICT_OF, Check, Level, Reason, Verdict, level_of

REPORT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found: `where` is a file, entry, device or nothing."""

    check: Check
    reason: Reason
    where: str
    detail: str

    @property
    def level(self) -> Level:
        """Weight."""
        return level_of(self.reason)

    def to_dict(self) -> dict[str, str]:
        """Members in the report."""
        return {
            "check": self.check.value,
            "reason": self.reason.value,
            "level": self.level.name.lower(),
            "where": self.where,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Verdict, findings and what the dossier is about; `ran` are the checks that were made."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    ran: tuple[Check, ...]
    about: dict[str, Any]

    @property
    def reasons(self) -> frozenset[Reason]:
        """Codes of all findings."""
        return frozenset(finding.reason for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON; `checks` has every check's outcome."""
        return {
            "v": REPORT_VERSION,
            "verdict": self.verdict.value,
            "checks": [self._outcome(check) for check in Check],
            "findings": [finding.to_dict() for finding in self.findings],
            "about": self.about,
        }

    def _outcome(self, check: Check) -> dict[str, Any]:
        mine = [finding for finding in self.findings if finding.check is check]
        if check not in self.ran and not mine:
            return {"check": check.value, "outcome": "not-run", "reasons": []}
        worst = max((finding.level for finding in mine), default=Level.NOTE)
        outcome = "passed" if worst is Level.NOTE else worst.name.lower()
        reasons = sorted({finding.reason.value for finding in mine})
        return {"check": check.value, "outcome": outcome, "reasons": reasons}


def verdict_of(findings: tuple[Finding, ...]) -> Verdict:
    """The worst level decides."""
    return VERDICT_OF[max((finding.level for finding in findings), default=Level.NOTE)]


def about(dossier: Dossier) -> dict[str, Any]:
    """What the dossier says of itself; believe it only as far as the verdict goes."""
    found: dict[str, Any] = {
        "entries": len(dossier.entries),
        "disclosed": sum(entry.disclosed for entry in dossier.entries),
        "objects": sum(path.startswith("data/objects/") for path in dossier.archive.members),
        "devices": sorted({src for src, _ in dossier.chains}),
    }
    judged = dossier.judged
    if judged is not None:
        found["log"] = {
            "origin": judged.checkpoint.origin,
            "size": judged.checkpoint.size,
            "root": judged.checkpoint.root.hex(),
            "cosigned": {
                name: format_rfc3339(from_unix_ms(min(seconds, 10**10) * 1000))
                for name, seconds in judged.cosigned.items()
            },
        }
    statement = dossier.statement
    if statement is not None:
        found["case"] = {"id": statement.case.id, "no": statement.case.no}
        found["export"] = {
            "id": statement.export,
            "made": statement.made,
            "purpose": statement.purpose,
            "recipient": statement.recipient,
        }
    return found
