"""Invited observers: their invitations, what they watch and say, and that they were there."""
