"""Parties of a case, and what of their numbers may leave the server.

The full number of an identity document is sealed in its own column; everything else that is stored
or shown carries ``NNNNNNYYYY****NNNN``: month and day of birth are hidden (06 §3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

ID_NO: Final = re.compile(r"[0-9A-Z()-]{4,30}")
_CITIZEN = re.compile(r"[0-9]{17}[0-9X]")
_CITIZEN_OLD = re.compile(r"[0-9]{15}")  # until 1999: two digits for the year, no check digit
_WIDE = str.maketrans({0xFF10 + value: str(value) for value in range(10)} | {"（": "(", "）": ")"})
_STARS = "****"


class PartyRole(StrEnum):
    """Side of a party."""

    APPLICANT = "applicant"
    DEBTOR = "debtor"
    OUTSIDER = "outsider"


class PartyKind(StrEnum):
    """A citizen, or a legal person or other organisation."""

    NATURAL = "natural"
    LEGAL = "legal"


NATURAL_ONLY: Final = ("id_no", "sex", "birth_year", "minor", "guardian")
LEGAL_ONLY: Final = ("uscc", "legal_representative")
DETAILS: Final = (
    "id_no_masked",
    "sex",
    "birth_year",
    "minor",
    "guardian",
    "uscc",
    "legal_representative",
    "address",
    "phone",
)


def clean_id_no(text: str) -> str:
    """A document number as it is stored: no spaces, half-width, upper case."""
    return "".join(text.translate(_WIDE).split()).upper()


def mask_id_no(id_no: str) -> str:
    """Hide month and day of birth of a citizen's number, the middle of any other."""
    if _CITIZEN.fullmatch(id_no):
        return id_no[:10] + _STARS + id_no[14:]
    if _CITIZEN_OLD.fullmatch(id_no):
        return id_no[:8] + _STARS + id_no[12:]
    shown = min(2, len(id_no) // 4)
    return id_no[:shown] + _STARS + id_no[len(id_no) - shown :]


def foreign_fields(kind: str, given: Mapping[str, Any]) -> list[str]:
    """Names among ``given`` that do not belong to a party of this kind."""
    names = LEGAL_ONLY if kind == PartyKind.NATURAL else NATURAL_ONLY
    return [name for name in names if given.get(name) is not None]


def shown_details(details: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a reader or a device gets of a party's details: the allow-list, nothing else."""
    return {name: details[name] for name in DETAILS if details and details.get(name) is not None}
