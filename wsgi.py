"""Entry point for WSGI servers and for ``flask --app wsgi``."""

from server.app import create_app

app = create_app()
