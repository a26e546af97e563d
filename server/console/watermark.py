"""A picture laid over a guest's page: who looks and since when, again and again.

It is an image, so it is there without scripts and in print; it is the guest's own and never kept
by a browser.
"""

from __future__ import annotations

from html import escape

from flask import Response

_TEMPLATE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="100%" height="100%">'
    '<defs><pattern id="p" width="360" height="150" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(-24)">'
    '<g font-family="system-ui, sans-serif" font-size="15" fill="#7f7f7f" fill-opacity=".28">'
    '<text x="8" y="40">{first}</text><text x="8" y="64">{second}</text></g></pattern></defs>'
    '<rect width="100%" height="100%" fill="url(#p)"/></svg>'
)
CSP = "sandbox; default-src 'none'"


def drawn(first: str, second: str) -> Response:
    """Two lines of text, tiled over whatever lies below."""
    text = _TEMPLATE.format(first=escape(first), second=escape(second))
    response = Response(text, mimetype="image/svg+xml")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = CSP
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
