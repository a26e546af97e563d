"""Starting, playing through and checking a whole installation."""
