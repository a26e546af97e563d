"""Wire forms of this slice: what is accepted, strictly, and what is shown, by allow-list."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Any, Final

from marshmallow import (
    RAISE,
    Schema,
    ValidationError,
    fields,
    post_load,
    validate,
    validates_schema,
)

from client_sdk.protocol.ids import short_code
from server.cases.case_no import CASE_TYPES, TEXT_CHARACTERS_MAX, CaseNoError, normalise
from server.cases.commands import (
    AddCase,
    AddMission,
    Assign,
    CaseFilter,
    Change,
    MissionFilter,
    PartyCommand,
)
from server.cases.parties import ID_NO, PartyKind, PartyRole, clean_id_no
from server.cases.states import CaseStatus, MissionState
from server.core.clock import truncated
from server.core.paging import LIMIT_DEFAULT, LIMIT_MAX

INTEGER_MAX: Final = 2**53 - 1
IDS_MAX: Final = 200
_DECIMAL = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,12})?")
_YEARS = range(2000, 2100)
_DIRECTING = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F}


def _plain(text: str) -> None:
    """Refuse control characters, lone surrogates and marks that turn the writing direction."""
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cs"} or ord(character) in _DIRECTING:
            raise ValidationError("control characters are not accepted")
    if not text.strip():
        raise ValidationError("must not be empty")


def _sensible(at: datetime) -> None:
    if at.year not in _YEARS:
        raise ValidationError("the year lies between 2000 and 2099")


def _line(characters_max: int, **options: Any) -> fields.String:
    return fields.String(validate=[validate.Length(1, characters_max), _plain], **options)


def _ids(**options: Any) -> fields.List[Any]:
    return fields.List(fields.UUID(), validate=validate.Length(max=IDS_MAX), **options)


class _Moment(fields.AwareDateTime):
    """A moment with its zone, as it will be stored: UTC, whole milliseconds."""

    def _deserialize(self, *given: Any, **options: Any) -> datetime:
        at = super()._deserialize(*given, **options)
        _sensible(at)  # before the conversion, which overflows at the edges of the calendar
        return truncated(at)


def _moment(**options: Any) -> fields.AwareDateTime:
    return _Moment(format="iso", **options)


class _Strict(Schema):
    class Meta:
        unknown = RAISE


class _PageQuery(_Strict):
    cursor = fields.String(validate=validate.Length(1, 500))
    limit = fields.Integer(load_default=LIMIT_DEFAULT, validate=validate.Range(1, LIMIT_MAX))


class _PartyFields(_Strict):
    id_no = fields.String(
        validate=validate.Length(4, 40), load_only=True, allow_none=True,
        metadata={"description": "full document number; stored sealed, shown masked"},
    )  # fmt: skip
    sex = fields.String(validate=validate.OneOf(["M", "F"]), allow_none=True)
    birth_year = fields.Integer(strict=True, validate=validate.Range(1880, 2100), allow_none=True)
    minor = fields.Boolean(allow_none=True)
    guardian = _line(100, allow_none=True)
    uscc = fields.String(validate=validate.Regexp(r"[0-9A-Z]{15,18}\Z"), allow_none=True)
    legal_representative = _line(100, allow_none=True)
    address = _line(300, allow_none=True)
    phone = fields.String(validate=validate.Regexp(r"[0-9+() -]{3,40}\Z"), allow_none=True)

    @staticmethod
    def cleaned(data: dict[str, Any]) -> dict[str, Any]:
        """The fields with the document number in the form that is sealed."""
        if data.get("id_no") is not None:
            data["id_no"] = clean_id_no(data["id_no"])
            if not ID_NO.fullmatch(data["id_no"]):
                raise ValidationError("not a document number", "id_no")
        return data


class PartySchema(_PartyFields):
    """A party of a case."""

    role = fields.Enum(PartyRole, by_value=True, required=True)
    kind = fields.Enum(PartyKind, by_value=True, required=True)
    name = _line(100, required=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> PartyCommand:
        data = self.cleaned(data)
        own = {name: data.pop(name) for name in ("role", "kind", "name")}
        id_no = data.pop("id_no", None)
        details = {name: value for name, value in data.items() if value is not None}
        return PartyCommand(**own, id_no=id_no, details=details)


class ChangePartySchema(_PartyFields):
    """New values of a party's fields; null empties one."""

    role = fields.Enum(PartyRole, by_value=True)
    kind = fields.Enum(PartyKind, by_value=True)
    name = _line(100)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Change:
        return _change(self.cleaned(data))


