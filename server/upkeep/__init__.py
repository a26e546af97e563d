"""Keeping what is stored: scrubbing, and the table of which column is checked by what."""
