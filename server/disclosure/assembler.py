"""Makes the facts of a report from the selected entries of the log."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.orm import Session

from client_sdk.protocol.errors import ProtocolError
from client_sdk.protocol.payloads import Instant, ObjectRef
from client_sdk.protocol.times import parse_rfc3339
from server.audit import binding
from server.audit.binding import Bound
from server.audit.events import EventKind
from server.cases import queries as cases
from server.cases.models import Case
from server.clocks import queries as clocks
from server.clocks.correction import Ledger
from server.core.clock import rfc3339
from server.disclosure import steps
from server.disclosure.facts import (
    CaseFacts,
    Checkpoint,
    Finding,
    Item,
    ItemDetails,
    Moment,
    Note,
    Person,
    Place,
    Report,
    Source,
    Step,
    Stretch,
    Withheld,
)
from server.disclosure.items import Received, declared
from server.disclosure.logbook import Entry
from server.disclosure.models import Export
from server.disclosure.people import Register
from server.disclosure.selection import Selection
from server.identity import queries as identity

_BOUND_BY = {
    binding.BY_DEVICE: "另一设备见证 seen by another device",
    binding.BY_RECEIPT: "服务器回执 receipt of the server",
    binding.BY_CHECKPOINT: "签名检查点 signed checkpoint",
}
_MEDIA = {"image": "photo", "video": "video", "audio": "audio"}


class Details(Protocol):
    """What the slice of the evidence adds; injected, since it stands on the same floor."""

    def __call__(
        self, session: Session, items: Collection[uuid.UUID]
    ) -> Mapping[uuid.UUID, ItemDetails]:
        """Details by item; items it does not know are left out."""
        ...


@dataclass(frozen=True, slots=True)
class _Desk:
    """What every part of the report is made with."""

    session: Session
    selection: Selection
    register: Register
    steps: Mapping[uuid.UUID, tuple[Step, ...]]
    ledgers: dict[uuid.UUID, Ledger] = field(default_factory=dict)
    missions: dict[uuid.UUID, list[uuid.UUID]] = field(default_factory=dict)

    def sent_on(self, mission_id: uuid.UUID) -> list[uuid.UUID]:
        """People sent on a mission."""
        if mission_id not in self.missions:
            court_id = self.selection.scope.court_id
            found = cases.mission_in_court(self.session, court_id, mission_id)
            self.missions[mission_id] = [] if found is None else found.officer_ids
        return self.missions[mission_id]

    def moment(self, entry: Entry) -> Moment:
        """When the record says it was, corrected by its device's clock ledger."""
        times = entry.payload.get("t")
        try:
            instant = Instant.from_value(times)
        except ProtocolError:
            return Moment("", parse_rfc3339(entry.rx), None, "D")
        device_id = uuid.UUID(entry.src)
        if device_id not in self.ledgers:
            self.ledgers[device_id] = Ledger(clocks.readings_of(self.session, device_id))
        found = self.ledgers[device_id].correct(instant)
        return Moment(instant.wall, found.at, found.error_ms, found.clock_class)


def assemble(
    session: Session,
    export: Export,
    selection: Selection,
    support: Iterable[Entry],
    checkpoint: Checkpoint | None,
    details: Details,
) -> Report:
    """The report of an export; ``support`` are the entries that prove keys (see ``support``)."""
    register = Register(session, export.court_id)
    desk = _Desk(session, selection, register, steps.of_items(register, selection))
    case = session.get_one(Case, export.case_id)
    proofs = list(support)
    for entry in proofs:
        if entry.kind == EventKind.DEVICE_ENROLLED:
            register.learn(entry.subject_id, entry.facts)
    items = _items(desk, details(session, list(selection.items)))
    notes = _notes(desk)
    people_steps = steps.of_case(register, selection)
    return Report(
        export_id=export.id,
        code=export.code,
        court_name=identity.court(session, export.court_id).name,
        case=_case(register, case),
        scope="case" if export.evidence_ids is None else "selection",
        purpose=export.purpose,
        recipient=export.recipient,
        requested_by=register.person(export.requested_by),
        requested_at=export.requested_at,
        upto=selection.upto,
        chain_length=len(selection.chain),
        chain_head=selection.head,
        checkpoint=checkpoint,
        items=items,
        notes=notes,
        steps=people_steps,
        sources=_sources(register, selection),
        keys=steps.of_keys([*proofs, *selection.records]),
        withheld=_withheld(selection),
        findings=_findings(selection, checkpoint),
        people=register.people,
        devices=register.devices,
    )


def _case(register: Register, case: Case) -> CaseFacts:
    return CaseFacts(
        case.id,
        case.case_no,
        case.cause,
        case.status,
        register.person(case.handler_id),
        tuple((party.role, party.name) for party in case.parties),
    )


# ------------------------------------------------------------------ items and notes


def _items(desk: _Desk, details: Mapping[uuid.UUID, ItemDetails]) -> tuple[Item, ...]:
    selection = desk.selection
    received = {(one.hid, one.sha256): one for one in selection.items.values()}
    absent = {one.sha256: one.why.value for one in selection.objects.absent}
    bounds, found = _bounds(desk), []
    for entry in sorted(selection.records, key=lambda record: record.index):
        for thing in declared(entry):
            one = received.get((entry.hid, thing.sha256))
            if one is None and thing.sha256 in selection.objects.present:
                continue  # the same bytes, of an item that is not exported
            item = _item(desk, entry, thing, one)
            item = replace(item, absent=absent.get(item.sha256))
            known = None if one is None else details.get(one.id)
            item = item if known is None else _with_details(desk, item, known)
            bound = bounds.get((entry.src, entry.ep or 0, entry.seq or 0))
            found.append(replace(item, unattested=_unattested(item.moment.at, bound)))
    return tuple(found)


