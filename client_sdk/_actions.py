"""`FieldClient.actions`: enforcement actions written down in the field, offline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Unpack

from client_sdk._actions_signed import ActionWriter, Placed, Where
from client_sdk.models import Entered
from client_sdk.protocol.payloads import RecordKind

When = datetime | str
Day = date | str
Person = Mapping[str, str]


class Actions(ActionWriter):
    """Operations on actions; every one works offline and is durable when it returns.

    Each is one signed record. They raise EntryInvalidError for a field that the kind does not
    take, NoCaseError without a case, ActionUnknownError and ActionStateError; then nothing was
    recorded.
    """

    # -- the course of an action

    def plan(
        self,
        type: str,  # noqa: A002 - the field's name
        *,
        begins_at: When | None = None,
        place: str | None = None,
        reason: str | None = None,
        **where: Unpack[Placed],
    ) -> Entered:
        """Plan an action; `type` is one of the kind's choices (`seal`, `search` …)."""
        given = {"type": type, "begins_at": begins_at, "place": place, "reason": reason}
        return self._begin(RecordKind.ACTION_PLANNED, given, where)

    def start(
        self,
        type: str | None = None,  # noqa: A002 - the field's name
        *,
        at: When | None = None,
        place: str | None = None,
        **where: Unpack[Placed],
    ) -> Entered:
        """Begin an action: a new one, or `action`, which was planned; `at` when later written."""
        given = {"type": type, "at": at, "place": place}
        return self._begin(RecordKind.ACTION_STARTED, given, where)

    def people(
        self,
        people: Iterable[Person],
        *,
        vehicles: str | None = None,
        minors_on_site: int | None = None,
        **where: Unpack[Placed],
    ) -> Entered:
        """Who is there: each with `name` or `id` of a user, and `role`, `post`, `sex`."""
        listed = [dict(one) for one in people]
        given = {"people": listed, "vehicles": vehicles, "minors_on_site": minors_on_site}
        return self._add(RecordKind.ACTION_PEOPLE, given, where)

    def facts(
        self, facts: Mapping[str, bool], *, note: str | None = None, **where: Unpack[Placed]
    ) -> Entered:
        """Plain facts of conduct, true or false (`credentials_shown`, `uniform` …)."""
        return self._add(RecordKind.ACTION_FACTS, {"facts": dict(facts), "note": note}, where)

    def announce(self, what: str, *, words: str | None = None, **where: Unpack[Placed]) -> Entered:
        """That something was announced (`recording`, `rights` …)."""
        return self._add(RecordKind.ACTION_ANNOUNCEMENT, {"what": what, "words": words}, where)

    def item(
        self,
        no: int,
        name: str,
        *,
        photos: Sequence[str] | None = None,
        signed_by: Sequence[str] | None = None,
        fields: Mapping[str, Any] | None = None,
        **where: Unpack[Placed],
    ) -> Entered:
        """An item of the list; `photos` are digests, `fields` what else the kind takes."""
        given = {"no": no, "name": name, "photos": photos, "signed_by": signed_by}
        return self._add(RecordKind.ACTION_ITEM, {**(fields or {}), **given}, where)

    def record(
        self,
        signed_by: Sequence[str],
        *,
        refused_by: Sequence[str] | None = None,
        refusal_noted: bool | None = None,
        photos: Sequence[str] | None = None,
        text: str | None = None,
        **where: Unpack[Placed],
    ) -> Entered:
        """The written record: who signed, who refused."""
        given = {
            "signed_by": list(signed_by), "refused_by": refused_by, "refusal_noted": refusal_noted,
            "photos": photos, "text": text,
        }  # fmt: skip
        return self._add(RecordKind.ACTION_RECORD, given, where)

    def paper(
        self, paper: str, *, fields: Mapping[str, Any] | None = None, **where: Unpack[Placed]
    ) -> Entered:
        """A paper shown or served; `fields`: `no`, `by_president`, `on`, `to` and others."""
        return self._add(RecordKind.ACTION_PAPER, {**(fields or {}), "paper": paper}, where)

    def seizure(
        self,
        kind: str,
        from_on: Day,
        until_on: Day,
        *,
        value_fen: int | None = None,
        **where: Unpack[Placed],
    ) -> Entered:
        """What was sealed, impounded or frozen, and for how long."""
        given = {"kind": kind, "from_on": from_on, "until_on": until_on, "value_fen": value_fen}
        return self._add(RecordKind.ACTION_SEIZURE, given, where)

    def detention(
        self,
        *,
        days: int | None = None,
        detained_at: When | None = None,
        family_told_at: When | None = None,
        handed_to_police: bool | None = None,
        **where: Unpack[Placed],
    ) -> Entered:
        """A judicial detention."""
        given = {
            "days": days, "detained_at": detained_at, "family_told_at": family_told_at,
            "handed_to_police": handed_to_police,
        }  # fmt: skip
        return self._add(RecordKind.ACTION_DETENTION, given, where)

    def summons(
        self,
        begins_at: When | None = None,
        ends_at: When | None = None,
        *,
        complex: bool | None = None,  # noqa: A002 - the field's name
        **where: Unpack[Placed],
    ) -> Entered:
        """A forced summons and its questioning."""
        given = {"begins_at": begins_at, "ends_at": ends_at, "complex": complex}
        return self._add(RecordKind.ACTION_SUMMONS, given, where)

    def cash(
        self,
        amount_fen: int,
        *,
        taken_on: Day | None = None,
        fields: Mapping[str, Any] | None = None,
        **where: Unpack[Placed],
    ) -> Entered:
        """Money taken, today unless told; `fields`: `receipt_issued`, `payer_signed` and others."""
        given = {"amount_fen": amount_fen, "taken_on": taken_on or self._today()}
        return self._add(RecordKind.ACTION_CASH, {**(fields or {}), **given}, where)

    def body_search(self, of: str, by: str, **where: Unpack[Placed]) -> Entered:
        """The search of a person of sex `of` by somebody named."""
        return self._add(RecordKind.ACTION_BODY_SEARCH, {"of": of, "by": by}, where)

    def explain_gap(
        self, begins_at: When, ends_at: When, reason: str, **where: Unpack[Placed]
    ) -> Entered:
        """Why nothing was recorded for a while."""
        given = {"begins_at": begins_at, "ends_at": ends_at, "reason": reason}
        return self._add(RecordKind.ACTION_GAP, given, where)

    def tag(
        self,
        evidence: Sequence[str],
        tag: str,
        *,
        note: str | None = None,
        **where: Unpack[Placed],
    ) -> Entered:
        """What pictures or recordings, named by their digests, show (`seal_notice` …)."""
        given = {"evidence": list(evidence), "tag": tag, "note": note}
        return self._add(RecordKind.ACTION_TAG, given, where)

    def deliver(
        self,
        to: str,
        *,
        what: str | None = None,
        signed_by: Sequence[str] | None = None,
        photos: Sequence[str] | None = None,
        **where: Unpack[Placed],
    ) -> Entered:
        """Goods that were handed to somebody."""
        given = {"to": to, "what": what, "signed_by": signed_by, "photos": photos}
        return self._add(RecordKind.ACTION_DELIVERY, given, where)

    def end(
        self, *, at: When | None = None, result: str | None = None, **where: Unpack[Placed]
    ) -> Entered:
        """End an action; what is only known later may still be written down."""
        return self._add(RecordKind.ACTION_ENDED, {"at": at, "result": result}, where)

    def cancel(self, reason: str, **where: Unpack[Placed]) -> Entered:
        """Call off an action that has not begun."""
        return self._add(RecordKind.ACTION_CANCELLED, {"reason": reason}, where)

    # -- talks, which are about the case

    def persuade(
        self,
        with_: str,
        content: str,
        *,
        on: Day | None = None,
        response: str | None = None,
        minutes: int | None = None,
        **where: Unpack[Where],
    ) -> Entered:
        """A talk by which somebody was to be persuaded, today unless told."""
        given = {
            "on": on or self._today(), "with": with_, "content": content, "response": response,
            "minutes": minutes,
        }  # fmt: skip
        return self.write(RecordKind.CASE_PERSUASION, given, **where)

    def promise(
        self,
        by: str,
        what: str,
        due_on: Day,
        *,
        on: Day | None = None,
        amount_fen: int | None = None,
        **where: Unpack[Where],
    ) -> Entered:
        """What somebody promised to do by a day."""
        given = {
            "on": on or self._today(), "by": by, "what": what, "due_on": due_on,
            "amount_fen": amount_fen,
        }  # fmt: skip
        return self.write(RecordKind.CASE_PROMISE, given, **where)
