"""Query strings and forms of the case and mission pages.

Forms carry the ``version`` that was read, so that two people do not overwrite each other.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import current_app
from marshmallow import Schema, ValidationError, fields, post_load, validate

from server.cases.case_no import CASE_TYPES, TEXT_CHARACTERS_MAX
from server.cases.parties import PartyKind, PartyRole
from server.cases.search import DUE_DAYS, CaseSearch, Sort
from server.cases.states import CaseStatus, MissionState
from server.cases.views import SaveView
from server.core.paging import LIMIT_MAX
from server.core.texts import readable_line
from server.evidence.boards import MissingFilter
from server.evidence.reuse import ALIKE, SAME, ReuseFilter

PAGE_ROWS: Final = 50
_NAME_MAX: Final = 200
_YEAR_MIN, _YEAR_MAX = 2000, 2099
_FEN_MAX: Final = 2**53 - 1


def line(characters_max: int = _NAME_MAX, **options: Any) -> fields.String:
    """A line that people write."""
    return fields.String(validate=[validate.Length(1, characters_max), readable_line], **options)


class LocalTime(fields.Field[datetime]):
    """What ``datetime-local`` sends: a moment without a zone, which is the court's."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        try:
            found = datetime.fromisoformat(str(value))
        except ValueError:
            raise ValidationError("not a moment") from None
        if not _YEAR_MIN <= found.year <= _YEAR_MAX:
            raise ValidationError(f"the year lies between {_YEAR_MIN} and {_YEAR_MAX}")
        if found.tzinfo is None:
            zone = current_app.extensions["tiezheng"].settings.time_zone
            found = found.replace(tzinfo=ZoneInfo(zone))
        return found.astimezone(UTC)


class _PageQuery(Schema):
    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=PAGE_ROWS, validate=validate.Range(1, LIMIT_MAX))


class CaseListQuery(_PageQuery):
    """Filters of the list of cases."""

    text = line(100)
    status = fields.String(validate=validate.OneOf([one.value for one in CaseStatus]))
    type_code = fields.String(data_key="type", validate=validate.OneOf(list(CASE_TYPES)))
    handler_id = fields.UUID(data_key="handler")
    year = fields.Integer(validate=validate.Range(1949, 2099))
    under_way = fields.Boolean()
    anomalies = fields.Boolean()
    filed_from = fields.Date()
    filed_to = fields.Date()
    due = fields.String(validate=validate.OneOf(list(DUE_DAYS)))
    sort = fields.Enum(Sort, by_value=True, load_default=Sort.NEWEST)

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> CaseSearch:
        return CaseSearch(**data)


class TimelineQuery(Schema):
    """A window of a case's timeline, the shared cursor in it, and the selected item."""

    starts_at = LocalTime(data_key="from")
    ends_at = LocalTime(data_key="to")
    at = LocalTime()
    item = fields.UUID()
    cursor = fields.String(validate=validate.Length(1, 500))


class SaveViewForm(Schema):
    """A list to be kept under a name."""

    page = fields.String(required=True, validate=validate.OneOf(["cases", "missing", "review"]))
    name = line(60, required=True)
    query = fields.String(load_default="", validate=validate.Length(max=2000))
    shared = fields.Boolean(load_default=False)
    back = fields.String(load_default="/cases", validate=validate.Length(max=3000))

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> tuple[SaveView, str]:
        back = data.pop("back")
        return SaveView(**data), back


class BackForm(Schema):
    """A form without fields of its own."""

    back = fields.String(load_default="/cases", validate=validate.Length(max=3000))
    version = fields.Integer()


class MissingQuery(_PageQuery):
    """Filters of the missing-item board."""

    case_id = fields.UUID(data_key="case")
    device_id = fields.UUID(data_key="device")
    officer_id = fields.UUID(data_key="officer")

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> MissingFilter:
        return MissingFilter(**data)