def _item(desk: _Desk, entry: Entry, thing: ObjectRef, one: Received | None) -> Item:
    payload, moment = entry.payload, desk.moment(entry)
    officer = entry.actor_id
    captured_by = payload.get("captured_by") or entry.src
    device = desk.register.device(captured_by)
    return Item(
        id=None if one is None else one.id,
        sha256=thing.sha256,
        size_bytes=thing.size_bytes if one is None else one.size_bytes,
        mime=thing.mime,
        media=payload.get("media") or _MEDIA.get(thing.mime.split("/")[0], "document"),
        name=thing.name,
        source=_source(entry),
        officers=_officers(desk, entry, officer),
        officer_source="record" if payload.get("who") else "none",
        captured_by=uuid.UUID(captured_by) if device is None else device.id,
        place=_place(payload.get("geo")),
        moment=moment,
        custody=() if one is None else desk.steps.get(one.id, ()),
        method=_method(payload),
    )


def _with_details(desk: _Desk, item: Item, known: ItemDetails) -> Item:
    desk.register.device(known.captured_by)
    first = desk.register.person(known.officer_id)
    others = [person for person in item.officers if person != first]
    return replace(
        item,
        captured_by=known.captured_by,
        officers=tuple(([] if first is None else [first]) + others),
        officer_source=known.officer_source,
        media=known.media,
        place=known.place,
        moment=known.moment,
        findings=known.findings,
        derivatives=known.derivatives,
    )


def _notes(desk: _Desk) -> tuple[Note, ...]:
    found = []
    for entry in sorted(desk.selection.records, key=lambda record: record.index):
        payload = entry.payload
        if declared(entry) or entry.kind in steps.KEY_KINDS:
            continue
        found.append(
            Note(
                entry.kind,
                payload.get("text"),
                _source(entry),
                desk.register.person(entry.actor_id),
                _place(payload.get("geo")),
                desk.moment(entry),
            )
        )
        desk.register.device(entry.src)
    return tuple(found)


def _source(entry: Entry) -> Source:
    return Source(
        uuid.UUID(entry.src), entry.ep or 0, entry.seq or 0, entry.hid, entry.index, entry.rx
    )


def _officers(desk: _Desk, entry: Entry, officer: uuid.UUID | None) -> tuple[Person, ...]:
    """The one answering for the record, and those sent on the same mission."""
    ids = [] if officer is None else [officer]
    if entry.mission_id is not None:
        ids += [one for one in desk.sent_on(entry.mission_id) if one not in ids]
    people = [desk.register.person(one) for one in ids]
    return tuple(person for person in people if person is not None)


def _place(geo: object) -> Place:
    if not isinstance(geo, dict):
        return Place(reason="not-recorded")
    if "none" in geo:
        return Place(reason=str(geo["none"]))
    return Place(geo.get("lat"), geo.get("lon"), geo.get("datum"), geo.get("src"), geo.get("acc_m"))


def _method(payload: Mapping[str, Any]) -> str | None:
    match = payload.get("match")
    return None if match is None else f"docked: {match}"


def _bounds(desk: _Desk) -> dict[tuple[str, int, int], Bound]:
    """What first named each disclosed record from outside its device."""
    seqs: dict[tuple[str, int], list[int]] = {}
    for record in desk.selection.records:
        seqs.setdefault(record.chain, []).append(record.seq or 0)
    return {
        (src, ep, seq): bound
        for (src, ep), wanted in seqs.items()
        for seq, bound in binding.bounds(desk.session, uuid.UUID(src), ep, wanted).items()
    }


def _unattested(at: datetime, bound: Bound | None) -> str:
    if bound is None:
        return "尚无外部佐证 nothing outside the device has named it yet"
    seconds = max(0, int((bound.at - at).total_seconds()))
    return f"{seconds} s → {rfc3339(bound.at)} ({_BOUND_BY[bound.by]})"


# ------------------------------------------------------------------ gaps and remarks


def _sources(register: Register, selection: Selection) -> tuple[Stretch, ...]:
    found = []
    for one, (whole, stubs) in zip(selection.ranges, selection.counts, strict=True):
        register.device(one.src)
        device_id = uuid.UUID(one.src)
        found.append(
            Stretch(device_id, one.ep, one.first, one.last, one.head, whole, stubs, one.gaps)
        )
    return tuple(found)


def _withheld(selection: Selection) -> tuple[Withheld, ...]:
    by_index = {entry.index: entry for entry in selection.chain}
    return tuple(
        Withheld(index, f"{by_index[index].kind}  {by_index[index].src}", reason)
        for index, reason in sorted(selection.reasons.items())
    )


def _findings(selection: Selection, checkpoint: Checkpoint | None) -> tuple[Finding, ...]:
    found = [
        Finding("suspect", f"{index}: received after its device was revoked")
        for index in selection.suspect
    ]
    found += [
        Finding(f"object-{one.why.value}", f"{one.sha256} ({one.size_bytes} bytes)")
        for one in selection.objects.absent
    ]
    if checkpoint is None:
        found.append(Finding("log-not-signed", "no checkpoint before this export"))
    elif checkpoint.level == "L1":
        found.append(Finding("not-witnessed", "no quorum of witnesses saw the cited checkpoint"))
    return tuple(found)
