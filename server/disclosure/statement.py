"""The export's own event: what the log commits to (docs/dossier-format.md §3)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from client_sdk.protocol.export_statement import CaseHead, Statement
from client_sdk.protocol.keylist import KeyEntry, KeyPurpose
from client_sdk.protocol.times import format_rfc3339
from client_sdk.protocol.tlog.leaves import case_tag
from server.audit.models import CaseChain
from server.cases.models import Case
from server.core.keyring import KeyRing
from server.disclosure.models import Export
from server.disclosure.selection import Selection, SelectionError


def event_keys(keyring: KeyRing) -> tuple[KeyEntry, ...]:
    """The server-event keys that are published now."""
    return tuple(entry for entry in keyring.published() if entry.purpose is KeyPurpose.EVENT)


def case_head(session: Session, selection: Selection) -> CaseHead:
    """The case's number and key, and how long its chain is; its tag has to follow from both."""
    case = session.get_one(Case, selection.scope.case_id)
    chain = session.get_one(CaseChain, selection.scope.case_id)
    if case_tag(chain.case_key, case.case_no) != selection.chain[-1].tag:
        raise SelectionError("the case's number does not give the tag of its chain")
    return CaseHead(
        str(case.id), case.case_no, chain.case_key.hex(), len(selection.chain), selection.head
    )


def make(
    session: Session,
    export: Export,
    selection: Selection,
    *,
    committed: tuple[str, int, int],
    keys: tuple[KeyEntry, ...],
    checkpoint: str | None,
    made: datetime,
) -> Statement:
    """Statement over a selection; ``committed`` are digest, files and octets of the payload."""
    manifest, files, size_bytes = committed
    return Statement(
        export=str(export.id),
        case=case_head(session, selection),
        devices=tuple(selection.ranges),
        withheld=tuple(selection.withheld),
        erased=tuple(selection.erased),
        suspect=tuple(selection.suspect),
        absent=selection.objects.absent,
        manifest=manifest,
        files=files,
        size_bytes=size_bytes,
        keys=keys,
        checkpoint=checkpoint,
        purpose=export.purpose,
        recipient=export.recipient,
        made=format_rfc3339(made),
    )


def same_decision(
    session: Session, selection: Selection, committed: tuple[str, int, int], said: Statement
) -> bool:
    """Whether the log up to the same index still gives what the event has said."""
    manifest, files, size_bytes = committed
    return (
        said.case == case_head(session, selection)
        and said.devices == tuple(selection.ranges)
        and said.withheld == tuple(selection.withheld)
        and said.erased == tuple(selection.erased)
        and said.suspect == tuple(selection.suspect)
        and said.absent == selection.objects.absent
        and (said.manifest, said.files, said.size_bytes) == (manifest, files, size_bytes)
    )
