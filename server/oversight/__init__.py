"""The oversight slice; see ARCHITECTURE.md."""
