"""The review slice; see ARCHITECTURE.md."""
