"""Wire protocol of Tiezheng: pure, shared by client and server.

No HTTP, no database, no clock of its own: what it needs is passed in.
"""
