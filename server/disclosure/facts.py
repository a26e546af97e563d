"""What a custody report says, as plain facts; made by the assembler, printed by the views.

The PDF and the JSON-LD are views of these and of nothing else, so that the same facts give the
same bytes.  ``None`` means *not recorded*, which a report has to say (04, "A custody report must
contain").
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the court; ``post`` is a fact about them."""

    id: uuid.UUID
    name: str
    post: str


@dataclass(frozen=True, slots=True)
class Device:
    """A device as it was enrolled; ``key`` is the thumbprint of its key (RFC 7638)."""

    id: uuid.UUID
    kind: str
    name: str
    model: str | None
    serial: str | None
    alg: str | None
    key: str | None
    enrolled_at: datetime
    revoked_at: datetime | None = None
    revoked_reason: str | None = None
    attestation: str | None = None
    app: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was recorded, as given (decimal degrees), or why that is not known."""

    lat: str | None = None
    lon: str | None = None
    datum: str | None = None
    source: str | None = None
    accuracy_m: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """When, by the device's own clock, and corrected: ``at`` ± ``error_ms``, class A to D."""

    wall: str
    at: datetime
    error_ms: int | None
    clock_class: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a record stands: in its device's chain and in the log; ``rx`` is the receipt time."""

    device_id: uuid.UUID
    ep: int
    seq: int
    hid: str
    log_index: int
    rx: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something remarkable, with its stable code."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Step:
    """One event of the custody: ``log_index``, when, what, by whom, towards whom, why."""

    log_index: int
    at: str
    kind: str
    by: str | None
    by_device: uuid.UUID | None = None
    to: str | None = None
    purpose: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Derivative:
    """A thing made from an original; never evidence itself."""

    name: str
    mime: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ItemDetails:
    """What the house found out about a received item beyond its record."""

    captured_by: uuid.UUID
    officer_id: uuid.UUID | None
    officer_source: str
    media: str
    place: Place
    moment: Moment
    findings: tuple[Finding, ...] = ()
    derivatives: tuple[Derivative, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One object and the record that declares it.

    :param absent: why its bytes are not in the package (``erased``, ``not-received``); ``None``
        when they are.
    :param officers: the people answering for it, the recording one first.
    :param unattested: the open window in which nothing outside the device confirms the record.
    """

    id: uuid.UUID | None
    sha256: str
    size_bytes: int
    mime: str
    media: str
    name: bytes
    source: Source
    officers: tuple[Person, ...]
    officer_source: str
    captured_by: uuid.UUID
    place: Place
    moment: Moment
    findings: tuple[Finding, ...] = ()
    custody: tuple[Step, ...] = ()
    derivatives: tuple[Derivative, ...] = ()
    absent: str | None = None
    holder: str | None = None
    witness: str | None = None
    seal: str | None = None
    method: str | None = None
    unattested: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A record without objects: a line of the enforcement log."""

    act: str
    text: str | None
    source: Source
    officer: Person | None
    place: Place
    moment: Moment


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of one device's chain in the package: ``first`` … ``last`` and its head.

    ``missing`` are the gaps, each with its first and last number.
    """

    device_id: uuid.UUID
    ep: int
    first: int
    last: int
    head: str
    disclosed: int
    stubs: int
    missing: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """A key came, changed or went."""

    log_index: int
    at: str
    kind: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness saw the checkpoint."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TimeToken:
    """A time authority stamped the checkpoint (RFC 3161)."""

    authority: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log's state that the report stands on; ``root`` in hexadecimal."""

    origin: str
    size: int
    root: str
    level: str
    signed_at: datetime
    cosignatures: tuple[Cosignature, ...] = ()
    tokens: tuple[TimeToken, ...] = ()


@dataclass(frozen=True, slots=True)
class Withheld:
    """An entry of which only the header is in the package, and why."""

    log_index: int
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """The case, as far as a report names it."""

    id: uuid.UUID
    case_no: str
    cause: str | None
    status: str
    handler: Person | None
    parties: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the report and the JSON-LD say.

    :param scope: ``case`` or ``selection``.
    :param upto: the last log index that was looked at.
    :param chain_length, chain_head: of the case's own chain up to there (04 §4.1).
    :param withheld: the entries given as stubs that belong to the case itself; those of other
        cases only count in ``sources``.
    """

    export_id: uuid.UUID
    code: str
    court_name: str
    case: CaseFacts
    scope: str
    purpose: str
    recipient: str
    requested_by: Person | None
    requested_at: datetime
    upto: int
    chain_length: int
    chain_head: str | None
    checkpoint: Checkpoint | None
    people: tuple[Person, ...] = ()
    devices: tuple[Device, ...] = ()
    items: tuple[Item, ...] = ()
    notes: tuple[Note, ...] = ()
    steps: tuple[Step, ...] = ()
    sources: tuple[Stretch, ...] = ()
    keys: tuple[KeyEvent, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    findings: tuple[Finding, ...] = ()
