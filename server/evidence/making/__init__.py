"""Redacted copies, films a browser can play, face suggestions: made in the sandbox only."""
