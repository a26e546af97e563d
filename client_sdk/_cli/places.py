"""Options for what a record belongs to and where it was made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from client_sdk.protocol.payloads import Datum, Geo, GeoSource, NoGeo


def position_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options for the place of a record."""
    for option in (
        click.option("--no-place", "reason", default="not-recorded", help="Why there is no place."),
        click.option("--accuracy", help="Metres."),
        click.option("--lon", help="Longitude in degrees, WGS-84."),
        click.option("--lat", help="Latitude in degrees, WGS-84."),
        click.option("--mission", help="Mission id; else the one in use."),
        click.option("--case", help="Case id."),
    ):
        command = option(command)
    return command


def _place(lat: str | None, lon: str | None, accuracy: str | None, reason: str) -> Geo | NoGeo:
    if lat is None and lon is None:
        return NoGeo(reason)
    if lat is None or lon is None:
        raise click.UsageError("--lat and --lon come together")
    return Geo(lat, lon, Datum.WGS84, GeoSource.PEOPLE, acc_m=accuracy)


def place_of(chosen: dict[str, str | None]) -> dict[str, Any]:
    """Keyword arguments of capture and log from the shared options."""
    place = _place(
        chosen["lat"], chosen["lon"], chosen["accuracy"], chosen["reason"] or "not-recorded"
    )
    where: dict[str, Any] = {"case": chosen["case"], "geo": place}
    if chosen["mission"]:
        where["mission"] = chosen["mission"]
    return where
