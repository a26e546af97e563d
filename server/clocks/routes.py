"""Routes of the clocks slice, and the page that cameras photograph."""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import Final

from flask import Blueprint, Response, render_template, request

from server.clocks import queries, timecode
from server.clocks.commands import LedgerFilter
from server.clocks.models import ClockObservation
from server.clocks.schemas import LedgerQuery, ObservationOut, TimeCodeOut
from server.clocks.timecode import TimeCode
from server.core.context import Context
from server.core.endpoint import endpoint
from server.core.paging import Page
from server.core.permissions import Permission

LANGUAGES: Final = ("zh", "en")

blueprint = Blueprint("clocks", __name__)
page = Blueprint("time", __name__, template_folder="templates")


@blueprint.get("/time-qr")
@endpoint(Permission.PUBLIC, dump=TimeCodeOut)
def time_code(ctx: Context) -> TimeCode:
    """The signed time code of this second, as text."""
    return timecode.present(ctx.runtime)


@blueprint.get("/time-qr.svg")
@endpoint(Permission.PUBLIC, responses={200: "image/svg+xml"})
def time_code_svg(ctx: Context) -> Response:
    """The signed time code of this second, as a QR picture."""
    return _fresh(Response(timecode.present(ctx.runtime).svg(), mimetype="image/svg+xml"))


@blueprint.get("/devices/<uuid:device_id>/clock")
@endpoint(Permission.DEVICES_VIEW, query=LedgerQuery, dump=ObservationOut)
def ledger_of_device(
    ctx: Context, device_id: uuid.UUID, query: LedgerFilter
) -> Page[ClockObservation]:
    """List how far a device's clock was from a better one, newest first."""
    return queries.observations_of(ctx, device_id, query)


@page.get("/time-qr")
@endpoint(Permission.PUBLIC)
def time_page(ctx: Context) -> Response:
    """The time code as a page to photograph, new each second; ?lang=zh or en."""
    lang, code = _language(), timecode.present(ctx.runtime)
    text = render_template(
        "time_qr.html",
        lang=lang,
        picture=code.svg_inline(),
        dial=timecode.dial(code.at, ctx.settings.time_zone, lang),
        seconds=code.valid_seconds,
    )
    response = _fresh(Response(text, mimetype="text/html"))
    response.headers["Content-Language"] = "zh-Hans" if lang == "zh" else "en"
    response.headers["Vary"] = "Accept-Language"
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src {_digest('time_qr.css')}; "
        f"script-src {_digest('time_qr.js')}; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    return response


def _language() -> str:
    asked = request.args.get("lang", "")
    if asked in LANGUAGES:
        return asked
    return request.accept_languages.best_match(LANGUAGES, default="zh")


def _digest(template: str) -> str:
    """The page's one style and one script are allowed by what they are, nothing else."""
    digest = hashlib.sha256(render_template(template).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