class BasisSchema(_Strict):
    """The document that is enforced (执行依据)."""

    kind = _line(60, required=True)
    doc_no = _line(100)
    made_by = _line(100)


class _CaseFields(_Strict):
    cause = _line(200, allow_none=True)
    filed_on = fields.Date(allow_none=True)
    deadline_on = fields.Date(allow_none=True)
    handler_id = fields.UUID(allow_none=True)
    basis = fields.Nested(BasisSchema, allow_none=True)
    claim_fen = fields.Integer(
        strict=True, validate=validate.Range(0, INTEGER_MAX), allow_none=True,
        metadata={"description": "amount claimed, in fen"},
    )  # fmt: skip


class AddCaseSchema(_CaseFields):
    """A case to be filed."""

    case_no = fields.String(
        required=True, validate=validate.Length(1, TEXT_CHARACTERS_MAX),
        metadata={"example": "(2024)粤0106执123号"},
    )  # fmt: skip
    status = fields.Enum(CaseStatus, by_value=True, load_default=CaseStatus.ENFORCING)
    parties = fields.List(
        fields.Nested(PartySchema), load_default=list, validate=validate.Length(max=IDS_MAX)
    )
    officer_ids = _ids(load_default=list)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> AddCase:
        data["parties"] = tuple(data["parties"])
        data["officer_ids"] = tuple(dict.fromkeys(data["officer_ids"]))
        return AddCase(**data)


