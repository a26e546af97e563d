"""Disclosure: what leaves the house, to whom and why, as a package that proves itself."""
