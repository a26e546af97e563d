"""The clocks slice; see ARCHITECTURE.md."""
