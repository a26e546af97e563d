"""What comes back from the server: changes for this device, and receipts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from client_sdk._api import Api, Authoriser, Call
from client_sdk._ledger import Ledger
from client_sdk._outbox import Identity
from client_sdk._trust import Trust
from client_sdk._witness import FreeWitness, InconsistentLogError
from client_sdk.errors import ContractError, GoneError, TransportError, TrustError
from client_sdk.models import Problem
from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.statements import Receipt, SignedStatement, StatementKind
from client_sdk.protocol.times import format_rfc3339

_PAGE: Final = 500
_RECEIPTS_CURSOR: Final = "cursor.receipts"


class Feed:
    """Pulls changes and receipts, page by page; the cursor is kept with each page."""

    def __init__(self, api: Api, ledger: Ledger, trust: Trust, identity: Identity) -> None:
        self._api = api
        self._ledger = ledger
        self._trust = trust
        self._identity = identity
        self._witness = FreeWitness(api, ledger.store)
        self.problems: list[Problem] = []

    def pull(self, authoriser: Authoriser, recipient: str) -> int:
        """All changes since the last pull of `recipient`; how many. No cursor: a snapshot."""
        name = f"cursor.pull.{recipient}"
        store, count = self._ledger.store, 0
        while True:
            cursor = store.get(name)
            try:
                page = self._page("/sync/pull", {"cursor": cursor}, authoriser, "changes")
            except GoneError:
                if cursor is None:
                    raise
                store.put(name, None)
                continue
            verified = self._verified(
                change.get("data") for change in page.items if change.get("kind") == "receipt"
            )
            with store.transaction():
                if cursor is None and recipient != "device":
                    store.run("DELETE FROM inbox")
                for change in page.items:
                    self._apply(change)
                self._keep(verified)
                store.put(name, page.cursor)
            count += len(page.items)
            if not page.has_more:
                return count

    def _apply(self, change: dict[str, Any]) -> None:
        kind, op, identifier = change.get("kind"), change.get("op"), change.get("id")
        if not isinstance(kind, str) or not isinstance(identifier, str):
            raise ContractError("a change without kind or id")
        if kind == "receipt":
            return
        if op == "drop":
            self._ledger.store.drop_change(kind, identifier)
        else:
            self._ledger.store.put_change(kind, identifier, change.get("data"))

    def receipts(self, authoriser: Authoriser) -> int:
        """All receipts since the last time; how many were verified and kept."""
        store, kept = self._ledger.store, 0
        while True:
            cursor = store.get(_RECEIPTS_CURSOR)
            try:
                page = self._page("/receipts", {"since": cursor}, authoriser, "receipts")
            except GoneError:
                if cursor is None:
                    raise
                store.put(_RECEIPTS_CURSOR, None)  # away for months: all of them anew
                continue
            verified = self._verified(page.items)
            with store.transaction():
                self._keep(verified)
                store.put(_RECEIPTS_CURSOR, page.cursor)
            kept += len(verified)
            if not page.has_more:
                return kept

    def accept(self, values: Iterable[object]) -> int:
        """Receipts that came another way; how many were verified and kept.

        One whose checkpoint can't be compared offline waits for the next sync.
        """
        kept = 0
        for value in values:
            try:
                verified = self._verified([value])
            except TransportError:
                continue
            with self._ledger.store.transaction():
                self._keep(verified)
            kept += len(verified)
        return kept

    def _verified(self, values: Iterable[object]) -> list[tuple[Receipt, SignedStatement]]:
        """Receipts that hold; a bad one becomes a problem, never a confirmation."""
        found = []
        for value in values:
            try:
                statement, body = self._trust.verify(StatementKind.RECEIPT, value)
                receipt = Receipt.from_body(body)
                if receipt.ep < self._identity.ep:
                    continue  # of a store that this one replaced
                self._match(receipt)
                self._witness.judge(receipt)
            except InconsistentLogError:
                continue  # kept as an alarm; the receipt before it stands
            except (TrustError, ProtocolError) as error:
                self.problems.append(Problem("receipt-rejected", str(error)))
            else:
                found.append((receipt, statement))
        return found

    def _match(self, receipt: Receipt) -> None:
        """The receipt is about what this device recorded; TrustError otherwise."""
        if receipt.device != str(self._identity.device_id):
            raise TrustError("a receipt for another device")
        if receipt.court != str(self._identity.court_id):
            raise TrustError("a receipt of another court")
        record = self._ledger.record(receipt.ep, receipt.seq)
        if record is None or record.hid != receipt.hid:
            raise TrustError(f"receipt {receipt.ep}/{receipt.seq} is for another record")
        if receipt.copies < 1:
            raise TrustError("a receipt without a copy")
        sizes = {o.sha256: o.size_bytes for o in self._ledger.objects_of(receipt.ep, receipt.seq)}
        if receipt.sha256 is None:
            if sizes:
                raise TrustError("a receipt without the record's objects")
        elif sizes.get(receipt.sha256) != receipt.size_bytes:
            raise TrustError("a receipt for other bytes")

    def _keep(self, verified: list[tuple[Receipt, SignedStatement]]) -> None:
        for receipt, statement in verified:
            self._ledger.add_receipt(receipt, statement, format_rfc3339(receipt.issued))

    def _page(
        self, target: str, query: dict[str, str | None], authoriser: Authoriser, name: str
    ) -> _Page:
        call = Call("GET", target, query={**query, "limit": _PAGE})
        answer = self._api.once(call, authoriser).json()
        items = answer.get(name) if isinstance(answer, dict) else None
        cursor = answer.get("cursor") if isinstance(answer, dict) else None
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise ContractError(f"{target}: not a page of {name}")
        if not (cursor is None or isinstance(cursor, str)):
            raise ContractError(f"{target}: not a page of {name}")
        more = bool(answer.get("has_more")) and cursor is not None
        return _Page(items, cursor or query.get("cursor") or query.get("since"), more)


@dataclass(frozen=True, slots=True)
class _Page:
    items: list[Any]
    cursor: str | None
    has_more: bool
