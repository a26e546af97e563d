"""The notices slice; see ARCHITECTURE.md."""
