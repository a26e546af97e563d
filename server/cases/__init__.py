"""The cases slice; see ARCHITECTURE.md."""
