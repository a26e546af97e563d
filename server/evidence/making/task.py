"""What the sandbox runs to make a file: one entry for redactions, previews and suggestions."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

import cv2
import numpy as np

from server.evidence.codec import dump
from server.evidence.findings import clean_text
from server.evidence.making.covering import cover_rgb
from server.evidence.making.faces import NoModelError, suggest
from server.evidence.making.pictures import redact_picture
from server.evidence.making.quality import FINE, SMALL
from server.evidence.making.recordings import NothingToMakeError, remake
from server.evidence.metadata.media import duration_ms, open_media
from server.evidence.pipeline import Guard, StageExpired, explain
from server.evidence.recipes import FACES, MARK, PREVIEW, Box, Marking, Recipe
from server.evidence.sandbox.products import Product

_DETAIL_MAX = 200


def make_open(
    source: BinaryIO, *, output: BinaryIO, claimed_type: str, recipe: str, guard: Guard
) -> str:
    """Make what ``recipe`` says into ``output``; a :class:`Product` as JSON.

    :param claimed_type: the type that the examination found, which chooses the demuxer.
    """
    try:
        with guard("make"):
            product = _make(source, output, claimed_type, json.loads(recipe))
            output.flush()
    except StageExpired:
        product = Product(problem="timeout", detail="took too long")
    except (NothingToMakeError, NoModelError) as error:
        code = "no-model" if isinstance(error, NoModelError) else "nothing-to-make"
        product = Product(problem=code, detail=clean_text(error, _DETAIL_MAX))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  no decoder is trusted to keep to its list
        code, detail = explain(error)
        product = Product(problem=code, detail=clean_text(detail, _DETAIL_MAX))
    return json.dumps(dump(product))


def _make(source: BinaryIO, output: BinaryIO, mime: str, wish: dict[str, Any]) -> Product:
    if wish.get("what") == MARK:
        marking = Marking.of(wish)
        return remake(source, mime, Recipe(MARK, marking.kind), output, SMALL, marking)
    recipe = Recipe.of(wish)
    if recipe.what == FACES:
        return suggest(source, mime, recipe, _duration(source, mime, recipe))
    if recipe.kind == "photo":
        return redact_picture(source, recipe, output)
    return remake(source, mime, recipe, output, SMALL if recipe.what == PREVIEW else FINE)


def _duration(source: BinaryIO, mime: str, recipe: Recipe) -> int:
    if recipe.kind == "photo":
        return 0
    with open_media(source, mime) as container:
        return duration_ms(container) or 0


def warm_up() -> None:
    """Load what the libraries load at first use, so that forked processes need no files."""
    cv2.setNumThreads(1)
    cover_rgb(np.zeros((64, 64, 3), dtype=np.uint8), [Box(0, 0, 50_000, 50_000, "blur")])
