"""Check of custody: who held an item, who offered and took it, who fetched it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from client_sdk.dossier.archive import Problem
from client_sdk.dossier.model import Entry
from client_sdk.dossier.package import Dossier
from client_sdk.protocol.verdicts import Reason

VERIFIED, OFFERED, ACCEPTED = "evidence.verified", "custody.offered", "custody.accepted"
DECLINED, DOWNLOADED = "custody.declined", "custody.downloaded"

_BUILT_ON = frozenset({Reason.CUSTODY_EARLY, Reason.CUSTODY_HOLDER, Reason.CUSTODY_OFFER})


@dataclass(slots=True)
class Item:
    """State of one item of evidence: holder, the open offer, digest once its bytes came."""

    holder: str | None
    sha256: str | None = None
    offer: Entry | None = None


@dataclass(slots=True)
class Custody:
    """Items by id; officers of the records by header id."""

    officers: dict[str, str | None]
    items: dict[str, Item] = field(default_factory=dict)

    def take(self, entry: Entry) -> Iterator[Problem]:
        """Follow one event of the case."""
        step = _STEPS.get(entry.act)
        if step is not None:
            yield from step(self, entry)

    def verified(self, entry: Entry) -> Iterator[Problem]:
        """The bytes of an item came: the officer of its record holds it."""
        facts = entry.facts
        item = self.items.setdefault(entry.subject, Item(self.officers.get(str(facts.get("hid")))))
        item.sha256 = str(facts.get("sha256"))
        yield from ()

    def offered(self, entry: Entry) -> Iterator[Problem]:
        """Only the holder offers, one offer at a time."""
        item = self.items.get(entry.subject)
        giver = entry.facts.get("from")
        if item is None or item.sha256 is None:
            yield Problem(Reason.CUSTODY_EARLY, entry.where, "no such item yet")
            return
        if giver != entry.member("by").get("user"):
            yield Problem(Reason.CUSTODY_ACTOR, entry.where, "offered in another's name")
        elif item.holder is not None and giver != item.holder:
            yield Problem(Reason.CUSTODY_HOLDER, entry.where, f"offered by {giver}, not its holder")
        if item.offer is not None:
            yield Problem(Reason.CUSTODY_OFFER, entry.where, "while another offer is open")
        item.offer = entry

    def answered(self, entry: Entry) -> Iterator[Problem]:
        """Only an open offer is accepted or declined, and only by whom it was made to."""
        item = self.items.get(entry.subject)
        offer = item.offer if item else None
        if item is None or offer is None or entry.facts.get("offer") != offer.hid:
            yield Problem(Reason.CUSTODY_OFFER, entry.where, "answers no open offer")
            return
        taker = offer.facts.get("to")
        if entry.member("by").get("user") != taker:
            yield Problem(Reason.CUSTODY_ACTOR, entry.where, "answered by another than was asked")
        item.offer = None
        if entry.act == ACCEPTED:
            item.holder = str(taker)

    def downloaded(self, entry: Entry) -> Iterator[Problem]:
        """Bytes are fetched after they came, and are the item's."""
        item = self.items.get(entry.subject)
        if item is None or item.sha256 is None:
            yield Problem(Reason.CUSTODY_EARLY, entry.where, "fetched before its bytes came")
        elif entry.facts.get("sha256") not in (None, item.sha256):
            yield Problem(Reason.CUSTODY_EARLY, entry.where, "other bytes than the item's")


_STEPS = {
    VERIFIED: Custody.verified,
    OFFERED: Custody.offered,
    ACCEPTED: Custody.answered,
    DECLINED: Custody.answered,
    DOWNLOADED: Custody.downloaded,
}


def custody(dossier: Dossier) -> Iterator[Problem]:
    """Every item passes from holder to holder by an offer that is accepted."""
    officers = {
        entry.hid: _text((entry.payload or {}).get("who"))
        for entry in dossier.entries
        if entry.header is not None
    }
    state = Custody(officers)
    # A stub, or the chain of another case, may hide what a later event builds on.
    blind = any(not entry.disclosed for entry in dossier.case_entries if entry.header is None)
    moved = bool(dossier.acts.get("evidence.rebound"))
    for entry in dossier.entries:
        for problem in state.take(entry) if entry.header is None else ():
            early = problem.reason is Reason.CUSTODY_EARLY
            if problem.reason in _BUILT_ON and (blind or (moved and early)):
                yield Problem(Reason.CUSTODY_UNCLEAR, problem.where, problem.detail)
            else:
                yield problem
    for name, item in state.items.items():
        if item.offer is not None:
            yield Problem(Reason.CUSTODY_OPEN, f"item {name}", "offered, not yet answered")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
