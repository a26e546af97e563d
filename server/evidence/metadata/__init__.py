"""Reading what a file says about itself. Pure functions on bytes or open files."""
