"""Finding an item by what people say over radio: its short code, or the beginning of one."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from server.core.context import Context
from server.evidence.models import CODE_BITS, Evidence
from server.evidence.visibility import sees_evidence

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BITS: Final = 5
_CODE: Final = re.compile(rf"[{_ALPHABET}]{{4,8}}\Z")
_ALIKE: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
FOUND_MAX: Final = 20


def code_range(text: str) -> tuple[int, int] | None:
    """First and last number of the codes that begin with a text; None for what is no code.

    Case, hyphens and blanks do not matter; O, I and L are read as the digits they look like.
    """
    plain = re.sub(r"[\s-]", "", text).upper().translate(_ALIKE)
    if not _CODE.match(plain):
        return None
    number = 0
    for letter in plain:
        number = number << _BITS | _ALPHABET.index(letter)
    rest = CODE_BITS - _BITS * len(plain)
    return number << rest, (number + 1 << rest) - 1


def by_code(ctx: Context, text: str) -> Sequence[Evidence]:
    """Visible items whose short code begins with a text, or whose id it is; a few at most."""
    wanted = _rule(text)
    if wanted is None:
        return []
    statement = (
        sa.select(Evidence).where(sees_evidence(ctx.actor), wanted).order_by(Evidence.id.desc())
    )
    return ctx.session.execute(statement.limit(FOUND_MAX)).scalars().all()


def _rule(text: str) -> sa.ColumnElement[bool] | None:
    found = code_range(text)
    if found is not None:
        return Evidence.code.between(*found)
    try:
        return Evidence.id == uuid.UUID(text.strip())
    except ValueError:
        return None
