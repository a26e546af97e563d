"""The identity slice; see ARCHITECTURE.md."""