class ReuseQuery(_PageQuery):
    """Filters of the reuse board."""

    case_id = fields.UUID(data_key="case")
    kind = fields.String(validate=validate.OneOf([SAME, ALIKE]))

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> ReuseFilter:
        return ReuseFilter(**data)


class _CaseFields(Schema):
    cause = line(allow_none=True)
    filed_on = fields.Date(allow_none=True)
    deadline_on = fields.Date(allow_none=True)
    handler_id = fields.UUID(allow_none=True)
    claim_yuan = fields.Decimal(places=2, validate=validate.Range(0), allow_none=True)
    status = fields.Enum(CaseStatus, by_value=True)

    @staticmethod
    def in_fen(data: dict[str, Any]) -> dict[str, Any]:
        """The amount as it is stored."""
        yuan: Decimal | None = data.pop("claim_yuan", None)
        fen = None if yuan is None else int(yuan * 100)
        if fen is not None and fen > _FEN_MAX:
            raise ValidationError("too large", "claim_yuan")
        return {**data, "claim_fen": fen}


class AddCaseForm(_CaseFields):
    """A case to be filed; its parties are added on its page."""

    case_no = fields.String(required=True, validate=validate.Length(1, TEXT_CHARACTERS_MAX))

    @post_load
    def _values(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return self.in_fen(data)


class ChangeCaseForm(_CaseFields):
    """All fields of a case; what was emptied becomes nothing."""

    version = fields.Integer(required=True)

    @post_load
    def _values(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        known = ("cause", "filed_on", "deadline_on", "handler_id")
        return self.in_fen({**dict.fromkeys(known), **data})


class AssignForm(Schema):
    """People to add to a case."""

    officer_ids = fields.List(fields.UUID(), data_key="officer", required=True)


class PartyForm(Schema):
    """A party; the document number is kept unless a new one is written."""

    version = fields.Integer()
    role = fields.Enum(PartyRole, by_value=True, required=True)
    kind = fields.Enum(PartyKind, by_value=True, required=True)
    name = line(100, required=True)
    id_no = fields.String(validate=validate.Length(4, 40))
    minor = fields.Boolean()
    uscc = fields.String(validate=validate.Regexp(r"[0-9A-Z]{15,18}\Z"))
    legal_representative = line(100)
    address = line(300)
    phone = fields.String(validate=validate.Regexp(r"[0-9+() -]{3,40}\Z"))


class MissionListQuery(_PageQuery):
    """Filters of the list of missions."""

    state = fields.String(validate=validate.OneOf([one.value for one in MissionState]))
    case_id = fields.UUID(data_key="case")
    officer_id = fields.UUID(data_key="officer")
    device_id = fields.UUID(data_key="device")
    overlaps_from = LocalTime(data_key="from")
    overlaps_to = LocalTime(data_key="to")


class MissionForm(Schema):
    """A mission to be planned or changed; times are the court's."""

    version = fields.Integer()
    title = line(required=True)
    case_numbers = fields.String(data_key="cases", required=True, validate=validate.Length(1, 4000))
    place = line()
    lat = fields.Decimal(validate=validate.Range(-90, 90))
    lon = fields.Decimal(validate=validate.Range(-180, 180))
    starts_at = LocalTime(required=True)
    ends_at = LocalTime(required=True)
    officer_ids = fields.List(fields.UUID(), data_key="officer", load_default=list)
    device_ids = fields.List(fields.UUID(), data_key="device", load_default=list)

    @post_load
    def _place(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        name, lat, lon = (data.pop(one, None) for one in ("place", "lat", "lon"))
        if (lat is None) != (lon is None):
            raise ValidationError("give both or none", "lat")
        if name is None and lat is not None:
            raise ValidationError("name the place", "place")
        place = None if name is None else {"name": name}
        if place is not None and lat is not None:
            place |= {"lat": f"{lat:.7f}", "lon": f"{lon:.7f}"}
        return {**data, "place": place}


class MissionStateForm(Schema):
    """The next state of a mission."""

    version = fields.Integer(required=True)
    state = fields.Enum(MissionState, by_value=True, required=True)
