"""An officer's day, played through the public API against a real server."""
