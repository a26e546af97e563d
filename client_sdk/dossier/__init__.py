"""Verification of exported dossiers: no network, no server (docs/dossier-format.md)."""
