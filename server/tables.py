"""Imports every slice's tables, so that metadata and foreign keys are complete."""

from __future__ import annotations

from server.audit import attestors as audit_attestors
from server.audit import device_models as audit_devices
from server.audit import models as audit
from server.cases import models as cases
from server.cases import view_models as case_views
from server.clocks import models as clocks
from server.conduct import case_models as case_standings
from server.conduct import models as conduct
from server.core import models as core
from server.disclosure import models as disclosure
from server.evidence import erasure_models as erasures
from server.evidence import models as evidence
from server.evidence import redaction_models as redactions
from server.evidence import reuse_models as reuse
from server.fieldlog import models as fieldlog
from server.guests import models as guests
from server.identity import models as identity
from server.jobs import models as jobs
from server.live import models as live
from server.notices import models as notices
from server.oversight import models as oversight
from server.register import models as register
from server.retention import models as retention
from server.review import models as review
from server.shares import models as shares

__all__ = [
    "audit", "audit_attestors", "audit_devices", "case_standings", "case_views", "cases", "clocks",
    "conduct", "core", "disclosure", "erasures", "evidence", "fieldlog", "guests", "identity",
    "jobs", "live", "notices", "oversight", "redactions", "register", "retention", "reuse",
    "review", "shares",
]  # fmt: skip
