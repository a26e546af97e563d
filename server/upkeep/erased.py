"""What was erased by law is gone: text, salt, bytes and what was made from them."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from server.evidence.models import Blob, Derivative, Evidence, Examination
from server.evidence.redaction_models import Redaction
from server.upkeep.findings import Code, Report

_PLACES = (Blob.sha256, Examination.sha256, Derivative.source_sha256, Redaction.sha256)


def check(session: Session, digests: Mapping[str, str], report: Report) -> None:
    """Bytes that an erasure named are not kept, unless another record uses them.

    :param digests: digest → name of the entry that erased it.
    """
    for sha256, entry in digests.items():
        report.looked_at("erasures")
        used = sa.select(Evidence.id).where(Evidence.sha256 == sha256, Evidence.state != "erased")
        if session.execute(used.limit(1)).first() is not None:
            continue
        for column in _PLACES:
            if session.execute(sa.select(column).where(column == sha256).limit(1)).first():
                name = f"{column.class_.__tablename__}/{sha256}"
                report.add(Code.NOT_ERASED, name, f"{entry} erased it")
