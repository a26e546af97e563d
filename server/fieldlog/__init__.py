"""The fieldlog slice; see ARCHITECTURE.md."""