class ChangeCaseSchema(_CaseFields):
    """New values of a case's fields; null empties one."""

    status = fields.Enum(CaseStatus, by_value=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Change:
        return _change(data)


class AssignSchema(_Strict):
    """People to add to a case."""

    officer_ids = fields.List(fields.UUID(), required=True, validate=validate.Length(1, IDS_MAX))

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Assign:
        return Assign(tuple(dict.fromkeys(data["officer_ids"])))


class CaseQuery(_PageQuery):
    """Filters of the list of cases."""

    text = _line(100)
    case_no = fields.String(validate=validate.Length(1, TEXT_CHARACTERS_MAX))
    status = fields.String(validate=validate.OneOf([one.value for one in CaseStatus]))
    type_code = fields.String(validate=validate.OneOf(list(CASE_TYPES)))
    handler_id = fields.UUID()
    year = fields.Integer(validate=validate.Range(1949, 2099))

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> CaseFilter:
        if "case_no" in data:
            try:
                data["case_no"] = normalise(data["case_no"])
            except CaseNoError as error:
                raise ValidationError(str(error), "case_no") from None
        return CaseFilter(**data)


class PartyOut(_Strict):
    """A party as it is shown."""

    id = fields.UUID()
    role = fields.String()
    kind = fields.String()
    name = fields.String()
    id_no_masked = fields.String(attribute="details.id_no_masked")
    sex = fields.String(attribute="details.sex")
    birth_year = fields.Integer(attribute="details.birth_year")
    minor = fields.Boolean(attribute="details.minor")
    guardian = fields.String(attribute="details.guardian")
    uscc = fields.String(attribute="details.uscc")
    legal_representative = fields.String(attribute="details.legal_representative")
    address = fields.String(attribute="details.address")
    phone = fields.String(attribute="details.phone")


class CaseOut(_Strict):
    """A case as it is shown."""

    id = fields.UUID()
    code = fields.Function(lambda case: short_code(case.id), metadata={"type": "string"})
    version = fields.Integer()
    case_no = fields.String()
    year = fields.Integer()
    court_code = fields.String()
    type_code = fields.String()
    serial = fields.Integer()
    status = fields.String()
    cause = fields.String(allow_none=True)
    filed_on = fields.Date(allow_none=True)
    deadline_on = fields.Date(allow_none=True)
    handler_id = fields.UUID(allow_none=True)
    officer_ids = fields.List(fields.UUID())
    basis = fields.Nested(BasisSchema, allow_none=True)
    claim_fen = fields.Integer(allow_none=True)
    parties = fields.List(fields.Nested(PartyOut))
    created_at = fields.AwareDateTime(format="iso")


class PlaceSchema(_Strict):
    """Where a mission goes: a name, and WGS-84 decimals as text when known."""

    name = _line(200, required=True)
    lat = fields.String(validate=validate.Regexp(_DECIMAL.pattern + r"\Z"))
    lon = fields.String(validate=validate.Regexp(_DECIMAL.pattern + r"\Z"))

    @validates_schema(skip_on_field_errors=True)
    def _position(self, data: dict[str, Any], **_: Any) -> None:
        if ("lat" in data) != ("lon" in data):
            raise ValidationError("give lat and lon together", "lat")
        for name, limit in (("lat", 90), ("lon", 180)):
            if name in data and abs(float(data[name])) > limit:
                raise ValidationError(f"between -{limit} and {limit}", name)


class AddMissionSchema(_Strict):
    """A mission to be planned."""

    title = _line(200, required=True)
    case_ids = fields.List(fields.UUID(), required=True, validate=validate.Length(1, IDS_MAX))
    place = fields.Nested(PlaceSchema, allow_none=True)
    starts_at = _moment(required=True)
    ends_at = _moment(required=True)
    officer_ids = _ids(load_default=list)
    device_ids = _ids(load_default=list)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> AddMission:
        for name in ("case_ids", "officer_ids", "device_ids"):
            data[name] = tuple(dict.fromkeys(data[name]))
        return AddMission(**data)


class ChangeMissionSchema(_Strict):
    """New values of a mission's fields; lists replace the old ones."""

    title = _line(200)
    case_ids = fields.List(fields.UUID(), validate=validate.Length(1, IDS_MAX))
    place = fields.Nested(PlaceSchema, allow_none=True)
    starts_at = _moment()
    ends_at = _moment()
    officer_ids = _ids()
    device_ids = _ids()
    state = fields.Enum(MissionState, by_value=True)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Change:
        return _change(data)


class MissionQuery(_PageQuery):
    """Filters of the list of missions; from and to select those that overlap."""

    state = fields.String(validate=validate.OneOf([one.value for one in MissionState]))
    case_id = fields.UUID()
    officer_id = fields.UUID()
    device_id = fields.UUID()
    overlaps_from = _moment(data_key="from")
    overlaps_to = _moment(data_key="to")

    @post_load
    def _filter(self, data: dict[str, Any], **_: Any) -> MissionFilter:
        return MissionFilter(**data)


class MissionOut(_Strict):
    """A mission as it is shown."""

    id = fields.UUID()
    code = fields.Function(lambda mission: short_code(mission.id), metadata={"type": "string"})
    version = fields.Integer()
    title = fields.String()
    state = fields.String()
    place = fields.Nested(PlaceSchema, allow_none=True)
    starts_at = fields.AwareDateTime(format="iso")
    ends_at = fields.AwareDateTime(format="iso")
    case_ids = fields.List(fields.UUID())
    officer_ids = fields.List(fields.UUID())
    device_ids = fields.List(fields.UUID())
    created_by = fields.UUID(allow_none=True)
    created_at = fields.AwareDateTime(format="iso")


def _change(data: dict[str, Any]) -> Change:
    if not data:
        raise ValidationError("nothing to change")
    return Change(data)
