"""The conduct slice; see ARCHITECTURE.md."""
