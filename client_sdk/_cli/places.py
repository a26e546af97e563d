"""Options for what a record belongs to and where it was made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

import click

from client_sdk.client import FieldClient
from client_sdk.protocol.payloads import Datum, Geo, GeoSource, NoGeo

_BRACKETS: Final = str.maketrans("\uff08\uff09\u3014\u3015[]", "()()()")  # full-width and others


def position_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options for the place of a record."""
    for option in (
        click.option("--no-place", "reason", default="not-recorded", help="Why there is no place."),
        click.option("--accuracy", help="Metres."),
        click.option("--lon", help="Longitude in degrees, WGS-84."),
        click.option("--lat", help="Latitude in degrees, WGS-84."),
        click.option("--mission", help="Mission's code or id; else the one in use."),
        click.option("--case", help="Case number or id."),
    ):
        command = option(command)
    return command


def _place(lat: str | None, lon: str | None, accuracy: str | None, reason: str) -> Geo | NoGeo:
    if lat is None and lon is None:
        return NoGeo(reason)
    if lat is None or lon is None:
        raise click.UsageError("--lat and --lon come together")
    return Geo(lat, lon, Datum.WGS84, GeoSource.PEOPLE, acc_m=accuracy)


def place_of(chosen: dict[str, str | None], client: FieldClient) -> dict[str, Any]:
    """Keyword arguments of capture and log from the shared options."""
    place = _place(
        chosen["lat"], chosen["lon"], chosen["accuracy"], chosen["reason"] or "not-recorded"
    )
    case = chosen["case"]
    where: dict[str, Any] = {"case": case and case_id(case, case_names(client)), "geo": place}
    if chosen["mission"]:
        where["mission"] = mission_id(chosen["mission"], client)
    return where


def case_names(client: FieldClient) -> dict[str, str]:
    """Case numbers by id, as last pulled."""
    return {key: str(data.get("case_no") or key) for key, data in client.cases().items()}


def case_id(answer: str, names: Mapping[str, str]) -> str:
    """Id of a case by its id or number; brackets may be half- or full-width."""
    wanted = _plain(answer)
    found = [key for key, name in names.items() if wanted in (_plain(key), _plain(name))]
    if len(found) == 1:
        return found[0]
    if not found and _is_id(wanted):
        return wanted  # not pulled to this device; the server will judge
    raise click.BadParameter(f"{answer}: no such case on this device", param_hint="--case")


def mission_id(answer: str, client: FieldClient) -> str:
    """Id of a mission by its id or short code."""
    wanted = _plain(answer)
    found = [one.id for one in client.missions() if wanted in (_plain(one.code), one.id)]
    if len(found) == 1 or (not found and _is_id(wanted)):
        return found[0] if found else wanted
    raise click.BadParameter(f"{answer}: no such mission on this device", param_hint="mission")


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _plain(name: str) -> str:
    return name.strip().translate(_BRACKETS).lower()
