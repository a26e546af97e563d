"""The retention slice; see ARCHITECTURE.md."""
