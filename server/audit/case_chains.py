"""The sequence of each case within the one log: ``ct``, ``cs``, ``cp`` of 04 §4.1."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from client_sdk.protocol.tlog.leaves import CaseLink, case_tag
from server.audit.models import CaseChain
from server.core.bulk import among
from server.core.db import table_of

_chains: Final = table_of(CaseChain)
# The slice of the cases stands a floor above; what a chain starts from is all that is known here.
CASES: Final = sa.table(
    "cases",
    sa.column("id", sa.Uuid()),
    sa.column("court_id", sa.Uuid()),
    sa.column("case_no", sa.Text()),
    sa.column("case_key", sa.Text()),
)


@dataclass(slots=True)
class _Chain:
    court_id: uuid.UUID
    key: bytes
    tag: str
    last_seq: int = 0
    last_leaf: bytes = b""
    moved: bool = False


class CaseChains:
    """The chains of some cases, held while the log's state row is locked."""

    def __init__(self, session: Session, case_ids: Iterable[uuid.UUID | None]) -> None:
        self._session = session
        self._chains: dict[uuid.UUID, _Chain] = {}
        wanted = {one for one in case_ids if one is not None}
        if wanted:
            self._load(wanted)
            self._begin(wanted - self._chains.keys())

    def link(self, case_id: uuid.UUID | None) -> CaseLink | None:
        """Place of the case's next entry; ``None`` without a case that exists."""
        chain = None if case_id is None else self._chains.get(case_id)
        if chain is None:
            return None
        before = chain.last_leaf.hex() if chain.last_seq else None
        return CaseLink(chain.tag, chain.last_seq + 1, before)

    def append(self, case_id: uuid.UUID | None, leaf: bytes) -> None:
        """The entry with this leaf hash took the place."""
        chain = None if case_id is None else self._chains.get(case_id)
        if chain is not None:
            chain.last_seq, chain.last_leaf, chain.moved = chain.last_seq + 1, leaf, True

    def save(self) -> None:
        """Write down where the chains stand now."""
        rows: list[dict[str, Any]] = [
            {
                "case_id": case_id, "court_id": chain.court_id, "case_key": chain.key,
                "tag": chain.tag, "last_seq": chain.last_seq, "last_leaf": chain.last_leaf,
            }
            for case_id, chain in self._chains.items()
            if chain.moved
        ]  # fmt: skip
        if not rows:
            return
        dialect = self._session.get_bind().dialect.name
        insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(_chains)
        moved = {name: insert.excluded[name] for name in ("last_seq", "last_leaf")}
        self._session.execute(
            insert.on_conflict_do_update(index_elements=["case_id"], set_=moved), rows
        )

    def _load(self, wanted: set[uuid.UUID]) -> None:
        statement = sa.select(_chains).where(among(self._session, _chains.c.case_id, list(wanted)))
        for row in self._session.execute(statement):
            self._chains[row.case_id] = _Chain(
                row.court_id, row.case_key, row.tag, row.last_seq, row.last_leaf
            )

    def _begin(self, wanted: set[uuid.UUID]) -> None:
        if not wanted:
            return
        statement = sa.select(CASES).where(among(self._session, CASES.c.id, list(wanted)))
        for row in self._session.execute(statement):
            key = bytes.fromhex(row.case_key)
            self._chains[row.id] = _Chain(row.court_id, key, case_tag(key, row.case_no))
