"""The shares slice; see ARCHITECTURE.md."""
