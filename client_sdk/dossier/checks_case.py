"""Checks of the case: its chain, the export's statement, what is not disclosed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import pairwise

from client_sdk.dossier.archive import Problem
from client_sdk.dossier.checks_bag import absent
from client_sdk.dossier.model import Entry
from client_sdk.dossier.package import Dossier
from client_sdk.protocol.dossier import ENTRIES, MANIFEST, manifest_digest
from client_sdk.protocol.verdicts import Reason


def case_chain(dossier: Dossier) -> Iterator[Problem]:
    """Entries of the case are 1 to m, each linked to the one before, up to the stated head."""
    chain = dossier.case_entries
    expected = 1
    for entry in chain:
        number = entry.case.cs if entry.case else 0
        if number != expected:
            yield Problem(Reason.CASE_GAP, entry.where, f"number {number}, {expected} is due")
        expected = number + 1
    for before, after in pairwise(chain):
        if after.case and after.case.cp != before.leaf_hash.hex():
            yield Problem(Reason.CASE_LINK, after.where, "does not continue the case")
        if after.index < before.index:
            yield Problem(Reason.CASE_LINK, after.where, "before its predecessor in the log")
    if dossier.statement is not None:
        stated = dossier.statement.case
        heads = {one.case.cs: one.leaf_hash.hex() for one in chain if one.case}
        if heads.get(stated.length) != stated.head:
            detail = f"entry {stated.length} of the case is not the stated one"
            yield Problem(Reason.CASE_HEAD, "case", detail)


def case_binding(dossier: Dossier) -> Iterator[Problem]:
    """What the log files under the case names this case, and the other way round."""
    if dossier.statement is None:
        return
    case_id, moved_in = dossier.statement.case.id, _moved_in(dossier)
    for entry in dossier.entries:
        if entry.payload is None:
            continue
        mine = dossier.in_case(entry)
        if mine != (entry.payload.get("case") == case_id):
            yield Problem(Reason.CASE_FOREIGN, entry.where, "payload and log name different cases")
        elif not mine and entry.payload.get("obj") and entry.hid not in moved_in:
            yield Problem(Reason.CASE_FOREIGN, entry.where, "originals of another case")


def _moved_in(dossier: Dossier) -> set[str]:
    """Header ids of records whose evidence was rebound into the case, as the case's chain says."""
    items = {
        one.subject for one in dossier.acts.get("evidence.rebound", []) if dossier.in_case(one)
    }
    arrivals = dossier.acts.get("evidence.verified", [])
    return {str(one.facts.get("hid")) for one in arrivals if one.subject in items}


def statement(dossier: Dossier) -> Iterator[Problem]:
    """The export's entry ends the case and commits to the files that are here."""
    exported = dossier.exported
    if exported is None:
        yield Problem(Reason.STATEMENT_MISSING, "", "no export event with its payload")
        return
    where = exported.entry.where
    if exported.statement is None:
        yield Problem(Reason.STATEMENT_FORM, where, exported.problem or "")
        return
    found = exported.statement
    if not dossier.in_case(exported.entry):
        yield Problem(Reason.CASE_TAG, where, "the case's key does not make its tag")
    elif dossier.case_entries[-1] is not exported.entry:
        yield Problem(Reason.STATEMENT_PLACE, where, "entries of the case lie after it")
    elif exported.entry.subject != found.export:
        yield Problem(Reason.STATEMENT_PLACE, where, "states another export")
    listed = dossier.manifests[MANIFEST]
    if listed is not None and manifest_digest(listed) != found.manifest:
        yield Problem(Reason.STATEMENT_MANIFEST, where, "other files than were exported")
    files = [
        member
        for path, member in dossier.archive.members.items()
        if path.startswith("data/") and path != ENTRIES
    ]
    told = (found.files, found.size_bytes)
    complete = listed is not None and not absent(dossier)
    if complete and told != (len(files), sum(one.size_bytes for one in files)):
        yield Problem(Reason.STATEMENT_MANIFEST, where, "other numbers than were exported")


class Spans:
    """Whether a number lies in one of many spans, asked many times."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []  # the largest so far
        for first, last in sorted(spans):
            self._firsts.append(first)
            self._lasts.append(max(last, self._lasts[-1] if self._lasts else last))

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number)
        return at > 0 and number <= self._lasts[at - 1]


def disclosure(dossier: Dossier) -> Iterator[Problem]:
    """A payload is missing only where the statement says so, and erasures are in the log."""
    if dossier.statement is None:
        return
    withheld = Spans((one.first, one.last) for one in dossier.statement.withheld)
    erased = set(dossier.statement.erased)
    proven = erased_hids(dossier)
    for entry in dossier.entries:
        hidden = entry.index in withheld
        mine = dossier.in_case(entry)
        if entry.disclosed:
            if entry.index in erased or (hidden and mine):
                yield Problem(Reason.REDACTION_FALSE, entry.where, "is there, declared as not")
        elif entry.index in erased:
            there = entry.hid in proven
            reason = Reason.ERASURE_DECLARED if there else Reason.ERASURE_UNPROVEN
            yield Problem(reason, entry.where, "lawfully erased" if there else "no such erasure")
        elif mine and hidden:
            yield Problem(Reason.REDACTION_DECLARED, entry.where, "not disclosed")
        elif mine:
            yield Problem(Reason.REDACTION_SILENT, entry.where, "left out, and nothing says so")
        elif not _in_range(dossier, entry):
            yield Problem(Reason.STUB_STRAY, entry.where, "belongs to nothing here")


def _in_range(dossier: Dossier, entry: Entry) -> bool:
    if entry.header is None:
        return False
    first, last = dossier.ranges.get((entry.header.src, entry.header.ep), (1, 0))
    return first <= entry.header.seq <= last


def erased_hids(dossier: Dossier) -> set[str]:
    """Header ids of records that erasure events name."""
    return _named(dossier, "hids")


def erased_objects(dossier: Dossier) -> set[str]:
    """Digests of objects that erasure events name."""
    return _named(dossier, "sha256") | _named(dossier, "unlinked")


def _named(dossier: Dossier, member: str) -> set[str]:
    found: set[str] = set()
    for entry in dossier.acts.get("evidence.erased", []):
        value = entry.facts.get(member)
        found.update(str(one) for one in (value if isinstance(value, list) else ()))
    return found
