"""The live slice; see ARCHITECTURE.md."""
