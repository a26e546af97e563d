"""The audit slice; see ARCHITECTURE.md."""
