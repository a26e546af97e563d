"""Small pictures, peaks and hashes made from evidence. The original is only read."""
