"""The Tiezheng server: slices on floors; see ARCHITECTURE.md."""
