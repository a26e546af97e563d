"""Routes for resumable uploads (tus 1.0.0)."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("uploads", __name__)
