"""What a client shows of its store, and the rest of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from client_sdk._api import Call
from client_sdk._bundles import Carrying
from client_sdk._sync import pending, stored_problems
from client_sdk._views import outbox_items
from client_sdk._witness import LogTrust, Proven
from client_sdk.errors import ContractError
from client_sdk.models import Booking, Mission

if TYPE_CHECKING:
    from client_sdk._files import FileStore
    from client_sdk._ledger import Ledger
    from client_sdk._link import Link
    from client_sdk._transport import Response
    from client_sdk.models import OutboxItem, Pending, Problem
    from client_sdk.protocol.statements import Receipt, SignedStatement

_PAGE: Final = 200


class Looking(Carrying):
    """The part of a client that changes nothing on this device."""

    _ledger: Ledger
    _files: FileStore
    _link: Link

    # -- as last pulled

    def missions(self) -> list[Mission]:
        """Missions as last pulled."""
        return [Mission(key, data) for key, data in self._ledger.store.changes("mission")]

    def cases(self) -> dict[str, dict[str, Any]]:
        """Case extracts as last pulled, by id."""
        return {key: dict(data) for key, data in self._ledger.store.changes("case")}

    def bookings(self) -> list[Booking]:
        """Duty bookings as last pulled."""
        found = (
            Booking.from_data(key, data) for key, data in self._ledger.store.changes("booking")
        )
        return [booking for booking in found if booking is not None]

    def returns(self) -> dict[str, dict[str, Any]]:
        """Reviewed items that came back, with their reasons."""
        found = {key: dict(data) for key, data in self._ledger.store.changes("return")}
        return found | {key: dict(data) for key, data in self._ledger.store.changes("query")}

    # -- this device

    def outbox(self) -> Iterator[OutboxItem]:
        """All records with their objects and states, oldest first."""
        return outbox_items(self._ledger)

    def pending(self) -> Pending:
        """What is still to be sent or confirmed."""
        return pending(self._ledger)

    def problems(self) -> list[Problem]:
        """Items that need a person."""
        return stored_problems(self._ledger)

    def retry_parked(self) -> int:
        """Send again, with the next sync, what was refused; how many items."""
        return self._ledger.unpark()

    def receipts(self) -> list[tuple[Receipt, SignedStatement]]:
        """Verified receipts with their signed statements."""
        return self._ledger.receipts()

    def use_log_policy(self, text: str) -> None:
        """Judge the log's checkpoints by this tlog-policy from now on (which witnesses count)."""
        LogTrust(self._ledger.store).use_policy(text)

    def proven(self) -> dict[tuple[int, int, str | None], Proven]:
        """What the receipts' proofs show, verified anew on this device: by ep, seq, digest."""
        trust = LogTrust(self._ledger.store)
        found = {(r.ep, r.seq, r.sha256): trust.proven(r) for r, _ in self.receipts()}
        return {place: proven for place, proven in found.items() if proven is not None}

    def log_alarm(self) -> dict[str, str] | None:
        """The two contradicting checkpoints (`kept`, `shown`, `detail`); None while all is well."""
        return LogTrust(self._ledger.store).evidence()

    def read(self, sha256: str) -> Iterator[bytes]:
        """Plaintext of a captured file."""
        return self._files.read(sha256)

    # -- the rest of the API

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        query: Mapping[str, str | int | None] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Any call of the API as officer or, without one, as device; ApiError from 400."""
        call = Call(method, path, json=json, query=query or {}, headers=headers or {})
        return self._link.api().call(call, self._link.tokens().best())

    def items(self, path: str, **query: str | int | None) -> Iterator[dict[str, Any]]:
        """Items of a list, page after page."""
        cursor: str | None = None
        while True:
            asked = {"limit": _PAGE, **query, "cursor": cursor}
            page = self.request("GET", path, query=asked).json()
            if not isinstance(page, dict) or not isinstance(page.get("items"), list):
                raise ContractError(f"{path} is not a list of items")
            yield from page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return

    # -- used by the dock

    def docked(self, place: str) -> str | None:
        """Digest of a card's file that was captured before."""
        found = self._ledger.docked(place)
        return found[0] if found else None
