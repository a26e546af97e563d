"""Places that keep bytes: blobs by their SHA-256, uploads under way, and locks."""
