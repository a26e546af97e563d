"""Operator commands, one group a file."""
