"""FieldClient: the one door to the SDK."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Literal, Self
from uuid import UUID

from client_sdk._actions import Actions
from client_sdk._actions_kept import KeptActions
from client_sdk._actions_signed import ActionTools
from client_sdk._capturing import as_id, captured_of, describe, open_source, optional_id
from client_sdk._clock import DeviceClock, SystemClock, read_instant, wall_ms
from client_sdk._custody import Custody
from client_sdk._durable import FileLock, make_directory
from client_sdk._epochs import SigningKeys
from client_sdk._files import FileStore
from client_sdk._keystore import Keystore, OpenedKeystore, Protection, SecretStore, system_keyring
from client_sdk._ledger import Ledger
from client_sdk._link import EnrolAs, Link, Options
from client_sdk._looking import Looking
from client_sdk._outbox import (
    IN_USE,
    NOT_RECORDED,
    SIGNED_IN,
    Identity,
    Outbox,
    Reconciled,
    Subject,
)
from client_sdk._recorder import Recorder, Recording
from client_sdk._recording import RecordingFiles
from client_sdk._store import Store
from client_sdk._sync import Syncer, SyncParts
from client_sdk._transport import Transport
from client_sdk._wiping import CardPlace, WipeItem, Wiper
from client_sdk.errors import FieldError
from client_sdk.models import (
    Captured,
    ClosedMission,
    OnProgress,
    Progress,
    SyncReport,
    no_progress,
)
from client_sdk.protocol.heads import HeadText
from client_sdk.protocol.ids import IdSource
from client_sdk.protocol.keys import Algorithm
from client_sdk.protocol.parts import HandOver
from client_sdk.protocol.payloads import Geo, Media, NoGeo, Payload, RecordKind
from client_sdk.protocol.statements import Ticket

__all__ = ["IN_USE", "SIGNED_IN", "FieldClient", "Options"]

_MISSION: Final = "mission"
_DEFAULTS: Final = Options()


class FieldClient(Looking):
    """A field device's durable outbox and its link to one server.

    `store` is the device's own folder. Everything but `enrol`, `sign_in`, `ticket`,
    `pull` and `sync` works offline. With a `passphrase`, or an OS keyring, a new
    store is encrypted; `protection` tells. Use it as a context manager.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        store: Path | str,
        transport: Transport | None = None,
        clock: DeviceClock | None = None,
        passphrase: str | None = None,
        secrets: SecretStore | Literal["system"] | None = "system",
        options: Options = _DEFAULTS,
    ) -> None:
        self.root = Path(store).expanduser()
        self._clock = clock or SystemClock()
        self._options = options
        ids = IdSource(lambda: wall_ms(self._clock), options.randbytes)
        opened = self._open_keystore(passphrase, secrets)
        self.protection: Protection = opened.protection
        self._store = Store(self.root, opened.vault, ballast_bytes=options.ballast_bytes)
        try:
            self._files = FileStore(self.root, opened.vault, lambda: str(ids()))
            self._ledger = Ledger(self._store)
            keys = SigningKeys(
                self.root, self._ledger, opened.vault, lambda: str(ids()), options.key_life
            )
            self._outbox = Outbox(
                self.root, self._ledger, self._files, self._clock, options.randbytes, keys
            )
            self._recorder = Recorder(
                self._outbox,
                RecordingFiles(self.root, opened.vault),
                self._files,
                self._store,
                self._clock,
                ids,
            )
            self._wiper = Wiper(
                self._outbox, self._ledger, self._files, self._clock, lambda: self.officer_id
            )
            self._custody = Custody(self._outbox, self._ledger, self._clock)
            kept = KeptActions(self._ledger)
            tools = ActionTools(self._outbox, kept, self._clock, ids, self._subject)
            self.actions = Actions(tools)
            self._link = Link(base_url, transport, self._clock, self._store, self._outbox, options)
            self.reconciled: Reconciled = self._outbox.reconcile()
        except BaseException:
            self._store.close()
            raise

    def _open_keystore(
        self, passphrase: str | None, secrets: SecretStore | Literal["system"] | None
    ) -> OpenedKeystore:
        make_directory(self.root)
        with FileLock(self.root / "open.lock").hold():
            if secrets == "system":
                secrets = None if passphrase is not None else system_keyring()
            return Keystore(self.root, self._options.randbytes).open(passphrase, secrets)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the store and, if it is the client's own, the connection."""
        self._link.close()
        self._store.close()

    # -- identity

    @property
    def identity(self) -> Identity:
        """This device's identity; NotEnrolledError before `enrol`."""
        return self._outbox.require_identity()

    @property
    def enrolled(self) -> bool:
        """Whether this store has an identity."""
        return self._outbox.identity is not None

    @property
    def base_url(self) -> str | None:
        """The server's address, None while it is unknown."""
        return self._link.base_url

    @property
    def officer_id(self) -> UUID | None:
        """The officer who signed in last on this device."""
        return self._link.officer_id

    @property
    def officer_name(self) -> str:
        """That officer's name, empty when nobody is signed in."""
        return self._link.officer_name

    def enrol(
        self,
        code: str,
        *,
        name: str,
        model: str = "",
        serial: str = "",
        alg: Algorithm = Algorithm.ES256,
        fingerprint: str | None = None,
    ) -> Identity:
        """Bind this store to a court by a one-time code; pins the server's keys.

        The key is made here and never leaves. `code` may be the whole text of the
        enrolment QR, which brings the address and the server key's fingerprint.
        A lost answer is healed by enrolling again with the same code.
        """
        return self._link.enrol(code, EnrolAs(name, model, serial), alg, fingerprint)

    def sign_in(self, login: str, password: str, totp: str | None = None) -> UUID:
        """Sign an officer in on this device; the officer's id."""
        previous = self.officer_id
        officer = self._link.sign_in(login, password, totp)
        if previous not in (None, officer):
            self.use_mission(None)
        return officer

    def sign_out(self) -> None:
        """End the officer's sign-in; captures stay attributable by duty booking."""
        self._link.sign_out()

    # -- missions

    def pull(self) -> int:
        """Fetch what changed for this device and officer; the number of changes."""
        return self._syncer(0.0, no_progress).pull_only()

    def use_mission(self, mission_id: UUID | str | None) -> None:
        """Captures from now on belong to this mission unless they say otherwise."""
        self._store.put(_MISSION, None if mission_id is None else str(mission_id))

    def ticket(self, mission_id: UUID | str) -> Ticket:
        """Fetch the mission's ticket before departure; its records will carry it."""
        return self._link.fetch_ticket(str(mission_id), self._ledger)

    # -- capturing, also offline

    def capture(  # noqa: PLR0913 - keyword-only facts, each optional
        self,
        source: Path | str | bytes | BinaryIO,
        *,
        name: str | bytes | None = None,
        mime: str | None = None,
        media: Media | None = None,
        case: UUID | str | None = None,
        mission: UUID | str | None = IN_USE,
        geo: Geo | NoGeo = NOT_RECORDED,
        text: str | None = None,
        captured_by: UUID | str | None = None,
        who: UUID | str | None = SIGNED_IN,
        match: dict[str, Any] | None = None,
        place: str | None = None,
        on_progress: OnProgress = no_progress,
    ) -> Captured:
        """Keep a file (path, bytes or open file) as evidence; durable when it returns.

        `captured_by` is the camera or recorder that a dock reads. Without `case` and
        `mission` the mission in use decides; `mission=None` and `who=None` say that
        they are not known. `docked(place)` finds the capture later.
        """
        at = read_instant(self._clock)
        subject = replace(
            self._subject(case, mission, geo, who),
            text=text,
            captured_by=optional_id(captured_by),
            match=match,
        )
        with contextlib.ExitStack() as stack:
            pieces, given, size, unchanged = open_source(source, stack)
            raw = name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name
            file = describe(given if raw is None else raw, mime, media)
            label = file.name.decode("utf-8", "replace")
            recorded = self._outbox.capture(
                pieces,
                file,
                subject,
                place=place,
                at=at,
                size_hint_bytes=size,
                on_bytes=lambda done: on_progress(Progress("copy", label, done, max(size, done))),
                unchanged=unchanged,
            )
        return captured_of(recorded)

    def recording(
        self,
        name: str | bytes,
        *,
        mime: str | None = None,
        media: Media | None = None,
        case: UUID | str | None = None,
        mission: UUID | str | None = IN_USE,
        geo: Geo | NoGeo = NOT_RECORDED,
        text: str | None = None,
        who: UUID | str | None = SIGNED_IN,
    ) -> Recording:
        """A recording that runs: `with client.recording("a.mp4") as r: r.write(data)`.

        Its chunks are durable and bound by records each minute; what was written before a
        cut is recovered at the next start and provable up to the last of these records.
        """
        raw = name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name
        subject = replace(self._subject(case, mission, geo, who), text=text)
        return Recording(self._recorder, describe(raw, mime, media), subject)

    def log(
        self,
        text: str,
        *,
        case: UUID | str | None = None,
        mission: UUID | str | None = IN_USE,
        geo: Geo | NoGeo = NOT_RECORDED,
    ) -> Captured:
        """Append a log entry (at most 4,000 characters); durable when it returns."""
        subject = self._subject(case, mission, geo, SIGNED_IN)
        return captured_of(self._outbox.note(text, subject))

    def hand_over(self, to_user: UUID | str, *, booking: UUID | str | None = None) -> Captured:
        """Record that this device passes to another officer."""
        subject = self._subject(None, None, NOT_RECORDED, SIGNED_IN)
        to = HandOver(as_id(to_user), as_id(booking) if booking else None)
        payload = Payload(
            RecordKind.DUTY_HANDOVER,
            read_instant(self._clock),
            subject.geo,
            who=subject.who,
            hand_over=to,
        )
        return captured_of(self._outbox.append(payload))

    def _subject(
        self,
        case: UUID | str | None,
        mission: UUID | str | None,
        geo: Geo | NoGeo,
        who: UUID | str | None,
    ) -> Subject:
        if mission == IN_USE:
            mission = None if case else self._store.get(_MISSION)
        chosen = optional_id(mission)
        of_case = optional_id(case)
        if chosen is not None and of_case is None:
            cases = next((m.case_ids for m in self.missions() if m.id == str(chosen)), ())
            of_case = UUID(cases[0]) if len(cases) == 1 else None
        nonce = self._link.ticket_nonce(chosen)
        officer = self.officer_id if who == SIGNED_IN else optional_id(who)
        return Subject(who=officer, case=of_case, mission=chosen, ticket=nonce, geo=geo)

    def wipe_plan(self, card: Iterable[CardPlace] | None = None) -> list[WipeItem]:
        """Originals on this device, or files of a card: what may be deleted, and why not."""
        return self._wiper.here() if card is None else self._wiper.on_card(card)

    def wipe(self, item: WipeItem) -> bool:
        """Delete an original that is safe to delete, after its tombstone; False when it isn't."""
        return self._wiper.wipe(item)

    # -- sending

    def sync(
        self,
        *,
        patience_seconds: float = 30.0,
        receipts_wait_seconds: float = 5.0,
        on_progress: OnProgress = no_progress,
    ) -> SyncReport:
        """Send everything, fetch changes and receipts; the same call offline and online.

        Goes on through cuts until nothing moved for `patience_seconds`; what is left
        stays for the next time. StoreBusyError while another process syncs.
        """
        syncer = self._syncer(patience_seconds, on_progress)
        with FileLock(self.root / "sync.lock").hold(wait=False):
            return syncer.run(receipts_wait_seconds)

    def _syncer(self, patience_seconds: float, on_progress: OnProgress) -> Syncer:
        parts = SyncParts(
            api=self._link.api(),
            ledger=self._ledger,
            files=self._files,
            outbox=self._outbox,
            tokens=self._link.tokens(),
            trust=self._link.trust(),
            clock=self._clock,
            identity=self.identity,
            uniform=self._options.uniform,
        )
        return Syncer(parts, str(self.officer_id or "device"), patience_seconds, on_progress)

    # -- custody

    def head(self) -> HeadText:
        """This device's newest record, signed: its `text` goes into a QR for another device."""
        return self._custody.head()

    def attest(self, text: str) -> Captured:
        """Record the head that another device shows: it can't be rewritten unnoticed then."""
        return captured_of(self._custody.attest(text, self.officer_id))

    def close_mission(
        self, mission: UUID | str | None = IN_USE, *, witness: str | None = None
    ) -> ClosedMission:
        """Record count and head of a mission at its end, and who saw them on the screen."""
        subject = self._subject(None, mission, NOT_RECORDED, SIGNED_IN)
        if subject.mission is None:
            raise FieldError("name the mission that is to be closed")
        closed = self._custody.close_mission(subject.mission, subject, witness)
        if self._store.get(_MISSION) == closed.mission:
            self.use_mission(None)
        return closed
