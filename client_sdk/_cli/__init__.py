"""Parts of the `tiezheng` command."""
