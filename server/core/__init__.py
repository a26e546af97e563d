"""The core slice; see ARCHITECTURE.md."""
