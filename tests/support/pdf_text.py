"""Text of a PDF whose fonts are subsets with two-byte codes and ``ToUnicode`` maps."""

from __future__ import annotations

import io
import re
from typing import Any

import pypdf
from pypdf.generic import ContentStream

_PAIR = re.compile(r"<([0-9A-F]{4})> <([0-9A-F]{4,8})>")


def page_texts(pdf: bytes) -> list[str]:
    """What each page shows, in the order in which it was set."""
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    maps: dict[int, dict[int, str]] = {}
    return [_page(reader, page, maps) for page in reader.pages]


def _page(reader: Any, page: Any, maps: dict[int, dict[int, str]]) -> str:
    fonts = page["/Resources"]["/Font"]
    said, known = [], {}
    for operands, operator in ContentStream(page.get_contents(), reader).operations:
        if operator == b"Tf":
            reference = fonts.raw_get(operands[0])
            if reference.idnum not in maps:
                maps[reference.idnum] = _map(reference.get_object())
            known = maps[reference.idnum]
        elif operator == b"Tj":
            data = operands[0].original_bytes
            codes = [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]
            said.append("".join(known[code] for code in codes))
    return "\n".join(said)


def _map(font: Any) -> dict[int, str]:
    text = font["/ToUnicode"].get_object().get_data().decode("ascii")
    return {
        int(code, 16): bytes.fromhex(shown).decode("utf-16-be")
        for code, shown in _PAIR.findall(text)
    }
