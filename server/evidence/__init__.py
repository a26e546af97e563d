"""Evidence: bytes and what is known about them."""
