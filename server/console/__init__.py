"""The console: pages for people, over the services of every slice; see ARCHITECTURE.md."""
