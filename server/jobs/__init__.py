"""The jobs slice; see ARCHITECTURE.md."""
