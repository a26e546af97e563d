"""The register slice; see ARCHITECTURE.md."""
