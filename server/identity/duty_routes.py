"""Routes for duty bookings."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("duty", __name__)
