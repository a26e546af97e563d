"""The sync slice; see ARCHITECTURE.md."""
